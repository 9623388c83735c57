//! Lists of `/admin/v1`: ordered by id, in parts of `limit`, each going on behind `after`.

use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use serde::Deserialize;
use serde_json::{Value, json};
use shekara_protocol::error::ApiError;

use super::super::ErrorResponse;

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1_000;

/// Numbers come as texts where they stand in a query beside others.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Part {
    pub(super) limit: Option<String>,
    pub(super) after: Option<String>,
}

/// A part of what belongs to one tenant, or to all.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OfTenant {
    pub(super) tenant: Option<String>,
    limit: Option<String>,
    after: Option<String>,
}

impl OfTenant {
    pub(super) fn part(self) -> Part {
        Part { limit: self.limit, after: self.after }
    }
}

impl Part {
    /// # Errors
    /// 400: it is no number from 1 to 1,000.
    pub(super) fn limit(&self) -> Result<usize, ErrorResponse> {
        let Some(text) = &self.limit else { return Ok(DEFAULT_LIMIT) };
        let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        let message = format!("Invalid 'limit': expected a whole number from 1 to {MAX_LIMIT}.");
        limit.ok_or_else(|| ApiError::invalid("limit", message).into())
    }

    /// Of `items`, those behind the one whose `names`, with `/` between them, are `after`.
    ///
    /// # Errors
    /// As [`Self::limit`].
    pub(super) fn of(&self, items: Vec<Value>, names: &[&str]) -> Result<Value, ErrorResponse> {
        let limit = self.limit()?;
        let at = |after: &String| items.iter().position(|item| id_of(item, names) == *after);
        let begin = match self.after.as_ref().map(at) {
            None => 0,
            Some(Some(at)) => at + 1,
            Some(None) => return Err(ApiError::invalid("after", "Invalid 'after': there is no such item.").into()),
        };
        Ok(list(items.into_iter().skip(begin).take(limit + 1).collect(), limit, names))
    }
}

/// At most `limit` of `items`; one more says that there are more.
pub(super) fn list(mut items: Vec<Value>, limit: usize, names: &[&str]) -> Value {
    let has_more = items.len() > limit;
    items.truncate(limit);
    let last_id = items.last().map(|item| id_of(item, names));
    json!({ "object": "list", "data": items, "last_id": last_id, "has_more": has_more })
}

fn id_of(item: &Value, names: &[&str]) -> String {
    let parts: Vec<&str> = names.iter().map(|name| item[*name].as_str().unwrap_or_default()).collect();
    parts.join("/")
}

/// # Errors
/// 400: a name stands twice, or is none that this endpoint knows.
pub(super) fn query<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, ErrorResponse> {
    let malformed = "The query is malformed: it has a name or value that is not known here, or a name stands twice.";
    query.map(|Query(query)| query).map_err(|_| ApiError::invalid_request(malformed).into())
}
