//! Batches as callers order, see and cancel them.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use shekara_protocol::error::{ApiError, ErrorType};

use super::batch::{Batch, Counts, Status, Times, Used};
use super::progress;
use crate::content::Owner;
use crate::pipeline::{Gateway, file_record, idempotency_key_reused};

const MAX_WINDOW_HOURS: u64 = 7 * 24;
/// Of one project, ended ones included.
const MAX_BATCHES: u64 = 10_000;
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
    /// `Idempotency-Key`.
    pub name: Option<Bytes>,
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
    let created = gateway.now_ms() / 1_000;
    if file.expires_at < created + window_s {
        let message = "Invalid 'input_file_id': the file expires before the batch does.";
        return Err(ApiError::invalid("input_file_id", message));
    }
    let _turn = gateway.jobs.turn.lock().await;
    let id = id_of(gateway, owner, &order);
    if order.name.is_some()
        && let Some(batch) = progress::load(gateway, owner, &id).await?
    {
        return if order.made(&batch) { Ok(batch) } else { Err(idempotency_key_reused()) };
    }
    check_counts(gateway, owner).await?;
    let batch = order.batch(owner, id, (gateway, created, window_s));
    progress::begin(gateway, owner, &batch).await?;
    gateway.jobs.announce();
    Ok(batch)
}

/// By its caller's name for it, where it has one: the same order again is the same batch.
fn id_of(gateway: &Gateway, owner: &Owner, order: &Order) -> String {
    let id: [u8; 16] = match &order.name {
        None => gateway.sources.random(),
        Some(name) => {
            let hasher = Sha256::new().chain_update(&owner.tenant).chain_update([0]).chain_update(&owner.key_id);
            let hash: [u8; 32] = hasher.chain_update([0]).chain_update(name).finalize().into();
            std::array::from_fn(|index| hash[index])
        }
    };
    format!("batch_{}", uuid::Uuid::from_bytes(id).simple())
}

async fn check_counts(gateway: &Gateway, owner: &Owner) -> Result<(), ApiError> {
    let [all, open] = progress::counts(gateway, owner).await?;
    let message = if open >= gateway.snapshot().config.batches.max_open {
        "The project has as many open batches as it may ([batches] max_open)."
    } else if all >= MAX_BATCHES {
        "The project has as many batches as are kept; the oldest expire."
    } else {
        return Ok(());
    };
    let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, ErrorType::RateLimitError, message);
    Err(error.with_code("too_many_batches").with_retry_after(60))
}

impl Order {
    /// Whether this order made that batch.
    fn made(&self, batch: &Batch) -> bool {
        let own = (&self.input_file_id, &self.endpoint, &self.completion_window, &self.metadata, self.output_ttl_s);
        let Batch { input_file_id, endpoint, completion_window, metadata, output_ttl_s, .. } = batch;
        own == (input_file_id, endpoint, completion_window, metadata, *output_ttl_s)
            && self.data_class == batch.data_class
    }

    fn batch(self, owner: &Owner, id: String, (gateway, created, window_s): (&Gateway, u64, u64)) -> Batch {
        let kept_for = gateway.snapshot().config.content.files_ttl.as_secs().saturating_add(window_s);
        Batch {
            id,
            key_id: owner.key_id.clone(),
            endpoint: self.endpoint,
            input_file_id: self.input_file_id,
            completion_window: self.completion_window,
            status: Status::Validating,
            times: Times { created, expires: created + window_s, ..Times::default() },
            counts: Counts::default(),
            used: Used::default(),
            model: None,
            metadata: self.metadata,
            errors: Vec::new(),
            output_file_id: None,
            error_file_id: None,
            output_ttl_s: self.output_ttl_s,
            data_class: self.data_class,
            kept_until_ms: created.saturating_add(kept_for).saturating_mul(1_000),
        }
    }
}

/// `24h` is OpenAI's only one.
fn window_s(text: &str) -> Result<u64, ApiError> {
    let hours = text.strip_suffix('h').and_then(|hours| hours.parse::<u64>().ok());
    let hours = hours.filter(|hours| (1..=MAX_WINDOW_HOURS).contains(hours)).ok_or_else(|| {
        let message = format!("Invalid 'completion_window': expected hours, from 1h to {MAX_WINDOW_HOURS}h.");
        ApiError::invalid("completion_window", message)
    })?;
    Ok(hours * 3_600)
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
    let mut batches = progress::all(gateway, owner).await?;
    batches.sort_by(|one, other| (other.times.created, &other.id).cmp(&(one.times.created, &one.id)));
    Ok(batches)
}

/// Whether a batch that has not ended is made of this file.
///
/// # Errors
/// 503: the store cannot be read.
pub async fn is_input(gateway: &Gateway, owner: &Owner, file_id: &str) -> Result<bool, ApiError> {
    let is_open = |batch: &Batch| batch.input_file_id == file_id && !batch.status.is_final();
    Ok(progress::all(gateway, owner).await?.iter().any(is_open))
}

/// What is under way is finished; nothing more is begun.
///
/// # Errors
/// 404 where the project has no such batch, 409 where it has ended.
pub async fn cancel(gateway: &Arc<Gateway>, owner: &Owner, id: &str) -> Result<Batch, ApiError> {
    let now = gateway.now_ms() / 1_000;
    let mut is_cancelled = false;
    let change = |batch: &mut Batch| {
        is_cancelled = true;
        match batch.status {
            // Nothing was begun: it may wait for its turn for long.
            Status::Validating => {
                (batch.times.cancelling, batch.times.ended) = (Some(now), Some(now));
                batch.status = Status::Cancelled;
            }
            Status::InProgress => (batch.status, batch.times.cancelling) = (Status::Cancelling, Some(now)),
            Status::Cancelling => {}
            _ => is_cancelled = false,
        }
    };
    let batch = progress::update(gateway, owner, id, change).await?.ok_or_else(not_found)?;
    if !is_cancelled {
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
