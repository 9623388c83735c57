//! `/v1/models`: what is served at the moment.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use shekara_protocol::error::ApiError;
use shekara_protocol::models::{Model, ModelList};

use crate::catalog::{Catalog, ModelState, ModelStatus, Served, ServedModel, ServedReader};

use super::ServerState;
use super::error::ErrorResponse;

pub(super) async fn list(State(state): State<ServerState>) -> Json<ModelList> {
    let ready = state.catalog.list().into_iter().filter_map(|model| match model.state {
        ModelState::Ready(model) => Some(describe(&model)),
        _ => None,
    });
    Json(ModelList::new(ready.collect()))
}

pub(super) async fn retrieve(
    State(state): State<ServerState>,
    Path(id): Path<String>,
) -> Result<Json<Model>, ErrorResponse> {
    Ok(find_any(&state.catalog, &id).map(|model| Json(describe(&model)))?)
}

/// The model of this id that generates text.
///
/// # Errors
/// As [`find_any`], and 400 for one that does something else.
pub(super) fn find(catalog: &Catalog, id: &str) -> Result<Arc<ServedModel>, ApiError> {
    let found = find_any(catalog, id)?;
    found.generator().cloned().ok_or_else(|| unsupported("The model does not generate text."))
}

/// The model of this id that reads whole sequences.
///
/// # Errors
/// As [`find_any`], and 400 for one that does something else.
pub(super) fn find_reader(catalog: &Catalog, id: &str) -> Result<Arc<ServedReader>, ApiError> {
    let found = find_any(catalog, id)?;
    let message = "The model generates text: it makes no embeddings, scores or classes.";
    found.reader().cloned().ok_or_else(|| unsupported(message))
}

fn unsupported(message: &str) -> ApiError {
    ApiError::invalid("model", message).with_code("unsupported_model")
}

/// The model of this id, if it answers requests.
///
/// # Errors
/// 404 for one that does not exist or is broken, 503 for one that still loads.
fn find_any(catalog: &Catalog, id: &str) -> Result<Served, ApiError> {
    match catalog.model(id) {
        Some(ModelState::Ready(model)) => Ok(model),
        Some(ModelState::Loading) => {
            Err(ApiError::unavailable("model_loading", "The model is still being loaded.", LOADING_RETRY_S))
        }
        Some(ModelState::Failed { .. }) => {
            Err(ApiError::model_not_found("The model could not be loaded and is not served."))
        }
        None => Err(ApiError::model_not_found("The model does not exist.")),
    }
}

/// The model of this id, or the only one if none is named.
///
/// # Errors
/// As [`find`], or 400 if several are served.
pub(super) fn find_or_only(catalog: &Catalog, id: Option<&str>) -> Result<Arc<ServedModel>, ApiError> {
    if let Some(id) = id {
        return find(catalog, id);
    }
    let models = catalog.list();
    let is_ready = |model: &&ModelStatus| matches!(model.state, ModelState::Ready(_));
    let mut ready = models.iter().filter(is_ready);
    match (ready.next(), ready.next(), models.as_slice()) {
        (Some(only), None, _) | (None, None, [only]) => find(catalog, &only.id),
        _ => Err(ApiError::missing("model")),
    }
}

const LOADING_RETRY_S: u64 = 5;

fn describe(model: &Served) -> Model {
    let mut described = Model::new(model.id(), model.created(), "local");
    described.max_model_len = Some(model.max_context());
    described
}
