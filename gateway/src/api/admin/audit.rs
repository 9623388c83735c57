//! `GET /admin/v1/audit`: what was recorded, searched by whom, what, when and how it ended. `GET /admin/v1/audit/keys`:
//! what its checkpoints and exports are verified with.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use shekara_protocol::error::ApiError;

use super::super::ErrorResponse;
use super::caller::{Caller, reach};
use super::listing::query;
use super::store_failed;
use crate::pipeline::Gateway;
use crate::signing::PublicKey;
use crate::store::AuditFilter;

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1_000;

/// All that is given must fit.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Which {
    /// Rows behind this one.
    after: Option<i64>,
    limit: Option<u32>,
    tenant: Option<String>,
    project: Option<String>,
    key: Option<String>,
    route: Option<String>,
    provider: Option<String>,
    /// A kind of finding, in the request or its answer.
    entity: Option<String>,
    outcome: Option<String>,
    status: Option<u16>,
    error_code: Option<String>,
    request_id: Option<String>,
    from: Option<String>,
    until: Option<String>,
}

pub async fn audit_page(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Value>, ErrorResponse> {
    let which = query(which)?;
    let limit = which.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let reach = reach(&caller);
    let is_within = |asked: &Option<String>, own: Option<&str>| match (asked, own) {
        (Some(asked), Some(own)) => asked == own,
        _ => true,
    };
    if !is_within(&which.tenant, reach.tenant()) || !is_within(&which.project, reach.project()) {
        return Ok(Json(json!({ "object": "list", "data": [], "has_more": false })));
    }
    let filter = AuditFilter {
        tenant: reach.tenant().map(str::to_owned).or(which.tenant),
        project: reach.project().map(str::to_owned).or(which.project),
        key_id: which.key,
        route: which.route,
        provider: which.provider,
        entity: which.entity,
        outcome: which.outcome,
        status: which.status,
        error_code: which.error_code,
        request_id: which.request_id,
        from: which.from.as_deref().map(|text| time("from", text)).transpose()?,
        until: which.until.as_deref().map(|text| time("until", text)).transpose()?,
    };
    let rows = gateway.store().audit_page(filter, which.after.unwrap_or(0), limit).await;
    let rows = rows.map_err(|error| store_failed(&error))?;
    let has_more = rows.len() == limit as usize;
    Ok(Json(json!({ "object": "list", "data": rows, "has_more": has_more })))
}

/// The key in force first.
pub async fn audit_keys(State(gateway): State<Arc<Gateway>>) -> Json<Value> {
    let earlier = gateway.snapshot().config.audit.earlier_keys.clone();
    let shown =
        |key: PublicKey| json!({ "key_id": key.id(), "alg": "Ed25519", "public_key": key, "pem": key.to_pem() });
    let keys: Vec<Value> = std::iter::once(gateway.audit_signer.public_key()).chain(earlier).map(shown).collect();
    Json(json!({ "object": "list", "data": keys }))
}

/// As records have it.
fn time(name: &str, text: &str) -> Result<String, ErrorResponse> {
    let time: Result<Timestamp, _> = text.parse();
    let message = format!("'{name}' is a time like 2026-11-30T19:00:00Z or 2026-12-01T00:00:00+05:00.");
    time.map(|time| format!("{time:.3}")).map_err(|_| ApiError::invalid(name, message).into())
}
