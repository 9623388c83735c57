//! Verifies the audit's chains where they lie: lines against each other and their signatures, columns against lines,
//! search rows against entries.

use std::collections::BTreeMap;

use super::trail_store::SearchRow;
use super::{ChainName, ChainTable, LineRow, Store, StoreError, Stretch, TrailStore};
use crate::audit::{
    AuditRecord, Checkpoint, Entry, Head, HeadProof, Place, ProblemKind, Report, Seal, Verifier, WriterId,
};
use crate::signing::PublicKeys;

const PAGE: u32 = 500;
/// Problems of search rows that are told one by one.
const MAX_UNSEARCHABLE: u32 = 100;
const MAX_ALIKE: u32 = 100;

/// Verifies all that a database has. `expected` are heads that are known otherwise, e.g. from the journal.
///
/// # Errors
/// The database cannot be read. What is wrong with what it has is in the report.
pub async fn verify_store(
    store: &dyn Store,
    keys: &PublicKeys,
    expected: BTreeMap<(String, WriterId), Head>,
) -> Result<Report, StoreError> {
    let mut verifier = Verifier::new(keys);
    let trail = store.trail();
    // What is signed while this reads is another reading's.
    let mut lasts = BTreeMap::new();
    for (writer, last) in trail.checkpoint_writers().await? {
        push_checkpoints(&mut verifier, trail, &writer, last).await?;
        lasts.insert(writer, last);
    }
    for chain in trail.chains().await? {
        let last = lasts.get(&chain.writer).copied().unwrap_or(0);
        push_chain(&mut verifier, trail, (&chain, last)).await?;
    }
    check_search(&mut verifier, trail).await?;
    Ok(verifier.finish(expected.into_iter().map(|((tenant, writer), head)| (tenant, writer, head))))
}

async fn push_checkpoints(
    verifier: &mut Verifier,
    trail: &dyn TrailStore,
    writer: &str,
    last: i64,
) -> Result<(), StoreError> {
    let mut after = i64::MIN;
    loop {
        let rows = trail.checkpoints(writer.to_owned(), Stretch { after, until: last, limit: PAGE }).await?;
        let Some(furthest) = rows.last() else { return Ok(()) };
        after = furthest.number;
        for row in rows {
            let place = Place { writer: row.chain.writer.parse().ok(), ..Place::default() };
            let place = Place { checkpoint: u64::try_from(row.number).ok(), ..place };
            let Ok(checkpoint) = Checkpoint::read(&row.line) else {
                verifier.push_line(&row.line, place);
                continue;
            };
            if checkpoint.writer.to_string() != row.chain.writer || checkpoint.number.cast_signed() != row.number {
                verifier.push_found(place, ProblemKind::RowDiffers { table: "audit_checkpoints" });
            }
            let lines = trail.heads_of_checkpoint(row.chain.writer, row.number).await?;
            let heads: Vec<HeadProof> = lines.iter().filter_map(|line| HeadProof::read(line).ok()).collect();
            verifier.push_whole_checkpoint(&checkpoint, &heads);
        }
    }
}

async fn push_chain(
    verifier: &mut Verifier,
    trail: &dyn TrailStore,
    (chain, last_checkpoint): (&ChainName, i64),
) -> Result<(), StoreError> {
    for seal in all_rows(trail, (ChainTable::Seals, chain), (i64::MIN, i64::MAX)).await? {
        push_row(verifier, ChainTable::Seals, &seal);
    }
    let mut after = i64::MIN;
    loop {
        let rows = whole_numbers(trail, chain, after).await?;
        let Some(furthest) = rows.last().map(|row| row.sequence) else {
            for head in signed_heads(trail, (chain, last_checkpoint), (after, i64::MAX)).await? {
                push_row(verifier, ChainTable::Heads, &head);
            }
            return Ok(());
        };
        let heads = signed_heads(trail, (chain, last_checkpoint), (after, furthest)).await?;
        let mut heads = heads.into_iter().peekable();
        let mut rows = rows.into_iter().peekable();
        while let Some(row) = rows.next() {
            let sequence = row.sequence;
            while let Some(head) = heads.next_if(|head| head.sequence < sequence) {
                push_row(verifier, ChainTable::Heads, &head);
            }
            push_row(verifier, ChainTable::Entries, &row);
            // Behind both entries of a number, if there are two.
            if rows.peek().is_none_or(|next| next.sequence > sequence) {
                while let Some(head) = heads.next_if(|head| head.sequence <= sequence) {
                    push_row(verifier, ChainTable::Heads, &head);
                }
            }
        }
        after = furthest;
    }
}

