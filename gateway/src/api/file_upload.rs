//! A form with one file, read as it comes: no more than a piece of it is in memory.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::Stream;
use http::StatusCode;
use multer::{Field, Multipart, parse_boundary};
use shekara_protocol::error::{ApiError, ErrorType};

use crate::pipeline::{FileAbout, FileRecord, FileWriter};

/// OpenAI's purposes of files that users upload.
const PURPOSES: [&str; 6] = ["assistants", "batch", "evals", "fine-tune", "user_data", "vision"];
const MIN_TTL_S: u64 = 3_600;
const MAX_TTL_S: u64 = 2_592_000;
const MAX_FIELD_BYTES: usize = 4 << 10;
const MAX_FILE_NAME_BYTES: usize = 512;
const MAX_FIELDS: usize = 16;
/// What may come without being a part of a field: a form that has no boundaries is not collected.
const MAX_UNREAD_BYTES: usize = 4 << 20;
/// A client that stops sending does not get to hold a place, nor one that sends a byte a minute.
const CHUNK_TIMEOUT: Duration = Duration::from_mins(1);
const UPLOAD_TIMEOUT: Duration = Duration::from_mins(10);
const DISCARD_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_DISCARD_BYTES: usize = 64 << 20;

/// Where there is no `writer`, the body is read all the same, and its error given back.
///
/// # Errors
/// 400 for a form that is none or says what it may not, 408 where it comes too slowly; as [`FileWriter::write`].
pub(super) async fn upload(
    content_type: &str,
    body: Body,
    writer: Result<FileWriter, ApiError>,
) -> Result<FileRecord, ApiError> {
    let boundary = parse_boundary(content_type).map_err(|_| {
        ApiError::invalid_request("Expected a form (multipart/form-data with a boundary).").with_code("invalid_form")
    });
    let (body, unread) = (Arc::new(Mutex::new(body.into_data_stream())), Arc::<AtomicUsize>::default());
    let read = match (writer, boundary) {
        (Err(error), _) | (_, Err(error)) => Err(error),
        (Ok(writer), Ok(boundary)) => {
            let metered = Metered { body: Arc::clone(&body), unread: Arc::clone(&unread), has_given: false };
            let form = Form { form: Multipart::new(metered, boundary), unread };
            tokio::time::timeout(UPLOAD_TIMEOUT, form.read(writer)).await.unwrap_or_else(|_| Err(too_slow()))
        }
    };
    // Its connection would be closed on what is left, under the client's next request.
    let _ = tokio::time::timeout(DISCARD_TIMEOUT, discard(&body)).await;
    read
}

/// Throws away what is left of a body, for a while.
async fn discard(body: &Mutex<BodyDataStream>) {
    let mut left = MAX_DISCARD_BYTES;
    while let Some(Ok(chunk)) = poll_fn(|context| next(body, context)).await {
        left = left.saturating_sub(chunk.len());
        if left == 0 {
            return;
        }
    }
}

