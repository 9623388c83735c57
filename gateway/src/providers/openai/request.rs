//! The outgoing body: the very bytes of every field that was scanned, with the model and our own wishes spliced in.

use std::borrow::Cow;

use indexmap::IndexMap;
use memchr::memmem;
use serde_json::value::RawValue;
use shekara_protocol::error::ApiError;

use crate::providers::upload::{Form, form};
use crate::providers::{AttemptError, FailureKind, Outgoing};

type Fields<'a> = IndexMap<Cow<'a, str>, Cow<'a, RawValue>>;

/// A body and what it is.
pub(in crate::providers) struct OutgoingBody {
    pub content_type: String,
    pub bytes: Vec<u8>,
}

/// Replaces `model`, asks for usage at the end of a stream, and bounds the answer where the caller did not. With
/// files along, it is a form of the same fields.
///
/// # Errors
/// The body is no JSON object, which a scanned request always is.
pub(in crate::providers) fn outgoing_body(
    body: &[u8],
    model: &str,
    outgoing: Outgoing<'_>,
) -> Result<OutgoingBody, AttemptError> {
    if let Some(uploads) = outgoing.enclosed.uploads() {
        let Form { content_type, body: bytes } = form(body, model, uploads)?;
        return Ok(OutgoingBody { content_type, bytes });
    }
    let plain;
    let body = if outgoing.is_translated {
        plain = without_others_words(body, &OTHERS_WORDS)?;
        plain.as_slice()
    } else {
        body
    };
    let spliced = splice(body, model, outgoing).map_err(|error| {
        // The error's own text may quote the body.
        tracing::error!(line = error.line(), column = error.column(), "a scanned body could not be taken apart");
        AttemptError::from(FailureKind::BrokenResponse)
    });
    Ok(OutgoingBody { content_type: "application/json".to_owned(), bytes: spliced? })
}

/// A body as OpenAI itself takes it: without thoughts that others signed, and where it was translated, without the fields
/// that only engines like vLLM know.
///
/// # Errors
/// It begins the answer, which OpenAI's API has no words for.
pub(in crate::providers) fn for_openai_itself(body: &[u8], is_translated: bool) -> Result<Vec<u8>, AttemptError> {
    if !is_translated {
        return without_others_words(body, &["thinking_blocks"]);
    }
    let mut fields: Fields<'_> = serde_json::from_slice(body).map_err(|_| FailureKind::BrokenResponse)?;
    if fields.get("continue_final_message").is_some_and(|raw| raw.get() == "true") {
        let error = ApiError::unsupported("messages", "A last message of the assistant is");
        return Err(AttemptError::Refused(error));
    }
    for name in ["continue_final_message", "add_generation_prompt", "chat_template_kwargs"] {
        fields.shift_remove(name);
    }
    serde_json::to_vec(&fields).map_err(|_| FailureKind::BrokenResponse.into())
}

/// What only translations to Anthropic's API make use of.
const OTHERS_WORDS: [&str; 3] = ["thinking", "thinking_blocks", "cache_control"];

/// A body without members of this name: its own, those of its messages and tools, and those of parts of content.
fn without_others_words(body: &[u8], names: &[&str]) -> Result<Vec<u8>, AttemptError> {
    if !names.iter().any(|name| memmem::find(body, name.as_bytes()).is_some()) {
        return Ok(body.to_vec());
    }
    let stripped = || -> serde_json::Result<Vec<u8>> {
        let mut fields: Fields<'_> = serde_json::from_slice(body)?;
        for name in names {
            fields.shift_remove(*name);
        }
        for list in ["messages", "tools"] {
            if let Some(raw) = fields.get_mut(list).filter(|raw| raw.get().starts_with('[')) {
                *raw = Cow::Owned(without_members(raw, names, "content")?);
            }
        }
        serde_json::to_vec(&fields)
    };
    stripped().map_err(|_| FailureKind::BrokenResponse.into())
}

/// The same list of objects without members of these names, and without those of the list that stands at `below`.
fn without_members(list: &RawValue, names: &[&str], below: &str) -> serde_json::Result<Box<RawValue>> {
    let mut items: Vec<Fields<'_>> = serde_json::from_str(list.get())?;
    for item in &mut items {
        for name in names {
            item.shift_remove(*name);
        }
        if let Some(raw) = item.get_mut(below).filter(|raw| raw.get().starts_with('[')) {
            *raw = Cow::Owned(without_members(raw, names, below)?);
        }
    }
    serde_json::value::to_raw_value(&items)
}

