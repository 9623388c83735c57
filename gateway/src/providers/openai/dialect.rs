//! How those who speak OpenAI's API differ from it, as far as a difference is known: one row each, no code.

use std::borrow::Cow;

use indexmap::IndexMap;
use serde_json::value::RawValue;

use crate::config::Preset;
use crate::providers::{AttemptError, FailureKind};

type Fields<'a> = IndexMap<Cow<'a, str>, Cow<'a, RawValue>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// Answers are bounded by `max_tokens`; the newer name is not known.
    has_max_tokens_only: bool,
    /// Instructions have one role, `system`.
    has_system_only: bool,
    /// Usage comes in a stream without being asked for, and asking is an error.
    has_no_stream_options: bool,
    /// What `reasoning_content` of earlier messages is called.
    thoughts: &'static str,
    /// Words for an answer that has ended well.
    pub(super) stops: &'static [&'static str],
    /// A word for one that has ended badly.
    pub(super) broken: Option<&'static str>,
}

const THOUGHTS: &str = "reasoning_content";

/// Most of them.
const COMMON: Dialect = Dialect {
    has_max_tokens_only: true,
    has_system_only: true,
    has_no_stream_options: false,
    thoughts: THOUGHTS,
    stops: &[],
    broken: None,
};

pub(super) fn dialect(preset: Preset) -> Dialect {
    match preset {
        Preset::Cerebras | Preset::Groq => Dialect { has_max_tokens_only: false, thoughts: "reasoning", ..COMMON },
        Preset::Deepseek => Dialect { broken: Some("insufficient_system_resource"), ..COMMON },
        Preset::Ollama => Dialect { thoughts: "reasoning", ..COMMON },
        Preset::Openrouter => {
            Dialect { has_system_only: false, thoughts: "reasoning", broken: Some("error"), ..COMMON }
        }
        Preset::Perplexity => Dialect { has_no_stream_options: true, ..COMMON },
        Preset::Together => Dialect { thoughts: "reasoning", stops: &["eos"], ..COMMON },
        Preset::Vllm | Preset::Xai => Dialect { has_max_tokens_only: false, ..COMMON },
        Preset::Deepinfra
        | Preset::Fireworks
        | Preset::LlamaCpp
        | Preset::LmStudio
        | Preset::Moonshot
        | Preset::Sglang => COMMON,
    }
}

impl Dialect {
    /// A request as it is understood there: other names around the very bytes that were scanned.
    ///
    /// # Errors
    /// The body is no JSON object, which a scanned request always is.
    pub(super) fn request(self, body: &[u8]) -> Result<Vec<u8>, AttemptError> {
        let mut fields: Fields<'_> = serde_json::from_slice(body).map_err(|_| FailureKind::BrokenResponse)?;
        if self.has_max_tokens_only
            && let Some(bound) = fields.shift_remove("max_completion_tokens").filter(|bound| bound.get() != "null")
        {
            fields.insert(Cow::Borrowed("max_tokens"), bound);
        }
        if self.has_no_stream_options {
            fields.shift_remove("stream_options");
        }
        let messages = fields.get("messages").map(|messages| self.messages(messages.get()));
        if let Some(messages) = messages.transpose().map_err(|_| FailureKind::BrokenResponse)? {
            fields.insert(Cow::Borrowed("messages"), Cow::Owned(messages));
        }
        serde_json::to_vec(&fields).map_err(|_| FailureKind::BrokenResponse.into())
    }

    fn messages(self, messages: &str) -> serde_json::Result<Box<RawValue>> {
        let mut messages: Vec<Fields<'_>> = serde_json::from_str(messages)?;
        for message in &mut messages {
            let role = message.get("role").and_then(|role| serde_json::from_str::<Cow<'_, str>>(role.get()).ok());
            if self.has_system_only && role.is_some_and(|role| role == "developer") {
                message.insert(Cow::Borrowed("role"), Cow::Owned(serde_json::value::to_raw_value("system")?));
            }
            if self.thoughts != THOUGHTS
                && let Some(thoughts) = message.shift_remove(THOUGHTS)
            {
                message.entry(Cow::Borrowed(self.thoughts)).or_insert(thoughts);
            }
        }
        serde_json::value::to_raw_value(&messages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(preset: Preset, body: &str) -> String {
        String::from_utf8(dialect(preset).request(body.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn only_what_differs_is_written_otherwise() {
        let body = concat!(
            r#"{"model":"m","x":{"b":1e5,  "a":"\u0041"},"max_completion_tokens":9,"stream_options":{"include_usage":true},"#,
            r#""messages":[{"role":"developer","content":[ ]},{"role":"assistant","reasoning_content":"Hm.","content":"\u0041"}]}"#
        );
        let x = r#""x":{"b":1e5,  "a":"\u0041"}"#;
        let options = r#""stream_options":{"include_usage":true}"#;
        let thought = |name: &str| format!(r#"{{"role":"assistant","content":"\u0041","{name}":"Hm."}}"#);
        let system = r#"{"role":"system","content":[ ]}"#;
        let expected =
            format!(r#"{{"model":"m",{x},{options},"messages":[{system},{}],"max_tokens":9}}"#, thought("reasoning"));
        assert_eq!(told(Preset::Together, body), expected);
        assert!(told(Preset::Vllm, body).contains(r#""max_completion_tokens":9"#));
        assert!(!told(Preset::Perplexity, body).contains("stream_options"));
        let openrouter = told(Preset::Openrouter, body);
        assert!(openrouter.contains(r#""role":"developer""#) && openrouter.contains(r#""reasoning":"Hm.""#));
        let deepseek = told(Preset::Deepseek, body);
        assert!(deepseek.contains(r#""reasoning_content":"Hm.""#) && deepseek.contains(x), "{deepseek}");
    }

    #[test]
    fn the_newer_bound_wins_and_nothing_else_is_touched() {
        assert_eq!(told(Preset::Deepseek, r#"{"max_tokens":1,"max_completion_tokens":2}"#), r#"{"max_tokens":2}"#);
        assert_eq!(told(Preset::Deepseek, r#"{"max_tokens":1,"max_completion_tokens":null}"#), r#"{"max_tokens":1}"#);
        assert_eq!(told(Preset::Ollama, r#"{"input":["x"]}"#), r#"{"input":["x"]}"#);
    }
}
