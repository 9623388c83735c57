//! `POST /v1/audio/transcriptions` and `/v1/audio/translations`: a sound cannot be looked at, so a model inside the border
//! hears it or none does.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::ErrorResponse;
use super::passed_on::{marked, read_body, to_response};
use crate::pipeline::{Authenticated, Endpoint, Gateway, Incoming, dispatch, read_form, scan_failed};

pub async fn transcriptions(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    heard((gateway, authenticated), Endpoint::Transcriptions, &headers, body).await
}

pub async fn translations(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    heard((gateway, authenticated), Endpoint::Translations, &headers, body).await
}

async fn heard(
    (gateway, authenticated): (Arc<Gateway>, Authenticated),
    endpoint: Endpoint,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    let places = gateway.enter()?;
    let body = read_body(body, gateway.snapshot().config.max_upload_bytes).await?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    // Looking for boundaries in a large body takes a moment.
    let form = tokio::task::spawn_blocking(move || read_form(content_type.as_deref(), &body)).await;
    let (fields, upload) = form.map_err(|_| scan_failed())??;
    let admitted = authenticated.admit(&gateway, places, headers, Incoming::new(endpoint, fields))?.with_upload(upload);
    let screened = admitted.screen(&gateway).await?;
    Ok(marked(to_response(dispatch(&gateway, screened).await?)))
}
