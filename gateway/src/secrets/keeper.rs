//! Keeps what lies in Vault at hand: read in rounds in the background, and used on while Vault is away.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::vault::{Client, Token};
use super::{Secret, SecretError, SecretSource, VaultError, VaultField, VaultLogin, VaultSettings, Wire};
use crate::alerts::{About, Alerts, Event};

/// The first wait after a round that failed; each further one doubles it.
const RETRY: Duration = Duration::from_secs(1);
const MAX_RETRY: Duration = Duration::from_secs(30);
/// A round that somebody asks for comes no sooner than this after the last one.
const MIN_WAIT: Duration = Duration::from_secs(5);

/// Every secret that a configuration refers to, wherever it lies.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    keeper: Option<Arc<VaultKeeper>>,
}

impl Secrets {
    pub fn new(keeper: Option<Arc<VaultKeeper>>) -> Self {
        Self { keeper }
    }

    /// Never waits for the network.
    ///
    /// # Errors
    /// The variable or file is missing or empty, or Vault has not given the value yet.
    pub fn resolve(&self, source: &SecretSource) -> Result<Secret, SecretError> {
        let SecretSource::Vault(field) = source else { return source.resolve() };
        let known = self.keeper.as_ref().and_then(|keeper| keeper.known().get(field).cloned());
        let VaultField { path, field } = field;
        known.ok_or_else(|| SecretError::NotFetched { path: path.clone(), field: field.clone() })
    }

    /// A provider did not like a secret: a newer one may be there already.
    pub fn doubt(&self) {
        if let Some(keeper) = &self.keeper {
            keeper.doubted.notify_one();
        }
    }

    pub fn keeper(&self) -> Option<&Arc<VaultKeeper>> {
        self.keeper.as_ref()
    }
}

pub struct VaultKeeper {
    settings: VaultSettings,
    wanted: BTreeSet<VaultField>,
    wire: Box<dyn Wire>,
    known: Mutex<HashMap<VaultField, Secret>>,
    session: tokio::sync::Mutex<Option<Session>>,
    doubted: Notify,
    is_away: AtomicBool,
    alerts: OnceLock<Arc<Alerts>>,
}

impl fmt::Debug for VaultKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultKeeper").field("wanted", &self.wanted).finish_non_exhaustive()
    }
}

/// A token and when it ends.
#[derive(Clone)]
struct Session {
    token: Token,
    ends: Option<Instant>,
    /// Paths that it does not open: another login would not help.
    forbidden: BTreeSet<String>,
}

impl VaultKeeper {
    pub fn new(settings: VaultSettings, wanted: BTreeSet<VaultField>, wire: Box<dyn Wire>) -> Self {
        Self {
            settings,
            wanted,
            wire,
            known: Mutex::default(),
            session: tokio::sync::Mutex::default(),
            doubted: Notify::new(),
            is_away: AtomicBool::new(false),
            alerts: OnceLock::new(),
        }
    }

    /// Whom it tells that Vault is away, or back.
    pub fn report_to(&self, alerts: &Arc<Alerts>) {
        // It is told once.
        let _ = self.alerts.set(Arc::clone(alerts));
    }

    /// What another one of the same Vault knows holds here too, until it is read anew.
    pub fn take_over(&self, other: &Self) {
        let is_same = |other: &VaultSettings| {
            let Self { settings, .. } = self;
            (&settings.address, &settings.namespace, &settings.mount)
                == (&other.address, &other.namespace, &other.mount)
        };
        if is_same(&other.settings) {
            let theirs = other.known().clone();
            let mut known = self.known();
            for (field, secret) in theirs.into_iter().filter(|(field, _)| self.wanted.contains(field)) {
                known.entry(field).or_insert(secret);
            }
            self.is_away.fetch_or(other.is_away(), Ordering::Relaxed);
            // Each login takes a lease, and perhaps a use of its secret.
            if self.settings.login == other.settings.login
                && let (Ok(mut own), Ok(theirs)) = (self.session.try_lock(), other.session.try_lock())
                && own.is_none()
            {
                own.clone_from(&theirs);
            }
        }
    }

    /// Whether the last round failed, as far as any secret of it.
    pub fn is_away(&self) -> bool {
        self.is_away.load(Ordering::Relaxed)
    }

    pub fn knows_all(&self) -> bool {
        let known = self.known();
        self.wanted.iter().all(|field| known.contains_key(field))
    }

