//! The trail as a file: signed lines that verify anywhere, or a table for people.
//!
//! What belongs to the file is settled before the first line is written, so that what comes meanwhile changes nothing.

use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::io::Write;

use super::{Bounds, ChainName, ChainTable, StoreError, Stretch, TrailStore};
use crate::audit::{
    ChainRange, CheckpointRange, CsvWriter, Digest, Entry, ExportWriter, Manifest, ManifestDraft, Seal, Time,
};
use crate::signing::{PublicKeys, Signer};

const PAGE: u32 = 500;
/// Fields of records that a table has, in its order.
const FIELDS: [&str; 29] = [
    "request_id",
    "project",
    "environment",
    "key_id",
    "actor",
    "endpoint",
    "object",
    "route",
    "reason",
    "provider",
    "model",
    "zone",
    "data_class",
    "entities",
    "answer_entities",
    "pii_action",
    "policy_version",
    "outcome",
    "status",
    "error_code",
    "streamed",
    "attempts",
    "tries",
    "prompt_tokens",
    "completion_tokens",
    "usage_source",
    "audio_seconds",
    "first_token_ms",
    "total_ms",
];

/// Where an export goes that somebody takes piece by piece.
pub trait Outlet: Write + Send {
    /// Called after each page: hands on what was written, and waits for whoever takes it.
    fn hand_on(&mut self) -> impl Future<Output = std::io::Result<()>> + Send;
}

/// What takes everything at once.
struct AtOnce<W>(W);

impl<W: Write> Write for AtOnce<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl<W: Write + Send> Outlet for AtOnce<W> {
    fn hand_on(&mut self) -> impl Future<Output = std::io::Result<()>> + Send {
        ready(Ok(()))
    }
}

/// Which part of the trail; what is not set asks for all. Times are those of entries.
#[derive(Debug, Clone, Default)]
pub struct ExportPart {
    pub tenant: Option<String>,
    /// From then on.
    pub from: Option<Time>,
    /// Before then.
    pub until: Option<Time>,
}

/// What an export is signed with.
#[derive(Debug, Clone, Copy)]
pub struct ExportSigner<'a> {
    pub signer: &'a Signer,
    pub earlier: &'a PublicKeys,
    pub now: Time,
}

/// One chain's part.
#[derive(Debug)]
struct Part {
    chain: ChainName,
    bounds: Bounds,
    /// The last checkpoint whose heads are taken.
    until: i64,
    with_seals: bool,
}

/// Writes the part as lines.
///
/// # Errors
/// The database cannot be read or the file not written.
pub async fn export_lines<W: Write + Send>(
    trail: &dyn TrailStore,
    asked: &ExportPart,
    with: ExportSigner<'_>,
    out: W,
) -> Result<u64, StoreError> {
    export_lines_to(trail, asked, with, AtOnce(out)).await.map(|(num_entries, _)| num_entries)
}

/// The same, page by page; gives back where they went.
///
/// # Errors
/// As [`export_lines`].
pub async fn export_lines_to<O: Outlet>(
    trail: &dyn TrailStore,
    asked: &ExportPart,
    with: ExportSigner<'_>,
    out: O,
) -> Result<(u64, O), StoreError> {
    let last_numbers: BTreeMap<String, i64> = trail.checkpoint_writers().await?.into_iter().collect();
    let is_whole = asked.tenant.is_none() && asked.from.is_none() && asked.until.is_none();
    let mut numbers: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    if is_whole {
        numbers.extend(last_numbers.iter().map(|(writer, last)| (writer.clone(), (1, *last))));
    }
    let (mut parts, mut ranges) = (Vec::new(), Vec::new());
    for part in parts_of(trail, asked, &last_numbers).await? {
        let Some((range, named)) = range_of(trail, &part).await? else { continue };
        if let Some((first, last)) = named {
            let known = numbers.entry(part.chain.writer.clone()).or_insert((first, last));
            *known = (known.0.min(first), known.1.max(last));
        }
        ranges.push(range);
        parts.push(part);
    }
    let draft = ManifestDraft {
        time: with.now,
        tenant: asked.tenant.clone(),
        from: asked.from,
        to: asked.until,
        chains: ranges,
        checkpoints: checkpoint_ranges(trail, &numbers).await?,
    };
    let manifest = Manifest::make(draft, with.earlier, with.signer)?;
    let mut file = ExportWriter::begin(out, &manifest).map_err(unwritten)?;
    for (writer, (first, last)) in numbers {
        push_checkpoints(&mut file, trail, &writer, (first, last)).await?;
    }
    let mut num_entries = 0;
    for part in &parts {
        num_entries += push_chain(&mut file, trail, part).await?;
    }
    Ok((num_entries, file.finish().map_err(unwritten)?))
}

