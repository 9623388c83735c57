//! `/v1/embeddings`.

use axum::Json;
use axum::extract::{Request, State};
use shekara_protocol::embeddings::{EmbeddingList, parse_request};
use shekara_protocol::error::ApiError;

use super::ServerState;
use super::body;
use super::error::ErrorResponse;
use super::reading::{Prepared, Reading};

pub(super) async fn create(
    State(state): State<ServerState>,
    request: Request,
) -> Result<Json<EmbeddingList>, ErrorResponse> {
    let body = body::read(request.into_body(), state.body_limit_bytes).await?;
    let parse = move || body::strictly(&body, parse_request);
    let reading = Reading::start(state, "input", parse, |model, request| {
        let format = model.frontend.vector_format(&request)?;
        let inputs = model.frontend.inputs(&request.input, request.truncate_prompt_tokens)?;
        Ok(Prepared { ask: format, inputs })
    });
    let Reading { model, ask: format, outputs, num_tokens } = reading.await?;
    let vectors: Option<Vec<_>> = outputs.into_iter().map(|vector| format.apply(vector)).collect();
    let vectors = vectors.ok_or_else(|| {
        tracing::error!(model = model.info.id, "an embedding is not finite");
        ApiError::internal()
    })?;
    Ok(Json(EmbeddingList::new(model.info.id.clone(), vectors, num_tokens)))
}
