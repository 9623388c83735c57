//! Bytes to [`ChatRequest`].

use super::ChatRequest;
use crate::error::ApiError;
use crate::parse::parse;

/// Parses a body that is already known to be JSON or not: both failures end as a 400 in OpenAI's shape.
///
/// # Errors
/// As [`parse`], or an empty `messages`.
pub fn parse_request(body: &[u8]) -> Result<ChatRequest, ApiError> {
    let request: ChatRequest = parse(body, "a chat completion request")?;
    if request.messages.is_empty() {
        return Err(ApiError::empty_array("messages", "message"));
    }
    Ok(request)
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
