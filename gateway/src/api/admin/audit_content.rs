//! `GET /admin/v1/audit/{request_id}/content`: what is kept of a request and its answer. Like every read of the audit it
//! leaves a record of its own.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde_json::{Value, json};
use shekara_protocol::error::{ApiError, ErrorType};

use super::super::ErrorResponse;
use super::caller::{Caller, not_found, reach};
use super::store_failed;
use crate::pipeline::{Gateway, KeptPart, NotRead, content_unavailable, kept_content};
use crate::store::AuditFilter;

pub async fn audit_content(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    Path(request_id): Path<String>,
) -> Result<Json<Value>, ErrorResponse> {
    // What is no id is a text of the caller's, and stays out of the record.
    if !is_id(&request_id) {
        return Err(not_found("record"));
    }
    caller.context().settlement.note_object(format!("content of request {request_id}"));
    let reach = reach(&caller);
    let filter = AuditFilter {
        tenant: reach.tenant().map(str::to_owned),
        project: reach.project().map(str::to_owned),
        request_id: Some(request_id),
        ..AuditFilter::default()
    };
    let rows = gateway.store().audit_page(filter, 0, 1).await.map_err(|error| store_failed(&error))?;
    let record = rows.into_iter().next().ok_or_else(|| not_found("record"))?.record;
    let (request, answer) = kept_content(&gateway, &record).await.map_err(|error| match error {
        NotRead::Gone => not_found("content"),
        NotRead::Changed => {
            let message = "What is kept is not what the record of the request says: it was changed or exchanged.";
            let error = ApiError::new(StatusCode::CONFLICT, ErrorType::InvalidRequestError, message);
            error.with_code("content_changed").final_answer().into()
        }
        NotRead::Shelf(error) => content_unavailable(&error).into(),
    })?;
    Ok(Json(json!({
        "object": "audit.content",
        "request_id": record.request_id,
        "time": record.time,
        "tenant": record.tenant,
        "project": record.project,
        "key_id": record.key_id,
        "endpoint": record.endpoint,
        "data_class": record.data_class,
        "request": request.map(shown),
        "answer": answer.map(shown),
    })))
}

fn is_id(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (1..=64).contains(&text.len()) && text.chars().all(is_plain)
}

/// A text as it is, anything else in base64.
fn shown(part: KeptPart) -> Value {
    let KeptPart { head, bytes, seal } = part;
    let mut shown = json!({ "bytes": head.bytes, "truncated": head.truncated, "sealed_sha256": seal });
    if !head.files.is_empty() {
        shown["files"] = json!(head.files);
    }
    match String::from_utf8(bytes) {
        Ok(text) => shown["text"] = Value::from(text),
        Err(error) => shown["base64"] = Value::from(STANDARD.encode(error.as_bytes())),
    }
    shown
}
