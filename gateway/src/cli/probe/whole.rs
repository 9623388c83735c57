//! Answers that come whole, against what OpenAI's API says of them.

use serde_json::Value;

use super::reading::{Call, Reading};

pub(super) fn read_chat(reading: &mut Reading, body: &Value) {
    reading.expect(
        "",
        body,
        &[("id", &["string"]), ("created", &["integer"]), ("model", &["string"]), ("choices", &["array"])],
    );
    if body.get("object").and_then(Value::as_str) != Some("chat.completion") {
        reading.problem("object is not 'chat.completion'");
    }
    let choices = body.get("choices").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if choices.is_empty() {
        reading.problem("there is no choice");
    }
    if choices.len() > 1 {
        reading.odd("there are more choices than one");
    }
    for choice in choices {
        reading.expect(
            "choices[].",
            choice,
            &[("index", &["integer"]), ("message", &["object"]), ("finish_reason", &["string"])],
        );
        if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
            reading.note_finish(reason);
        }
        read_message(reading, choice.get("message").unwrap_or(&Value::Null));
    }
    if let Some(usage) = body.get("usage").filter(|usage| !usage.is_null()) {
        reading.note_usage(usage);
    }
    reading.conclude();
}

fn read_message(reading: &mut Reading, message: &Value) {
    reading.expect("choices[].message.", message, &[("role", &["string"]), ("content", &["string", "null"])]);
    if message.get("role").and_then(Value::as_str).is_some_and(|role| role != "assistant") {
        reading.problem("choices[].message.role is not 'assistant'");
    }
    reading.has_text |= message.get("content").and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty());
    for call in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
        let path = "choices[].message.tool_calls[].";
        reading.expect(path, call, &[("id", &["string"]), ("type", &["string"]), ("function", &["object"])]);
        let function = call.get("function").unwrap_or(&Value::Null);
        reading.expect(
            "choices[].message.tool_calls[].function.",
            function,
            &[("name", &["string"]), ("arguments", &["string"])],
        );
        let text = |name: &str| function.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        reading.calls.push(Call { name: text("name"), arguments: text("arguments") });
    }
}

pub(super) fn read_embeddings(reading: &mut Reading, body: &Value) {
    reading.expect("", body, &[("object", &["string"]), ("data", &["array"]), ("model", &["string"])]);
    let data = body.get("data").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if data.len() != 1 {
        reading.problem("there is not one vector for one text");
    }
    for item in data {
        reading.expect("data[].", item, &[("object", &["string"]), ("index", &["integer"]), ("embedding", &["array"])]);
        let numbers = item.get("embedding").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if numbers.is_empty() || !numbers.iter().all(Value::is_number) {
            reading.problem("data[].embedding has something else than numbers");
        }
    }
    reading.has_usage = body.get("usage").is_some_and(Value::is_object);
    if !reading.has_usage {
        reading.odd("usage is missing");
    }
}

/// Not OpenAI's, which has none: Cohere's and Jina's, as vLLM serves it.
pub(super) fn read_rerank(reading: &mut Reading, body: &Value) {
    reading.expect("", body, &[("results", &["array"])]);
    let results = body.get("results").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if results.len() != 2 {
        reading.problem("there are not two results for two documents");
    }
    for result in results {
        reading.expect("results[].", result, &[("index", &["integer"]), ("relevance_score", &["number"])]);
    }
    reading.has_usage = body.get("usage").is_some_and(Value::is_object);
}
