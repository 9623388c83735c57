//! The HTTP surface: OpenAI's API over the models of a catalog. The only place that knows axum.

mod body;
mod chat;
mod chat_chunks;
mod chat_whole;
mod completions;
mod error;
mod event_stream;
mod generation;
mod health;
mod messages;
mod metrics;
mod models;
mod request_id;
mod responses;
mod state;
mod tokenize;

use axum::Router;
use axum::http::{Method, Uri};
use axum::middleware::from_fn;
use axum::routing::{get, post};
use shekara_protocol::error::ApiError;

use error::ErrorResponse;
pub use state::ServerState;

/// Every route, for a listener or for use in the same process as a `tower::Service`.
pub fn router(state: ServerState) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat::create))
        .route("/v1/completions", post(completions::create))
        .route("/v1/responses", post(responses::create))
        .route("/v1/messages", post(messages::create))
        .route("/v1/messages/count_tokens", post(messages::count_tokens))
        .route("/tokenize", post(tokenize::tokenize))
        .route("/detokenize", post(tokenize::detokenize))
        .route("/v1/models", get(models::list))
        .route("/v1/models/{id}", get(models::retrieve))
        .route("/metrics", get(metrics::scrape))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready))
        .fallback(unknown_url)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(from_fn(messages::own_shape))
        .layer(from_fn(request_id::attach))
        .with_state(state)
}

async fn unknown_url(method: Method, uri: Uri) -> ErrorResponse {
    ErrorResponse(ApiError::unknown_url(method.as_str(), uri.path()))
}

async fn method_not_allowed(method: Method) -> ErrorResponse {
    ErrorResponse(ApiError::method_not_allowed(method.as_str()))
}
