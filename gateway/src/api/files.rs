//! `/v1/files`: files of the key's own project, in OpenAI's shape.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::{Extension, Json};
use futures_util::{StreamExt, stream};
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use multer::{Field, Multipart, parse_boundary};
use serde::Deserialize;
use serde_json::{Value, json};
use shekara_protocol::error::ApiError;

use super::ErrorResponse;
use super::page::{Page, page};
use crate::audit::Outcome;
use crate::pipeline::{
    self, Authenticated, FileAbout, FileReader, FileRecord, FileWriter, Gateway, check_file_count, file_record,
    file_records, fresh_file_id, owner_of,
};

/// OpenAI's purposes of files that users upload.
const PURPOSES: [&str; 6] = ["assistants", "batch", "evals", "fine-tune", "user_data", "vision"];
const MIN_TTL_S: u64 = 3_600;
const MAX_TTL_S: u64 = 2_592_000;
const MAX_FIELD_BYTES: usize = 4 << 10;
const MAX_FILE_NAME_BYTES: usize = 512;
const MAX_FIELDS: usize = 16;
/// A client that stops sending does not get to hold a place, nor one that sends a byte a minute.
const CHUNK_TIMEOUT: Duration = Duration::from_mins(1);
const UPLOAD_TIMEOUT: Duration = Duration::from_mins(30);

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
    check_file_count(&gateway, &owner).await?;
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = parse_boundary(content_type).map_err(|_| {
        ApiError::invalid_request("Expected a form (multipart/form-data with a boundary).").with_code("invalid_form")
    })?;
    let form = Multipart::new(body.into_data_stream(), boundary);
    let max_bytes = gateway.snapshot().config.content.max_file_bytes;
    let writer = FileWriter::new(&gateway, owner, fresh_file_id(&gateway), max_bytes);
    let uploaded = tokio::time::timeout(UPLOAD_TIMEOUT, upload(form, writer)).await;
    let record = uploaded.unwrap_or_else(|_| Err(too_slow()))?;
    Ok(Json(shown(&record)))
}

fn too_slow() -> ApiError {
    ApiError::new(
        http::StatusCode::REQUEST_TIMEOUT,
        shekara_protocol::error::ErrorType::InvalidRequestError,
        "The file did not arrive in time.",
    )
    .with_code("request_timeout")
}

fn malformed() -> ApiError {
    ApiError::invalid_request("The form could not be read to its end.").with_code("invalid_form")
}

/// What a form says beside its file.
#[derive(Default)]
struct Fields {
    purpose: Option<String>,
    anchor: Option<String>,
    ttl_s: Option<String>,
}

async fn upload(mut form: Multipart<'_>, writer: FileWriter) -> Result<FileRecord, ApiError> {
    let (mut fields, mut file_name) = (Fields::default(), None);
    let mut writer = Some(writer);
    for _ in 0..=MAX_FIELDS {
        let next = tokio::time::timeout(CHUNK_TIMEOUT, form.next_field()).await.map_err(|_| too_slow())?;
        let Some(field) = next.map_err(|_| malformed())? else {
            let about = about(fields, file_name)?;
            return writer.take().ok_or_else(malformed)?.finish(about).await;
        };
        let name = field.name().unwrap_or_default().to_owned();
        if name != "file" {
            let text = text_of(&name, field).await?;
            let place = match name.as_str() {
                "purpose" => &mut fields.purpose,
                "expires_after[anchor]" => &mut fields.anchor,
                "expires_after[seconds]" => &mut fields.ttl_s,
                _ => return Err(ApiError::unsupported(&name, "This field is")),
            };
            if place.replace(text).is_some() {
                return Err(twice(&name));
            }
            continue;
        }
        if file_name.is_some() {
            return Err(twice("file"));
        }
        let own = field
            .file_name()
            .filter(|name| !name.is_empty())
            .ok_or_else(|| ApiError::invalid("file", "Invalid 'file': expected a file with a name, not a text."))?;
        if own.len() > MAX_FILE_NAME_BYTES {
            return Err(ApiError::invalid("file", "Invalid 'file': its name is too long."));
        }
        file_name = Some(own.to_owned());
        write(field, writer.as_mut().ok_or_else(malformed)?).await?;
    }
    Err(malformed())
}

fn twice(name: &str) -> ApiError {
    ApiError::invalid(name, format!("Invalid '{name}': the form has this field more than once."))
}

