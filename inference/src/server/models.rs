//! `/v1/models`: what is served at the moment, or as soon as it is asked for.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use shekara_protocol::error::ApiError;
use shekara_protocol::models::{Model, ModelList};

use crate::catalog::{
    AcquireError, Catalog, ModelState, ModelStatus, Served, ServedModel, ServedReader, ServedTranscriber,
};

use super::ServerState;
use super::error::ErrorResponse;

/// Seconds after which a model that is being loaded is likely to be there.
const LOADING_RETRY_S: u64 = 5;
const NOT_TEXT: &str = "The model writes down speech: ask it at /v1/audio/transcriptions.";

pub(super) async fn list(State(state): State<ServerState>) -> Json<ModelList> {
    let served = state.catalog.list().into_iter().filter(ModelStatus::is_served);
    Json(ModelList::new(served.map(|model| describe(&model)).collect()))
}

pub(super) async fn retrieve(
    State(state): State<ServerState>,
    Path(id): Path<String>,
) -> Result<Json<Model>, ErrorResponse> {
    // Asking about a model does not load it.
    match state.catalog.model_status(&id) {
        Some(model) if model.is_served() => Ok(Json(describe(&model))),
        Some(model) => Err(not_served(refusal(&model.state)).into()),
        None => Err(not_served(AcquireError::Unknown).into()),
    }
}

fn refusal(state: &ModelState) -> AcquireError {
    match state {
        ModelState::Failed { .. } => AcquireError::Failed,
        ModelState::Unloaded | ModelState::Draining => AcquireError::Unloaded,
        ModelState::Waiting { .. } | ModelState::Loading { .. } | ModelState::Ready(_) => AcquireError::Loading,
    }
}

/// The model of this id that generates text.
///
/// # Errors
/// As [`find_any`], and 400 for one that does something else.
pub(super) async fn find(catalog: &Catalog, id: &str) -> Result<Arc<ServedModel>, ApiError> {
    let found = find_any(catalog, id).await?;
    let message = match &found {
        Served::Transcriber(_) => NOT_TEXT,
        _ => "The model does not generate text.",
    };
    found.generator().cloned().ok_or_else(|| unsupported(message))
}

/// The model of this id that writes down speech.
///
/// # Errors
/// As [`find_any`], and 400 for one that does something else.
pub(super) async fn find_transcriber(catalog: &Catalog, id: &str) -> Result<Arc<ServedTranscriber>, ApiError> {
    let found = find_any(catalog, id).await?;
    found.transcriber().cloned().ok_or_else(|| unsupported("The model reads text: it does not write down speech."))
}

/// The model of this id that reads whole sequences.
///
/// # Errors
/// As [`find_any`], and 400 for one that does something else.
pub(super) async fn find_reader(catalog: &Catalog, id: &str) -> Result<Arc<ServedReader>, ApiError> {
    let found = find_any(catalog, id).await?;
    let message = match &found {
        Served::Transcriber(_) => NOT_TEXT,
        _ => "The model generates text: it makes no embeddings, scores or classes.",
    };
    found.reader().cloned().ok_or_else(|| unsupported(message))
}

fn unsupported(message: &str) -> ApiError {
    ApiError::invalid("model", message).with_code("unsupported_model")
}

/// The model of this id, as soon as it answers requests.
///
/// # Errors
/// 404 for one that does not exist or is broken, 503 for one that is not loaded in time.
async fn find_any(catalog: &Catalog, id: &str) -> Result<Served, ApiError> {
    catalog.acquire(id).await.map_err(not_served)
}

/// The model of this id, or the only one if none is named.
///
/// # Errors
/// As [`find`], or 400 if several are served.
pub(super) async fn find_or_only(catalog: &Catalog, id: Option<&str>) -> Result<Arc<ServedModel>, ApiError> {
    if let Some(id) = id {
        return find(catalog, id).await;
    }
    let mut models = catalog.list();
    models.retain(|model| model.parent.is_none());
    let mut served = models.iter().filter(|model| model.is_served());
    match (served.next(), served.next(), models.as_slice()) {
        (Some(only), None, _) | (None, None, [only]) => find(catalog, &only.id).await,
        _ => Err(ApiError::missing("model")),
    }
}

fn not_served(error: AcquireError) -> ApiError {
    match error {
        AcquireError::Unknown => ApiError::model_not_found("The model does not exist."),
        AcquireError::Failed => ApiError::model_not_found("The model could not be loaded and is not served."),
        AcquireError::Loading => {
            ApiError::unavailable("model_loading", "The model is still being loaded.", LOADING_RETRY_S)
        }
        AcquireError::Unloaded => {
            ApiError::unavailable("model_unloaded", "The model is unloaded at the moment.", LOADING_RETRY_S)
        }
        AcquireError::Closed => super::error::shutting_down(),
    }
}

fn describe(model: &ModelStatus) -> Model {
    let mut described = Model::new(model.id.clone(), 0, "local");
    described.parent.clone_from(&model.parent);
    if let ModelState::Ready(served) = &model.state {
        described.created = served.info().created;
        described.max_model_len = served.max_context();
    }
    described
}
