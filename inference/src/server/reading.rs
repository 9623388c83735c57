//! From a request's bytes to what a model that reads sequences says about them: the common middle of `/v1/embeddings`,
//! `/v1/rerank` and `/classify`.

use std::sync::Arc;

use shekara_protocol::classify::ClassifyRequest;
use shekara_protocol::embeddings::EmbeddingRequest;
use shekara_protocol::error::ApiError;
use shekara_protocol::rerank::RerankRequest;

use crate::catalog::ServedReader;
use crate::engine::{SequenceInput, SequenceOutputs};

use super::ServerState;
use super::body;
use super::error::{not_finished, not_taken};
use super::models::find_reader;

/// A request that its model has read.
pub(super) struct Reading<T> {
    pub model: Arc<ServedReader>,
    /// What the answer is to be made of beside the outputs.
    pub ask: T,
    pub outputs: SequenceOutputs,
    pub num_tokens: u64,
}

impl<T: Send + 'static> Reading<T> {
    /// Parses and prepares a request on blocking threads and waits for its model to read it. `field` holds its inputs.
    ///
    /// # Errors
    /// Those of `parse` and `prepare`, those of a model that is not there, a 400 for too many tokens in all, a 429 when the model's queue is full, a 503 when it is
    /// going.
    pub(super) async fn start<R>(
        state: ServerState,
        field: &'static str,
        parse: impl FnOnce() -> Result<R, ApiError> + Send + 'static,
        prepare: impl FnOnce(&ServedReader, R) -> Result<Prepared<T>, ApiError> + Send + 'static,
    ) -> Result<Self, ApiError>
    where
        R: NamesModel + Send + 'static,
    {
        let request = body::off_thread(parse).await?;
        let model = find_reader(&state.catalog, request.model()).await?;
        let reader = Arc::clone(&model);
        let Prepared { ask, inputs } = body::off_thread(move || prepare(&reader, request)).await?;
        let num_tokens: usize = inputs.iter().map(|input| input.tokens.len()).sum();
        let most = model.reader.max_request_tokens();
        if num_tokens > most {
            let message = format!("Invalid '{field}': a request may have at most {most} tokens in all.");
            return Err(ApiError::invalid(field, message).with_code("too_many_tokens"));
        }
        let pending = model.reader.submit(inputs).map_err(not_taken)?;
        let outputs = pending.finish().await.map_err(not_finished)?;
        Ok(Self { model, ask, outputs, num_tokens: num_tokens as u64 })
    }
}

/// What a request becomes before its model reads it.
pub(super) struct Prepared<T> {
    pub ask: T,
    pub inputs: Vec<SequenceInput>,
}

/// A request that says which model it is for.
pub(super) trait NamesModel {
    fn model(&self) -> &str;
}

impl NamesModel for EmbeddingRequest {
    fn model(&self) -> &str {
        &self.model
    }
}

impl NamesModel for RerankRequest {
    fn model(&self) -> &str {
        &self.model
    }
}

impl NamesModel for ClassifyRequest {
    fn model(&self) -> &str {
        &self.model
    }
}
