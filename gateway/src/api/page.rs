//! A part of a list, as OpenAI's API asks for it and tells it.

use serde::Deserialize;
use serde_json::{Value, json};
use shekara_protocol::error::ApiError;

/// Numbers come as texts where they stand in a query beside others.
#[derive(Debug, Default, Deserialize)]
pub struct Page {
    limit: Option<String>,
    order: Option<String>,
    after: Option<String>,
}

pub(super) fn malformed() -> ApiError {
    ApiError::invalid_request("The query is malformed: each of its names may stand once.")
}

/// `items` are the newest first, each with an `id`.
///
/// # Errors
/// 400 for a limit, an order or an item that is none.
pub(super) fn page(
    mut items: Vec<Value>,
    page: &Page,
    (default_limit, max_limit): (usize, usize),
) -> Result<Value, ApiError> {
    match page.order.as_deref() {
        None | Some("desc") => {}
        Some("asc") => items.reverse(),
        Some(_) => return Err(ApiError::invalid("order", "Invalid value for 'order': expected asc or desc.")),
    }
    let limit = match &page.limit {
        None => default_limit,
        Some(limit) => limit.parse().ok().filter(|limit| (1..=max_limit).contains(limit)).ok_or_else(|| {
            ApiError::invalid("limit", format!("Invalid 'limit': expected a whole number from 1 to {max_limit}."))
        })?,
    };
    if let Some(after) = &page.after {
        let at = items.iter().position(|item| item["id"] == after.as_str());
        let at = at.ok_or_else(|| ApiError::invalid("after", "Invalid 'after': there is no such item."))?;
        items.drain(..=at);
    }
    let has_more = items.len() > limit;
    items.truncate(limit);
    let id_of = |item: Option<&Value>| item.map_or(Value::Null, |item| item["id"].clone());
    let (first, last) = (id_of(items.first()), id_of(items.last()));
    Ok(json!({ "object": "list", "data": items, "first_id": first, "last_id": last, "has_more": has_more }))
}
