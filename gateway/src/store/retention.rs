//! Removes what need not be kept any longer: the oldest part of a chain, as far as every entry in it is past the time of
//! its data class. A seal takes its place, so that the rest still verifies. What no checkpoint signed stays, and what was
//! tampered with is never removed.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::{ChainName, ChainTable, Store, StoreError, Stretch};
use crate::audit::{Entry, Seal, SealBuilder, SealError, Time};
use crate::auth::DataClass;
use crate::signing::Signer;

const PAGE: u32 = 500;
/// Of one seal: its entries are removed in one transaction.
const MAX_SEALED: u64 = 5_000;
const BY: &str = "retention";

/// What is kept how long, now.
#[derive(Debug, Clone, Copy)]
pub struct Retention<'a> {
    /// In days; a class that is not named is kept.
    pub keep_days: &'a BTreeMap<DataClass, u32>,
    pub now: Timestamp,
    pub signer: &'a Signer,
}

#[derive(Deserialize)]
struct Classed {
    data_class: DataClass,
}

/// Seals and removes; gives the number of entries.
///
/// # Errors
/// The database cannot be used; what was removed so far is sealed.
pub async fn prune_expired(store: &dyn Store, retention: Retention<'_>) -> Result<u64, StoreError> {
    if retention.keep_days.is_empty() {
        return Ok(0);
    }
    let mut num_removed = 0;
    for chain in store.trail().chains().await? {
        while let Some(seal) = next_seal(store, &chain, retention).await? {
            num_removed += seal.num_entries;
            store.trail().prune(seal).await?;
        }
    }
    Ok(num_removed)
}

async fn next_seal(store: &dyn Store, chain: &ChainName, retention: Retention<'_>) -> Result<Option<Seal>, StoreError> {
    let trail = store.trail();
    let Some(signed) = trail.last_row(ChainTable::Heads, chain.clone()).await? else { return Ok(None) };
    let Ok(writer) = chain.writer.parse() else { return Ok(None) };
    let before = trail.last_row(ChainTable::Seals, chain.clone()).await?;
    let mut builder = match before.map(|row| Seal::read(&row.line)).transpose() {
        Ok(Some(seal)) => SealBuilder::after(&seal)?,
        Ok(None) => SealBuilder::first(&chain.tenant, writer),
        Err(source) => return Err(StoreError::Line { table: "audit_seals", source }),
    };
    let (mut after, mut num_sealed) = (i64::MIN, 0);
    'pages: while num_sealed < MAX_SEALED {
        let stretch = Stretch { after, until: signed.sequence, limit: PAGE };
        let rows = trail.rows(ChainTable::Entries, chain.clone(), stretch).await?;
        let Some(last) = rows.last() else { break };
        after = last.sequence;
        for row in &rows {
            let Ok(entry) = Entry::read(&row.line) else { break 'pages };
            if !is_past(&entry, retention) {
                break 'pages;
            }
            if let Err(error) = builder.push(&entry) {
                tracing::error!(%error, tenant = chain.tenant, "the audit does not verify: nothing of it is removed");
                return Ok(None);
            }
            num_sealed += 1;
        }
    }
    match builder.finish(Time::from(retention.now), BY, retention.signer) {
        Ok(seal) => Ok(Some(seal)),
        Err(SealError::Empty) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// An entry without a class is kept.
fn is_past(entry: &Entry, retention: Retention<'_>) -> bool {
    let class = serde_json::from_str(entry.record.as_str()).map(|Classed { data_class }| data_class);
    let days = class.ok().and_then(|class| retention.keep_days.get(&class));
    let end = days.map(|days| entry.time.timestamp().checked_add(SignedDuration::from_hours(24 * i64::from(*days))));
    end.is_some_and(|end| end.is_ok_and(|end| end <= retention.now))
}
