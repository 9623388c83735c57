//! `POST /admin/v1/usage/reconcile`: a provider's own account (CSV) held against the ledger. Applying it is for those who send
//! the invoices.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::json;
use shekara_protocol::error::ApiError;

use super::super::ErrorResponse;
use super::super::passed_on::read_body;
use super::caller::{Caller, only_supplier, require};
use super::corrections::{carried_over, day, desk, failed, signature};
use super::listing::query;
use crate::auth::Permission;
use crate::invoices::Month;
use crate::jobs::corrections::{Applied, Order, apply, reconcile};
use crate::ledger::statement::ColumnMap;
use crate::ledger::{ModelNames, Tolerance};
use crate::pipeline::Gateway;

const MAX_FILE_BYTES: usize = 32 << 20;
const MAX_NAME_CHARS: usize = 200;
/// What a file is called that has no name.
const NAMELESS: &str = "upload";

/// Several pairs or names have commas between them.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct How {
    provider: String,
    /// The provider's days in UTC: a month, or the first and the last; unset: those of the file.
    month: Option<String>,
    from: Option<String>,
    until: Option<String>,
    /// `json` or `csv`.
    format: Option<String>,
    /// `true` or `false`.
    apply: Option<String>,
    /// Percent.
    tolerance: Option<String>,
    /// `theirs=ours`.
    model: Option<String>,
    /// Theirs or ours that are not compared.
    skip: Option<String>,
    /// `true` or `false`: what the file does not have on a day that it has was not used.
    absent_is_zero: Option<String>,
    /// `column=field`.
    map: Option<String>,
    /// What the file is called.
    file: Option<String>,
}

pub async fn reconcile_usage(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    how: Result<Query<How>, QueryRejection>,
    body: Body,
) -> Result<Response, ErrorResponse> {
    only_supplier(&caller)?;
    let how = query(how)?;
    let is_applied = yes_or_no("apply", how.apply.as_deref())?;
    if is_applied {
        require(&caller, &[Permission::WriteInvoices])?;
    }
    let is_csv = match how.format.as_deref() {
        None | Some("json") => false,
        Some("csv") => true,
        Some(_) => return Err(ApiError::invalid("format", "'format' is json or csv.").into()),
    };
    let order = order(how)?;
    caller.context().settlement.note_object(format!("account of {}", order.provider));
    let file = read_body(body, MAX_FILE_BYTES).await?;
    carried_over(&gateway).await?;
    let (snapshot, rates) = (gateway.snapshot(), gateway.rates());
    let desk = desk(&gateway, &snapshot, &rates);
    let (comparison, applied) = if is_applied {
        let signature = signature(&gateway, &caller);
        let (comparison, applied) = apply(desk, &file, &order, &signature).await.map_err(|error| failed(&error))?;
        (comparison, Some(applied))
    } else {
        (reconcile(desk, &file, &order).await.map_err(|error| failed(&error))?, None)
    };
    if is_csv {
        let kind = HeaderValue::from_static("text/csv; charset=utf-8");
        return Ok(([(CONTENT_TYPE, kind)], comparison.csv()).into_response());
    }
    let mut json = comparison.json();
    json["applied"] = json!(applied.as_ref().map(Applied::json));
    Ok(Json(json).into_response())
}

fn order(how: How) -> Result<Order, ErrorResponse> {
    if how.provider.is_empty() {
        return Err(ApiError::invalid("provider", "'provider' names a provider of the configuration.").into());
    }
    let month = how
        .month
        .as_deref()
        .map(|text| text.parse::<Month>().map_err(|_| ApiError::invalid("month", "'month' is like 2026-10.")));
    let month = month.transpose()?;
    let (from, until) = (day("from", how.from.as_deref())?, day("until", how.until.as_deref())?);
    if month.is_some() && (from.is_some() || until.is_some()) {
        return Err(ApiError::invalid("month", "Say either 'month' or 'from' and 'until'.").into());
    }
    let tolerance = how.tolerance.as_deref().map_or_else(|| Ok(Tolerance::default()), str::parse);
    let columns: Result<ColumnMap, ApiError> = pairs("map", how.map.as_deref())?
        .into_iter()
        .map(|(column, field)| {
            let field = field.parse().map_err(|error| ApiError::invalid("map", format!("'{field}': {error}.")))?;
            Ok((column, field))
        })
        .collect();
    let is_absent_zero = yes_or_no("absent_is_zero", how.absent_is_zero.as_deref())?;
    let skip = how.skip.unwrap_or_default();
    let file = how.file.unwrap_or_else(|| NAMELESS.to_owned());
    if file.chars().count() > MAX_NAME_CHARS || file.chars().any(char::is_control) {
        return Err(ApiError::invalid("file", "'file' is a name of at most 200 characters.").into());
    }
    Ok(Order {
        provider: how.provider,
        from: month.map(Month::first).or(from),
        until: month.map(Month::last).or(until),
        names: ModelNames {
            same: pairs("model", how.model.as_deref())?,
            skip: skip.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            is_absent_zero,
        },
        tolerance: tolerance
            .map_err(|error| ApiError::invalid("tolerance", format!("Invalid 'tolerance': {error}.")))?,
        columns: columns?,
        file,
    })
}

fn yes_or_no(name: &str, text: Option<&str>) -> Result<bool, ApiError> {
    match text {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(ApiError::invalid(name, format!("'{name}' is true or false."))),
    }
}

fn pairs(name: &str, text: Option<&str>) -> Result<Vec<(String, String)>, ApiError> {
    let parts = text.unwrap_or_default().split(',').filter(|part| !part.is_empty());
    let pair = |part: &str| {
        let (one, other) = part.rsplit_once('=')?;
        Some((one.to_owned(), other.to_owned()))
    };
    let wrong = || ApiError::invalid(name, format!("'{name}' is pairs like a=b, with commas between them."));
    parts.map(|part| pair(part).ok_or_else(wrong)).collect()
}