fn splice(body: &[u8], model: &str, outgoing: Outgoing<'_>) -> serde_json::Result<Vec<u8>> {
    let mut fields: Fields<'_> = serde_json::from_slice(body)?;
    set(&mut fields, "model", &model)?;
    if outgoing.stream {
        let options = fields.get("stream_options").map_or("null", |raw| raw.get());
        let mut options: Option<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(options)?;
        options.get_or_insert_default().insert("include_usage".to_owned(), true.into());
        set(&mut fields, "stream_options", &options)?;
    }
    let unset = |fields: &Fields<'_>, name: &str| fields.get(name).is_none_or(|raw| raw.get() == "null");
    let may_bound = outgoing.is_generated && unset(&fields, "max_tokens") && unset(&fields, "max_completion_tokens");
    if let Some(limit) = outgoing.max_output_tokens.filter(|_| may_bound) {
        fields.shift_remove("max_tokens");
        set(&mut fields, "max_completion_tokens", &limit)?;
    }
    let tier = outgoing.batch.and_then(|batch| batch.service_tier).filter(|_| unset(&fields, "service_tier"));
    if let Some(tier) = tier {
        set(&mut fields, "service_tier", &tier)?;
    }
    serde_json::to_vec(&fields)
}

fn set(fields: &mut Fields<'_>, name: &'static str, value: &impl serde::Serialize) -> serde_json::Result<()> {
    fields.insert(Cow::Borrowed(name), Cow::Owned(serde_json::value::to_raw_value(value)?));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outgoing(stream: bool, max_output_tokens: Option<u32>) -> Outgoing<'static> {
        let (path, is_generated) = ("/chat/completions", true);
        Outgoing {
            path,
            is_generated,
            counts_tokens: false,
            stream,
            is_translated: false,
            max_output_tokens,
            tenant: "t",
            request_id: "r",
            now: jiff::Timestamp::UNIX_EPOCH,
            enclosed: crate::providers::Enclosed::default(),
            alerts: None,
            key: 0,
            batch: None,
        }
    }

    fn text(body: &str, stream: bool, limit: Option<u32>) -> String {
        String::from_utf8(splice(body.as_bytes(), "real", outgoing(stream, limit)).unwrap()).unwrap()
    }

    #[test]
    fn unknown_fields_and_their_spelling_stay() {
        let body = r#"{"x": {"b":1e5, "a" : "\u0041"},"model":"alias","messages":[ ]}"#;
        assert_eq!(text(body, false, None), r#"{"x":{"b":1e5, "a" : "\u0041"},"model":"real","messages":[ ]}"#);
    }

    #[test]
    fn a_stream_asks_for_usage_and_keeps_other_options() {
        let body = r#"{"model":"a","stream_options":{"include_obfuscation":false,"include_usage":false}}"#;
        let expected = r#"{"model":"real","stream_options":{"include_obfuscation":false,"include_usage":true}}"#;
        assert_eq!(text(body, true, None), expected);
        assert!(text(r#"{"stream_options":null}"#, true, None).contains(r#"{"include_usage":true}"#));
    }

    #[test]
    fn openai_itself_gets_nothing_that_only_engines_know() {
        let body = br#"{"model":"m","chat_template_kwargs":{"enable_thinking":false},"messages":[]}"#;
        assert_eq!(for_openai_itself(body, true).unwrap(), br#"{"model":"m","messages":[]}"#);
        let begun = br#"{"continue_final_message":true,"add_generation_prompt":false,"messages":[]}"#;
        assert!(matches!(for_openai_itself(begun, true), Err(AttemptError::Refused(_))));
    }

    #[test]
    fn what_others_alone_know_stays_behind() {
        let body = r#"{"model":"m","thinking":{"type":"enabled"},"messages":[{"role":"user","content":[{"type":"text","text":"cache_control",
            "cache_control":{}}]},{"role":"assistant","content":"thinking","thinking_blocks":[{"type":"thinking"}]}],
            "tools":[{"type":"function","cache_control":{},"function":{"name":"f"}}]}"#;
        let plain = without_others_words(body.as_bytes(), &OTHERS_WORDS).unwrap();
        let expected = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"cache_control"}]},{"role":"assistant","content":"thinking"}],"tools":[{"type":"function","function":{"name":"f"}}]}"#;
        assert_eq!(String::from_utf8(plain).unwrap(), expected);
        let own = br#"{"x":1.0e5,"messages":[{"role":"assistant","thinking_blocks":[], "content":"a"}],"thinking":1}"#;
        let expected = br#"{"x":1.0e5,"messages":[{"role":"assistant","content":"a"}],"thinking":1}"#;
        assert_eq!(for_openai_itself(own, false).unwrap(), expected);
    }

    #[test]
    fn the_bound_is_only_for_who_set_none() {
        assert!(text(r#"{"max_tokens":null}"#, false, Some(9)).contains(r#""max_completion_tokens":9"#));
        assert!(!text(r#"{"max_tokens":5}"#, false, Some(9)).contains('9'));
    }
}
