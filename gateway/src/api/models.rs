//! `GET /v1/models` and `GET /v1/models/{id}`: every alias that this gateway answers for.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use shekara_protocol::error::ApiError;
use shekara_protocol::models::{Model, ModelList};

use super::ErrorResponse;
use crate::pipeline::{Authenticated, Gateway, Snapshot};
use crate::routing::Route;

pub async fn list_models(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
) -> Json<ModelList> {
    let snapshot = gateway.snapshot();
    let allowed = |route: &&Arc<Route>| authenticated.context().key.settings.allows_route(&route.alias);
    Json(ModelList::new(snapshot.table.routes().filter(allowed).map(|route| model(&snapshot, route)).collect()))
}

pub async fn show_model(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Model>, ErrorResponse> {
    let id = id.map(|Path(id)| id).unwrap_or_default();
    let snapshot = gateway.snapshot();
    let allowed = |route: &Arc<Route>| authenticated.context().key.settings.allows_route(&route.alias);
    match snapshot.table.resolve(&id).filter(allowed) {
        Some(route) => Ok(Json(model(&snapshot, &route))),
        None => {
            Err(ApiError::model_not_found("There is no such model here. GET /v1/models lists what is served.").into())
        }
    }
}

fn model(snapshot: &Snapshot, route: &Route) -> Model {
    let owner = route.targets.first().map_or_else(String::new, |own| own.deployment().provider.to_string());
    Model::new(route.alias.clone(), snapshot.created_at_s, owner)
}
