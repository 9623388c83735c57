//! Is the process up, and can it answer?

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::ServerState;

pub(super) async fn live() -> &'static str {
    "ok"
}

/// 200 once every folder has been tried and at least one model answers; the body says which do
/// not, and why.
pub(super) async fn ready(State(state): State<ServerState>) -> (StatusCode, Json<Value>) {
    let models: Vec<Value> = state
        .catalog
        .list()
        .into_iter()
        .map(|model| {
            let mut line = json!({"id": model.id, "status": model.state.name()});
            if let Some(reason) = model.state.reason() {
                line["reason"] = json!(reason);
            }
            line
        })
        .collect();
    let ready = state.catalog.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({"ready": ready, "models": models})))
}
