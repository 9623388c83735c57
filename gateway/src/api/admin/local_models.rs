//! `/admin/v1/models`: the engine's models, for the operator. The engine answers; the key was checked here.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, Method, header};

use super::super::ErrorResponse;
use super::super::passed_on::read_body;
use super::caller::Caller;
use crate::pipeline::Gateway;

const MAX_BODY_BYTES: usize = 16 << 10;

pub async fn list_local_models(State(gateway): State<Arc<Gateway>>) -> Result<Response, ErrorResponse> {
    ask(&gateway, Method::GET, Bytes::new()).await
}

pub async fn control_local_model(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    body: Body,
) -> Result<Response, ErrorResponse> {
    caller.context().settlement.note_object("local models".to_owned());
    let body = read_body(body, MAX_BODY_BYTES).await?;
    ask(&gateway, Method::POST, body).await
}

async fn ask(gateway: &Gateway, method: Method, body: Bytes) -> Result<Response, ErrorResponse> {
    let (status, body) = gateway.local_models(method, body).await?;
    let json = HeaderValue::from_static("application/json");
    Ok((status, [(header::CONTENT_TYPE, json)], body).into_response())
}