/// Writes the part as a table.
///
/// # Errors
/// As [`export_lines`]; an entry that cannot be read ends the table.
pub async fn export_csv<W: Write + Send>(
    trail: &dyn TrailStore,
    asked: &ExportPart,
    out: W,
) -> Result<u64, StoreError> {
    export_csv_to(trail, asked, AtOnce(out)).await.map(|(num_entries, _)| num_entries)
}

/// The same, page by page; gives back where it went.
///
/// # Errors
/// As [`export_csv`].
pub async fn export_csv_to<O: Outlet>(
    trail: &dyn TrailStore,
    asked: &ExportPart,
    out: O,
) -> Result<(u64, O), StoreError> {
    let mut table = CsvWriter::begin(out, &FIELDS).map_err(unwritten)?;
    let mut num_entries = 0;
    for part in parts_of(trail, asked, &BTreeMap::new()).await? {
        let mut after = part.bounds.first - 1;
        loop {
            let stretch = Stretch { after, until: part.bounds.last, limit: PAGE };
            let rows = trail.rows(ChainTable::Entries, part.chain.clone(), stretch).await?;
            let Some(last) = rows.last() else { break };
            after = last.sequence;
            for row in &rows {
                let read = Entry::read(&row.line);
                let unreadable = |source| StoreError::Line { table: "audit_entries", source };
                table.push(&read.map_err(unreadable)?).map_err(unwritten)?;
                num_entries += 1;
            }
            table.out().hand_on().await.map_err(unwritten)?;
        }
    }
    Ok((num_entries, table.finish().map_err(unwritten)?))
}

/// The chains that are asked for, by tenant, then writer, and what is taken of each.
async fn parts_of(
    trail: &dyn TrailStore,
    asked: &ExportPart,
    last_numbers: &BTreeMap<String, i64>,
) -> Result<Vec<Part>, StoreError> {
    let (from, until) = (asked.from.map(|time| time.to_string()), asked.until.map(|time| time.to_string()));
    let with_seals = from.is_none();
    let mut parts = Vec::new();
    for chain in trail.chains().await? {
        if asked.tenant.as_ref().is_some_and(|tenant| *tenant != chain.tenant) {
            continue;
        }
        let bounds = match trail.bounds(chain.clone(), from.clone(), until.clone()).await? {
            Some(bounds) => bounds,
            None if with_seals => match last_sealed(trail, &chain).await? {
                Some(last) => Bounds { first: last + 1, last },
                None => continue,
            },
            None => continue,
        };
        let until = last_numbers.get(&chain.writer).copied().unwrap_or(0);
        parts.push(Part { chain, bounds, until, with_seals });
    }
    Ok(parts)
}

async fn last_sealed(trail: &dyn TrailStore, chain: &ChainName) -> Result<Option<i64>, StoreError> {
    let row = trail.last_row(ChainTable::Seals, chain.clone()).await?;
    Ok(row.and_then(|row| Seal::read(&row.line).ok()).map(|seal| seal.last.cast_signed()))
}

type Numbers = Option<(i64, i64)>;

