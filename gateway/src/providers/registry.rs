//! All providers, apart by zone: the outer ones take only what was cleared, the inner ones only connect inside.

use std::collections::HashMap;

use bytes::Bytes;
use shekara_protocol::error::ApiError;

use super::engine::EngineService;
use super::upstream::Upstream;
use super::{AttemptError, FailureKind, Outgoing, UpstreamResponse, anthropic, bedrock, openai};
use crate::config::{Config, ProviderKind, Zone};
use crate::egress::{EgressError, Reach};
use crate::pii::masking::Tripwire;
use crate::routing::{External, InBorder, Routed};

#[derive(Debug)]
pub struct Registry {
    external: HashMap<String, Upstream>,
    in_border: HashMap<String, Upstream>,
    engine: Option<EngineService>,
}

async fn send(
    upstream: &Upstream,
    request: (&Bytes, &str),
    outgoing: Outgoing<'_>,
    tripwire: Option<&Tripwire>,
) -> Result<UpstreamResponse, AttemptError> {
    let kind = upstream.kind();
    if outgoing.counts_tokens && !matches!(kind, ProviderKind::Anthropic | ProviderKind::Bedrock) {
        let message = "The provider of this model does not count tokens without answering.";
        return Err(AttemptError::Refused(ApiError::invalid("model", message).with_code("unsupported_model")));
    }
    match kind {
        ProviderKind::Openai | ProviderKind::OpenaiCompatible => {
            openai::send(upstream, request, outgoing, tripwire).await
        }
        ProviderKind::Anthropic => anthropic::send(upstream, request, outgoing, tripwire).await,
        ProviderKind::Bedrock => bedrock::send(upstream, request, outgoing, tripwire).await,
    }
}

impl Registry {
    /// # Errors
    /// A client cannot be set up.
    pub fn new(config: &Config, engine: Option<EngineService>) -> Result<Self, EgressError> {
        let (mut external, mut in_border) = (HashMap::new(), HashMap::new());
        for provider in &config.providers {
            let (reach, map) = match provider.zone {
                Zone::External => (Reach::Anywhere, &mut external),
                Zone::Local | Zone::InCountry => (Reach::InBorder(&config.in_country), &mut in_border),
            };
            map.insert(provider.name.clone(), Upstream::new(provider, reach)?);
        }
        Ok(Self { external, in_border, engine })
    }

    pub fn engine(&self) -> Option<&EngineService> {
        self.engine.as_ref()
    }

    /// Across the border.
    ///
    /// # Errors
    /// See [`AttemptError`].
    pub async fn send_external(
        &self,
        routed: &Routed<External>,
        outgoing: Outgoing<'_>,
    ) -> Result<UpstreamResponse, AttemptError> {
        let deployment = routed.deployment().deployment();
        let provider = self.external.get(&*deployment.provider).ok_or(FailureKind::Connect)?;
        send(provider, (routed.body(), &deployment.model), outgoing, routed.tripwire()).await
    }

    /// Inside the border.
    ///
    /// # Errors
    /// See [`AttemptError`].
    pub async fn send_within(
        &self,
        routed: &Routed<InBorder>,
        outgoing: Outgoing<'_>,
    ) -> Result<UpstreamResponse, AttemptError> {
        let deployment = routed.deployment().deployment();
        if deployment.is_engine() {
            let engine = self.engine.as_ref().ok_or(FailureKind::Connect)?;
            return engine.send(routed, outgoing).await;
        }
        let provider = self.in_border.get(&*deployment.provider).ok_or(FailureKind::Connect)?;
        send(provider, (routed.body(), &deployment.model), outgoing, None).await
    }
}
