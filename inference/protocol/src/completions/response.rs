//! The completion's answer. A streamed chunk is the same object with a piece of the text.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::chat::{FinishReason, StopReason, TokenLogprob, Usage};
use crate::number::shortest;

/// `object: "text_completion"`. The usage chunk of a stream has no choices.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Completion {
    pub id: String,
    pub object: Cow<'static, str>,
    /// Unix seconds.
    pub created: u64,
    pub model: String,
    pub choices: Vec<CompletionChoice>,
    /// Always there in a whole answer; in a stream only on the chunk that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

impl Completion {
    pub fn new(id: String, created: u64, model: String, choices: Vec<CompletionChoice>) -> Self {
        Self { id, object: "text_completion".into(), created, model, choices, usage: None }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CompletionChoice {
    /// Choice `c` of prompt `p` has `p * n + c`.
    pub index: u32,
    pub text: String,
    #[serde(default)]
    pub logprobs: Option<CompletionLogprobs>,
    /// Null until the last chunk of a stream.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<StopReason>,
}

/// Four columns of equal length, one row per token.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CompletionLogprobs {
    /// Characters from the start of the choice's text to the token.
    pub text_offset: Vec<usize>,
    /// Null for a prompt's first token, which nothing predicts.
    pub token_logprobs: Vec<Option<f32>>,
    pub tokens: Vec<String>,
    /// Token to log probability; null where only the token's own was asked for or none exists.
    pub top_logprobs: Vec<Option<Map<String, Value>>>,
}

impl CompletionLogprobs {
    /// Adds a token that stands `text_offset` characters into the choice's text. `None`: the prompt's first.
    /// With `with_top`, the alternatives and the token itself are listed, the likeliest first.
    pub fn push(&mut self, token: &str, text_offset: usize, logprob: Option<&TokenLogprob>, with_top: bool) {
        self.tokens.push(token.to_owned());
        self.text_offset.push(text_offset);
        self.token_logprobs.push(logprob.map(|logprob| logprob.logprob));
        let top = logprob.filter(|_| with_top).map(|drawn| {
            let mut top = Map::new();
            for other in &drawn.top_logprobs {
                // Two tokens may decode to one text: the likelier one, which comes first, stands.
                top.entry(other.token.as_str()).or_insert_with(|| shortest(other.logprob));
            }
            top.entry(drawn.token.as_str()).or_insert_with(|| shortest(drawn.logprob));
            top
        });
        self.top_logprobs.push(top);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::TopLogprob;
    use serde_json::json;

    #[test]
    fn logprobs_are_columns_of_one_length() {
        let top = |token: &str, logprob: f32| TopLogprob { token: token.into(), logprob, bytes: None };
        let drawn = TokenLogprob {
            token: " b".into(),
            logprob: -2.0,
            bytes: None,
            top_logprobs: vec![top(" a", -1.1), top(" a", -1.5)],
        };
        let mut logprobs = CompletionLogprobs::default();
        logprobs.push("x", 0, None, true);
        logprobs.push(" b", 1, Some(&drawn), true);
        logprobs.push(" b", 3, Some(&drawn), false);
        assert_eq!(
            serde_json::to_value(&logprobs).unwrap(),
            json!({
                "text_offset": [0, 1, 3],
                "token_logprobs": [null, -2.0, -2.0],
                "tokens": ["x", " b", " b"],
                "top_logprobs": [null, { " a": -1.1, " b": -2.0 }, null],
            })
        );
    }

    #[test]
    fn a_chunk_says_null_until_its_end() {
        let choice = CompletionChoice { text: "a".into(), ..CompletionChoice::default() };
        let chunk = Completion::new("cmpl-1".into(), 1, "m".into(), vec![choice]);
        assert_eq!(
            serde_json::to_value(&chunk).unwrap(),
            json!({ "id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
                "choices": [{ "index": 0, "text": "a", "logprobs": null, "finish_reason": null }] })
        );
    }
}
