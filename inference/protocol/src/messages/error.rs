//! Errors in Anthropic's shape: `{"type":"error","error":{"type","message"},"request_id"}`.

use serde_json::{Value, json};

use crate::error::ApiError;

/// The body of an error. This shape has no `param`, so the message names the field.
pub fn error_json(error: &ApiError, request_id: Option<&str>) -> Value {
    let kind = match error.status.as_u16() {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        503 | 529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    };
    let message = match &error.param {
        Some(param) if !error.message.contains(param.as_str()) => format!("{param}: {}", error.message),
        _ => error.message.clone(),
    };
    json!({ "type": "error", "error": { "type": kind, "message": message }, "request_id": request_id })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    #[test]
    fn every_status_has_its_type_and_the_field_is_named() {
        let kind = |error: &ApiError| error_json(error, None)["error"]["type"].as_str().unwrap().to_owned();
        assert_eq!(kind(&ApiError::invalid("max_tokens", "x")), "invalid_request_error");
        assert_eq!(kind(&ApiError::invalid_api_key("x")), "authentication_error");
        assert_eq!(kind(&ApiError::model_not_found("x")), "not_found_error");
        assert_eq!(kind(&ApiError::body_too_large(1)), "request_too_large");
        assert_eq!(kind(&ApiError::overloaded("x", 1)), "rate_limit_error");
        assert_eq!(kind(&ApiError::shutting_down()), "overloaded_error");
        assert_eq!(kind(&ApiError::internal()), "api_error");
        let unprocessable = ApiError { status: StatusCode::UNPROCESSABLE_ENTITY, ..ApiError::internal() };
        assert_eq!(kind(&unprocessable), "invalid_request_error");

        let json = error_json(&ApiError::invalid("max_tokens", "It is too small."), Some("req-1"));
        assert_eq!(json["error"]["message"], "max_tokens: It is too small.");
        assert_eq!((&json["type"], &json["request_id"]), (&json!("error"), &json!("req-1")));
    }
}