/// A page of entries that does not end between two of one number.
async fn whole_numbers(trail: &dyn TrailStore, chain: &ChainName, after: i64) -> Result<Vec<LineRow>, StoreError> {
    let stretch = Stretch { after, until: i64::MAX, limit: PAGE };
    let mut rows = trail.rows(ChainTable::Entries, chain.clone(), stretch).await?;
    if rows.len() == PAGE as usize
        && let Some(last) = rows.last().map(|row| row.sequence)
    {
        rows.retain(|row| row.sequence < last);
        let stretch = Stretch { after: last - 1, until: last, limit: MAX_ALIKE };
        rows.extend(trail.rows(ChainTable::Entries, chain.clone(), stretch).await?);
    }
    Ok(rows)
}

async fn all_rows(
    trail: &dyn TrailStore,
    (table, chain): (ChainTable, &ChainName),
    (after, until): (i64, i64),
) -> Result<Vec<LineRow>, StoreError> {
    trail.rows(table, chain.clone(), Stretch { after, until, limit: u32::MAX }).await
}

/// Heads of the checkpoints that were read.
async fn signed_heads(
    trail: &dyn TrailStore,
    (chain, last_checkpoint): (&ChainName, i64),
    between: (i64, i64),
) -> Result<Vec<LineRow>, StoreError> {
    let heads = all_rows(trail, (ChainTable::Heads, chain), between).await?;
    Ok(heads.into_iter().filter(|head| head.number <= last_checkpoint).collect())
}

fn push_row(verifier: &mut Verifier, table: ChainTable, row: &LineRow) {
    let place = Place {
        tenant: Some(row.chain.tenant.clone()),
        writer: row.chain.writer.parse().ok(),
        sequence: u64::try_from(row.sequence).ok(),
        ..Place::default()
    };
    verifier.push_line(&row.line, place.clone());
    if agrees(table, row) == Some(false) {
        verifier.push_found(place, ProblemKind::RowDiffers { table: table.name() });
    }
}

/// Whether the columns say what the line says; `None` if that cannot be read.
fn agrees(table: ChainTable, row: &LineRow) -> Option<bool> {
    let is_at = |tenant: &str, writer: WriterId, sequence: u64| {
        tenant == row.chain.tenant && writer.to_string() == row.chain.writer && sequence.cast_signed() == row.sequence
    };
    Some(match table {
        ChainTable::Entries => {
            let entry = Entry::read(&row.line).ok()?;
            let record: Option<AuditRecord> = serde_json::from_str(entry.record.as_str()).ok();
            is_at(&entry.tenant, entry.writer, entry.sequence)
                && entry.hash.to_string() == row.hash
                && entry.time.to_string() == row.time
                && record.is_none_or(|record| row.request_id.as_ref() == Some(&record.request_id))
        }
        ChainTable::Heads => {
            let head = HeadProof::read(&row.line).ok()?;
            is_at(&head.tenant, head.writer, head.sequence) && head.checkpoint.cast_signed() == row.number
        }
        ChainTable::Seals => {
            let seal = Seal::read(&row.line).ok()?;
            is_at(&seal.tenant, seal.writer, seal.first)
        }
    })
}

/// What people search must be what the chains say. Rows of before there were chains are older than all others.
async fn check_search(verifier: &mut Verifier, trail: &dyn TrailStore) -> Result<(), StoreError> {
    let mut after = i64::MIN;
    let mut is_chained = false;
    loop {
        let rows = trail.search_rows(after, PAGE).await?;
        let Some(last) = rows.last() else { break };
        after = last.sequence;
        for row in rows {
            check_search_row(verifier, &row, &mut is_chained);
        }
    }
    for row in trail.unsearchable(MAX_UNSEARCHABLE).await? {
        let place = Place {
            tenant: Some(row.chain.tenant),
            writer: row.chain.writer.parse().ok(),
            sequence: u64::try_from(row.sequence).ok(),
            ..Place::default()
        };
        verifier.push_found(place, ProblemKind::RowMissing { table: "audit" });
    }
    Ok(())
}

fn check_search_row(verifier: &mut Verifier, row: &SearchRow, is_chained: &mut bool) {
    let Some(line) = &row.line else {
        if *is_chained {
            let place = Place { tenant: Some(row.record.tenant.clone()), ..Place::default() };
            let kind = ProblemKind::RowUnknown { table: "audit", row: row.sequence };
            verifier.push_found(place, kind);
        }
        return;
    };
    *is_chained = true;
    let Ok(entry) = Entry::read(line) else { return };
    let record: Option<AuditRecord> = serde_json::from_str(entry.record.as_str()).ok();
    if record.is_some_and(|record| record != row.record) {
        let place = Place::of_entry(&entry.tenant, entry.writer, entry.sequence);
        verifier.push_found(place, ProblemKind::RowDiffers { table: "audit" });
    }
}