fn next(body: &Mutex<BodyDataStream>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, axum::Error>>> {
    Pin::new(&mut *body.lock().unwrap_or_else(PoisonError::into_inner)).poll_next(context)
}

fn too_slow() -> ApiError {
    let message = "The file did not arrive in time.";
    ApiError::new(StatusCode::REQUEST_TIMEOUT, ErrorType::InvalidRequestError, message).with_code("request_timeout")
}

fn malformed() -> ApiError {
    ApiError::invalid_request("The form could not be read to its end.").with_code("invalid_form")
}

fn twice(name: &str) -> ApiError {
    ApiError::invalid(name, format!("Invalid '{name}': the form has this field more than once."))
}

/// A body that is taken piece by piece, and only while its reader makes something of it.
struct Metered {
    body: Arc<Mutex<BodyDataStream>>,
    /// Since the reader last gave something.
    unread: Arc<AtomicUsize>,
    has_given: bool,
}

#[derive(Debug, thiserror::Error)]
enum BodyError {
    #[error(transparent)]
    Body(#[from] axum::Error),
    #[error("failed to find the boundaries of a form")]
    NoBoundaries,
}

impl Stream for Metered {
    type Item = Result<Bytes, BodyError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // The reader would take all that is there before it looks at any of it.
        if std::mem::take(&mut self.has_given) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Poll::Ready(chunk) = next(&self.body, context) else { return Poll::Pending };
        let Some(chunk) = chunk.transpose()? else { return Poll::Ready(None) };
        self.has_given = true;
        let unread = self.unread.fetch_add(chunk.len(), Ordering::Relaxed).saturating_add(chunk.len());
        Poll::Ready(Some(if unread > MAX_UNREAD_BYTES { Err(BodyError::NoBoundaries) } else { Ok(chunk) }))
    }
}

/// What a form says beside its file.
#[derive(Default)]
struct Fields {
    purpose: Option<String>,
    anchor: Option<String>,
    ttl_s: Option<String>,
}

struct Form {
    form: Multipart<'static>,
    unread: Arc<AtomicUsize>,
}

impl Form {
    async fn read(mut self, writer: FileWriter) -> Result<FileRecord, ApiError> {
        let (mut fields, mut file_name, mut writer) = (Fields::default(), None, Some(writer));
        for _ in 0..=MAX_FIELDS {
            let Some(field) = self.next_field().await? else {
                let about = about(fields, file_name)?;
                return writer.take().ok_or_else(malformed)?.finish(about).await;
            };
            let name = field.name().unwrap_or_default().to_owned();
            if name != "file" {
                let text = self.text_of(&name, field).await?;
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
            let no_file = || ApiError::invalid("file", "Invalid 'file': expected a file with a name, not a text.");
            let own = field.file_name().filter(|name| !name.is_empty()).ok_or_else(no_file)?;
            if own.len() > MAX_FILE_NAME_BYTES {
                return Err(ApiError::invalid("file", "Invalid 'file': its name is too long."));
            }
            file_name = Some(own.to_owned());
            self.write(field, writer.as_mut().ok_or_else(malformed)?).await?;
        }
        Err(malformed())
    }

    async fn next_field(&mut self) -> Result<Option<Field<'static>>, ApiError> {
        let field = tokio::time::timeout(CHUNK_TIMEOUT, self.form.next_field()).await.map_err(|_| too_slow())?;
        self.unread.store(0, Ordering::Relaxed);
        field.map_err(|_| malformed())
    }

    async fn next_chunk(&self, field: &mut Field<'_>) -> Result<Option<Bytes>, ApiError> {
        let chunk = tokio::time::timeout(CHUNK_TIMEOUT, field.chunk()).await.map_err(|_| too_slow())?;
        self.unread.store(0, Ordering::Relaxed);
        chunk.map_err(|_| malformed())
    }

    async fn text_of(&self, name: &str, mut field: Field<'_>) -> Result<String, ApiError> {
        let mut text = Vec::new();
        while let Some(chunk) = self.next_chunk(&mut field).await? {
            text.extend_from_slice(&chunk);
            if text.len() > MAX_FIELD_BYTES {
                return Err(ApiError::invalid(name, format!("Invalid '{name}': too long.")));
            }
        }
        String::from_utf8(text).map_err(|_| ApiError::invalid(name, format!("Invalid '{name}': no UTF-8.")))
    }

    async fn write(&self, mut field: Field<'_>, writer: &mut FileWriter) -> Result<(), ApiError> {
        let mut is_empty = true;
        while let Some(chunk) = self.next_chunk(&mut field).await? {
            is_empty &= chunk.is_empty();
            writer.write(&chunk).await?;
        }
        if is_empty { Err(ApiError::invalid("file", "Invalid 'file': it is empty.")) } else { Ok(()) }
    }
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