    /// Reads in rounds, for as long as it is polled. `last`: how the round went that is just over, if there was one.
    pub async fn keep(&self, mut last: Option<bool>) {
        let mut failures = 0_u32;
        loop {
            let is_well = match last.take() {
                Some(is_well) => is_well,
                None => self.round().await,
            };
            failures = if is_well { 0 } else { failures.saturating_add(1) };
            let wait = match failures {
                0 => self.until_next().await,
                _ => RETRY.saturating_mul(1 << (failures - 1).min(5)).min(MAX_RETRY).min(self.settings.refresh),
            };
            tokio::time::sleep(wait.min(MIN_WAIT)).await;
            let rest = wait.saturating_sub(MIN_WAIT);
            // A doubt only cuts a wait short.
            let _ = tokio::time::timeout(rest, self.doubted.notified()).await;
        }
    }

    /// Reads every secret once. False where one of them could not be read; its older value stays in use.
    pub async fn round(&self) -> bool {
        let mut session = self.session.lock().await;
        let result = self.read_all(&mut session).await;
        let was_away = self.is_away.swap(result.is_err(), Ordering::Relaxed);
        match &result {
            Ok(()) if was_away => self.tell(Event::VaultRecovered),
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(%error, "secrets in Vault could not be read; known values stay in use");
                self.tell(Event::VaultUnreachable);
            }
        }
        result.is_ok()
    }

    fn tell(&self, event: Event) {
        if let Some(alerts) = self.alerts.get() {
            alerts.raise(event, About::default());
        }
    }

    async fn until_next(&self) -> Duration {
        let lease = self.session.lock().await.as_ref().and_then(|session| session.token.lease);
        let half = lease.map_or(self.settings.refresh, |lease| lease / 2);
        half.max(RETRY).min(self.settings.refresh)
    }

    async fn read_all(&self, session: &mut Option<Session>) -> Result<(), VaultError> {
        let client = Client { settings: &self.settings, wire: &*self.wire };
        self.prepare(&client, session).await?;
        let paths: BTreeSet<&str> = self.wanted.iter().map(|field| field.path.as_str()).collect();
        let (mut failed, mut is_fresh) = (None, false);
        for path in paths {
            let mut read = self.read(&client, session.as_ref(), path).await;
            let is_known = session.as_ref().is_some_and(|session| session.forbidden.contains(path));
            if read.as_ref().is_err_and(VaultError::is_forbidden) && !is_fresh && !is_known {
                // The token may have been revoked, or its file rewritten.
                is_fresh = true;
                *session = Some(begin(client.log_in().await?));
                read = self.read(&client, session.as_ref(), path).await;
            }
            // A token that is given may be exchanged at any time, and costs Vault nothing.
            if read.as_ref().is_err_and(VaultError::is_forbidden)
                && let (VaultLogin::AppRole { .. }, Some(session)) = (&self.settings.login, session.as_mut())
            {
                session.forbidden.insert(path.to_owned());
            }
            match read {
                Ok(()) => {}
                // Every other one would wait as long.
                Err(error) if error.is_outage() => return Err(error),
                Err(error) => {
                    tracing::warn!(path, %error, "a secret in Vault could not be read");
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// A token that will hold until the round after the next.
    async fn prepare(&self, client: &Client<'_>, session: &mut Option<Session>) -> Result<(), VaultError> {
        if let Some(current) = session.as_ref() {
            let soon = Instant::now() + 2 * self.settings.refresh;
            if current.ends.is_none_or(|ends| ends > soon) {
                return Ok(());
            }
            if current.token.is_renewable {
                match client.renew(&current.token.value).await {
                    Ok(token) => {
                        *session = Some(begin(token));
                        return Ok(());
                    }
                    Err(error) if error.is_outage() => return Err(error),
                    Err(error) => tracing::info!(%error, "the token of Vault was not renewed; logging in again"),
                }
            }
        }
        *session = Some(begin(client.log_in().await?));
        Ok(())
    }

    async fn read(&self, client: &Client<'_>, session: Option<&Session>, path: &str) -> Result<(), VaultError> {
        let Some(session) = session else { return Err(VaultError::Unreadable) };
        let fields = client.read(&session.token.value, path).await?;
        let mut is_whole = true;
        let mut known = self.known();
        for field in self.wanted.iter().filter(|field| field.path == path) {
            match fields.get(&field.field) {
                Some(secret) => drop(known.insert(field.clone(), secret.clone())),
                None => is_whole = false,
            }
        }
        if is_whole { Ok(()) } else { Err(VaultError::Unreadable) }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<VaultField, Secret>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn begin(token: Token) -> Session {
    let ends = token.lease.map(|lease| Instant::now() + lease);
    Session { token, ends, forbidden: BTreeSet::new() }
}
