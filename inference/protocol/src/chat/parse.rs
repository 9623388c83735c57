//! Bytes to [`ChatRequest`], with errors that name the field as OpenAI does.

use std::fmt::Write as _;

use serde_path_to_error::{Path, Segment};

use super::ChatRequest;
use crate::error::ApiError;

/// Parses a body that is already known to be JSON or not: both failures end as a 400 in OpenAI's shape.
///
/// # Errors
/// Malformed JSON (no `param`), or a field that is missing or of the wrong type (`param` names it, `messages[0].role`
/// style), or an empty `messages`.
pub fn parse_request(body: &[u8]) -> Result<ChatRequest, ApiError> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let request: ChatRequest = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = dotted(error.path());
        let inner = error.into_inner();
        match inner.classify() {
            serde_json::error::Category::Data => wrong_field(&path, &inner),
            _ => malformed(&inner),
        }
    })?;
    deserializer.end().map_err(|error| malformed(&error))?;
    if request.messages.is_empty() {
        return Err(ApiError::invalid("messages", "Invalid 'messages': empty array. Expected at least one message.")
            .with_code("empty_array"));
    }
    Ok(request)
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::malformed_json(error.line(), error.column())
}

fn wrong_field(path: &str, error: &serde_json::Error) -> ApiError {
    let reason = plain_reason(&error.to_string());
    if let Some(field) = reason.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        let param = if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") };
        let message = format!("Missing required parameter: '{param}'.");
        return ApiError::invalid(&param, message).with_code("missing_required_parameter");
    }
    if path.is_empty() {
        return ApiError::invalid_request(format!("The request body is not a chat completion request: {reason}."));
    }
    ApiError::invalid(path, format!("Invalid type for '{path}': {reason}.")).with_code("invalid_type")
}

/// serde_json quotes a string value it did not expect: it may be personal, so only its kind is kept.
fn plain_reason(text: &str) -> String {
    let text = text.split(" at line ").next().unwrap_or(text);
    for kind in ["string", "integer", "floating point", "boolean"] {
        for lead in ["invalid type: ", "invalid value: "] {
            let Some(rest) = text.strip_prefix(lead).and_then(|rest| rest.strip_prefix(kind)) else {
                continue;
            };
            if let Some(expected) = rest.rfind(", expected ") {
                return format!("{lead}{kind}{}", &rest[expected..]);
            }
        }
    }
    match text.strip_prefix("unknown variant `") {
        Some(rest) => match rest.rfind("`, expected ") {
            Some(at) => format!("unknown value, expected {}", &rest[at + "`, expected ".len()..]),
            None => "unknown value".to_owned(),
        },
        None => text.to_owned(),
    }
}

fn dotted(path: &Path) -> String {
    let mut out = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                let _ = write!(out, "[{index}]");
            }
            Segment::Map { key } => push_name(&mut out, key),
            Segment::Enum { variant } => push_name(&mut out, variant),
            Segment::Unknown => {}
        }
    }
    out
}

/// A key that is no field's name is the caller's own text and is not repeated.
fn push_name(out: &mut String, name: &str) {
    let is_field = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let name = if is_field { name } else { "…" };
    if !out.is_empty() {
        out.push('.');
    }
    out.push_str(name);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Content, Role, Stop};

    fn param_of(body: &str) -> (Option<String>, String) {
        let error = parse_request(body.as_bytes()).unwrap_err();
        assert_eq!(error.status.as_u16(), 400);
        (error.param, error.message)
    }

    #[test]
    fn reads_every_shape_of_content() {
        let body = r#"{"model":"m","messages":[
            {"role":"system","content":"a"},
            {"role":"user","content":[{"type":"text","text":"b"},{"type":"image_url","image_url":{"url":"x"}}]},
            {"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]},
            {"role":"tool","tool_call_id":"1","content":"c"}],"stop":"x","extra":{"a":1}}"#;
        let request = parse_request(body.as_bytes()).unwrap();
        assert_eq!(request.messages[0].role, Role::System);
        assert!(matches!(&request.messages[1].content, Some(Content::Parts(parts)) if parts.len() == 2));
        assert!(request.messages[2].content.is_none());
        assert_eq!(request.stop, Some(Stop(vec!["x".to_owned()])));
    }

    #[test]
    fn names_the_field_that_is_wrong() {
        assert_eq!(param_of(r#"{"model":"m","messages":"x"}"#).0.as_deref(), Some("messages"));
        assert_eq!(param_of(r#"{"model":"m","messages":[]}"#).0.as_deref(), Some("messages"));
        assert_eq!(param_of(r#"{"messages":[{"role":"user","content":"x"}]}"#).0.as_deref(), Some("model"));
        let body = r#"{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":"hot"}"#;
        assert_eq!(param_of(body).0.as_deref(), Some("temperature"));
        let body = r#"{"model":"m","messages":[{"role":"user","content":7}]}"#;
        assert_eq!(param_of(body).0.as_deref(), Some("messages[0].content"));
        let body = r#"{"model":"m","messages":[{"content":"x"}]}"#;
        assert_eq!(param_of(body).0.as_deref(), Some("messages[0].role"));
        assert_eq!(param_of("{").0, None);
        assert_eq!(param_of("[]").0, None);
    }

    #[test]
    fn an_array_is_no_object() {
        for (body, param) in [
            (r#"["m",[{"role":"user","content":"x"}]]"#, None),
            (r#"{"model":"m","messages":[["user","x"]]}"#, Some("messages[0]")),
            (
                r#"{"model":"m","messages":[{"role":"user","content":"x"}],"stream_options":[true]}"#,
                Some("stream_options"),
            ),
            (
                r#"{"model":"m","messages":[{"role":"assistant","tool_calls":[["1"]]}]}"#,
                Some("messages[0].tool_calls[0]"),
            ),
        ] {
            assert_eq!(param_of(body).0.as_deref(), param, "{body}");
        }
    }

    #[test]
    fn error_texts_never_repeat_a_value() {
        for body in [
            r#"{"model":"m","messages":"900101300123"}"#,
            r#"{"model":"m","messages":[{"role":"900101300123","content":"x"}]}"#,
            r#"{"model":"m","messages":[{"role":"user","content":900101300123}]}"#,
            r#"{"model":"m","messages":[{"role":"user","content":"x"}],"seed":"a `900101300123`, expected b"}"#,
            r#"{"model":"m","messages":[{"role":"user","content":"x"}],"logit_bias":{"900101300123":"x"}}"#,
        ] {
            let (_, message) = param_of(body);
            assert!(!message.contains("900101300123"), "{message}");
        }
    }
}
