//! Gemini's candidates as a chat answer.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::refuse_blocked;
use crate::providers::{AttemptError, FailureKind};

/// Hexadecimal digits of an id that is made here.
const ID_DIGITS: usize = 24;

/// What an answer does not say about itself.
#[derive(Debug, Clone)]
pub(super) struct About {
    request_id: String,
    model: String,
    created: u64,
}

/// What a candidate ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    As(&'static str),
    /// The model came to no answer that can be used.
    Broken,
}

impl About {
    pub(super) fn new(request_id: &str, model: &str) -> Self {
        let created = u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default();
        Self { request_id: request_id.to_owned(), model: model.to_owned(), created }
    }

    /// The members that every chunk and answer has.
    pub(super) fn head(&self, answer: &Value, object: &str) -> Value {
        let id = answer["responseId"].as_str().map_or_else(|| format!("chatcmpl-{}", self.request_id), str::to_owned);
        let model = answer["modelVersion"].as_str().unwrap_or(&self.model);
        json!({ "id": id, "object": object, "created": self.created, "model": model })
    }

    /// A function call of a part, as chat writes it. One without an id gets one that the same answer always gives it.
    pub(super) fn call(&self, part: &Value, (candidate, index): (u64, usize)) -> Option<Value> {
        let call = part.get("functionCall")?;
        let id = call["id"].as_str().filter(|id| !id.is_empty()).map_or_else(
            || {
                let digest = Sha256::digest(format!("{}/{candidate}/{index}", self.request_id));
                let number = digest.iter().take(16).fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
                let digits = format!("{number:032x}");
                format!("call_{}", &digits[..ID_DIGITS])
            },
            str::to_owned,
        );
        let arguments =
            call.get("args").filter(|args| args.is_object()).map_or_else(|| "{}".to_owned(), Value::to_string);
        let mut told = json!({ "id": id, "type": "function",
            "function": { "name": call["name"], "arguments": arguments } });
        if let Some(signature) = part["thoughtSignature"].as_str() {
            told["extra_content"] = json!({ "google": { "thought_signature": signature } });
        }
        Some(told)
    }
}

/// # Errors
/// The prompt is refused, or the model came to no answer.
pub(super) fn as_chat(answer: &Value, about: &About) -> Result<Option<Value>, AttemptError> {
    refuse_blocked(answer)?;
    let Some(candidates) = answer["candidates"].as_array() else { return Ok(None) };
    let mut choices = Vec::new();
    for (place, candidate) in candidates.iter().enumerate() {
        let index = candidate["index"].as_u64().unwrap_or(place as u64);
        choices.push(choice(candidate, index, about)?);
    }
    let mut chat = about.head(answer, "chat.completion");
    chat["choices"] = json!(choices);
    chat["usage"] = usage(&answer["usageMetadata"]);
    Ok(Some(chat))
}

fn choice(candidate: &Value, index: u64, about: &About) -> Result<Value, AttemptError> {
    let (mut content, mut reasoning, mut calls) = (None::<String>, None::<String>, Vec::new());
    for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
        if let Some(call) = about.call(part, (index, calls.len())) {
            calls.push(call);
        } else if let Some(text) = part["text"].as_str() {
            let said = if part["thought"] == true { &mut reasoning } else { &mut content };
            said.get_or_insert_default().push_str(text);
        }
    }
    let ended = match candidate["finishReason"].as_str().map(|reason| finish_reason(reason, !calls.is_empty())) {
        Some(Ended::As(reason)) => Some(reason),
        Some(Ended::Broken) => return Err(FailureKind::BrokenResponse.into()),
        None => None,
    };
    let mut said = json!({ "role": "assistant", "content": content });
    if let Some(reasoning) = reasoning {
        said["reasoning_content"] = json!(reasoning);
    }
    if !calls.is_empty() {
        said["tool_calls"] = json!(calls);
    }
    let logprobs = logprobs(&candidate["logprobsResult"]);
    Ok(json!({ "index": index, "message": said, "logprobs": logprobs, "finish_reason": ended }))
}

pub(super) fn finish_reason(reason: &str, has_calls: bool) -> Ended {
    match reason {
        "MAX_TOKENS" => Ended::As("length"),
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION" => Ended::As("content_filter"),
        "MALFORMED_FUNCTION_CALL"
        | "MALFORMED_RESPONSE"
        | "UNEXPECTED_TOOL_CALL"
        | "TOO_MANY_TOOL_CALLS"
        | "MISSING_THOUGHT_SIGNATURE" => Ended::Broken,
        _ if has_calls => Ended::As("tool_calls"),
        _ => Ended::As("stop"),
    }
}

/// Chat counts thoughts as a part of the answer, and what a cache had as a part of the prompt.
pub(super) fn usage(usage: &Value) -> Value {
    let count = |name: &str| usage[name].as_u64().unwrap_or(0);
    let (thoughts, cached) = (count("thoughtsTokenCount"), count("cachedContentTokenCount"));
    let prompt = count("promptTokenCount").saturating_add(count("toolUsePromptTokenCount"));
    let completion = count("candidatesTokenCount").saturating_add(thoughts);
    json!({
        "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt.saturating_add(completion),
        "prompt_tokens_details": { "cached_tokens": cached },
        "completion_tokens_details": { "reasoning_tokens": thoughts },
    })
}

/// The tokens that were chosen, each with those that could have been.
pub(super) fn logprobs(result: &Value) -> Value {
    let Some(chosen) = result["chosenCandidates"].as_array() else { return Value::Null };
    let one = |token: &Value| {
        let text = token["token"].as_str().unwrap_or_default();
        json!({ "token": text, "logprob": token["logProbability"], "bytes": text.as_bytes() })
    };
    let tokens = chosen.iter().enumerate().map(|(place, token)| {
        let others = result["topCandidates"][place]["candidates"].as_array();
        let mut told = one(token);
        told["top_logprobs"] = others.into_iter().flatten().map(one).collect();
        told
    });
    json!({ "content": tokens.collect::<Vec<_>>() })
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
