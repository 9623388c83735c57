//! Limits and budgets of a request: claimed before anything is sent, settled by what was used.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use shekara_protocol::error::ApiError;
use tokio::sync::Notify;

use super::admission::Admitted;
use super::endpoint::Endpoint;
use super::tariffs::Metered;
use super::{Gateway, refusal};
use crate::alerts::{About, Alerts, Event};
use crate::auth::{Bounds, OwnBound, parts_of_scope};
use crate::billing::{Factor, Tenge, Usage, UsageSource};
use crate::cluster::{
    BadSettings, Limiter, NotReserved, OnCrossing, Reserved, RestBoard, RestCourier, SharedLimiter, SharedSettings,
    WhenAway,
};
use crate::config::{ClusterConfig, Config};
use crate::limits::{
    BadOffset, Bound, Claim, Crossing, Ledger, Level, LocalLimiter, Scope, Seed, SeedFuture, Span, Sum, UtcOffset,
};
use crate::routing::Candidate;
use crate::secrets::SecretError;
use crate::store::{Spent, Store, StoreError};

/// An answer's length where neither the request nor its route sets a bound.
const USUAL_OUTPUT_TOKENS: u64 = 1_000;
/// How long the first start waits for Redis.
const CONNECT: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
pub enum LimiterError {
    #[error("failed to learn where Redis is: {0}")]
    Secret(#[from] SecretError),
    #[error("failed to read [cluster] ca: {0}")]
    Roots(std::io::Error),
    #[error(transparent)]
    Settings(#[from] BadSettings),
    #[error(transparent)]
    Offset(#[from] BadOffset),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What this gateway has in common with others, if there are any.
pub(super) struct Limiting {
    pub(super) limiter: Limiter,
    pub(super) rests: Option<RestCourier>,
}

/// This process and when it began, and what others are told of deployments that rest.
type Own = ((String, Timestamp), Arc<dyn RestBoard>, Arc<Notify>);

/// Counts alone, or with others as the configuration says; what was used before this process began counts as well.
pub(super) async fn limiter(
    config: &Config,
    store: &Arc<dyn Store>,
    alerts: &Arc<Alerts>,
    ((process, now), board, wake): Own,
) -> Result<Limiting, LimiterError> {
    let offset = UtcOffset::from_seconds(config.utc_offset.seconds())?;
    let Some(cluster) = &config.cluster else {
        let local = LocalLimiter::new(offset);
        seed(&local, store.as_ref(), (config, now)).await?;
        return Ok(Limiting { limiter: Limiter::Local(local), rests: None });
    };
    let settings = shared_settings(cluster, process, offset)?;
    let alerts = Arc::clone(alerts);
    let on_crossing: OnCrossing = Box::new(move |crossing: Crossing| tell(&alerts, &[crossing]));
    let ledger = Arc::new(StoreLedger(Arc::clone(store)));
    let rests = RestCourier::start(&settings, board, wake)?;
    let shared = SharedLimiter::start(&settings, ledger, on_crossing)?;
    let (is_there, _) = tokio::join!(shared.connected(CONNECT), rests.heard(CONNECT));
    if !is_there {
        tracing::error!("Redis ([cluster] redis) does not answer; until it does, limits are held as when_away says");
    }
    Ok(Limiting { limiter: Limiter::Shared(shared), rests: Some(rests) })
}

fn shared_settings(
    cluster: &ClusterConfig,
    gateway: String,
    offset: UtcOffset,
) -> Result<SharedSettings, LimiterError> {
    let away = |gateways: NonZeroU32| WhenAway::Local { gateways };
    Ok(SharedSettings {
        url: cluster.redis.resolve()?.expose().to_owned(),
        roots_pem: cluster.ca.as_ref().map(std::fs::read).transpose().map_err(LimiterError::Roots)?,
        prefix: cluster.prefix.clone(),
        gateway,
        timeout: cluster.timeout,
        lease: cluster.lease,
        when_away: cluster.local_share_of.map_or(WhenAway::Deny, away),
        offset,
    })
}

/// The store's ledger, for whoever counts in Redis.
struct StoreLedger(Arc<dyn Store>);

impl Ledger for StoreLedger {
    fn used(&self, scope: Scope, sum: Sum, span: Span) -> SeedFuture {
        let store = Arc::clone(&self.0);
        Box::pin(async move {
            let span = (time_of(span.begins_ms), time_of(span.ends_ms));
            let spent = store.ledger().spent(scope.level, Some(scope.name.to_string()), span).await;
            let spent = spent.map_err(|error| crate::limits::LedgerAway(Box::new(error)))?;
            let own = spent.first();
            let used = own.map_or(0, |spent| if sum == Sum::TokensOfDay { spent.tokens } else { spent.tiyn });
            Ok(Seed { used, told_percent: 0 })
        })
    }
}

async fn seed(
    limiter: &LocalLimiter,
    store: &dyn Store,
    (config, now): (&Config, Timestamp),
) -> Result<(), StoreError> {
    let now_ms = u64::try_from(now.as_millisecond()).unwrap_or_default();
    let today = config.utc_offset.to_datetime(now).date();
    let midnight = |day: jiff::civil::Date| {
        let at = config.utc_offset.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(now);
        format!("{at:.3}")
    };
    let end = time_of(u64::MAX);
    for (sums, from) in [
        (&[Sum::TokensOfDay, Sum::TiynOfDay][..], midnight(today)),
        (&[Sum::TiynOfMonth][..], midnight(today.first_of_month())),
        (&[Sum::TiynEver][..], time_of(0)),
    ] {
        for level in Level::ALL {
            for Spent { name, tokens, tiyn } in store.ledger().spent(level, None, (from.clone(), end.clone())).await? {
                let scope = Scope { level, name: name.into() };
                for sum in sums {
                    let used = if *sum == Sum::TokensOfDay { tokens } else { tiyn };
                    limiter.seed(&scope, *sum, Seed { used, told_percent: 0 }, now_ms);
                }
            }
        }
    }
    Ok(())
}

/// As records have it; what no calendar has is the end of time.
fn time_of(unix_ms: u64) -> String {
    let time = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.map_or_else(|| "9999-12-31T23:59:59.999Z".to_owned(), |time| format!("{time:.3}"))
}

impl Admitted {
    /// Claims what the request may use at the most, at every level; nothing is sent without it.
    ///
    /// # Errors
    /// 429 naming the limit, 503 where nothing can be counted or a hard budget cannot be held.
    pub(super) async fn reserve(&self, gateway: &Gateway) -> Result<(), ApiError> {
        let (key, settlement) = (&self.context.key, &self.context.settlement);
        let Bounds { key: own, project, tenant } = &key.bounds;
        let is_slow = self.context.in_batch;
        let bound = |own: &'_ OwnBound| -> Arc<_> { Arc::clone(if is_slow { &own.slow_limits } else { &own.limits }) };
        let limits = [bound(own), bound(project), bound(tenant)];
        let is_bounded = limits.iter().any(|limits| !limits.is_empty());
        if !is_bounded && !gateway.limiter.is_local() {
            return Ok(());
        }
        let mut budgets = limits.iter().flat_map(|limits| limits.budgets.as_slice());
        let cost = match budgets.clone().next() {
            // Nobody holds it against anything: what it really costs is counted at its end.
            None => Some(Tenge::ZERO),
            Some(_) => self.most_cost(gateway, budgets.any(|budget| budget.hard))?,
        };
        let output = self.needs.of_all_answers(self.needs.output_tokens.unwrap_or(0));
        let tokens = self.likely_prompt_tokens().saturating_add(output);
        let claim = Claim {
            key: Some(Bound { name: &own.name, limits: &limits[0] }),
            project: Some(Bound { name: &project.name, limits: &limits[1] }),
            customer: Some(Bound { name: &tenant.name, limits: &limits[2] }),
            tokens,
            cost,
        };
        match gateway.limiter.reserve(&claim, gateway.now_ms()).await {
            Ok(Reserved { reservation, standing, crossings }) => {
                settlement.hold(reservation, standing);
                settlement.note_crossings(&crossings);
                tell(&gateway.alerts, &crossings);
                Ok(())
            }
            Err(NotReserved::Refused(refusal)) => {
                settlement.note_standing(refusal.standing);
                Err(refusal::over_limit(&refusal))
            }
            Err(NotReserved::Unavailable(error)) => {
                tracing::error!(%error, "a request could not be counted and was turned away");
                Err(refusal::limits_unavailable())
            }
        }
    }

    /// Of what is not read for its length: a token is about four bytes of the body.
    pub(super) fn likely_prompt_tokens(&self) -> u64 {
        const BYTES_OF_A_TOKEN: usize = 4;
        match self.needs.prompt_tokens {
            0 if !self.endpoint.is_about_tokens() => (self.body.len() / BYTES_OF_A_TOKEN) as u64,
            known => known,
        }
    }

    /// What the request costs at the most, whoever of its route's targets answers; `None` where all of them are free.
    fn most_cost(&self, gateway: &Gateway, must_be_known: bool) -> Result<Option<Tenge>, ApiError> {
        let is_written = self.endpoint.is_conversation() || self.endpoint == Endpoint::Completions;
        // What pictures and sounds cost is known when they are there.
        let must_be_known = must_be_known && (is_written || self.endpoint == Endpoint::Embeddings);
        let output = self.needs.output_tokens.or(self.route.max_output_tokens.map(u64::from));
        let output = self.needs.of_all_answers(output.unwrap_or(USUAL_OUTPUT_TOKENS));
        let usage = Usage {
            prompt_tokens: Some(self.likely_prompt_tokens()),
            completion_tokens: is_written.then_some(output),
            ..Usage::default()
        };
        let at = gateway.sources.now();
        let metered =
            Metered { usage: &usage, source: UsageSource::Estimated, at, factor: Factor::ONE, device_ms: Some(0) };
        let (tariffs, rates) = (&self.snapshot.tariffs, gateway.rates());
        let mut most = None;
        let route = &self.route;
        let all = route.targets.iter().chain(&route.fallback).chain(&route.sensitive);
        let all = all.chain(route.canary.as_ref().map(|canary| &canary.candidate));
        for deployment in all.map(Candidate::deployment) {
            let (provider, model) = (&*deployment.provider, &*deployment.model);
            if tariffs.is_free(provider, model, at) {
                continue;
            }
            match tariffs.cost(provider, model, metered, &rates) {
                Ok(cost) => most = most.max(Some(cost)),
                // A budget that cannot be held must not look as if it were.
                Err(error) if must_be_known => {
                    tracing::error!(%error, "a request under a hard budget has no price and was turned away");
                    return Err(refusal::unpriced());
                }
                Err(_) => {}
            }
        }
        Ok(most)
    }
}

/// A budget has reached a threshold.
pub(super) fn tell(alerts: &Alerts, crossings: &[Crossing]) {
    for crossing in crossings {
        let Crossing { scope, period, percent, used, budget, .. } = crossing;
        tracing::warn!(level = scope.level.as_str(), ?period, percent, %used, %budget, "a budget has reached a threshold");
        let (owner, project) = parts_of_scope(&scope.name);
        let (tenant, whose) = match scope.level {
            Level::Customer => (Some(owner), format!("tenant {owner}")),
            Level::Project => (Some(owner), format!("project {owner}/{project}")),
            Level::Key => (None, format!("key {owner}")),
        };
        let subject = format!("{} budget of {whose}: {percent}%", period.as_str());
        let subject = Some(subject.as_str());
        alerts.raise(Event::BudgetReached, About { tenant, subject, ..About::default() });
    }
}
