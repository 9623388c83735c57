//! The fields of a request that steer drawing, stopping and structure, the same for chat and completions.
//!
//! A view rather than a flattened struct: a flattened field is read through a buffer, where an error forgets its name.

use serde_json::Value;

use crate::chat::{ChatRequest, LogitBias};
use crate::completions::CompletionRequest;

/// What a request says about sampling, unchecked. Each field is called as on the wire, so that an error can name it.
#[derive(Debug, Clone, Copy)]
pub struct SamplingFields<'a> {
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub top_k: Option<i64>,
    pub min_p: Option<f64>,
    pub typical_p: Option<f64>,
    pub seed: Option<i64>,
    pub n: Option<i64>,
    /// Completions only.
    pub best_of: Option<i64>,
    pub max_tokens: Option<i64>,
    /// Chat only; stands before `max_tokens`.
    pub max_completion_tokens: Option<i64>,
    pub min_tokens: Option<i64>,
    pub stop: Option<&'a [String]>,
    pub stop_token_ids: Option<&'a [u32]>,
    pub ignore_eos: Option<bool>,
    pub include_stop_str_in_output: Option<bool>,
    pub skip_special_tokens: Option<bool>,
    pub presence_penalty: Option<f64>,
    pub frequency_penalty: Option<f64>,
    pub repetition_penalty: Option<f64>,
    pub logit_bias: Option<&'a LogitBias>,
    pub allowed_token_ids: Option<&'a [u32]>,
    pub logprobs: LogprobFields,
    pub guided_json: Option<&'a Value>,
    pub guided_regex: Option<&'a str>,
    pub guided_choice: Option<&'a [String]>,
    pub guided_grammar: Option<&'a str>,
    pub structured_outputs: Option<&'a Value>,
    pub response_format: Option<&'a Value>,
    pub priority: Option<i64>,
    pub cache_salt: Option<&'a str>,
}

/// The two ways to ask for log probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogprobFields {
    Chat { logprobs: Option<bool>, top_logprobs: Option<i64> },
    Completion { logprobs: Option<i64> },
}

impl ChatRequest {
    pub fn sampling(&self) -> SamplingFields<'_> {
        SamplingFields {
            temperature: self.temperature,
            top_p: self.top_p,
            top_k: self.top_k,
            min_p: self.min_p,
            typical_p: self.typical_p,
            seed: self.seed,
            n: self.n,
            best_of: None,
            max_tokens: self.max_tokens,
            max_completion_tokens: self.max_completion_tokens,
            min_tokens: self.min_tokens,
            stop: self.stop.as_ref().map(|stop| stop.0.as_slice()),
            stop_token_ids: self.stop_token_ids.as_deref(),
            ignore_eos: self.ignore_eos,
            include_stop_str_in_output: self.include_stop_str_in_output,
            skip_special_tokens: self.skip_special_tokens,
            presence_penalty: self.presence_penalty,
            frequency_penalty: self.frequency_penalty,
            repetition_penalty: self.repetition_penalty,
            logit_bias: self.logit_bias.as_ref(),
            allowed_token_ids: self.allowed_token_ids.as_deref(),
            logprobs: LogprobFields::Chat { logprobs: self.logprobs, top_logprobs: self.top_logprobs },
            guided_json: self.guided_json.as_ref(),
            guided_regex: self.guided_regex.as_deref(),
            guided_choice: self.guided_choice.as_deref(),
            guided_grammar: self.guided_grammar.as_deref(),
            structured_outputs: self.structured_outputs.as_ref(),
            response_format: self.response_format.as_ref(),
            priority: self.priority,
            cache_salt: self.cache_salt.as_deref(),
        }
    }
}

impl CompletionRequest {
    pub fn sampling(&self) -> SamplingFields<'_> {
        SamplingFields {
            temperature: self.temperature,
            top_p: self.top_p,
            top_k: self.top_k,
            min_p: self.min_p,
            typical_p: self.typical_p,
            seed: self.seed,
            n: self.n,
            best_of: self.best_of,
            max_tokens: self.max_tokens,
            max_completion_tokens: None,
            min_tokens: self.min_tokens,
            stop: self.stop.as_ref().map(|stop| stop.0.as_slice()),
            stop_token_ids: self.stop_token_ids.as_deref(),
            ignore_eos: self.ignore_eos,
            include_stop_str_in_output: self.include_stop_str_in_output,
            skip_special_tokens: self.skip_special_tokens,
            presence_penalty: self.presence_penalty,
            frequency_penalty: self.frequency_penalty,
            repetition_penalty: self.repetition_penalty,
            logit_bias: self.logit_bias.as_ref(),
            allowed_token_ids: self.allowed_token_ids.as_deref(),
            logprobs: LogprobFields::Completion { logprobs: self.logprobs },
            guided_json: self.guided_json.as_ref(),
            guided_regex: self.guided_regex.as_deref(),
            guided_choice: self.guided_choice.as_deref(),
            guided_grammar: self.guided_grammar.as_deref(),
            structured_outputs: self.structured_outputs.as_ref(),
            response_format: self.response_format.as_ref(),
            priority: self.priority,
            cache_salt: self.cache_salt.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    /// Every shared field, given to both endpoints, must come out of both views alike.
    #[test]
    fn chat_and_completions_show_the_same_fields() {
        let mut body = json!({
            "model": "m", "temperature": 0.1, "top_p": 0.2, "top_k": 3, "min_p": 0.4, "typical_p": 0.5, "seed": 6,
            "n": 7, "max_tokens": 8, "min_tokens": 9, "stop": ["a"], "stop_token_ids": [1], "ignore_eos": true,
            "include_stop_str_in_output": true, "skip_special_tokens": false, "presence_penalty": 1.0,
            "frequency_penalty": 1.1, "repetition_penalty": 1.2, "logit_bias": { "1": 2.0 },
            "allowed_token_ids": [1, 2], "guided_json": {}, "guided_regex": "r", "guided_choice": ["c"],
            "guided_grammar": "g", "structured_outputs": { "regex": "x" }, "response_format": { "type": "text" },
            "priority": 5, "cache_salt": "s",
        });
        body["prompt"] = json!("x");
        let completion = crate::completions::parse_request(body.to_string().as_bytes()).unwrap();
        body["messages"] = json!([{ "role": "user", "content": "x" }]);
        let chat = crate::chat::parse_request(body.to_string().as_bytes()).unwrap();
        let text = |fields: super::SamplingFields<'_>| {
            let logprobs = super::LogprobFields::Completion { logprobs: None };
            format!("{:?}", super::SamplingFields { logprobs, ..fields })
        };
        assert_eq!(text(chat.sampling()), text(completion.sampling()));
        let nones = text(chat.sampling()).matches("None").count();
        assert_eq!(nones, 3, "best_of, max_completion_tokens and logprobs alone were not given");
    }
}
