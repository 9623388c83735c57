//! OpenAI and everything that speaks its API.

mod error;
mod request;

pub(super) use error::classify;
pub(super) use request::{OutgoingBody, outgoing_body};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use http_body_util::BodyExt;
use shekara_protocol::error::{ApiError, ErrorType};

use super::{AttemptError, FailureKind, Outgoing, UpstreamBodyError, UpstreamResponse};
use crate::config::ProviderConfig;
use crate::egress::{EgressClient, EgressError, Reach};
use crate::pii::masking::Tripwire;
use crate::secrets::SecretSource;

#[derive(Debug)]
pub(super) struct OpenaiProvider {
    name: String,
    base_url: String,
    api_key: Option<SecretSource>,
    client: EgressClient,
}

impl OpenaiProvider {
    pub(super) fn new(config: &ProviderConfig, reach: Reach<'_>) -> Result<Self, EgressError> {
        Ok(Self {
            name: config.name.clone(),
            base_url: config.base_url.clone(),
            api_key: config.api_key.clone(),
            client: EgressClient::new(reach, config.connect_timeout)?,
        })
    }

    /// `body` is what was scanned; nothing else of the caller's request is sent.
    pub(super) async fn send(
        &self,
        body: &Bytes,
        model: &str,
        outgoing: Outgoing<'_>,
        tripwire: Option<&Tripwire>,
    ) -> Result<UpstreamResponse, AttemptError> {
        let OutgoingBody { content_type, bytes: body } = outgoing_body(body, model, outgoing)?;
        if let Some(Err(hit)) = tripwire.map(|tripwire| tripwire.check(&body)) {
            tracing::error!(provider = self.name, entity = %hit.entity, "a masked value stood in what was about to leave");
            return Err(AttemptError::Refused(tripwire_hit()));
        }
        let accept = match outgoing.upload {
            _ if outgoing.stream => "text/event-stream",
            Some(_) => "*/*",
            None => "application/json",
        };
        let mut request = http::Request::post(format!("{}{}", self.base_url, outgoing.path))
            .header(CONTENT_TYPE, content_type)
            .header(ACCEPT, accept)
            .body(Bytes::from(body))
            .map_err(|_| FailureKind::Connect)?;
        if let Some(authorization) = self.authorization()? {
            request.headers_mut().insert(AUTHORIZATION, authorization);
        }
        match self.client.send(request).await {
            Ok(response) => {
                let response = response
                    .map(|body| body.map_err(|error| UpstreamBodyError { source: Box::new(error) }).boxed_unsync());
                classify(response).await
            }
            Err(error) => {
                tracing::warn!(provider = self.name, %error, cause = cause(&error), "an attempt failed");
                Err(match error {
                    EgressError::Exchange { .. } => FailureKind::BrokenResponse.into(),
                    _ => FailureKind::Connect.into(),
                })
            }
        }
    }

    fn authorization(&self) -> Result<Option<HeaderValue>, AttemptError> {
        let Some(source) = &self.api_key else { return Ok(None) };
        let secret = source.resolve().map_err(|error| {
            tracing::error!(provider = self.name, %error, "the provider's key is missing");
            FailureKind::Connect
        })?;
        let mut value = HeaderValue::from_str(&format!("Bearer {}", secret.expose())).map_err(|_| {
            tracing::error!(provider = self.name, "the provider's key has characters that no header can carry");
            FailureKind::Connect
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// Masking has failed somewhere: nothing was sent, and no other provider is tried.
fn tripwire_hit() -> ApiError {
    let message = "The request could not be masked safely. Nothing was sent to any provider.";
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, ErrorType::ServerError, message)
        .with_code("privacy_tripwire")
        .final_answer()
}

fn cause(error: &EgressError) -> String {
    let mut text = String::new();
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}
