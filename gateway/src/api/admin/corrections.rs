//! `/admin/v1/usage/price` and `/admin/v1/usage/corrections`: amounts that come later than their calls, and what was corrected.
//! For those who send the invoices.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::{Extension, Json};
use http::StatusCode;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};
use shekara_protocol::error::{ApiError, ErrorType};

use super::super::ErrorResponse;
use super::super::passed_on::read_body;
use super::caller::{Caller, only_supplier};
use super::listing::{Part, query};
use super::merge_patch::read_object;
use super::{MAX_BODY_BYTES, store_failed};
use crate::billing::Rates;
use crate::jobs::corrections::{CorrectionError, Desk, PriceOrder, Signature, price_unpriced};
use crate::jobs::invoices::{InvoiceError, wait_until_carried_over};
use crate::ledger::LedgerFilter;
use crate::pipeline::{Authenticated, Gateway, Snapshot};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PriceRequest {
    /// The operator's days: the first, and the last.
    from: Option<String>,
    until: Option<String>,
    tenant: Option<String>,
    provider: Option<String>,
    model: Option<String>,
    /// Bill them at nothing, for this reason.
    zero: bool,
    reason: Option<String>,
    dry_run: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Which {
    from: Option<String>,
    to: Option<String>,
    tenant: Option<String>,
    provider: Option<String>,
    limit: Option<String>,
    after: Option<String>,
}

pub async fn price_usage(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    body: Body,
) -> Result<Json<Value>, ErrorResponse> {
    let body = read_body(body, MAX_BODY_BYTES).await?;
    let request: PriceRequest = if body.is_empty() { PriceRequest::default() } else { read_object(&body)? };
    if request.zero != request.reason.is_some() {
        return Err(ApiError::invalid("reason", "'zero' needs a 'reason', and there is none without it.").into());
    }
    caller.context().settlement.note_object("unpriced usage".to_owned());
    let filter = LedgerFilter {
        tenant: request.tenant,
        provider: request.provider,
        model: request.model,
        from: day("from", request.from.as_deref())?,
        until: behind(day("until", request.until.as_deref())?)?,
        ..LedgerFilter::default()
    };
    let order = PriceOrder { zero_because: request.reason, is_dry_run: request.dry_run };
    carried_over(&gateway).await?;
    let (snapshot, rates) = (gateway.snapshot(), gateway.rates());
    let signature = signature(&gateway, &caller);
    let priced = price_unpriced(desk(&gateway, &snapshot, &rates), filter, &order, &signature).await;
    Ok(Json(priced.map_err(|error| failed(&error))?.json()))
}

pub async fn list_corrections(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Value>, ErrorResponse> {
    only_supplier(&caller)?;
    let which = query(which)?;
    let filter = LedgerFilter {
        tenant: which.tenant,
        provider: which.provider,
        from: day("from", which.from.as_deref())?,
        until: behind(day("to", which.to.as_deref())?)?,
        ..LedgerFilter::default()
    };
    let part = Part { limit: which.limit, after: None };
    let limit = part.limit()?;
    let one_more = u32::try_from(limit).unwrap_or(u32::MAX).saturating_add(1);
    let store = gateway.store().ledger().corrections();
    let lines = store.lines(filter, which.after.unwrap_or_default(), one_more).await;
    let mut lines = lines.map_err(|error| store_failed(&error))?;
    let has_more = lines.len() > limit;
    lines.truncate(limit);
    let last_id = lines.last().map(|line| format!("{}/{}", line.act.id, line.id));
    Ok(Json(json!({ "object": "list", "data": lines, "last_id": last_id, "has_more": has_more })))
}

pub(super) fn desk<'d>(gateway: &'d Gateway, snapshot: &'d Snapshot, rates: &'d Rates) -> Desk<'d> {
    Desk { store: gateway.store(), tariffs: &snapshot.tariffs, rates }
}

pub(super) fn signature(gateway: &Gateway, caller: &Authenticated) -> Signature {
    let context = caller.context();
    Signature {
        made_by: format!("key {} ({})", context.key.id, context.key.name),
        now: gateway.sources.now(),
        id: context.request_id.clone(),
    }
}

/// What is answered by now is in the ledger when this returns.
pub(super) async fn carried_over(gateway: &Gateway) -> Result<(), ErrorResponse> {
    match wait_until_carried_over(gateway.trail.journal(), gateway.store()).await {
        Ok(()) => Ok(()),
        Err(InvoiceError::Store(error)) => Err(store_failed(&error)),
        Err(_) => Err(behind_error("The audit journal is not carried into the database yet; try again in a moment.")),
    }
}

pub(super) fn day(name: &str, text: Option<&str>) -> Result<Option<Date>, ErrorResponse> {
    let parse =
        |text: &str| text.parse().map_err(|_| ApiError::invalid(name, format!("'{name}' is a day like 2026-12-01.")));
    Ok(text.map(parse).transpose()?)
}

fn behind(last: Option<Date>) -> Result<Option<Date>, ErrorResponse> {
    let beyond = |_| ApiError::invalid("until", "The last day is beyond the calendar.");
    Ok(last.map(Date::tomorrow).transpose().map_err(beyond)?)
}

fn behind_error(message: &str) -> ErrorResponse {
    ApiError::unavailable("ledger_behind", message, 1).into()
}

/// What stands in a request or a file is a 400, what the ledger says against it a conflict.
pub(super) fn failed(error: &CorrectionError) -> ErrorResponse {
    let text = error.to_string();
    let mut characters = text.chars();
    let first: String = characters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let message = format!("{first}{}.", characters.as_str());
    let code = match error {
        CorrectionError::Store(error) => return store_failed(error),
        CorrectionError::Busy => return behind_error(&message),
        CorrectionError::Statement(_)
        | CorrectionError::TooManyDays { .. }
        | CorrectionError::Backwards
        | CorrectionError::Reason
        | CorrectionError::Calendar(_) => return ApiError::invalid_request(message).into(),
        CorrectionError::NotExplained { .. } | CorrectionError::Spread { .. } => "not_explained",
        CorrectionError::NoRate { .. } => "no_exchange_rate",
        CorrectionError::NoPrice { .. } => "no_price",
        CorrectionError::TooManyRows { .. }
        | CorrectionError::TooManyCorrections { .. }
        | CorrectionError::TooLarge(_) => "too_large",
    };
    let error = ApiError::new(StatusCode::CONFLICT, ErrorType::InvalidRequestError, message);
    error.with_code(code).final_answer().into()
}
