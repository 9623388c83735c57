//! `/v1/files`: files of the key's own project, in OpenAI's shape.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::{Extension, Json};
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use shekara_protocol::error::{ApiError, ErrorType};

use super::ErrorResponse;
use super::file_upload::upload;
use super::page::{Page, page};
use crate::jobs::batches::is_input;
use crate::pipeline::{
    self, Authenticated, FileReader, FileRecord, FileWriter, Gateway, check_file_count, download, file_record,
    file_records, fresh_file_id, owner_of,
};

const MAX_PAGE: usize = 10_000;

type Id = Result<Path<String>, PathRejection>;

fn shown(record: &FileRecord) -> Value {
    json!({
        "id": record.id,
        "object": "file",
        "bytes": record.bytes,
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "filename": record.file_name,
        "purpose": record.purpose,
        "status": "processed",
        "status_details": null,
    })
}

pub async fn upload_file(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ErrorResponse> {
    let _places = gateway.enter()?;
    let owner = owner_of(&authenticated.context().key);
    let checked = check_file_count(&gateway, &owner).await;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let max_bytes = gateway.snapshot().config.content.max_file_bytes;
    let writer = checked.map(|()| FileWriter::new(&gateway, owner, fresh_file_id(&gateway), max_bytes));
    Ok(Json(shown(&upload(content_type, body, writer).await?)))
}

#[derive(Debug, Deserialize)]
pub struct Which {
    purpose: Option<String>,
    #[serde(flatten)]
    page: Page,
}

pub async fn list_files(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    query: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Value>, ErrorResponse> {
    let Ok(Query(which)) = query else { return Err(super::page::malformed().into()) };
    let _places = gateway.enter()?;
    let mut records = file_records(&gateway, &owner_of(&authenticated.context().key)).await?;
    if let Some(purpose) = &which.purpose {
        records.retain(|record| record.purpose == *purpose);
    }
    Ok(Json(page(records.iter().map(shown).collect(), &which.page, (MAX_PAGE, MAX_PAGE))?))
}

pub async fn show_file(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    id: Id,
) -> Result<Json<Value>, ErrorResponse> {
    let record = file_record(&gateway, &owner_of(&authenticated.context().key), &text(id)).await?;
    Ok(Json(shown(&record)))
}

pub async fn delete_file(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    id: Id,
) -> Result<Json<Value>, ErrorResponse> {
    let (id, owner) = (text(id), owner_of(&authenticated.context().key));
    if is_input(&gateway, &owner, &id).await? {
        let message = "The file is the input of a batch that has not ended: cancel that first.";
        let error = ApiError::new(StatusCode::CONFLICT, ErrorType::InvalidRequestError, message);
        return Err(error.with_code("file_in_use").final_answer().into());
    }
    pipeline::delete_file(&gateway, &owner, &id).await?;
    Ok(Json(json!({ "id": id, "object": "file", "deleted": true })))
}

pub async fn file_content(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    id: Id,
) -> Result<Response, ErrorResponse> {
    let places = gateway.enter()?;
    let context = authenticated.context().clone();
    let owner = owner_of(&context.key);
    let record = file_record(&gateway, &owner, &text(id)).await?;
    let (bytes, file_name) = (record.bytes, record.file_name.clone());
    let reader = FileReader::new(&gateway, owner, record);
    let mut response = Response::new(Body::from_stream(download(context, places, reader)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{}\"", plain(&file_name))) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// A name that needs no quoting.
fn plain(file_name: &str) -> String {
    let fine = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ') { c } else { '_' };
    file_name.chars().map(fine).collect()
}

fn text(id: Id) -> String {
    id.map(|Path(id)| id).unwrap_or_default()
}
