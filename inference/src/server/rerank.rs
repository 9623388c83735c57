//! `/v1/rerank`.

use axum::Json;
use axum::extract::{Request, State};
use shekara_protocol::embeddings::EmbeddingUsage;
use shekara_protocol::error::ApiError;
use shekara_protocol::rerank::{DocumentText, RankedDocument, RerankRequest, Reranking, parse_request};
use uuid::Uuid;

use super::ServerState;
use super::body;
use super::error::ErrorResponse;
use super::reading::{Prepared, Reading};

pub(super) async fn create(
    State(state): State<ServerState>,
    request: Request,
) -> Result<Json<Reranking>, ErrorResponse> {
    let body = body::read(request.into_body(), state.body_limit_bytes).await?;
    let parse = move || body::strictly(&body, parse_request);
    let reading = Reading::start(state, "documents", parse, |model, request| {
        model.frontend.check_ranks()?;
        let inputs = model.frontend.pairs(&request)?;
        Ok(Prepared { ask: request, inputs })
    });
    let Reading { model, ask: request, outputs, num_tokens } = reading.await?;
    let scores: Vec<f32> = outputs.iter().map(|logits| model.frontend.relevance(logits)).collect();
    if scores.iter().any(|score| !score.is_finite()) {
        tracing::error!(model = model.info.id, "a score is not finite");
        return Err(ApiError::internal().into());
    }
    Ok(Json(Reranking {
        id: format!("rerank-{}", Uuid::now_v7().simple()),
        model: model.info.id.clone(),
        results: ranked(&request, &scores),
        usage: EmbeddingUsage::new(num_tokens),
    }))
}

/// The best documents first; equal ones in the order of the request.
fn ranked(request: &RerankRequest, scores: &[f32]) -> Vec<RankedDocument> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    order.truncate(request.top_n.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX));
    let show = request.return_documents.unwrap_or(false);
    let document = |index: usize| show.then(|| DocumentText { text: request.documents[index].text().to_owned() });
    let rank = |index| RankedDocument { index, relevance_score: scores[index], document: document(index) };
    order.into_iter().map(rank).collect()
}
