//! `/admin/v1/invoices`: what was issued, the close of a month, and credit notes. Customers see their own; closing and
//! crediting is for those who send the invoices.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use shekara_protocol::error::{ApiError, ErrorType};

use super::super::ErrorResponse;
use super::super::passed_on::read_body;
use super::caller::{Caller, not_found, reach};
use super::listing::{Part, query};
use super::merge_patch::read_object;
use super::{MAX_BODY_BYTES, store_failed};
use crate::billing::Tenge;
use crate::invoices::Month;
use crate::jobs::invoices::{Form, InvoiceError, Terms, close_months, credit, issued, wait_until_carried_over};
use crate::pipeline::{Authenticated, Gateway};
use crate::store::InvoiceFilter;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Which {
    tenant: Option<String>,
    month: Option<String>,
    limit: Option<String>,
    after: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct How {
    /// `json`, `csv` or `pdf`.
    format: Option<String>,
    /// `invoice` or `act`.
    document: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CloseRequest {
    month: String,
    /// Unset: everybody.
    tenant: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CreditRequest {
    /// Tenge as a decimal text, in the terms of the invoice's lines.
    amount: String,
    reason: String,
}

type Number = Result<Path<String>, PathRejection>;

pub async fn list_invoices(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Value>, ErrorResponse> {
    let which = query(which)?;
    let month = which.month.as_deref().map(month).transpose()?;
    let filter = InvoiceFilter { tenant: which.tenant, month };
    let rows = gateway.store().invoices().invoices(filter).await.map_err(|error| store_failed(&error))?;
    let reach = reach(&caller);
    let seen = rows.iter().filter(|row| reach.includes_all_of_tenant(&row.tenant)).map(|row| json!(row)).collect();
    Ok(Json(Part { limit: which.limit, after: which.after }.of(seen, &["number"])?))
}

pub async fn show_invoice(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    number: Number,
    how: Result<Query<How>, QueryRejection>,
) -> Result<Response, ErrorResponse> {
    let how = query(how)?;
    let form = match how.document.as_deref() {
        None | Some("invoice") => Form::Invoice,
        Some("act") => Form::Act,
        Some(_) => return Err(ApiError::invalid("document", "'document' is invoice or act.").into()),
    };
    let format = how.format.as_deref().unwrap_or("json");
    if !matches!(format, "json" | "csv" | "pdf") {
        return Err(ApiError::invalid("format", "'format' is json, csv or pdf.").into());
    }
    let number = found(&gateway, &caller, number).await?;
    let paper = issued(gateway.store(), &number, form).await.map_err(|error| failed(&error))?;
    let (kind, body) = match format {
        "csv" => ("text/csv; charset=utf-8", paper.csv().into_bytes()),
        "pdf" => ("application/pdf", paper.pdf().await.map_err(|error| failed(&error))?),
        _ => ("application/json", paper.json().map_err(|error| failed(&error))?.into_bytes()),
    };
    Ok(([(CONTENT_TYPE, HeaderValue::from_static(kind))], body).into_response())
}

pub async fn close_invoices(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    body: Body,
) -> Result<Json<Value>, ErrorResponse> {
    let body = read_body(body, MAX_BODY_BYTES).await?;
    let request: CloseRequest = read_object(&body)?;
    let month = month(&request.month)?;
    caller.context().settlement.note_object(format!("month {month}"));
    let terms = terms(&gateway)?;
    wait_until_carried_over(gateway.trail.journal(), gateway.store()).await.map_err(|error| failed(&error))?;
    let (tenant, now) = (request.tenant.as_deref(), gateway.sources.now());
    let closed = close_months(gateway.store(), &terms, month, tenant, now).await.map_err(|error| failed(&error))?;
    let shown = closed.iter().map(|one| json!({ "tenant": one.tenant, "invoice": one.invoice }));
    Ok(Json(json!({ "month": month.to_string(), "closed": shown.collect::<Vec<_>>() })))
}

pub async fn credit_invoice(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    number: Number,
    body: Body,
) -> Result<Response, ErrorResponse> {
    let body = read_body(body, MAX_BODY_BYTES).await?;
    let request: CreditRequest = read_object(&body)?;
    let amount: Tenge =
        request.amount.parse().map_err(|error| ApiError::invalid("amount", format!("Invalid 'amount': {error}.")))?;
    let number = found(&gateway, &caller, number).await?;
    caller.context().settlement.note_object(format!("invoice {number}"));
    let (terms, now) = (terms(&gateway)?, gateway.sources.now());
    let row = credit(gateway.store(), &terms, &number, (amount, &request.reason), now).await;
    Ok((StatusCode::CREATED, Json(json!(row.map_err(|error| failed(&error))?))).into_response())
}

async fn found(gateway: &Gateway, caller: &Authenticated, number: Number) -> Result<String, ErrorResponse> {
    let number = number.map(|Path(number)| number).unwrap_or_default();
    let known = gateway.store().invoices().invoice(number).await.map_err(|error| store_failed(&error))?;
    let own = known.filter(|invoice| reach(caller).includes_all_of_tenant(&invoice.row.tenant));
    own.map(|invoice| invoice.row.number).ok_or_else(|| not_found("invoice"))
}

fn terms(gateway: &Gateway) -> Result<Terms, ErrorResponse> {
    Terms::new(&gateway.snapshot().config).map_err(|error| failed(&error))
}

fn month(text: &str) -> Result<Month, ErrorResponse> {
    text.parse().map_err(|_| ApiError::invalid("month", "'month' is like 2026-10.").into())
}

/// What the caller can mend is a conflict with what there is; the rest is ours.
fn failed(error: &InvoiceError) -> ErrorResponse {
    let code = match error {
        InvoiceError::Store(error) => return store_failed(error),
        InvoiceError::NotCarriedOver | InvoiceError::Busy { .. } => {
            return ApiError::unavailable("ledger_behind", sentence(error), 1).into();
        }
        InvoiceError::Unreadable(_) | InvoiceError::Pdf(_) | InvoiceError::Json(_) | InvoiceError::Calendar(_) => {
            tracing::error!(%error, "a document could not be made");
            return ApiError::internal().into();
        }
        InvoiceError::NoTenant { .. } => return not_found("tenant"),
        InvoiceError::NoDocument { .. } => return not_found("invoice"),
        InvoiceError::NoSupplier => "no_supplier",
        InvoiceError::NoBuyer { .. } | InvoiceError::BadBuyer { .. } => "no_buyer",
        InvoiceError::NotOver { .. } => "month_not_over",
        InvoiceError::ClosedAlready { .. } => "month_closed",
        InvoiceError::EarlierOpen { .. } => "earlier_month_open",
        InvoiceError::Unpriced { .. } => "unpriced_calls",
        InvoiceError::Nothing { .. } => "nothing_to_bill",
        InvoiceError::NotAnInvoice { .. } => "not_an_invoice",
        InvoiceError::TooMuch { .. } => "credit_too_large",
        InvoiceError::Document(_) | InvoiceError::Amount(_) | InvoiceError::TooLarge(_) => "document_refused",
    };
    let error = ApiError::new(StatusCode::CONFLICT, ErrorType::InvalidRequestError, sentence(error));
    error.with_code(code).final_answer().into()
}

fn sentence(error: &InvoiceError) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let first: String = characters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}
