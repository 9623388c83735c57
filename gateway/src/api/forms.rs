//! `POST /v1/audio/transcriptions`, `/v1/audio/translations`, `/v1/images/edits` and `/v1/images/variations`: forms with
//! files, which cannot be looked at. A sound is heard by a model inside the border or by none; a picture leaves where its
//! route lets out what nobody can read.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use shekara_protocol::error::ApiError;

use super::ErrorResponse;
use super::passed_on::{marked, read_body, to_response};
use crate::pii::Uploads;
use crate::pipeline::{
    Api, Authenticated, Call, Endpoint, Gateway, Incoming, answer, dispatch, read_form, scan_failed,
};

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

pub async fn image_edits(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    pictured((gateway, authenticated), (Endpoint::ImageEdits, Api::ImageEdits), headers, body).await
}

pub async fn image_variations(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    pictured((gateway, authenticated), (Endpoint::ImageVariations, Api::ImageVariations), headers, body).await
}

async fn heard(
    (gateway, authenticated): (Arc<Gateway>, Authenticated),
    endpoint: Endpoint,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    let places = gateway.enter_with_form(announced(&gateway, headers))?;
    let (fields, uploads) = form(&gateway, endpoint, headers, body).await?;
    let settlement = &authenticated.context().settlement;
    settlement.keep_body(&fields);
    settlement.keep_uploads(&uploads);
    let incoming = Incoming::new(endpoint, fields).with_uploads(uploads);
    let screened = authenticated.admit(&gateway, places, headers, incoming).await?.screen(&gateway).await?;
    Ok(marked(to_response(dispatch(&gateway, screened).await?)))
}

async fn pictured(
    (gateway, authenticated): (Arc<Gateway>, Authenticated),
    (endpoint, api): (Endpoint, Api),
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    let places = gateway.enter_with_form(announced(&gateway, &headers))?;
    let (fields, uploads) = form(&gateway, endpoint, &headers, body).await?;
    let call = Call::new(authenticated, places, headers, fields, api).with_uploads(uploads);
    Ok(marked(to_response(answer(&gateway, call).await?)))
}

/// How long the body is said to be, or may be.
fn announced(gateway: &Gateway, headers: &HeaderMap) -> usize {
    let most = gateway.snapshot().config.max_upload_bytes;
    let said = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    said.unwrap_or(most).min(most)
}

/// Fields and files of a form within the bound on uploads.
async fn form(
    gateway: &Gateway,
    endpoint: Endpoint,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Bytes, Uploads), ApiError> {
    let body = read_body(body, gateway.snapshot().config.max_upload_bytes).await?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    // Looking for boundaries in a large body takes a moment.
    let form = tokio::task::spawn_blocking(move || read_form(endpoint, content_type.as_deref(), &body)).await;
    form.map_err(|_| scan_failed())?
}
