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

/// How many entries went, or would go, by tenant and data class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned(BTreeMap<(String, DataClass), u64>);

impl Pruned {
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, DataClass, u64)> {
        self.0.iter().map(|((tenant, class), entries)| (tenant.as_str(), *class, *entries))
    }

    fn add(&mut self, tenant: &str, classes: &BTreeMap<DataClass, u64>) {
        for (class, entries) in classes {
            *self.0.entry((tenant.to_owned(), *class)).or_default() += entries;
        }
    }
}

#[derive(Deserialize)]
struct Classed {
    data_class: DataClass,
}

/// The beginning of a chain that is past its time.
struct Past {
    seal: SealBuilder,
    classes: BTreeMap<DataClass, u64>,
}

/// Seals and removes; gives the number of entries.
///
/// # Errors
/// The database cannot be used; what was removed so far is sealed.
pub async fn prune_expired(store: &dyn Store, retention: Retention<'_>) -> Result<Pruned, StoreError> {
    let mut pruned = Pruned::default();
    if retention.keep_days.is_empty() {
        return Ok(pruned);
    }
    for chain in store.trail().chains().await? {
        while let Some(Past { seal, classes }) = past_of(store, &chain, (retention, MAX_SEALED)).await? {
            let seal = match seal.finish(Time::from(retention.now), BY, retention.signer) {
                Ok(seal) => seal,
                Err(SealError::Empty) => break,
                Err(error) => return Err(error.into()),
            };
            store.trail().prune(seal).await?;
            pruned.add(&chain.tenant, &classes);
        }
    }
    Ok(pruned)
}

/// What [`prune_expired`] would remove now.
///
/// # Errors
/// The database cannot be read.
pub async fn count_expired(store: &dyn Store, retention: Retention<'_>) -> Result<Pruned, StoreError> {
    let mut pruned = Pruned::default();
    if retention.keep_days.is_empty() {
        return Ok(pruned);
    }
    for chain in store.trail().chains().await? {
        if let Some(past) = past_of(store, &chain, (retention, u64::MAX)).await? {
            pruned.add(&chain.tenant, &past.classes);
        }
    }
    Ok(pruned)
}

/// At least `enough` entries of a chain's beginning, if as many are past their time.
async fn past_of(
    store: &dyn Store,
    chain: &ChainName,
    (retention, enough): (Retention<'_>, u64),
) -> Result<Option<Past>, StoreError> {
    let trail = store.trail();
    let Some(signed) = trail.last_row(ChainTable::Heads, chain.clone()).await? else { return Ok(None) };
    let Ok(writer) = chain.writer.parse() else { return Ok(None) };
    let before = trail.last_row(ChainTable::Seals, chain.clone()).await?;
    let mut seal = match before.map(|row| Seal::read(&row.line)).transpose() {
        Ok(Some(seal)) => SealBuilder::after(&seal)?,
        Ok(None) => SealBuilder::first(&chain.tenant, writer),
        Err(source) => return Err(StoreError::Line { table: "audit_seals", source }),
    };
    let (mut after, mut classes) = (i64::MIN, BTreeMap::new());
    'pages: while classes.values().sum::<u64>() < enough {
        let stretch = Stretch { after, until: signed.sequence, limit: PAGE };
        let rows = trail.rows(ChainTable::Entries, chain.clone(), stretch).await?;
        let Some(last) = rows.last() else { break };
        after = last.sequence;
        for row in &rows {
            let Ok(entry) = Entry::read(&row.line) else { break 'pages };
            let Some(class) = past_class(&entry, retention) else { break 'pages };
            if let Err(error) = seal.push(&entry) {
                tracing::error!(%error, tenant = chain.tenant, "the audit does not verify: nothing of it is removed");
                return Ok(None);
            }
            *classes.entry(class).or_default() += 1;
        }
    }
    Ok((!classes.is_empty()).then_some(Past { seal, classes }))
}

/// The class of an entry that is past its time. An entry without a class is kept.
fn past_class(entry: &Entry, retention: Retention<'_>) -> Option<DataClass> {
    let Classed { data_class } = serde_json::from_str(entry.record.as_str()).ok()?;
    let days = retention.keep_days.get(&data_class)?;
    let end = entry.time.timestamp().checked_add(SignedDuration::from_hours(24 * i64::from(*days))).ok()?;
    (end <= retention.now).then_some(data_class)
}
