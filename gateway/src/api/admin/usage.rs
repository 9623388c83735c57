//! `GET /admin/v1/usage`: what was used and what it cost, by anything and over any days.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use jiff::civil::Date;
use serde::Deserialize;
use shekara_protocol::error::ApiError;

use super::super::ErrorResponse;
use super::caller::{Caller, reach};
use super::listing::query;
use super::store_failed;
use crate::ledger::{Dimension, LedgerFilter, UsageReport};
use crate::pipeline::Gateway;

const MAX_DIMENSIONS: usize = 6;

/// All that is given must fit.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Which {
    /// Names of what to group by, with commas between them.
    by: String,
    /// The operator's days: the first, and the last.
    from: Option<String>,
    to: Option<String>,
    /// `json` or `csv`.
    format: Option<String>,
    tenant: Option<String>,
    department: Option<String>,
    project: Option<String>,
    key: Option<String>,
    environment: Option<String>,
    scenario: Option<String>,
    route: Option<String>,
    provider: Option<String>,
    model: Option<String>,
    zone: Option<String>,
}

pub async fn usage(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Response, ErrorResponse> {
    let which = query(which)?;
    let by = dimensions(&which.by)?;
    let is_csv = match which.format.as_deref() {
        None | Some("json") => false,
        Some("csv") => true,
        Some(_) => return Err(ApiError::invalid("format", "'format' is json or csv.").into()),
    };
    let reach = reach(&caller);
    // What is asked for beyond the own reach is asked for in vain.
    let within = |asked: Option<String>, own: Option<&str>| match (asked, own) {
        (Some(asked), Some(own)) if asked != own => Err(()),
        (asked, own) => Ok(own.map(str::to_owned).or(asked)),
    };
    let (tenant, project) = (within(which.tenant, reach.tenant()), within(which.project, reach.project()));
    let groups = match (tenant, project) {
        (Ok(tenant), Ok(project)) => {
            let filter = LedgerFilter {
                tenant,
                project,
                department: which.department,
                key_id: which.key,
                environment: which.environment,
                scenario: which.scenario,
                route: which.route,
                provider: which.provider,
                model: which.model,
                zone: which.zone,
                from: which.from.as_deref().map(|text| day("from", text)).transpose()?,
                until: which.to.as_deref().map(|text| day("to", text)).transpose()?.map(behind).transpose()?,
            };
            gateway.store().ledger().usage(filter, by.clone()).await.map_err(|error| store_failed(&error))?
        }
        _ => Vec::new(),
    };
    let report = UsageReport::new(by, groups).map_err(|_| ApiError::internal())?;
    if is_csv {
        let kind = HeaderValue::from_static("text/csv; charset=utf-8");
        return Ok(([(CONTENT_TYPE, kind)], report.csv()).into_response());
    }
    Ok(Json(report.json()).into_response())
}

fn dimensions(text: &str) -> Result<Vec<Dimension>, ErrorResponse> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    let known = Dimension::ALL.map(Dimension::as_str).join(", ");
    let wrong = || ApiError::invalid("by", format!("'by' is up to {MAX_DIMENSIONS} of {known}."));
    let by = names.map(|name| Dimension::parse(name).ok_or_else(wrong)).collect::<Result<Vec<_>, _>>()?;
    let mut sorted = by.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() == by.len() && by.len() <= MAX_DIMENSIONS { Ok(by) } else { Err(wrong().into()) }
}

fn day(name: &str, text: &str) -> Result<Date, ErrorResponse> {
    text.parse().map_err(|_| ApiError::invalid(name, format!("'{name}' is a day like 2026-12-01.")).into())
}

fn behind(day: Date) -> Result<Date, ErrorResponse> {
    day.tomorrow().map_err(|_| ApiError::invalid("to", "'to' is beyond the calendar.").into())
}
