//! `GET /v1/responses/{id}`, `DELETE` and `GET …/input_items`: stored answers of the key's own project.

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::{Value, json};
use shekara_protocol::error::ApiError;

use super::ErrorResponse;
use super::page::{Page, malformed, page};
use crate::pipeline::{self, Authenticated, Gateway};

const DEFAULT_PAGE: usize = 20;
const MAX_PAGE: usize = 100;

type Id = Result<Path<String>, PathRejection>;

pub async fn show_response(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    id: Id,
    query: Result<Query<Shown>, QueryRejection>,
) -> Result<Response, ErrorResponse> {
    if query.is_ok_and(|Query(query)| query.stream.as_deref() == Some("true")) {
        return Err(ApiError::unsupported("stream", "Streams of stored answers are").into());
    }
    let key = &authenticated.context().key;
    let body = pipeline::stored_response(&gateway, key, &text(id)).await?;
    Ok(([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response())
}

#[derive(Debug, Deserialize)]
pub struct Shown {
    stream: Option<String>,
}

pub async fn delete_response(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    id: Id,
) -> Result<Json<Value>, ErrorResponse> {
    let id = text(id);
    pipeline::delete_response(&gateway, &authenticated.context().key, &id).await?;
    Ok(Json(json!({ "id": id, "object": "response", "deleted": true })))
}

pub async fn list_input_items(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    id: Id,
    query: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Value>, ErrorResponse> {
    let Ok(Query(asked)) = query else { return Err(malformed().into()) };
    let mut items = pipeline::input_items(&gateway, &authenticated.context().key, &text(id)).await?;
    // The newest first.
    items.reverse();
    Ok(Json(page(items, &asked, (DEFAULT_PAGE, MAX_PAGE))?))
}

fn text(id: Id) -> String {
    id.map(|Path(id)| id).unwrap_or_default()
}
