//! All providers, apart by zone: the outer ones take only what was cleared, the inner ones only connect inside.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use shekara_protocol::error::ApiError;

use super::engine::EngineService;
use super::keys::{Keys, Used, is_refused_key};
use super::upstream::Upstream;
use super::vault_wire::{Keeping, keep, secrets_of};
use super::{
    AttemptError, Enclosed, Failure, FailureKind, Outgoing, UpstreamResponse, anthropic, azure_openai, bedrock,
    completions, gemini, mistral, openai,
};
use crate::alerts::{About, Alerts, Event};
use crate::config::{Config, ProviderConfig, ProviderKind, RouteConfig, Zone};
use crate::egress::{EgressError, Reach};
use crate::pii::masking::Tripwire;
use crate::routing::{External, InBorder, Routed};
use crate::secrets::Secrets;

#[derive(Debug)]
pub struct Registry {
    external: Upstreams,
    in_border: Upstreams,
    engine: Option<EngineService>,
    secrets: Secrets,
    keeping: Mutex<Option<Keeping>>,
}

/// By name: each with the time in which it must be connected to, which targets may set for themselves.
type Upstreams = HashMap<String, Vec<(Duration, Upstream)>>;

/// Sends with one of the provider's keys, and with another one where that was not taken.
async fn send(
    upstream: &Upstream,
    request: (&Bytes, &str),
    outgoing: Outgoing<'_>,
    tripwire: Option<&Tripwire>,
) -> Result<UpstreamResponse, AttemptError> {
    let keys = upstream.keys();
    let mut used = Used::default();
    let mut outgoing = Outgoing { key: keys.first(outgoing), ..outgoing };
    loop {
        let result = send_with_key(upstream, request, outgoing, tripwire).await;
        let Err(error) = &result else { return result };
        if matches!(error, AttemptError::Told(error) if is_refused_key(error)) {
            upstream.doubt_secrets();
        }
        if !keys.note(outgoing, error, &mut used) {
            return result;
        }
        let Some(key) = keys.next(outgoing, used) else { return result };
        tell(upstream, outgoing, error);
        tracing::warn!(provider = upstream.name(), key = outgoing.key + 1, "a key was not taken; the next one is used");
        outgoing.key = key;
    }
}

/// A key gives way to another one, so that nobody else will ever see that it was not taken.
fn tell(upstream: &Upstream, outgoing: Outgoing<'_>, error: &AttemptError) {
    let event = match error {
        AttemptError::Failed(Failure { kind: FailureKind::Quota, .. }) => Event::ProviderQuotaExhausted,
        AttemptError::Told(error) if is_refused_key(error) => Event::ProviderAuthFailed,
        _ => return,
    };
    let (provider, request_id, tenant) = (Some(upstream.name()), Some(outgoing.request_id), Some(outgoing.tenant));
    if let Some(alerts) = outgoing.alerts {
        alerts.raise(event, About { provider, request_id, tenant, ..About::default() });
    }
}

async fn send_with_key(
    upstream: &Upstream,
    request: (&Bytes, &str),
    outgoing: Outgoing<'_>,
    tripwire: Option<&Tripwire>,
) -> Result<UpstreamResponse, AttemptError> {
    if outgoing.path == completions::PATH && !upstream.kind().speaks_openai() {
        let body = completions::as_chat_request(request.0).map_err(AttemptError::Refused)?;
        let outgoing = Outgoing { path: completions::CHAT_PATH, is_translated: true, ..outgoing };
        return send_as_it_is(upstream, (&body, request.1), outgoing, tripwire).await;
    }
    let response = send_as_it_is(upstream, request, outgoing, tripwire).await?;
    if outgoing.path == completions::PATH { completions::lifted(response, outgoing.stream).await } else { Ok(response) }
}

