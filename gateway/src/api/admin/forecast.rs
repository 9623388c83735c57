//! `GET /admin/v1/usage/forecast`: what the quarter will have cost if it goes on like this.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::Value;
use shekara_protocol::error::ApiError;

use super::super::ErrorResponse;
use super::caller::{Caller, not_found, reach};
use super::listing::query;
use super::store_failed;
use crate::jobs::spending::quarters_forecast;
use crate::ledger::LedgerFilter;
use crate::pipeline::Gateway;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Whose {
    tenant: Option<String>,
    project: Option<String>,
}

pub async fn usage_forecast(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Json<Value>, ErrorResponse> {
    let Whose { tenant, project } = query(whose)?;
    let reach = reach(&caller);
    let is_within = |asked: &Option<String>, own: Option<&str>| match (asked, own) {
        (Some(asked), Some(own)) => asked == own,
        _ => true,
    };
    if !is_within(&tenant, reach.tenant()) || !is_within(&project, reach.project()) {
        return Err(not_found("tenant"));
    }
    let today = gateway.snapshot().config.utc_offset.to_datetime(gateway.sources.now()).date();
    let filter = LedgerFilter {
        tenant: reach.tenant().map(str::to_owned).or(tenant),
        project: reach.project().map(str::to_owned).or(project),
        ..LedgerFilter::default()
    };
    let forecast = quarters_forecast(gateway.store(), filter, today).await.map_err(|error| store_failed(&error))?;
    Ok(Json(forecast.ok_or_else(ApiError::internal)?.json()))
}
