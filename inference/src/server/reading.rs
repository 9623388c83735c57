//! From a request's bytes to what a model that reads sequences says about them: the common middle of `/v1/embeddings`,
//! `/v1/rerank` and `/classify`.

use std::sync::Arc;

use shekara_protocol::error::ApiError;

use crate::catalog::{Catalog, ServedReader};
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
    /// Prepares a request on a blocking thread and waits for its model to read it. `field` holds its inputs.
    ///
    /// # Errors
    /// Those of `prepare`, a 400 for too many tokens in all, a 429 when the model's queue is full, a 503 when it is
    /// going.
    pub(super) async fn start(
        state: ServerState,
        field: &'static str,
        prepare: impl FnOnce(&ReaderCatalog) -> Result<Prepared<T>, ApiError> + Send + 'static,
    ) -> Result<Self, ApiError> {
        let work = move || prepare(&ReaderCatalog(state.catalog));
        let Prepared { model, ask, inputs } = body::off_thread(work).await?;
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
    pub model: Arc<ServedReader>,
    pub ask: T,
    pub inputs: Vec<SequenceInput>,
}

/// The models that read sequences.
pub(super) struct ReaderCatalog(Arc<Catalog>);

impl ReaderCatalog {
    /// # Errors
    /// If there is no such model, or it does something else.
    pub(super) fn find(&self, id: &str) -> Result<Arc<ServedReader>, ApiError> {
        find_reader(&self.0, id)
    }
}
