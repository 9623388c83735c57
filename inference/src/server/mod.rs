//! The HTTP surface: OpenAI's API over the models of a catalog. The only place that knows axum.

mod admin;
mod admin_access;
mod body;
mod chat;
mod chat_chunks;
mod chat_whole;
mod classify;
mod completions;
mod embeddings;
mod error;
mod event_stream;
mod generation;
mod health;
mod messages;
mod metrics;
mod models;
mod openapi;
mod reading;
mod request_id;
mod rerank;
mod responses;
mod state;
mod tokenize;
mod transcriptions;

use axum::Router;
use axum::http::{Method, Uri};
use axum::middleware::from_fn;
use axum::routing::{MethodRouter, get, post};
use shekara_protocol::error::ApiError;

pub use admin_access::{AdminAccess, AdminKey};
use error::ErrorResponse;
pub use state::ServerState;

/// One path, the only method it takes (a `GET` takes `HEAD` too), and what answers.
type Route = (Method, &'static str, MethodRouter<ServerState>);

/// Everything that is served. The OpenAPI document is held against it.
fn table() -> [Route; 20] {
    [
        (Method::POST, "/v1/chat/completions", post(chat::create)),
        (Method::POST, "/v1/completions", post(completions::create)),
        (Method::POST, "/v1/responses", post(responses::create)),
        (Method::POST, "/v1/messages", post(messages::create)),
        (Method::POST, "/v1/messages/count_tokens", post(messages::count_tokens)),
        (Method::POST, "/v1/embeddings", post(embeddings::create)),
        (Method::POST, "/v1/rerank", post(rerank::create)),
        (Method::POST, "/v1/audio/transcriptions", post(transcriptions::transcribe)),
        (Method::POST, "/v1/audio/translations", post(transcriptions::translate)),
        (Method::POST, "/classify", post(classify::create)),
        (Method::POST, "/tokenize", post(tokenize::tokenize)),
        (Method::POST, "/detokenize", post(tokenize::detokenize)),
        (Method::GET, "/v1/models", get(models::list)),
        (Method::GET, "/v1/models/{id}", get(models::retrieve)),
        (Method::GET, "/admin/v1/models", get(admin::list)),
        (Method::POST, "/admin/v1/models", post(admin::control)),
        (Method::GET, "/metrics", get(metrics::scrape)),
        (Method::GET, "/openapi.json", get(openapi::document)),
        (Method::GET, "/healthz", get(health::live)),
        (Method::GET, "/readyz", get(health::ready)),
    ]
}

/// Methods and paths of all routes, in axum's notation, which is OpenAPI's too.
pub fn routes() -> impl Iterator<Item = (Method, &'static str)> {
    table().into_iter().map(|(method, path, _)| (method, path))
}

/// Every route, for a listener or for use in the same process as a `tower::Service`.
pub fn router(state: ServerState) -> Router {
    let add = |router: Router<ServerState>, (_, path, handler): Route| router.route(path, handler);
    table()
        .into_iter()
        .fold(Router::new(), add)
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
