//! One provider's address, key and connections: what every kind of provider has.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::BodyExt;
use shekara_protocol::error::{ApiError, ErrorType};

use super::keys::Keys;
use super::openai::{OutgoingBody, classify};
use super::{AttemptError, DETOKENIZE, FailureKind, Outgoing, TOKENIZE, UpstreamBodyError, UpstreamResponse};
use crate::config::{AwsKeys, Preset, ProviderConfig, ProviderKind, UnsupportedRule};
use crate::egress::{EgressClient, EgressError, Reach, Way};
use crate::pii::masking::Tripwire;
use crate::secrets::{Secret, SecretSource, Secrets};

#[derive(Debug)]
pub(super) struct Upstream {
    name: String,
    kind: ProviderKind,
    preset: Option<Preset>,
    base_url: String,
    api_version: Option<String>,
    keys: Arc<Keys>,
    secrets: Secrets,
    aws: Option<AwsKeys>,
    client: EgressClient,
    drops_unsupported: bool,
}

/// What is sent, and where below the base URL.
pub(super) struct Call<'c> {
    pub(super) path: &'c str,
    pub(super) headers: HeaderMap,
    pub(super) body: OutgoingBody,
    pub(super) accept: &'static str,
}

impl Upstream {
    pub(super) fn new(
        config: &ProviderConfig,
        reach: Reach<'_>,
        (keys, secrets): (Arc<Keys>, Secrets),
    ) -> Result<Self, EgressError> {
        let way = Way { reach, connect_timeout: config.connect_timeout, outward: &config.outward };
        Ok(Self {
            name: config.name.clone(),
            kind: config.kind,
            preset: config.preset,
            base_url: config.base_url.clone(),
            api_version: config.api_version.clone(),
            keys,
            secrets,
            aws: config.aws.clone(),
            client: EgressClient::new(way)?,
            drops_unsupported: config.on_unsupported == UnsupportedRule::Drop,
        })
    }

    /// Whose language it speaks.
    pub(super) fn kind(&self) -> ProviderKind {
        self.kind
    }

    /// Whose dialect of OpenAI's API it speaks.
    pub(super) fn preset(&self) -> Option<Preset> {
        self.preset
    }

    /// Of Azure's API, where that has versions.
    pub(super) fn api_version(&self) -> Option<&str> {
        self.api_version.as_deref()
    }

    /// Whether what this provider has no words for is left out instead of refused.
    pub(super) fn drops_unsupported(&self) -> bool {
        self.drops_unsupported
    }

    /// Without a slash at its end.
    pub(super) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// What requests to AWS are signed with.
    pub(super) fn aws(&self) -> Option<&AwsKeys> {
        self.aws.as_ref()
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The provider refused a key: there may be a newer one.
    pub(super) fn doubt_secrets(&self) {
        self.secrets.doubt();
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// # Errors
    /// It cannot be read.
    pub(super) fn secret(&self, source: &SecretSource) -> Result<Secret, AttemptError> {
        self.secrets.resolve(source).map_err(|error| {
            tracing::error!(provider = self.name, %error, "the provider's key is missing");
            FailureKind::Unsent.into()
        })
    }

    /// The key in a header of its own, if there is one.
    ///
    /// # Errors
    /// It cannot be read, or no header can carry it.
    pub(super) fn key_header(
        &self,
        name: HeaderName,
        prefix: &str,
        outgoing: Outgoing<'_>,
    ) -> Result<HeaderMap, AttemptError> {
        let mut headers = HeaderMap::new();
        let Some(source) = self.keys.source(outgoing.key) else { return Ok(headers) };
        let secret = self.secret(source)?;
        let mut value = HeaderValue::from_str(&format!("{prefix}{}", secret.expose())).map_err(|_| {
            tracing::error!(provider = self.name, "the provider's key has characters that no header can carry");
            FailureKind::Unsent
        })?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(headers)
    }

    fn address(&self, path: &str) -> String {
        let base = match path {
            TOKENIZE | DETOKENIZE => self.base_url.strip_suffix("/v1").unwrap_or(&self.base_url),
            _ => &self.base_url,
        };
        format!("{base}{path}")
    }

    /// Sends what was made of a scanned body, and sorts what comes back.
    ///
    /// # Errors
    /// See [`AttemptError`].
    pub(super) async fn post(
        &self,
        call: Call<'_>,
        tripwire: Option<&Tripwire>,
    ) -> Result<UpstreamResponse, AttemptError> {
        classify(self.exchange(call, tripwire).await?).await
    }

    /// Sends what was made of a scanned body, after a last look at the very bytes. What comes back may be an error.
    ///
    /// # Errors
    /// See [`AttemptError`].
    pub(super) async fn exchange(
        &self,
        call: Call<'_>,
        tripwire: Option<&Tripwire>,
    ) -> Result<UpstreamResponse, AttemptError> {
        // A model's name may stand in the path.
        let sent = [call.body.bytes.as_slice(), call.path.as_bytes()];
        if let Some(hit) = tripwire.and_then(|tripwire| sent.iter().find_map(|bytes| tripwire.check(bytes).err())) {
            tracing::error!(provider = self.name, entity = %hit.entity, "a masked value stood in what was about to leave");
            return Err(AttemptError::Refused(tripwire_hit()));
        }
        let mut request = http::Request::post(self.address(call.path))
            .header(CONTENT_TYPE, call.body.content_type)
            .header(ACCEPT, call.accept)
            .body(Bytes::from(call.body.bytes))
            .map_err(|_| FailureKind::Connect)?;
        request.headers_mut().extend(call.headers);
        match self.client.send(request).await {
            Ok(response) => {
                Ok(response
                    .map(|body| body.map_err(|error| UpstreamBodyError { source: Box::new(error) }).boxed_unsync()))
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
