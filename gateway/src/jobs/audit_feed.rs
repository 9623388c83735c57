//! The audit, entry by entry, to whoever watches over security: behind the requests' backs, in the journal's order, at
//! least once.
//!
//! The queue is the journal: each way has a place in it that is kept in the data folder, and segments that a way has not
//! passed are not pruned, up to a bound. A receiver that refuses is asked again and again: what it must not miss is told
//! nowhere else.

use std::sync::Arc;
use std::time::Duration;

use crate::audit::{Entry, EntryKind};
use crate::channels::AuditWay;
use crate::pipeline::Gateway;
use crate::store::{DataDir, JournalReader, Position, Projected, StoreError};

/// Entries between two writes of the place.
const KEEP_EVERY: u32 = 100;
const IDLE: Duration = Duration::from_millis(500);
/// Between tries of one entry; the last is for all further ones.
const WAITS: [Duration; 5] = [
    Duration::from_millis(500),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_mins(1),
];

/// Carries entries on one way until it is dropped.
pub async fn run(gateway: Arc<Gateway>, data: DataDir, way: AuditWay) {
    loop {
        if let Err(error) = feed(&gateway, &data, &way).await {
            tracing::error!(%error, way = way.name(), "the audit could not be passed on; it is tried again");
        }
        tokio::time::sleep(WAITS[WAITS.len() - 1]).await;
    }
}

async fn feed(gateway: &Gateway, data: &DataDir, way: &AuditWay) -> Result<(), StoreError> {
    let journal = gateway.trail.journal();
    // What was written before anybody asked for it is not told.
    let begin = match data.feed_position(way.name())? {
        Some(position) => position,
        None => journal.end(),
    };
    let mut reader = JournalReader::new(journal.folder(), begin);
    let mut kept = None;
    let mut num_sent = 0;
    loop {
        if let Some(payload) = reader.next_record()? {
            if let Some(entry) = told(&payload) {
                deliver(gateway, way, &entry).await;
                num_sent += 1;
            }
            if num_sent < KEEP_EVERY {
                continue;
            }
        }
        keep(gateway, data, way, (reader.position(), &mut kept))?;
        if num_sent < KEEP_EVERY {
            tokio::time::sleep(IDLE).await;
        }
        num_sent = 0;
    }
}

fn keep(
    gateway: &Gateway,
    data: &DataDir,
    way: &AuditWay,
    (position, kept): (Position, &mut Option<Position>),
) -> Result<(), StoreError> {
    if *kept != Some(position) {
        data.keep_feed_position(way.name(), position)?;
        gateway.trail.journal().hold(way.name(), position.segment);
        *kept = Some(position);
    }
    Ok(())
}

/// Ends of requests and what administrators and the gateway did; an intent is followed by an end.
fn told(payload: &[u8]) -> Option<Entry> {
    Projected::read(payload)?.entry.filter(|entry| entry.kind != EntryKind::Intent)
}

async fn deliver(gateway: &Gateway, way: &AuditWay, entry: &Entry) {
    let mut waits = WAITS.iter();
    let mut wait = WAITS[0];
    while let Err(error) = way.send(entry, gateway.sources.now()).await {
        tracing::warn!(%error, way = way.name(), "an entry of the audit did not arrive; it is sent again");
        wait = waits.next().copied().unwrap_or(wait);
        tokio::time::sleep(wait).await;
    }
}
