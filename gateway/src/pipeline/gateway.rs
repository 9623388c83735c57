//! Everything that requests share.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::{SignedDuration, Timestamp};
use shekara_protocol::error::ApiError;
use tokio::sync::{Semaphore, TryAcquireError};

use super::admission::Places;
use super::authenticated::{Authenticated, RequestContext};
use super::export::Exports;
use super::health::{Board, Health};
use super::jobs::Jobs;
use super::live::RoomLimits;
use super::replay::Lives;
use super::shelf::Shelf;
use super::sign_in::Failures;
use super::spending::{LimiterError, Limiting, limiter};
use super::{Conversations, Drain, Knock, Settlement, Snapshot, Sources, refusal};
use crate::alerts::Alerts;
use crate::audit::Outcome;
use crate::auth::{Directory, KeyError, PresentedKey};
use crate::billing::{RateTable, Rates};
use crate::cluster::{Limiter, RestCourier};
use crate::config::{AuditMode, Config, ExchangeConfig};
use crate::content::{Bounds, ContentKeys, Item};
use crate::routing::{Candidate, LocalModels, Spent, Standings};
use crate::signing::Signer;
use crate::store::{AuditTrail, Position, Store, StoreError, TokensUsed, project_all};
use crate::telemetry::Metrics;

/// Further copies are not made.
const MAX_SHADOWS: usize = 32;
const KIB: usize = 1 << 10;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

#[derive(Debug)]
pub struct Gateway {
    pub trail: Arc<AuditTrail>,
    pub drain: Drain,
    pub sources: Sources,
    pub conversations: Conversations,
    pub signer: Arc<Signer>,
    /// Signs the audit's heads and exports.
    pub audit_signer: Arc<Signer>,
    pub metrics: Arc<Metrics>,
    pub alerts: Arc<Alerts>,
    pub limiter: Arc<Limiter>,
    pub shelf: Shelf,
    pub jobs: Jobs,
    pub exports: Exports,
    pub(super) lives: Lives,
    pub(super) health: Arc<Health>,
    pub(super) failed_logins: Failures,
    /// Tells other gateways which deployments rest.
    _rests: Option<RestCourier>,
    snapshot: ArcSwap<Snapshot>,
    /// Of the dollar.
    rates: ArcSwap<Rates>,
    directory: ArcSwap<Directory>,
    /// Held while the directory is read.
    reading: tokio::sync::Mutex<()>,
    store: StoreHandle,
    key_secret: crate::auth::KeySecret,
    in_flight: Arc<Semaphore>,
    /// In KiB, of forms with files: they are held as a whole.
    forms: Arc<Semaphore>,
    /// Copies for shadows that may be under way: they must not take the places of those whom somebody waits for.
    pub(super) shadows: Arc<Semaphore>,
}

/// The store without a `Debug` of its own.
struct StoreHandle(Arc<dyn Store>);

impl std::fmt::Debug for StoreHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

/// What a gateway is made of.
pub struct GatewayParts {
    pub snapshot: Snapshot,
    pub key_secret: crate::auth::KeySecret,
    pub trail: Arc<AuditTrail>,
    pub store: Arc<dyn Store>,
    pub sources: Sources,
    pub conversations: Conversations,
    pub signer: Arc<Signer>,
    pub audit_signer: Arc<Signer>,
    pub content_keys: ContentKeys,
}