async fn send_as_it_is(
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
        ProviderKind::AzureOpenai => azure_openai::send(upstream, request, outgoing, tripwire).await,
        ProviderKind::Gemini => gemini::send(upstream, request, outgoing, tripwire).await,
        ProviderKind::Mistral => mistral::send(upstream, request, outgoing, tripwire).await,
        ProviderKind::Bedrock => bedrock::send(upstream, request, outgoing, tripwire).await,
    }
}

fn way<'u>(
    upstreams: &'u Upstreams,
    provider: &str,
    connect_timeout: Option<Duration>,
) -> Result<&'u Upstream, FailureKind> {
    let ways = upstreams.get(provider).ok_or(FailureKind::Connect)?;
    let own = connect_timeout.and_then(|timeout| ways.iter().find(|(known, _)| *known == timeout));
    own.or(ways.first()).map(|(_, upstream)| upstream).ok_or(FailureKind::Connect)
}

/// Of the targets at one provider that have their own.
fn connect_timeouts(config: &Config, provider: &str) -> impl Iterator<Item = Duration> {
    let targets = config.routes.iter().flat_map(RouteConfig::all_targets);
    targets.filter(move |target| target.provider == provider).filter_map(|target| target.settings.timeouts.connect)
}

impl Registry {
    /// # Errors
    /// A client cannot be set up.
    pub fn new(config: &Config, engine: Option<EngineService>) -> Result<Self, EgressError> {
        let (mut external, mut in_border) = (HashMap::new(), HashMap::new());
        let secrets = secrets_of(config)?;
        for provider in &config.providers {
            let (reach, map) = match provider.zone {
                Zone::External => (Reach::Anywhere, &mut external),
                Zone::Local | Zone::InCountry => (Reach::InBorder(&config.in_country), &mut in_border),
            };
            let with = (Arc::new(Keys::new(&provider.keys)), secrets.clone());
            let mut ways = vec![(provider.connect_timeout, Upstream::new(provider, reach, with.clone())?)];
            for connect_timeout in connect_timeouts(config, &provider.name) {
                if ways.iter().all(|(known, _)| *known != connect_timeout) {
                    let own = ProviderConfig { connect_timeout, ..provider.clone() };
                    ways.push((connect_timeout, Upstream::new(&own, reach, with.clone())?));
                }
            }
            map.insert(provider.name.clone(), ways);
        }
        Ok(Self { external, in_border, engine, secrets, keeping: Mutex::default() })
    }

    /// Has secrets fetched and kept fresh from now on, and says where that fails. What another one knows of them holds
    /// until then.
    pub async fn keep_secrets(&self, before: Option<&Self>, alerts: &Arc<Alerts>) {
        let Some(keeper) = self.secrets.keeper() else { return };
        keeper.report_to(alerts);
        if let Some(known) = before.and_then(|before| before.secrets.keeper()) {
            keeper.take_over(known);
        }
        let keeping = keep(keeper).await;
        *self.keeping.lock().unwrap_or_else(PoisonError::into_inner) = Some(keeping);
    }

    pub fn secrets(&self) -> &Secrets {
        &self.secrets
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
        connect_timeout: Option<Duration>,
    ) -> Result<UpstreamResponse, AttemptError> {
        let deployment = routed.deployment().deployment();
        let provider = way(&self.external, &deployment.provider, connect_timeout)?;
        let outgoing = Outgoing { enclosed: Enclosed::of(routed.uploads()), ..outgoing };
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
        connect_timeout: Option<Duration>,
    ) -> Result<UpstreamResponse, AttemptError> {
        let deployment = routed.deployment().deployment();
        let outgoing = Outgoing { enclosed: Enclosed::of(routed.uploads()), ..outgoing };
        if deployment.is_engine() {
            let engine = self.engine.as_ref().ok_or(FailureKind::Connect)?;
            let response = engine.send(routed, outgoing).await?;
            let is_lifted = outgoing.path == completions::PATH;
            return if is_lifted { completions::lifted(response, outgoing.stream).await } else { Ok(response) };
        }
        let provider = way(&self.in_border, &deployment.provider, connect_timeout)?;
        send(provider, (routed.body(), &deployment.model), outgoing, None).await
    }
}
