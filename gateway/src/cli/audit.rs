//! `shekara audit …`: the trail as a file, whether a file or the database is as it was written, and the key that says so.
//! Those records still in the journal are carried over first.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::{audit_prune, output};
use crate::audit::{Head, Report, Time, WriterId, verify};
use crate::config::{Config, load};
use crate::pipeline::Sources;
use crate::signing::{PublicKey, PublicKeys, Signer};
use crate::store::{
    DataDir, ExportPart, ExportSigner, Journal, JournalReader, Position, Projected, SqlStore, Store, StoreError,
    export_csv, export_lines, project_all, verify_store,
};

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Write the trail, or a part of it, to a file that verifies anywhere.
    Export(ExportArgs),
    /// Find what was changed, removed or added, in an export (needs nothing but the file) or in the database.
    Verify(VerifyArgs),
    /// Seal and remove now what is past its time in `[audit] keep_days`, as a running gateway does once a day.
    Prune(audit_prune::PruneArgs),
    /// Print the public key that exports and checkpoints are signed with.
    Key {
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Lines verify; a table is for people.
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Format,
    #[arg(long)]
    tenant: Option<String>,
    /// From then on, e.g. 2026-12-01T00:00:00+05:00.
    #[arg(long)]
    from: Option<Time>,
    /// Before then.
    #[arg(long)]
    until: Option<Time>,
    /// Unset: the standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Accepted for symmetry: lines are JSON anyway.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Jsonl,
    Csv,
}

#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// An export; without it the configured database is verified.
    file: Option<PathBuf>,
    /// A public key that you trust, as `audit key` prints it; unset: of a file the keys that it brings.
    #[arg(long, value_name = "PUBLIC_KEY")]
    key: Vec<String>,
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(path: Option<&Path>, command: &AuditCommand) -> anyhow::Result<()> {
    match command {
        AuditCommand::Export(args) => export(path, args).await,
        AuditCommand::Verify(args) => {
            let keys = args.key.iter().map(|text| PublicKey::from_base64(text)).collect::<Result<Vec<_>, _>>()?;
            let keys: PublicKeys = keys.into_iter().collect();
            let report = match &args.file {
                Some(file) => verify_file(file, &keys)?,
                None => verify_database(path, keys).await?,
            };
            tell(&report, args.json)
        }
        AuditCommand::Prune(args) => audit_prune::run(path, args).await,
        AuditCommand::Key { json } => print_key(path, *json),
    }
}

async fn export(path: Option<&Path>, args: &ExportArgs) -> anyhow::Result<()> {
    let Place { config, data, store } = Place::open(path).await?;
    carry_over(&data, &store).await?;
    let sources = Sources::system();
    let (signer, part) = (signer(&config, &data, &sources)?, part(args));
    let earlier = config.audit.earlier_keys.iter().copied().collect();
    let with = ExportSigner { signer: &signer, earlier: &earlier, now: Time::from(sources.now()) };
    let Some(file) = &args.output else {
        write(&store, args.format, (&part, with), std::io::stdout()).await?;
        return Ok(());
    };
    let out = File::create(file).with_context(|| format!("failed to make {}", file.display()))?;
    let num_entries = write(&store, args.format, (&part, with), &out).await?;
    out.sync_all().with_context(|| format!("failed to write {}", file.display()))?;
    output::line(&format!("{num_entries} entries in {}, signed with key {}", file.display(), signer.key_id()));
    Ok(())
}

fn part(args: &ExportArgs) -> ExportPart {
    ExportPart { tenant: args.tenant.clone(), from: args.from, until: args.until }
}

