//! `/admin/v1/models`: where every model stands, and what an operator asks of one.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use shekara_protocol::error::ApiError;

use crate::catalog::{Action, ControlError, ModelState, ModelStatus, NextRevision, Served};

use super::ServerState;
use super::body;
use super::error::ErrorResponse;

const MAX_BODY_BYTES: usize = 16 << 10;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ControlRequest {
    id: String,
    action: String,
}

pub(super) async fn list(State(state): State<ServerState>, request: Request) -> Result<Json<Value>, ErrorResponse> {
    state.admin.check(request.headers())?;
    let models: Vec<Value> = state.catalog.list().iter().map(describe).collect();
    let budget = state.catalog.budget();
    let memory = json!({"total_bytes": budget.total_bytes(), "reserved_bytes": budget.reserved_bytes()});
    Ok(Json(json!({"object": "list", "data": models, "memory": memory})))
}

/// Begins what is asked for; how it goes on is seen in the list.
pub(super) async fn control(
    State(state): State<ServerState>,
    request: Request,
) -> Result<(StatusCode, Json<Value>), ErrorResponse> {
    state.admin.check(request.headers())?;
    let body: Bytes = body::read(request.into_body(), MAX_BODY_BYTES).await?;
    let ControlRequest { id, action } = body::strictly(&body, parse)?;
    let action: Action = action.parse().map_err(|_| {
        let names: Vec<&str> = Action::ALL.iter().map(|(name, _)| *name).collect();
        ApiError::invalid("action", format!("Invalid 'action': expected one of {}.", names.join(", ")))
    })?;
    let status = state.catalog.control(&id, action);
    let status = status.map_err(|error| match error {
        ControlError::Unknown => ApiError::model_not_found("The model does not exist.").with_param("id"),
        ControlError::Adapter => ApiError::invalid("id", "An adapter comes and goes with its folder and its model."),
    })?;
    Ok((StatusCode::ACCEPTED, Json(describe(&status))))
}

fn parse(body: &[u8]) -> Result<ControlRequest, ApiError> {
    serde_json::from_slice(body).map_err(|_| {
        ApiError::invalid_request("The request body must be an object with two strings, 'id' and 'action'.")
    })
}

fn describe(model: &ModelStatus) -> Value {
    let mut line = json!({
        "id": model.id,
        "object": "model.status",
        "state": model.state.name(),
        "reason": model.state.reason(),
        "pinned": model.is_pinned,
        "on_demand": model.is_on_demand,
        "draining_requests": model.num_draining,
    });
    if let Some(parent) = &model.parent {
        line["parent"] = json!(parent);
    }
    match &model.state {
        ModelState::Loading { percent } => line["percent"] = json!(percent),
        ModelState::Ready(served) => describe_served(served, &mut line),
        _ => {}
    }
    if let Some(next) = &model.next {
        line["next_revision"] = match next {
            NextRevision::Waiting { reason } => json!({"state": "waiting", "reason": reason}),
            NextRevision::Loading { percent } => json!({"state": "loading", "percent": percent}),
            NextRevision::Failed { reason } => json!({"state": "failed", "reason": reason}),
        };
    }
    line
}

fn describe_served(served: &Served, line: &mut Value) {
    let info = served.info();
    line["revision"] = json!(info.revision.name());
    line["dtype"] = json!(info.dtype);
    line["weight_bytes"] = json!(info.weight_bytes);
    line["cache_bytes"] = json!(info.cache_bytes);
    line["reserved_bytes"] = json!(info.reserved_bytes);
    if let Some(max_context) = served.max_context() {
        line["max_model_len"] = json!(max_context);
    }
    line["loaded_at"] = json!(info.created);
    line["last_used_at"] = json!(info.last_used_s());
    if let Some(adapter) = served.generator().and_then(|model| model.adapter.as_ref()) {
        // Its requests are among its model's.
        line["rank"] = json!(adapter.rank());
        return;
    }
    let stats = served.stats();
    let used = stats.total_blocks.saturating_sub(stats.free_blocks);
    line["blocks"] = json!({"used": used, "total": stats.total_blocks});
    line["running"] = json!(stats.running);
    line["waiting"] = json!(stats.waiting);
}