/// What the manifest says of a chain, and the checkpoints that its heads name.
async fn range_of(trail: &dyn TrailStore, part: &Part) -> Result<Option<(ChainRange, Numbers)>, StoreError> {
    let Part { chain, bounds, until, with_seals } = part;
    let Ok(writer) = chain.writer.parse() else { return Ok(None) };
    let at = |sequence: i64| Stretch { after: sequence - 1, until: sequence, limit: 1 };
    let entry = |rows: Vec<super::LineRow>| rows.first().and_then(|row| Entry::read(&row.line).ok());
    let first = entry(trail.rows(ChainTable::Entries, chain.clone(), at(bounds.first)).await?);
    let last = entry(trail.rows(ChainTable::Entries, chain.clone(), at(bounds.last)).await?);
    let seals = if *with_seals {
        let all = Stretch { after: i64::MIN, until: i64::MAX, limit: u32::MAX };
        trail.rows(ChainTable::Seals, chain.clone(), all).await?
    } else {
        Vec::new()
    };
    let sealed = seals.last().and_then(|row| Seal::read(&row.line).ok()).map(|seal| seal.last_hash);
    let before = first.map(|entry| entry.previous).or(sealed).unwrap_or(Digest::NONE);
    let (num_heads, first_number, last_number) = trail.count_heads(chain.clone(), *bounds, *until).await?;
    let range = ChainRange {
        tenant: chain.tenant.clone(),
        writer,
        first_sequence: bounds.first.cast_unsigned(),
        last_sequence: bounds.last.cast_unsigned(),
        previous_of_first: before,
        last_hash: last.map_or(before, |entry| entry.hash),
        num_heads,
        num_seals: seals.len() as u64,
    };
    Ok(Some((range, (num_heads > 0).then_some((first_number, last_number)))))
}

async fn checkpoint_ranges(
    trail: &dyn TrailStore,
    numbers: &BTreeMap<String, (i64, i64)>,
) -> Result<Vec<CheckpointRange>, StoreError> {
    let mut ranges = Vec::new();
    for (name, (first, last)) in numbers {
        let Ok(writer) = name.parse() else { continue };
        let count = trail.count_checkpoints(name.clone(), *first, *last).await?;
        ranges.push(CheckpointRange { writer, first: first.cast_unsigned(), last: last.cast_unsigned(), count });
    }
    Ok(ranges)
}

async fn push_checkpoints<O: Outlet>(
    file: &mut ExportWriter<O>,
    trail: &dyn TrailStore,
    writer: &str,
    (first, last): (i64, i64),
) -> Result<(), StoreError> {
    let mut after = first - 1;
    loop {
        let rows = trail.checkpoints(writer.to_owned(), Stretch { after, until: last, limit: PAGE }).await?;
        let Some(furthest) = rows.last() else { return Ok(()) };
        after = furthest.number;
        for row in &rows {
            file.push(&row.line).map_err(unwritten)?;
        }
        file.out().hand_on().await.map_err(unwritten)?;
    }
}

async fn push_chain<O: Outlet>(
    file: &mut ExportWriter<O>,
    trail: &dyn TrailStore,
    part: &Part,
) -> Result<u64, StoreError> {
    let Part { chain, bounds, until, with_seals } = part;
    if *with_seals {
        let all = Stretch { after: i64::MIN, until: i64::MAX, limit: u32::MAX };
        for row in trail.rows(ChainTable::Seals, chain.clone(), all).await? {
            file.push(&row.line).map_err(unwritten)?;
        }
    }
    let (mut after, mut num_entries) = (bounds.first - 1, 0);
    loop {
        let stretch = Stretch { after, until: bounds.last, limit: PAGE };
        let rows = trail.rows(ChainTable::Entries, chain.clone(), stretch).await?;
        let Some(furthest) = rows.last().map(|row| row.sequence) else { return Ok(num_entries) };
        let heads = Stretch { after, until: furthest, limit: u32::MAX };
        let heads = trail.rows(ChainTable::Heads, chain.clone(), heads).await?;
        let mut heads = heads.into_iter().filter(|head| head.number <= *until).peekable();
        for row in &rows {
            while let Some(head) = heads.next_if(|head| head.sequence < row.sequence) {
                file.push(&head.line).map_err(unwritten)?;
            }
            file.push(&row.line).map_err(unwritten)?;
            num_entries += 1;
        }
        for head in heads {
            file.push(&head.line).map_err(unwritten)?;
        }
        file.out().hand_on().await.map_err(unwritten)?;
        after = furthest;
    }
}

fn unwritten(source: std::io::Error) -> StoreError {
    StoreError::Export { source }
}
