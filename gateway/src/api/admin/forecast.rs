//! `GET /admin/v1/usage/forecast`: what the quarter will have cost if it goes on like this.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::{Extension, Json};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};
use shekara_protocol::error::ApiError;

use super::super::ErrorResponse;
use super::caller::{Caller, not_found, reach};
use super::listing::query;
use super::store_failed;
use crate::ledger::{Dimension, LedgerFilter, forecast, quarter_of};
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
    // Before the quarter's first day for as long as days are called recent.
    let from = quarter_of(today).and_then(|(from, _)| from.checked_sub(jiff::Span::new().days(31)).ok());
    let filter = LedgerFilter {
        tenant: reach.tenant().map(str::to_owned).or(tenant),
        project: reach.project().map(str::to_owned).or(project),
        from,
        ..LedgerFilter::default()
    };
    let groups = gateway.store().ledger().usage(filter, vec![Dimension::Day]).await;
    let groups = groups.map_err(|error| store_failed(&error))?;
    let day = |name: &String| name.parse::<Date>().ok();
    let days: Vec<_> =
        groups.iter().filter_map(|group| Some((group.names.first().and_then(day)?, group.totals.tenge))).collect();
    let forecast = forecast(&days, today).ok().flatten().ok_or_else(ApiError::internal)?;
    Ok(Json(json!({
        "object": "forecast",
        "from": forecast.from.to_string(),
        "until": forecast.until.to_string(),
        "spent_kzt": forecast.spent.plain(),
        "by_day_kzt": forecast.by_day.plain(),
        "expected_kzt": forecast.expected.plain(),
    })))
}
