//! The engine in this process, through its own HTTP surface and without a socket.

use axum::Router;
use bytes::Bytes;
use http::{Method, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use shekara_protocol::headers;
use tower::ServiceExt;

use super::openai::{OutgoingBody, classify, outgoing_body};
use super::{AttemptError, FailureKind, Outgoing, TOKENIZE, UpstreamBodyError, UpstreamResponse};
use crate::routing::{InBorder, Routed};

/// Far more than a line for each of the most models that an engine looks at.
const MAX_MODELS_BYTES: usize = 8 << 20;
/// Far more than a request's worth of texts has spans.
const MAX_CLASSES_BYTES: usize = 64 << 20;

/// Tokens of the longest request, each with its number.
const MAX_TOKENS_BYTES: usize = 256 << 20;
/// Others are served before a request that nobody waits for.
const BATCH_PRIORITY: i32 = 1;

/// The engine's router: the same bytes as over a socket.
#[derive(Debug, Clone)]
pub struct EngineService {
    router: Router,
}

impl EngineService {
    pub fn new(router: Router) -> Self {
        Self { router }
    }

    /// Where the engine's models stand, or what is asked of one. Who asks was checked before.
    ///
    /// # Errors
    /// If the answer does not come whole.
    pub async fn models(&self, method: Method, body: Bytes) -> Result<(StatusCode, Bytes), axum::Error> {
        let request = http::Request::builder()
            .method(method)
            .uri("/admin/v1/models")
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(axum::body::Body::from(body))
            .map_err(axum::Error::new)?;
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        axum::body::to_bytes(response.into_body(), MAX_MODELS_BYTES).await.map(|body| (status, body))
    }

    /// What a model that labels tokens says about texts.
    pub(super) async fn classify(&self, body: Vec<u8>) -> Result<Bytes, AttemptError> {
        let request = http::Request::post("/classify")
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(axum::body::Body::from(body))
            .map_err(|_| FailureKind::BrokenResponse)?;
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if !response.status().is_success() {
            return Err(FailureKind::Server.into());
        }
        let body = Limited::new(response.into_body(), MAX_CLASSES_BYTES).collect().await;
        Ok(body.map_err(|_| FailureKind::BrokenResponse)?.to_bytes())
    }

    pub(super) async fn send(
        &self,
        routed: &Routed<InBorder>,
        outgoing: Outgoing<'_>,
    ) -> Result<UpstreamResponse, AttemptError> {
        let OutgoingBody { content_type, bytes: body } =
            outgoing_body(routed.body(), &routed.deployment().deployment().model, outgoing)?;
        let path = match outgoing.path {
            _ if outgoing.counts_tokens => TOKENIZE.to_owned(),
            path if outgoing.is_about_tokens() => path.to_owned(),
            path => format!("/v1{path}"),
        };
        let request = http::Request::post(path)
            .header(http::header::CONTENT_TYPE, content_type)
            .header(headers::REQUEST_ID, outgoing.request_id)
            .header(headers::INTERNAL_TENANT, outgoing.tenant)
            .header(headers::INTERNAL_PRIORITY, if outgoing.batch.is_some() { BATCH_PRIORITY } else { 0 })
            .body(axum::body::Body::from(Bytes::from(body)))
            .map_err(|_| FailureKind::BrokenResponse)?;
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let response =
            response.map(|body| body.map_err(|error| UpstreamBodyError { source: Box::new(error) }).boxed_unsync());
        let response = classify(response).await?;
        if outgoing.counts_tokens { counted(response).await } else { Ok(response) }
    }
}

/// The engine's count in the words of the Messages API.
async fn counted(response: UpstreamResponse) -> Result<UpstreamResponse, AttemptError> {
    #[derive(serde::Deserialize)]
    struct Tokens {
        count: u64,
    }
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MAX_TOKENS_BYTES).collect().await.map_err(|_| FailureKind::BrokenResponse)?;
    let Tokens { count } = serde_json::from_slice(&body.to_bytes()).map_err(|_| FailureKind::BrokenResponse)?;
    let body = Full::new(Bytes::from(format!("{{\"input_tokens\":{count}}}")));
    Ok(UpstreamResponse::from_parts(head, body.map_err(|never| match never {}).boxed_unsync()))
}