impl Gateway {
    /// # Errors
    /// Keys, rates or what was used before cannot be read, or the way to Redis is none.
    pub async fn new(parts: GatewayParts) -> Result<Self, LimiterError> {
        let metrics = Arc::<Metrics>::default();
        let alerts = Arc::new(Alerts::start(parts.sources.clock(), metrics.alerts.clone()));
        alerts.follow(parts.snapshot.alerts.clone());
        parts.snapshot.providers.keep_secrets(None, &alerts).await;
        let directory = Directory::new(parts.key_secret.clone(), parts.store.tenancy().directory().await?);
        let health = Arc::<Health>::default();
        if let Err(error) = note_today(&health, &parts).await {
            tracing::error!(%error, "what was used today could not be read: budgets of the day begin anew");
        }
        let process = format!("{:032x}", u128::from_be_bytes(parts.sources.random()));
        let begun = (process, parts.sources.now());
        health.know(&parts.snapshot.config);
        let board = Board { health: Arc::clone(&health), sources: parts.sources.clone() };
        let wake = health.wake();
        let Limiting { limiter, rests } =
            limiter(&parts.snapshot.config, &parts.store, &alerts, (begun, Arc::new(board), wake)).await?;
        Ok(Self {
            limiter: Arc::new(limiter),
            _rests: rests,
            trail: parts.trail,
            drain: Drain::default(),
            sources: parts.sources,
            conversations: parts.conversations,
            signer: parts.signer,
            audit_signer: parts.audit_signer,
            shelf: Shelf::new(parts.content_keys, Arc::clone(&parts.store), Arc::clone(&metrics)),
            metrics,
            alerts,
            jobs: Jobs::default(),
            exports: Exports::default(),
            lives: Lives::new(),
            health,
            failed_logins: Failures::default(),
            in_flight: Arc::new(Semaphore::new(parts.snapshot.config.max_in_flight)),
            forms: Arc::new(Semaphore::new(parts.snapshot.config.max_forms_bytes / KIB)),
            shadows: Arc::new(Semaphore::new(MAX_SHADOWS)),
            rates: ArcSwap::from_pointee(known_rates(&parts.snapshot.config, parts.store.as_ref()).await?),
            snapshot: ArcSwap::from_pointee(parts.snapshot),
            directory: ArcSwap::from_pointee(directory),
            reading: tokio::sync::Mutex::default(),
            store: StoreHandle(parts.store),
            key_secret: parts.key_secret,
        })
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// What dollars are in tenge, as it was last read.
    pub fn rates(&self) -> Arc<Rates> {
        self.rates.load_full()
    }

    /// Reads the rates anew that the configuration names.
    ///
    /// # Errors
    /// They cannot be read; those that are known stay in force.
    pub async fn reload_rates(&self) -> Result<(), StoreError> {
        let read = known_rates(&self.snapshot().config, self.store()).await?;
        self.rates.store(Arc::new(read));
        Ok(())
    }

    /// The same with the secrets that it needs, as far as they are to be had within a moment.
    pub async fn put_in_force(&self, snapshot: Snapshot) {
        self.alerts.follow(snapshot.alerts.clone());
        snapshot.providers.keep_secrets(Some(&self.snapshot().providers), &self.alerts).await;
        self.replace_snapshot(snapshot);
        if let Err(error) = self.reload_rates().await {
            tracing::error!(%error, "exchange rates could not be read; those that are known stay in force");
        }
    }

    /// Requests that have begun keep the old one.
    pub fn replace_snapshot(&self, snapshot: Snapshot) {
        self.health.know(&snapshot.config);
        self.snapshot.store(Arc::new(snapshot));
    }

    /// Routes follow what the engine serves. Everything else stays, whoever else replaces it at the same time.
    pub fn follow_local(&self, local: &LocalModels) {
        if self.snapshot().table.local() != local {
            self.snapshot.rcu(|current| current.with_local(local.clone()));
        }
    }

    pub fn store(&self) -> &dyn Store {
        self.store.0.as_ref()
    }

    pub fn shared_store(&self) -> &Arc<dyn Store> {
        &self.store.0
    }

    /// Whether a target is neither at rest nor at its bounds.
    pub(super) fn is_ready(&self, candidate: &Candidate) -> bool {
        let (deployment, now_ms) = (candidate.deployment(), self.now_ms());
        let standing = self.health.view(true, now_ms).standing(deployment);
        self.health.rest(deployment, now_ms).is_none() && candidate.has_room(standing)
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.sources.now().as_millisecond()).unwrap_or_default()
    }

