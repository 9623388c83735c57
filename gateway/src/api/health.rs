//! `GET /healthz` (the process is up) and `GET /readyz` (what the routes need is served).

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use crate::pipeline::Gateway;

pub async fn healthz() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

pub async fn readyz(State(gateway): State<Arc<Gateway>>) -> Response {
    if gateway.drain.is_draining() {
        let body = json!({ "status": "shutting_down" });
        return (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response();
    }
    let readiness = gateway.snapshot().readiness();
    let (status, word) =
        if readiness.ready { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not_ready") };
    (status, Json(json!({ "status": word, "missing": readiness.missing }))).into_response()
}
