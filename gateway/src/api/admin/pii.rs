//! `POST /admin/v1/pii/scan`: what the detector sees in a text or request, and why.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use shekara_protocol::error::ApiError;

use super::super::ErrorResponse;
use super::super::passed_on::read_body;
use crate::pii::{Policy, ScanInput, report};
use crate::pipeline::{Gateway, scan_failed};

/// An explanation is for people; larger texts go through `shekara pii scan`.
const MAX_SCAN_BODY_BYTES: usize = 1 << 20;

pub async fn scan_pii(State(gateway): State<Arc<Gateway>>, body: Body) -> Result<Response, ErrorResponse> {
    let body = read_body(body, MAX_SCAN_BODY_BYTES).await?;
    let input: ScanInput = serde_json::from_slice(&body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        ApiError::invalid_request(format!(
            "The body must have 'text', 'texts' or 'request', and may have 'route': line {line}, column {column}."
        ))
    })?;
    let scanned =
        input.body().map_err(|error| ApiError::invalid_request(format!("The body is ambiguous: {error}.")))?;
    let snapshot = gateway.snapshot();
    let policy = match &input.route {
        Some(alias) => {
            let route = snapshot.table.resolve(alias);
            let route = route.ok_or_else(|| ApiError::invalid("route", "There is no such route."))?;
            Policy::clone(&route.policy)
        }
        None => Policy::default().overridden(&snapshot.config.privacy.overrides),
    };
    let detector = Arc::clone(&snapshot.detector);
    let task = tokio::task::spawn_blocking(move || report(&scanned, &detector, &policy));
    let report = task.await.map_err(|_| scan_failed())??;
    Ok(Json(report).into_response())
}
