//! Messages of a request as a chat template wants them.

use serde_json::{Map, Value, json};
use shekara_protocol::chat::{ChatMessage, Content, ContentPart, Role, ToolCall};
use shekara_protocol::error::ApiError;

/// The template's `messages`; `literal` makes a caller's text safe from being read as tokens of
/// the template's own.
///
/// # Errors
/// A 400 that names the message which cannot be shown to a text model.
pub(super) fn template_messages(messages: &[ChatMessage], literal: &dyn Fn(&str) -> String) -> Result<Value, ApiError> {
    let messages = messages.iter().enumerate().map(|(index, message)| template_message(index, message, literal));
    messages.collect::<Result<Vec<_>, _>>().map(Value::Array)
}

/// Applies `literal` to every string inside, keys included.
pub(super) fn literal_value(value: &Value, literal: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(literal(text)),
        Value::Array(values) => values.iter().map(|value| literal_value(value, literal)).collect(),
        Value::Object(values) => {
            values.iter().map(|(key, value)| (literal(key), literal_value(value, literal))).collect()
        }
        other => other.clone(),
    }
}

fn template_message(index: usize, message: &ChatMessage, literal: &dyn Fn(&str) -> String) -> Result<Value, ApiError> {
    let mut fields = Map::new();
    // Templates know OpenAI's older words only.
    let role = match message.role {
        Role::Developer => Role::System,
        Role::Function => Role::Tool,
        role => role,
    };
    fields.insert("role".to_owned(), json!(role.as_str()));
    fields.insert("content".to_owned(), json!(literal(&content(index, message)?)));
    if let Some(name) = &message.name {
        fields.insert("name".to_owned(), json!(literal(name)));
    }
    if let Some(id) = &message.tool_call_id {
        fields.insert("tool_call_id".to_owned(), json!(literal(id)));
    }
    if let Some(reasoning) = &message.reasoning_content {
        fields.insert("reasoning_content".to_owned(), json!(literal(reasoning)));
    }
    if let Some(calls) = message.tool_calls.as_ref().filter(|calls| !calls.is_empty()) {
        let calls = calls.iter().map(|call| tool_call(call, literal)).collect();
        fields.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    Ok(Value::Object(fields))
}

fn content(index: usize, message: &ChatMessage) -> Result<String, ApiError> {
    match &message.content {
        Some(Content::Text(text)) => Ok(text.clone()),
        Some(Content::Parts(parts)) => {
            let texts = parts.iter().enumerate().map(|(part_index, part)| part_text((index, part_index), part));
            Ok(texts.collect::<Result<Vec<_>, _>>()?.join("\n"))
        }
        None if message.role == Role::Assistant => Ok(String::new()),
        None => {
            let param = format!("messages[{index}].content");
            let message = format!("Invalid value for '{param}': expected a string, got null.");
            Err(ApiError::invalid(&param, message))
        }
    }
}

fn part_text((index, part_index): (usize, usize), part: &ContentPart) -> Result<&str, ApiError> {
    let param = format!("messages[{index}].content[{part_index}]");
    match (part.kind.as_str(), &part.text) {
        ("text", Some(text)) => Ok(text),
        ("text", None) => Err(ApiError::invalid(&param, format!("Missing required parameter: '{param}.text'."))),
        _ => {
            let message = format!("Invalid value for '{param}': this model reads parts of type 'text' only.");
            Err(ApiError::invalid(&param, message).with_code("unsupported_value"))
        }
    }
}

/// Templates want a call's arguments as an object; OpenAI sends them as a JSON text.
fn tool_call(call: &ToolCall, literal: &dyn Fn(&str) -> String) -> Value {
    let Some(function) = &call.function else {
        return json!({"id": literal(&call.id), "type": literal(&call.kind)});
    };
    let arguments = match serde_json::from_str::<Value>(&function.arguments) {
        Ok(arguments @ Value::Object(_)) => literal_value(&arguments, literal),
        _ => Value::String(literal(&function.arguments)),
    };
    let function = json!({"name": literal(&function.name), "arguments": arguments});
    json!({"id": literal(&call.id), "type": literal(&call.kind), "function": function})
}

#[cfg(test)]
mod tests {
    use shekara_protocol::chat::parse_request;

    use super::*;

    fn convert(messages: &Value) -> Result<Value, ApiError> {
        let body = json!({"model": "m", "messages": messages}).to_string();
        let request = parse_request(body.as_bytes()).expect("a request");
        template_messages(&request.messages, &|text| text.replace('<', "["))
    }

    #[test]
    fn every_role_and_kind_of_text_is_understood() {
        let converted = convert(&json!([
            {"role": "developer", "content": "be <brief>"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"x\": \"<\"}"}},
                {"id": "2", "type": "function", "function": {"name": "g", "arguments": "not json"}}]},
            {"role": "tool", "content": "42", "tool_call_id": "1"}
        ]));
        let function = |name: &str, arguments: Value| json!({"name": name, "arguments": arguments});
        assert_eq!(
            converted.expect("all text"),
            json!([
                {"role": "system", "content": "be [brief>"},
                {"role": "user", "content": "a\nb"},
                {"role": "assistant", "content": "", "tool_calls": [
                    {"id": "1", "type": "function", "function": function("f", json!({"x": "["}))},
                    {"id": "2", "type": "function", "function": function("g", json!("not json"))}]},
                {"role": "tool", "content": "42", "tool_call_id": "1"}
            ])
        );
    }

    #[test]
    fn what_is_no_text_is_refused_by_place() {
        let image = json!({"type": "image_url", "image_url": {"url": "https://example.org/a.png"}});
        let error = convert(&json!([{"role": "user", "content": [image]}])).expect_err("refused");
        assert_eq!(error.param.as_deref(), Some("messages[0].content[0]"));
        let error = convert(&json!([{"role": "user", "content": null}])).expect_err("refused");
        assert_eq!(error.param.as_deref(), Some("messages[0].content"));
    }
}
