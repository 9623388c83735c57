//! The one task behind all requests: connects, renews leases, and tells Redis what is owed.
//!
//! A new connection is everybody's only when it was told all that is owed: what was used while Redis was away counts
//! before anything else is let through. It is tried at most once a second.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::call::Call;
use super::link::{Gone, reason, run_alone};
use super::owed::Ending;
use super::reply::read_settle;
use super::script::Script;
use super::shared::Inner;

const RETRY: Duration = Duration::from_secs(1);
/// Leases that are renewed by one run of the script.
const RENEWED_AT_ONCE: usize = 500;
/// Ends that are told at the same time, and sums that are noted by one run of the script.
const TOLD_AT_ONCE: usize = 100;

pub(super) async fn keep(inner: Arc<Inner>, renew_every: Duration) {
    let mut tried = None;
    let mut renewed = Instant::now();
    let mut is_known_away = false;
    loop {
        if inner.link.outage().is_some() {
            if let Some(tried) = tried {
                sleep_until(tried + RETRY).await;
            }
            tried = Some(Instant::now());
            let is_there = connect(&inner, is_known_away).await;
            is_known_away = !is_there;
            continue;
        }
        if renewed.elapsed() >= renew_every {
            renewed = Instant::now();
            // Where it fails, the link is lost, and the next one begins with this.
            let _ = renew(&inner, &Way::Shared).await;
        }
        let _ = pay(&inner, &Way::Shared).await;
        let _ = timeout_at(renewed + renew_every, inner.link.wake.notified()).await;
    }
}

/// What is left to be told before this process ends.
pub(super) async fn pay_last(inner: &Inner) {
    let _ = pay(inner, &Way::Shared).await;
}

/// How Redis is told: as requests do it, or on a connection that is not yet theirs.
enum Way {
    Shared,
    New(MultiplexedConnection),
}

impl Way {
    async fn run(&self, inner: &Inner, script: &Script, call: &Call) -> Result<Vec<i64>, Gone> {
        match self {
            Self::Shared => inner.link.run(script, call, inner.link.deadline()).await,
            Self::New(connection) => run_alone(connection.clone(), script, call).await,
        }
    }
}

async fn connect(inner: &Inner, is_known_away: bool) -> bool {
    let connection = match inner.link.connect().await {
        Ok(connection) => connection,
        Err(error) => {
            if !is_known_away {
                tracing::warn!(error = reason(&error), "Redis is away: it is tried again every second");
            }
            return false;
        }
    };
    if prepare(inner, &Way::New(connection.clone())).await.is_err() {
        if !is_known_away {
            tracing::warn!("Redis is there, but takes nothing from this user: it is tried again every second");
        }
        return false;
    }
    inner.link.open(connection);
    tracing::info!("Redis is there: limits are shared");
    true
}

async fn prepare(inner: &Inner, way: &Way) -> Result<(), Gone> {
    // An empty sheet is written like any other: a replica does not take it, nor from a user without the right to.
    way.run(inner, &inner.scripts.note, &inner.calls.note(&format!("{}:0", inner.gateway), &[])).await?;
    // Leases first: the requests that hold them went on all the while.
    renew(inner, way).await?;
    pay(inner, way).await
}

async fn renew(inner: &Inner, way: &Way) -> Result<(), Gone> {
    let held = inner.owed.held();
    let calls: Vec<Call> = held.chunks(RENEWED_AT_ONCE).map(|ids| inner.calls.renew(ids)).collect();
    // All on one connection, none waits for another's answer.
    let renewed = join_all(calls.iter().map(|call| way.run(inner, &inner.scripts.renew, call))).await;
    renewed.into_iter().try_for_each(|renewed| renewed.map(drop))
}

/// Tells what was owed when it began: what comes meanwhile comes next, so that nothing else has to wait for it.
async fn pay(inner: &Inner, way: &Way) -> Result<(), Gone> {
    // Whoever waits for this waits for what is being told, too.
    let _paying = inner.paying.lock().await;
    let (notes, mut endings) = inner.owed.lengths();
    for _ in 0..notes.div_ceil(TOLD_AT_ONCE) {
        let Some(sheet) = inner.owed.sheet(&inner.gateway, TOLD_AT_ONCE) else { break };
        way.run(inner, &inner.scripts.note, &inner.calls.note(&sheet.id, &sheet.notes)).await?;
        inner.owed.forget_sheet(&sheet.id);
    }
    while endings > 0 {
        let taken = inner.owed.take_endings(endings.min(TOLD_AT_ONCE));
        if taken.is_empty() {
            break;
        }
        endings = endings.saturating_sub(taken.len());
        tell_all(inner, way, taken).await?;
    }
    Ok(())
}

async fn tell_all(inner: &Inner, way: &Way, endings: Vec<Ending>) -> Result<(), Gone> {
    let told = join_all(endings.iter().map(|ending| tell(inner, way, ending))).await;
    let mut outcome = Ok(());
    let mut untold = Vec::new();
    for (ending, told) in endings.into_iter().zip(told) {
        if let Err(gone) = told {
            untold.push(Ending { was_sent: ending.was_sent || gone.was_sent, ..ending });
            outcome = Err(gone);
        }
    }
    inner.owed.put_back(untold);
    outcome
}

async fn tell(inner: &Inner, way: &Way, ending: &Ending) -> Result<(), Gone> {
    let reply = way.run(inner, &inner.scripts.settle, &inner.calls.settle(ending)).await?;
    let settled = read_settle(reply, &ending.lease, inner.offset).unwrap_or_default();
    settled.crossings.into_iter().for_each(&inner.on_crossing);
    Ok(())
}
