//! The shared limiter against a real Redis, which each test starts for itself and ends.

mod accounts;
mod away;
mod counting;
mod leases;
mod server;
mod settings;

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use server::Server;

use super::*;
use crate::billing::Tenge;
use crate::limits::{
    Bound, Claim, Crossing, Ledger, Level, Limits, Scope, ScopeState, Seed, SeedFuture, Span, Sum, Used, UtcOffset,
};

/// Longer than anything takes here.
const BOUND: Duration = Duration::from_secs(20);

/// What the ledger would say.
#[derive(Default)]
struct Book {
    used: Mutex<HashMap<(Arc<str>, Sum), u64>>,
    asked: AtomicU64,
}

impl Book {
    fn write(&self, name: &str, sum: Sum, used: u64) {
        self.used.lock().unwrap().insert((Arc::from(name), sum), used);
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Ledger for Book {
    fn used(&self, scope: Scope, sum: Sum, span: Span) -> SeedFuture {
        self.asked.fetch_add(1, Ordering::SeqCst);
        assert!(span.contains(now_ms()));
        let used = self.used.lock().unwrap().get(&(scope.name, sum)).copied().unwrap_or(0);
        Box::pin(async move { Ok(Seed { used, told_percent: 0 }) })
    }
}

/// One gateway with all that it heard.
struct Gateway {
    limiter: SharedLimiter,
    heard: Arc<Mutex<Vec<Crossing>>>,
}

struct Setup {
    settings: SharedSettings,
    book: Arc<Book>,
}

impl Setup {
    fn new(server: &Server) -> Self {
        let settings = SharedSettings {
            url: server.url(),
            roots_pem: None,
            prefix: "test".into(),
            gateway: String::new(),
            timeout: Duration::from_secs(5),
            lease: Duration::from_mins(1),
            when_away: WhenAway::Deny,
            offset: noon(),
        };
        Self { settings, book: Arc::default() }
    }

    async fn gateway(&self, name: &str) -> Gateway {
        let heard = Arc::<Mutex<Vec<_>>>::default();
        let hears = Arc::clone(&heard);
        let on_crossing = Box::new(move |crossing| hears.lock().unwrap().push(crossing));
        let settings = SharedSettings { gateway: name.into(), ..self.settings.clone() };
        let ledger = Arc::clone(&self.book) as Arc<dyn Ledger>;
        let limiter = SharedLimiter::start(&settings, ledger, on_crossing).unwrap();
        assert!(limiter.connected(BOUND).await, "Redis did not answer");
        Gateway { limiter, heard }
    }
}

fn share_of(gateways: u32) -> WhenAway {
    WhenAway::Local { gateways: NonZeroU32::new(gateways).unwrap() }
}

fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Where it is about noon, so that no day ends while a test runs.
fn noon() -> UtcOffset {
    let hour = i32::try_from(now_ms() / 3_600_000 % 24).unwrap();
    UtcOffset::from_seconds((12 - hour) * 3_600).unwrap()
}

fn limits(json: &str) -> Arc<Limits> {
    Arc::new(serde_json::from_str(json).unwrap())
}

fn name(text: &str) -> Arc<str> {
    Arc::from(text)
}

fn key(text: &str) -> Scope {
    Scope { level: Level::Key, name: name(text) }
}

fn claim<'a>(name: &'a Arc<str>, limits: &'a Arc<Limits>, tokens: u64, tiyn: i64) -> Claim<'a> {
    let cost = Some(Tenge::from_tiyn(tiyn));
    Claim { key: Some(Bound { name, limits }), project: None, customer: None, tokens, cost }
}

fn used(tokens: u64, tiyn: i64) -> Used {
    Used { tokens: Some(tokens), cost: Some(Tenge::from_tiyn(tiyn)) }
}

/// Asks again until it is so.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = std::time::Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(begun.elapsed() < BOUND, "it never came to be: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

impl Gateway {
    async fn state(&self, scope: &Scope) -> ScopeState {
        self.limiter.state(scope, now_ms()).await.unwrap()
    }

    async fn until_state(&self, scope: &Scope, is_so: impl Fn(ScopeState) -> bool) -> ScopeState {
        until("a state", async || Some(self.limiter.state(scope, now_ms()).await.ok()?).filter(|state| is_so(*state)))
            .await
    }
}
