//! The engine in this process, through its own HTTP surface and without a socket.

use axum::Router;
use bytes::Bytes;
use http_body_util::BodyExt;
use shekara_protocol::headers;
use tower::ServiceExt;

use super::openai::{chat_body, classify};
use super::{AttemptError, FailureKind, Outgoing, UpstreamBodyError, UpstreamResponse};
use crate::routing::{InBorder, Routed};

/// The engine's router: the same bytes as over a socket.
#[derive(Debug, Clone)]
pub struct EngineService {
    router: Router,
}

impl EngineService {
    pub fn new(router: Router) -> Self {
        Self { router }
    }

    pub(super) async fn send(
        &self,
        routed: &Routed<InBorder>,
        outgoing: Outgoing<'_>,
    ) -> Result<UpstreamResponse, AttemptError> {
        let body = chat_body(routed.body(), &routed.deployment().deployment().model, outgoing)?;
        let request = http::Request::post("/v1/chat/completions")
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(headers::REQUEST_ID, outgoing.request_id)
            .header(headers::INTERNAL_TENANT, outgoing.tenant)
            .body(axum::body::Body::from(Bytes::from(body)))
            .map_err(|_| FailureKind::BrokenResponse)?;
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let response =
            response.map(|body| body.map_err(|error| UpstreamBodyError { source: Box::new(error) }).boxed_unsync());
        classify(response).await
    }
}