    /// Milliseconds since 1970, in a while.
    pub(super) fn after(&self, ttl: Duration) -> u64 {
        self.now_ms().saturating_add(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX))
    }

    /// Keeps content behind the request's back; true if it will be found.
    pub(super) fn keep(&self, item: Item, bounds: Bounds) -> bool {
        self.shelf.keep(item, self.sources.random(), bounds, self.now_ms())
    }

    /// Everything as OpenMetrics has it.
    pub fn open_metrics(&self) -> String {
        self.metrics.note_rests(self.health.resting(self.now_ms()));
        self.metrics.open_metrics()
    }

    /// Copies for shadows that are under way.
    pub fn num_shadows(&self) -> usize {
        MAX_SHADOWS.saturating_sub(self.shadows.available_permits())
    }

    /// Clients of answers under way that further ones may join.
    pub fn num_listeners(&self) -> usize {
        self.lives.num_listeners()
    }

    pub(super) fn room_limits(&self) -> RoomLimits {
        let content = &self.snapshot.load().config.content;
        RoomLimits { one_bytes: content.bounds.item_bytes, all_bytes: content.max_live_bytes }
    }

    /// A place for a form of at most so many bytes.
    ///
    /// # Errors
    /// As [`Self::enter`]; 429 where forms take all the memory that they may.
    pub fn enter_with_form(&self, bytes: usize) -> Result<Places, ApiError> {
        let places = self.enter()?;
        let most = self.snapshot().config.max_forms_bytes / KIB;
        let kib = u32::try_from(bytes.div_ceil(KIB).min(most)).unwrap_or(u32::MAX);
        match Arc::clone(&self.forms).try_acquire_many_owned(kib) {
            Ok(permit) => Ok(places.with_form(permit)),
            Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => Err(refusal::too_many_forms()),
        }
    }

    pub fn key_secret(&self) -> &crate::auth::KeySecret {
        &self.key_secret
    }

    /// Who may do what, as it was last read.
    pub fn directory(&self) -> Arc<Directory> {
        self.directory.load_full()
    }

    /// Reads who may do what, and exchange rates, anew if there is something new.
    ///
    /// # Errors
    /// It cannot be read; what is known stays in force.
    pub async fn reload_directory(&self) -> Result<(), StoreError> {
        // One at a time: what was read earlier must not take the place of what was read later.
        let _reading = self.reading.lock().await;
        let tenancy = self.store().tenancy();
        if tenancy.generation().await? != self.directory.load().generation {
            self.reload_rates().await?;
            let records = tenancy.directory().await?;
            self.directory.store(Arc::new(Directory::new(self.key_secret.clone(), records)));
        }
        Ok(())
    }

    /// The same after a change that is kept: where it cannot be read just now, the next look will find it.
    pub async fn directory_changed(&self) {
        if let Err(error) = self.reload_directory().await {
            tracing::error!(%error, "keys and switches could not be read; they are read again within seconds");
        }
    }

    /// Believes a key, or says why not.
    ///
    /// # Errors
    /// 401 without a valid key, 403 with one that may not do this, not from there or not for now.
    pub fn authenticate(&self, knock: Knock<'_>) -> Result<Authenticated, ApiError> {
        let Knock { presented, address, door, request_id, endpoint } = knock;
        let now_ms = self.sources.now().as_millisecond();
        let verified = |key: &PresentedKey| self.directory.load().verify(key, address, now_ms);
        let key = presented.ok_or(KeyError::Missing).and_then(verified);
        if let Err(error) = &key {
            tracing::warn!(request_id, endpoint, %error, "a request was turned away");
        }
        let key = key.map_err(refusal::bad_key)?;
        let settlement = Settlement::begin(self, &key, request_id, endpoint);
        if let Err(error) = door.opens_for(&key) {
            settlement.note_error(error.code.as_deref());
            settlement.settle(Outcome::Failed, error.status.as_u16()).map_err(|_| refusal::audit_unavailable())?;
            return Err(error);
        }
        let request_id = request_id.to_owned();
        Ok(Authenticated::new(RequestContext { request_id, key, settlement, in_batch: false }))
    }

    /// A request of a batch, for the key that has ordered it.
    ///
    /// # Errors
    /// As [`Self::authenticate`]: the key does not hold any more.
    pub fn on_behalf(&self, key_id: &str, request_id: &str, endpoint: String) -> Result<Authenticated, ApiError> {
        let found = self.directory.load().find(key_id, self.sources.now().as_millisecond());
        let key = found.map_err(refusal::bad_key)?;
        let settlement = Settlement::begin(self, &key, request_id, endpoint);
        let request_id = request_id.to_owned();
        Ok(Authenticated::new(RequestContext { request_id, key, settlement, in_batch: true }))
    }

    /// What was written down of a request that is about to leave is where the configuration says it must be.
    ///
    /// # Errors
    /// 503: the database did not take it in time.
    pub(super) async fn await_intent(&self, written: Position) -> Result<(), ApiError> {
        let audit = &self.snapshot.load().config.audit;
        if audit.mode == AuditMode::Batched {
            return Ok(());
        }
        let kept = tokio::time::timeout(audit.strict_timeout, self.trail.journal().projected(written)).await;
        kept.map_err(|_| refusal::audit_unavailable())
    }

    /// A place among the requests under way, until the answer's last byte.
    ///
    /// # Errors
    /// 503 while the process is about to end, 429 when all places are taken.
    pub fn enter(&self) -> Result<Places, ApiError> {
        let in_flight = self.drain.enter().ok_or_else(ApiError::shutting_down)?;
        match Arc::clone(&self.in_flight).try_acquire_owned() {
            Ok(permit) => Ok(Places::new(in_flight, permit)),
            Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => Err(refusal::too_many_in_flight()),
        }
    }
}

/// Those that the configuration names, of what the store has.
///
/// # Errors
/// They cannot be read.
pub async fn known_rates(config: &Config, store: &dyn Store) -> Result<Rates, StoreError> {
    let max_age_days = match &config.billing.exchange {
        ExchangeConfig::Fixed(rate) => return Ok(Rates::Fixed(*rate)),
        ExchangeConfig::Imported { max_age_days }
        | ExchangeConfig::Bank { max_age_days, .. }
        | ExchangeConfig::File { max_age_days, .. } => *max_age_days,
    };
    let mut table = RateTable::new(max_age_days);
    for (published, source) in store.ledger().rates().await? {
        // The store keeps one rate for each day.
        if let Err(error) = table.add(published, &source) {
            tracing::error!(%error, "two exchange rates contradict each other");
        }
    }
    Ok(Rates::Published(table))
}

/// What processes before this one used since midnight counts as well.
async fn note_today(health: &Health, parts: &GatewayParts) -> Result<(), StoreError> {
    let now = parts.sources.now();
    let time = |time: Timestamp| format!("{time:.3}");
    let midnight = now - SignedDuration::from_millis(now.as_millisecond().rem_euclid(DAY_MS));
    let now_ms = u64::try_from(now.as_millisecond()).unwrap_or_default();
    project_all(parts.trail.journal(), parts.store.as_ref()).await?;
    for used in parts.store.tokens_used(time(midnight), time(now)).await? {
        let TokensUsed { provider, model, prompt_tokens, completion_tokens } = used;
        health.note_tokens(&provider, &model, Spent { prompt_tokens, completion_tokens }, now_ms);
    }
    Ok(())
}
