//! Batches as callers order, see and cancel them.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Map, Value};
use shekara_protocol::error::{ApiError, ErrorType};

use super::batch::{Batch, Counts, Status, Times, Used};
use super::progress;
use crate::content::Owner;
use crate::pipeline::{Gateway, file_record};

const MAX_WINDOW_HOURS: u64 = 7 * 24;
const MAX_METADATA: usize = 16;
const MAX_METADATA_NAME: usize = 64;
const MAX_METADATA_VALUE: usize = 512;
/// What batches are made of.
const INPUT_PURPOSE: &str = "batch";

/// What a batch is ordered with, as it was written.
#[derive(Debug, Clone)]
pub struct Order {
    pub input_file_id: String,
    pub endpoint: String,
    pub completion_window: String,
    pub metadata: Option<Map<String, Value>>,
    pub output_ttl_s: Option<u64>,
    pub data_class: Option<String>,
}

/// # Errors
/// 400 where the order makes no sense, 404 where there is no such file, 429 with as many open batches as a project may have.
pub async fn create(gateway: &Arc<Gateway>, owner: &Owner, order: Order) -> Result<Batch, ApiError> {
    if super::ask::api_of(&order.endpoint).is_none() {
        let message = "Invalid value for 'endpoint': batches are for /v1/chat/completions, /v1/completions, \
                       /v1/responses, /v1/embeddings, /v1/rerank, /v1/moderations and /v1/images/generations.";
        return Err(ApiError::invalid("endpoint", message));
    }
    let window_s = window_s(&order.completion_window)?;
    check_metadata(order.metadata.as_ref())?;
    let file = file_record(gateway, owner, &order.input_file_id).await.map_err(|error| match error.status {
        StatusCode::NOT_FOUND => error.with_param("input_file_id"),
        _ => error,
    })?;
    if file.purpose != INPUT_PURPOSE {
        let message = "Invalid 'input_file_id': the file was uploaded for another purpose than 'batch'.";
        return Err(ApiError::invalid("input_file_id", message));
    }
    let config = &gateway.snapshot().config;
    let _turn = gateway.jobs.turn.lock().await;
    let open = list(gateway, owner).await?.iter().filter(|batch| !batch.status.is_final()).count();
    if open >= config.batches.max_open {
        let message = "The project has as many open batches as it may ([batches] max_open).";
        let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, ErrorType::RateLimitError, message);
        return Err(error.with_code("too_many_batches").with_retry_after(60));
    }
    let created_ms = gateway.now_ms();
    let created = created_ms / 1_000;
    let kept_for = config.content.files_ttl.as_secs().saturating_add(window_s);
    let batch = Batch {
        key_id: owner.key_id.clone(),
        id: format!("batch_{}", uuid::Uuid::from_bytes(gateway.sources.random()).simple()),
        endpoint: order.endpoint,
        input_file_id: order.input_file_id,
        completion_window: order.completion_window,
        status: Status::Validating,
        times: Times { created, expires: created + window_s, ..Times::default() },
        counts: Counts::default(),
        used: Used::default(),
        model: None,
        metadata: order.metadata,
        errors: Vec::new(),
        output_file_id: None,
        error_file_id: None,
        output_ttl_s: order.output_ttl_s,
        data_class: order.data_class,
        kept_until_ms: created_ms.saturating_add(kept_for.saturating_mul(1_000)),
    };
    progress::keep(gateway, owner, &batch, false).await?;
    gateway.jobs.announce();
    Ok(batch)
}

/// `24h` is OpenAI's only one.
fn window_s(text: &str) -> Result<u64, ApiError> {
    let hours = text.strip_suffix('h').and_then(|hours| hours.parse::<u64>().ok());
    match hours.filter(|hours| (1..=MAX_WINDOW_HOURS).contains(hours)) {
        Some(hours) => Ok(hours * 3_600),
        None => {
            let message = format!("Invalid 'completion_window': expected hours, from 1h to {MAX_WINDOW_HOURS}h.");
            Err(ApiError::invalid("completion_window", message))
        }
    }
}

fn check_metadata(metadata: Option<&Map<String, Value>>) -> Result<(), ApiError> {
    let Some(metadata) = metadata else { return Ok(()) };
    let fits = |(name, value): (&String, &Value)| {
        name.len() <= MAX_METADATA_NAME && value.as_str().is_some_and(|text| text.len() <= MAX_METADATA_VALUE)
    };
    if metadata.len() <= MAX_METADATA && metadata.iter().all(fits) {
        return Ok(());
    }
    let message = format!(
        "Invalid 'metadata': expected at most {MAX_METADATA} texts of {MAX_METADATA_VALUE} bytes under names of \
         {MAX_METADATA_NAME}."
    );
    Err(ApiError::invalid("metadata", message))
}

/// # Errors
/// 404 where the project has no such batch.
pub async fn show(gateway: &Gateway, owner: &Owner, id: &str) -> Result<Batch, ApiError> {
    progress::load(gateway, owner, id).await?.ok_or_else(not_found)
}

/// All batches of a project, the newest first.
///
/// # Errors
/// 503: the store cannot be read.
pub async fn list(gateway: &Gateway, owner: &Owner) -> Result<Vec<Batch>, ApiError> {
    let listed = progress::all(gateway, Some(owner)).await?;
    let mut batches: Vec<Batch> = listed.into_iter().map(|(_, batch)| batch).collect();
    batches.sort_by(|one, other| (other.times.created, &other.id).cmp(&(one.times.created, &one.id)));
    Ok(batches)
}

/// What is under way is finished; nothing more is begun.
///
/// # Errors
/// 404 where the project has no such batch, 409 where it has ended.
pub async fn cancel(gateway: &Arc<Gateway>, owner: &Owner, id: &str) -> Result<Batch, ApiError> {
    let now = gateway.now_ms() / 1_000;
    let change = |batch: &mut Batch| {
        if matches!(batch.status, Status::Validating | Status::InProgress) {
            (batch.status, batch.times.cancelling) = (Status::Cancelling, Some(now));
        }
    };
    let batch = progress::update(gateway, owner, id, change).await?.ok_or_else(not_found)?;
    if batch.status != Status::Cancelling {
        let message = "The batch has ended or is about to: it cannot be cancelled any more.";
        let error = ApiError::new(StatusCode::CONFLICT, ErrorType::InvalidRequestError, message);
        return Err(error.with_code("batch_not_cancellable").final_answer());
    }
    gateway.jobs.announce();
    Ok(batch)
}

fn not_found() -> ApiError {
    let message = "There is no batch with this id here.";
    ApiError::new(StatusCode::NOT_FOUND, ErrorType::InvalidRequestError, message).with_code("batch_not_found")
}
