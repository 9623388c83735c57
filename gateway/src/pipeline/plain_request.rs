//! Requests of which the gateway has to know no more than the model's name: moderations, images, speech. Everything in
//! them is scanned like any other text.

use serde_json::{Map, Value};
use shekara_protocol::error::ApiError;
use shekara_protocol::parse::parse;

use super::admission::Wishes;
use super::endpoint::Reading;

/// `text` is the field without which such a request says nothing.
///
/// # Errors
/// 400 for a malformed body, naming the field.
pub(super) fn read(body: &[u8], text: &'static str) -> Result<Reading, ApiError> {
    let body: Map<String, Value> = parse(body, "a request")?;
    let model = match body.get("model") {
        Some(Value::String(model)) if !model.is_empty() => model.clone(),
        None | Some(Value::Null) => return Err(ApiError::missing("model")),
        Some(_) => return Err(ApiError::invalid("model", "Invalid 'model': expected a name.")),
    };
    if body.get(text).is_none_or(Value::is_null) {
        return Err(ApiError::missing(text));
    }
    let stream = match body.get("stream") {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Bool(true)) => return Err(ApiError::unsupported("stream", "Pictures in pieces are")),
        Some(_) => return Err(ApiError::invalid("stream", "Invalid 'stream': expected true or false.")),
    };
    let wishes = Wishes { stream, include_usage: false, is_structured: false, is_text: false };
    let user = body.get("user").and_then(Value::as_str).map(str::to_owned);
    Ok(Reading { user, ..Reading::plain(model, wishes) })
}