async fn write(
    store: &SqlStore,
    format: Format,
    (part, with): (&ExportPart, ExportSigner<'_>),
    out: impl Write + Send,
) -> Result<u64, StoreError> {
    let out = BufWriter::new(out);
    match format {
        Format::Jsonl => export_lines(store.trail(), part, with, out).await,
        Format::Csv => export_csv(store.trail(), part, out).await,
    }
}

fn verify_file(file: &Path, keys: &PublicKeys) -> anyhow::Result<Report> {
    let opened = File::open(file).with_context(|| format!("failed to read {}", file.display()))?;
    let trusted = (!keys.is_empty()).then_some(keys);
    verify(BufReader::new(opened), trusted).with_context(|| format!("failed to read {}", file.display()))
}

/// Without keys that are given, those of this gateway count.
async fn verify_database(path: Option<&Path>, mut keys: PublicKeys) -> anyhow::Result<Report> {
    let Place { config, data, store } = Place::open(path).await?;
    // Read first: what a gateway writes after that need not be in the database yet.
    let heads = heads_in_journal(&data)?;
    carry_over(&data, &store).await?;
    if keys.is_empty() {
        keys.extend([signer(&config, &data, &Sources::system())?.public_key()]);
        keys.extend(config.audit.earlier_keys.iter().copied());
    }
    Ok(verify_store(&store, &keys, heads).await?)
}

/// How far the chains got that are still in the journal, whatever became of the database.
fn heads_in_journal(data: &DataDir) -> anyhow::Result<BTreeMap<(String, WriterId), Head>> {
    let mut heads: BTreeMap<(String, WriterId), Head> = BTreeMap::new();
    if !data.journal().is_dir() {
        return Ok(heads);
    }
    let mut reader = JournalReader::new(&data.journal(), Position::default());
    while let Some(payload) = reader.next_record()? {
        let Some(entry) = Projected::read(&payload).and_then(|projected| projected.entry) else { continue };
        let head = Head { sequence: entry.sequence, hash: entry.hash };
        let known = heads.entry((entry.tenant, entry.writer)).or_insert(head);
        if head.sequence >= known.sequence {
            *known = head;
        }
    }
    Ok(heads)
}

fn tell(report: &Report, json: bool) -> anyhow::Result<()> {
    if json {
        output::line(&serde_json::to_string_pretty(report)?);
    } else {
        for problem in &report.problems {
            output::line(&problem.to_string());
        }
        let Report { num_entries, num_chains, num_checkpoints, num_seals, num_unconfirmed, .. } = report;
        output::line(&format!(
            "{num_entries} entries in {num_chains} chains, {num_checkpoints} checkpoints, {num_seals} seals; \
             {num_unconfirmed} entries came after their chain's last checkpoint"
        ));
        output::line(&report.trust.to_string());
    }
    match report.first_problem() {
        None => Ok(()),
        Some(first) => anyhow::bail!("the audit does not verify: {} problems, the first: {first}", report.num_problems),
    }
}

fn print_key(path: Option<&Path>, json: bool) -> anyhow::Result<()> {
    let config = load(path)?.config;
    let data = DataDir::create(&config.store)?;
    let key = signer(&config, &data, &Sources::system())?.public_key();
    if json {
        let shown = json!({ "key_id": key.id(), "alg": "Ed25519", "public_key": key, "pem": key.to_pem() });
        output::line(&shown.to_string());
    } else {
        output::line(&key.to_base64());
    }
    Ok(())
}

/// What the trail is signed with: the configured key, or one of the data folder's own.
pub(super) fn signer(config: &Config, data: &DataDir, sources: &Sources) -> anyhow::Result<Signer> {
    let Some(source) = &config.audit.signing_key else {
        return Ok(Signer::from_seed(&data.audit_seed(sources.random())?));
    };
    let secret = source.resolve().context("failed to read [audit] signing_key")?;
    Signer::from_hex_seed(secret.expose()).context("[audit] signing_key is not 64 hexadecimal digits")
}

pub(super) struct Place {
    pub(super) config: Config,
    pub(super) data: DataDir,
    pub(super) store: SqlStore,
}

impl Place {
    pub(super) async fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let config = load(path)?.config;
        let data = DataDir::create(&config.store)?;
        let writer = data.known_writer(Sources::system().random())?;
        let store = SqlStore::open(&config.store.database, &writer.to_string()).await?;
        Ok(Self { config, data, store })
    }
}

/// Brings what a stopped gateway left in its journal into the database. A running one does that itself within a second.
pub(super) async fn carry_over(data: &DataDir, store: &SqlStore) -> anyhow::Result<()> {
    match data.lock() {
        Ok(_lock) => {
            let journal = Journal::open(&data.journal(), store.journal_position().await?)?;
            Ok(project_all(&journal, store).await?)
        }
        Err(StoreError::Locked { .. }) => wait_for_projection(data, store).await,
        Err(error) => Err(error.into()),
    }
}

/// What was in the journal when the command began is in the database when it reads.
async fn wait_for_projection(data: &DataDir, store: &SqlStore) -> anyhow::Result<()> {
    let mut reader = JournalReader::new(&data.journal(), store.journal_position().await?);
    while reader.next_record()?.is_some() {}
    for _ in 0..100 {
        if store.journal_position().await? >= reader.position() {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    anyhow::bail!("the running gateway has not carried its journal into the database yet; try again")
}
