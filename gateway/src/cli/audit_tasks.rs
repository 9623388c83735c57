//! What goes on with the audit while a gateway is served: the heads of its chains are signed now and then and once more at
//! the end, what need not be kept any longer is removed once a day, and entries go to whoever watches over security.

use std::sync::Arc;
use std::time::Duration;

use crate::channels::AuditWay;
use crate::config::AuditConfig;
use crate::pipeline::Gateway;
use crate::store::{CheckpointTools, DataDir, Journal, Retention, prune_expired};

/// A start is not slowed down by it.
const PRUNE_AFTER: Duration = Duration::from_mins(1);
const PRUNE_EVERY: Duration = Duration::from_hours(24);
/// The database gets this long to take the last checkpoint.
const LAST_CHECKPOINT: Duration = Duration::from_secs(5);

pub(super) async fn sign_heads(gateway: Arc<Gateway>) {
    loop {
        tokio::time::sleep(gateway.snapshot().config.audit.checkpoint_every).await;
        checkpoint(&gateway).await;
    }
}

pub(super) async fn prune_daily(gateway: Arc<Gateway>) {
    loop {
        tokio::time::sleep(PRUNE_AFTER).await;
        let keep_days = gateway.snapshot().config.audit.keep_days.clone();
        let retention = Retention { keep_days: &keep_days, now: gateway.sources.now(), signer: &gateway.audit_signer };
        // An export that is being sent says what it holds in its first line: it ends first.
        let Some(_quiet) = gateway.exports.none() else { continue };
        match prune_expired(gateway.store(), retention).await.map(|pruned| pruned.total()) {
            Ok(0) => {}
            Ok(entries) => tracing::info!(entries, "entries of the audit were sealed and removed"),
            Err(error) => {
                tracing::error!(%error, "old entries of the audit could not be removed; they are tried again");
            }
        }
        tokio::time::sleep(PRUNE_EVERY).await;
    }
}

pub(super) async fn sign_last_heads(gateway: &Gateway) {
    if tokio::time::timeout(LAST_CHECKPOINT, checkpoint(gateway)).await.is_err() {
        tracing::error!("the database is away: the last entries of the audit are signed after the next start");
    }
}

async fn checkpoint(gateway: &Gateway) {
    let (now, secret) = (gateway.sources.now(), gateway.sources.random());
    let tools = CheckpointTools { signer: &gateway.audit_signer, now, secret };
    if let Err(error) = gateway.trail.checkpoint(gateway.store(), tools).await {
        tracing::error!(%error, "the audit's heads could not be signed; the next checkpoint counts for them as well");
    }
}

/// Ways on which the audit leaves; what is none any more holds the journal no longer.
pub(super) fn ways(config: &AuditConfig, data: &DataDir, journal: &Journal) -> anyhow::Result<Vec<AuditWay>> {
    let ways = AuditWay::all(config)?;
    for name in AuditWay::NAMES {
        if ways.iter().all(|way| way.name() != name) {
            data.forget_feed_position(name)?;
            journal.let_go(name);
        }
    }
    Ok(ways)
}