async fn text_of(name: &str, mut field: Field<'_>) -> Result<String, ApiError> {
    let mut text = Vec::new();
    while let Some(chunk) = next_chunk(&mut field).await? {
        text.extend_from_slice(&chunk);
        if text.len() > MAX_FIELD_BYTES {
            return Err(ApiError::invalid(name, format!("Invalid '{name}': too long.")));
        }
    }
    String::from_utf8(text).map_err(|_| ApiError::invalid(name, format!("Invalid '{name}': no UTF-8.")))
}

async fn next_chunk(field: &mut Field<'_>) -> Result<Option<bytes::Bytes>, ApiError> {
    let chunk = tokio::time::timeout(CHUNK_TIMEOUT, field.chunk()).await.map_err(|_| too_slow())?;
    chunk.map_err(|_| malformed())
}

async fn write(mut field: Field<'_>, writer: &mut FileWriter) -> Result<(), ApiError> {
    let mut is_empty = true;
    while let Some(chunk) = next_chunk(&mut field).await? {
        is_empty &= chunk.is_empty();
        writer.write(&chunk).await?;
    }
    if is_empty { Err(ApiError::invalid("file", "Invalid 'file': it is empty.")) } else { Ok(()) }
}

fn about(fields: Fields, file_name: Option<String>) -> Result<FileAbout, ApiError> {
    let file_name = file_name.ok_or_else(|| ApiError::missing("file"))?;
    let purpose = fields.purpose.ok_or_else(|| ApiError::missing("purpose"))?;
    if !PURPOSES.contains(&purpose.as_str()) {
        let message = format!("Invalid value for 'purpose': expected one of {}.", PURPOSES.join(", "));
        return Err(ApiError::invalid("purpose", message));
    }
    let ttl_s = match (fields.anchor.as_deref(), fields.ttl_s) {
        (None, None) => None,
        (Some("created_at"), Some(seconds)) => Some(ttl_s(seconds.parse().ok(), "expires_after[seconds]")?),
        _ => {
            let message = "Invalid 'expires_after': expected the anchor created_at and seconds.";
            return Err(ApiError::invalid("expires_after", message));
        }
    };
    Ok(FileAbout { file_name, purpose, ttl_s })
}

/// # Errors
/// 400 where it is not what OpenAI allows.
pub(super) fn ttl_s(seconds: Option<u64>, param: &str) -> Result<u64, ApiError> {
    seconds.filter(|seconds| (MIN_TTL_S..=MAX_TTL_S).contains(seconds)).ok_or_else(|| {
        ApiError::invalid(param, format!("Invalid '{param}': expected {MIN_TTL_S} to {MAX_TTL_S} seconds."))
    })
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
    let mut records = file_records(&gateway, &owner_of(&authenticated.context().key)).await?;
    if let Some(purpose) = &which.purpose {
        records.retain(|record| record.purpose == *purpose);
    }
    Ok(Json(page(records.iter().map(shown).collect(), &which.page, 10_000)?))
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
    let id = text(id);
    pipeline::delete_file(&gateway, &owner_of(&authenticated.context().key), &id).await?;
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
    // Settled before its last piece is handed out; a client that leaves before is recorded as that.
    let parts = stream::unfold((reader, places), move |(mut reader, places)| {
        let settlement = Arc::clone(&context.settlement);
        async move {
            match reader.next().await {
                Ok(Some(part)) => {
                    let is_told = !reader.is_at_end() || settlement.settle(Outcome::Completed, 200).is_ok();
                    Some((if is_told { Ok(part) } else { Err(Broken) }, (reader, places)))
                }
                Ok(None) => None,
                Err(error) => {
                    settlement.note_error(error.code.as_deref());
                    let _ = settlement.settle(Outcome::Failed, error.status.as_u16());
                    Some((Err(Broken), (reader, places)))
                }
            }
        }
    });
    let mut response = Response::new(Body::from_stream(parts.boxed()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{}\"", plain(&file_name))) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// Why a file is not sent to its end: the connection breaks, so that nobody takes a part of it for the whole.
#[derive(Debug, thiserror::Error)]
#[error("failed to send a file to its end")]
struct Broken;

/// A name that needs no quoting.
fn plain(file_name: &str) -> String {
    let fine = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ') { c } else { '_' };
    file_name.chars().map(fine).collect()
}

fn text(id: Id) -> String {
    id.map(|Path(id)| id).unwrap_or_default()
}
