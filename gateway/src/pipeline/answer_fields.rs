//! Where the texts of an answer's message or delta stand.

use serde_json::{Map, Value, json};

use super::answer_filter::FilterError;

/// Members of a message or delta that are text.
pub(super) const TEXTS: [&str; 4] = ["content", "refusal", "reasoning", "reasoning_content"];
/// The place of the thoughts among them.
pub(super) const REASONING: usize = 3;

/// One text of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    /// By its place in [`TEXTS`].
    Text(usize),
    FunctionCall,
    /// By its index.
    ToolCall(u64),
}

/// Every text of a message or delta. Content that is a list of parts is one text in pieces.
pub(super) fn for_each_text(
    message: &mut Map<String, Value>,
    first_call: u64,
    mut visit: impl FnMut(Field, &mut String) -> Result<(), FilterError>,
) -> Result<(), FilterError> {
    for (place, name) in TEXTS.into_iter().enumerate() {
        match message.get_mut(name) {
            Some(Value::String(text)) => visit(Field::Text(place), text)?,
            Some(Value::Array(parts)) => {
                for part in parts {
                    if let Some(Value::String(text)) = part.get_mut("text") {
                        visit(Field::Text(place), text)?;
                    }
                }
            }
            _ => {}
        }
    }
    if let Some(Value::String(arguments)) = message.get_mut("function_call").and_then(|call| call.get_mut("arguments"))
    {
        visit(Field::FunctionCall, arguments)?;
    }
    let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
    for (place, call) in (first_call..).zip(calls.into_iter().flatten()) {
        let index = call.get("index").and_then(Value::as_u64).unwrap_or(place);
        for (kind, member) in [("function", "arguments"), ("custom", "input")] {
            if let Some(Value::String(arguments)) = call.get_mut(kind).and_then(|call| call.get_mut(member)) {
                visit(Field::ToolCall(index), arguments)?;
            }
        }
    }
    Ok(())
}

pub(super) fn append(delta: &mut Map<String, Value>, field: Field, rest: &str) {
    let text = match field {
        Field::Text(place) => {
            let name = TEXTS.get(place).copied().unwrap_or("content");
            let text = delta.entry(name).or_insert(Value::Null);
            if !text.is_string() {
                *text = json!("");
            }
            text
        }
        Field::FunctionCall => {
            let call = delta.entry("function_call").or_insert_with(|| json!({ "arguments": "" }));
            &mut call["arguments"]
        }
        Field::ToolCall(index) => {
            let calls = delta.entry("tool_calls").or_insert_with(|| json!([]));
            let Some(calls) = calls.as_array_mut() else { return };
            let is_own = |call: &Value| call.get("index").and_then(Value::as_u64) == Some(index);
            let own = calls.iter().position(is_own).unwrap_or_else(|| {
                calls.push(json!({ "index": index, "function": { "arguments": "" } }));
                calls.len() - 1
            });
            let Some(call) = calls.get_mut(own) else { return };
            if call.get("custom").is_some() { &mut call["custom"]["input"] } else { &mut call["function"]["arguments"] }
        }
    };
    let before = text.as_str().unwrap_or_default();
    *text = Value::String(format!("{before}{rest}"));
}
