//! `GET /admin/v1/audit/export`: the trail as `shekara audit export` writes it, as far as the caller's reach goes.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::Deserialize;
use shekara_protocol::error::ApiError;

use super::super::ErrorResponse;
use super::caller::{Caller, not_found, reach};
use super::invalid_name;
use super::listing::query;
use crate::auth::{Reach, check_name};
use crate::pipeline::{ExportOrder, Gateway, export_audit, not_permitted};
use crate::store::ExportPart;

/// What is not given asks for all.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Which {
    /// `jsonl` (which verifies) or `csv`.
    format: Option<String>,
    tenant: Option<String>,
    from: Option<String>,
    until: Option<String>,
}

pub async fn audit_export(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response, ErrorResponse> {
    let which = query(which)?;
    let (is_table, kind, name) = match which.format.as_deref() {
        None | Some("jsonl") => (false, "application/jsonl", "attachment; filename=\"audit.jsonl\""),
        Some("csv") => (true, "text/csv; charset=utf-8", "attachment; filename=\"audit.csv\""),
        Some(_) => return Err(ApiError::invalid("format", "'format' is jsonl or csv.").into()),
    };
    let tenant = tenant_within(&reach(&caller), which.tenant)?;
    let part = ExportPart {
        from: which.from.as_deref().map(|text| text.parse().map_err(|_| no_time("from"))).transpose()?,
        until: which.until.as_deref().map(|text| text.parse().map_err(|_| no_time("until"))).transpose()?,
        tenant,
    };
    let context = caller.context().clone();
    let whose = part.tenant.as_deref().map_or_else(|| "all tenants".to_owned(), |tenant| format!("tenant {tenant}"));
    context.settlement.note_object(format!("audit of {whose}"));
    let pieces = export_audit(&gateway, context, ExportOrder { part, is_table }).await?;
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(name));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// A chain is a tenant's: who reaches a project alone gets none. That of another tenant is as good as not there.
fn tenant_within(reach: &Reach, asked: Option<String>) -> Result<Option<String>, ErrorResponse> {
    if let Some(asked) = &asked {
        check_name("tenant", asked).map_err(|error| invalid_name(&error))?;
    }
    match (reach, asked) {
        (Reach::Installation, asked) => Ok(asked),
        (Reach::Project { .. }, _) => Err(not_permitted().into()),
        (Reach::Tenant { tenant }, Some(asked)) if asked != *tenant => Err(not_found("tenant")),
        (Reach::Tenant { tenant }, _) => Ok(Some(tenant.clone())),
    }
}

fn no_time(name: &str) -> ErrorResponse {
    let message = format!("'{name}' is a time like 2026-11-30T19:00:00Z or 2026-12-01T00:00:00+05:00.");
    ApiError::invalid(name, message).into()
}
