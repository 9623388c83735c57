//! Bytes to a typed request, for every endpoint: errors name the field as OpenAI does and never repeat a value.

use std::fmt::Write as _;

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use crate::error::ApiError;

/// Parses a body that is already known to be JSON or not: both failures end as a 400 in OpenAI's shape. `what` names
/// the request in the error of a body that is no object, "a chat completion request".
///
/// # Errors
/// Malformed JSON (no `param`), or a field that is missing or of the wrong type (`param` names it, `messages[0].role`
/// style).
pub fn parse<T: DeserializeOwned>(body: &[u8], what: &str) -> Result<T, ApiError> {
    // Most bodies are as they should be: nobody asks where in them something stands, which takes as long as reading them.
    if let Ok(request) = serde_json::from_slice(body) {
        return Ok(request);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let request: T = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = dotted(error.path());
        let inner = error.into_inner();
        match inner.classify() {
            serde_json::error::Category::Data => wrong_field(&path, &inner, what),
            _ => malformed(&inner),
        }
    })?;
    deserializer.end().map_err(|error| malformed(&error))?;
    Ok(request)
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::malformed_json(error.line(), error.column())
}

fn wrong_field(path: &str, error: &serde_json::Error, what: &str) -> ApiError {
    let reason = plain_reason(&error.to_string());
    if let Some(field) = reason.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        let param = if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") };
        return ApiError::missing(&param);
    }
    if path.is_empty() {
        return ApiError::invalid_request(format!("The request body is not {what}: {reason}."));
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
