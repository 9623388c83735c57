//! Chat answers as providers really send them: what is strange about one counts as absent, for it is no reason to refuse
//! a good answer.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{ChatChunk, ChatCompletion, ChatLogprobs, ToolCall, ToolCallDelta, Usage};

impl ChatCompletion {
    /// `None` for what has no choice with a message.
    pub fn read(answer: &Value) -> Option<Self> {
        let choices = choices(answer, "message", |message| {
            keep_readable::<ToolCall>(message, "tool_calls");
        })?;
        let choices = choices.into_iter().map(|mut choice| {
            // A whole answer has ended, whether it says so or not.
            if choice["finish_reason"].is_null() {
                choice["finish_reason"] = json!("stop");
            }
            choice
        });
        let mut read = beginning(answer);
        read.insert("choices".to_owned(), choices.collect());
        read.insert("usage".to_owned(), json!(Usage::read(&answer["usage"]).unwrap_or_default()));
        serde_json::from_value(Value::Object(read)).ok()
    }
}

impl ChatChunk {
    /// `None` for what has no list of choices.
    pub fn read(chunk: &Value) -> Option<Self> {
        let choices = choices(chunk, "delta", |delta| {
            keep_readable::<ToolCallDelta>(delta, "tool_calls");
        })?;
        let mut read = beginning(chunk);
        read.insert("choices".to_owned(), Value::Array(choices));
        read.insert("usage".to_owned(), json!(Usage::read(&chunk["usage"])));
        serde_json::from_value(Value::Object(read)).ok()
    }
}

fn beginning(answer: &Value) -> Map<String, Value> {
    let text = |name: &str| json!(answer[name].as_str().unwrap_or_default());
    let created = answer["created"].as_u64().or_else(|| answer["created"].as_f64().map(|seconds| seconds as u64));
    let fields = ["id", "object", "model"].map(|name| (name.to_owned(), text(name)));
    fields.into_iter().chain([("created".to_owned(), json!(created.unwrap_or(0)))]).collect()
}

fn choices(answer: &Value, name: &str, mut tidy: impl FnMut(&mut Map<String, Value>)) -> Option<Vec<Value>> {
    let choices = answer["choices"].as_array()?.iter().enumerate().map(|(at, choice)| {
        let mut said = choice[name].as_object().cloned().unwrap_or_default();
        read_texts(&mut said);
        tidy(&mut said);
        let reason = choice["stop_reason"].as_str().map(|text| json!(text)).or_else(|| {
            let token = u32::try_from(choice["stop_reason"].as_u64()?).ok()?;
            Some(json!(token))
        });
        json!({
            "index": choice["index"].as_u64().and_then(|index| u32::try_from(index).ok()).unwrap_or(at as u32),
            name: said,
            "logprobs": serde_json::from_value::<ChatLogprobs>(choice["logprobs"].clone()).ok(),
            "finish_reason": finish_reason(&choice["finish_reason"]),
            "stop_reason": reason,
        })
    });
    Some(choices.collect())
}

/// Texts that are none count as absent. Content may be a list of parts; reasoning has two names in use.
fn read_texts(said: &mut Map<String, Value>) {
    if let Some(parts) = said.get("content").and_then(Value::as_array) {
        let text: String = parts.iter().filter_map(|part| part["text"].as_str()).collect();
        said.insert("content".to_owned(), json!(text));
    }
    if let Some(reasoning) = said.remove("reasoning").filter(Value::is_string) {
        said.entry("reasoning_content").or_insert(reasoning);
    }
    for name in ["role", "content", "refusal", "reasoning_content"] {
        if said.get(name).is_some_and(|value| !value.is_string()) {
            said.remove(name);
        }
    }
}

fn keep_readable<T: DeserializeOwned>(said: &mut Map<String, Value>, name: &str) {
    let Some(list) = said.remove(name) else { return };
    let Value::Array(list) = list else { return };
    let readable = |item: &Value| serde_json::from_value::<T>(item.clone()).is_ok();
    let list: Vec<Value> = list.into_iter().filter(readable).collect();
    if !list.is_empty() {
        said.insert(name.to_owned(), Value::Array(list));
    }
}

/// Reasons that are not OpenAI's mean that the model ended by itself.
fn finish_reason(reason: &Value) -> Option<&'static str> {
    Some(match reason.as_str()? {
        "length" | "max_tokens" => "length",
        "tool_calls" | "function_call" | "tool_use" => "tool_calls",
        "content_filter" | "safety" => "content_filter",
        _ => "stop",
    })
}

#[cfg(test)]
mod tests {
    use super::super::FinishReason;
    use super::*;

    #[test]
    fn strange_answers_are_read_as_far_as_they_go() {
        let answer = json!({ "created": 1.5, "choices": [{ "message": { "role": 1, "content": [{ "type": "text",
            "text": "a" }, { "text": "b" }], "reasoning": "why", "tool_calls": [{ "id": 7 }, { "id": "c", "function":
            { "name": "f", "arguments": "{}" } }] }, "finish_reason": "eos", "logprobs": "none", "stop_reason": 1.5 }],
            "usage": { "prompt_tokens": 3.0 } });
        let read = ChatCompletion::read(&answer).unwrap();
        let choice = &read.choices[0];
        assert_eq!((choice.message.content.as_deref(), read.usage.prompt_tokens, read.created), (Some("ab"), 3, 1));
        assert_eq!(choice.message.reasoning_content.as_deref(), Some("why"));
        assert_eq!(choice.message.tool_calls.as_ref().unwrap().len(), 1);
        assert_eq!((choice.finish_reason, &choice.logprobs, &choice.stop_reason), (FinishReason::Stop, &None, &None));
        assert!(ChatCompletion::read(&json!({ "error": {} })).is_none());
    }

    #[test]
    fn chunks_without_an_end_have_none() {
        let chunk = json!({ "choices": [{ "index": 2, "delta": { "content": null, "tool_calls": [{ "index": 0,
            "function": { "arguments": "{" } }] }, "finish_reason": null }], "usage": null });
        let read = ChatChunk::read(&chunk).unwrap();
        assert_eq!((read.choices[0].index, read.choices[0].finish_reason, read.usage), (2, None, None));
        assert_eq!(read.choices[0].delta.tool_calls.as_ref().unwrap().len(), 1);
        let end = json!({ "choices": [{ "delta": null, "finish_reason": "function_call" }] });
        assert_eq!(ChatChunk::read(&end).unwrap().choices[0].finish_reason, Some(FinishReason::ToolCalls));
        assert!(ChatChunk::read(&json!({ "choices": [] })).unwrap().choices.is_empty());
    }
}
