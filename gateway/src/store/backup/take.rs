//! Taking a backup: one moment of the database, what the journal has behind it, and secrets if they are asked for.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::json;
use sqlx::{Any, AnyPool, Row as _, Transaction};

use super::cell::Kind;
use super::file::{BackupWriter, tell};
use super::journal_rest::{JournalRest, Opened};
use super::manifest::BackupManifest;
use super::schema::Schema;
use super::secret::{SecretNote, StoredSecret};
use super::tables::ledger_sums;
use super::{BackupError, JOURNAL, LedgerSums, Progress, SECRETS};
use crate::audit::{Time, WriterId};
use crate::config::StoreConfig;
use crate::signing::hex::hex;
use crate::signing::{PublicKey, Signer};
use crate::store::database::{Dialect, connect_as_it_is, latest_version, version_of};
use crate::store::{DataDir, Position, StoreError};

/// Moments that are tried while a gateway removes what it has carried over.
const MAX_MOMENTS: u32 = 20;

#[derive(Debug, Clone, Copy)]
pub struct BackupOrder<'a> {
    /// The audit's key, if it is at hand.
    pub signer: Option<&'a Signer>,
    pub earlier_keys: &'a [PublicKey],
    /// Secrets that do not lie in the data folder.
    pub configured: &'a [StoredSecret],
    pub with_secrets: bool,
    pub now: Timestamp,
}

/// What was taken.
#[derive(Debug)]
pub struct Taken {
    pub manifest: BackupManifest,
    /// Segments of the journal with an end that cannot be read: what lies behind it is not in the backup.
    pub num_damaged_segments: u64,
}

/// Takes a backup, also while a gateway runs.
///
/// # Errors
/// The database, the journal or the file cannot be used; the file is then not there.
pub async fn back_up(
    config: &StoreConfig,
    data: &DataDir,
    (path, order): (&Path, BackupOrder<'_>),
    progress: &mut Progress<'_>,
) -> Result<Taken, BackupError> {
    let (pool, dialect) = connect_as_it_is(&config.database).await?.ok_or(BackupError::NoDatabase)?;
    let writer = data.writer_if_any()?;
    let names = [writer, data.previous_writer()?];
    let (mut moment, mut rest) = begin_moment(&pool, dialect, (data, names)).await?;
    let schema = Schema::of(moment.version).await?;
    let mut file = BackupWriter::begin(path)?;
    for table in &schema.tables {
        file.begin_section(&table.name, &table.kinds())?;
        let mut num_rows = 0;
        let push = |line: &str| {
            num_rows = file.push_row(line)?;
            tell(&mut *progress, &table.name, num_rows);
            Ok(())
        };
        table.each_row(&mut moment.transaction, dialect, push).await?;
        progress(&table.name, num_rows);
    }
    let ledger = match schema.table("ledger") {
        Some(_) => ledger_sums(&mut moment.transaction).await?,
        None => LedgerSums::default(),
    };
    moment.transaction.rollback().await?;
    pool.close().await;
    push_journal(&mut file, &mut rest, progress)?;
    let secrets = push_secrets(&mut file, data, order)?;
    let manifest = file.finish(|body_bytes, body_sha256, sections| {
        let own = order.signer.map(Signer::public_key);
        let earlier = order.earlier_keys.iter().copied().filter(|key| Some(*key) != own);
        let manifest = BackupManifest {
            version: BackupManifest::VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            schema: schema.version,
            store: config.database.as_str().to_owned(),
            time: Time::from(order.now),
            writer,
            body_bytes,
            body_sha256,
            sections,
            ledger,
            secrets,
            public_keys: own.into_iter().chain(earlier).collect(),
            key_id: None,
            signature: None,
        };
        manifest.sign(order.signer)
    })?;
    Ok(Taken { manifest, num_damaged_segments: rest.num_damaged })
}

/// A transaction that sees one moment.
struct Moment {
    transaction: Transaction<'static, Any>,
    version: i64,
}

/// A moment behind which the journal has everything that the database lacks.
async fn begin_moment(
    pool: &AnyPool,
    dialect: Dialect,
    (data, writers): (&DataDir, [Option<WriterId>; 2]),
) -> Result<(Moment, JournalRest), BackupError> {
    let mut before = None;
    for _ in 0..MAX_MOMENTS {
        let mut transaction = match dialect {
            Dialect::Sqlite => pool.begin().await?,
            Dialect::Postgres => pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?,
        };
        // The first look is the moment.
        let version = version_of(&mut transaction, dialect).await?.ok_or(BackupError::NoDatabase)?;
        if version > latest_version() {
            return Err(BackupError::Newer { found: version, known: latest_version() });
        }
        let position = position_of(&mut transaction, version, writers).await?;
        let rest = match JournalRest::open(&data.journal(), position)? {
            Opened::Rest(rest) => Some(rest),
            // Where the database stands as it stood, nobody has carried anything over: what is gone was lost before.
            Opened::Gone(rest) => Some(rest).filter(|_| before == Some(position)),
        };
        if let Some(rest) = rest {
            return Ok((Moment { transaction, version }, rest));
        }
        before = Some(position);
        transaction.rollback().await?;
    }
    let busy = std::io::Error::other("the gateway changes its segments faster than they can be opened; try again");
    Err(BackupError::File { path: data.journal(), source: busy })
}

/// Where the journal of this data folder stands in the database; at its beginning if nobody has said.
async fn position_of(
    transaction: &mut Transaction<'_, Any>,
    version: i64,
    writers: [Option<WriterId>; 2],
) -> Result<Position, BackupError> {
    /// Since then, journals have names.
    const NAMED: i64 = 8;
    let named = "SELECT segment, byte_offset FROM journal_positions WHERE writer = $1";
    let names = writers.into_iter().flatten().map(|writer| (named, writer.to_string()));
    let old = [("SELECT segment, \"offset\" AS byte_offset FROM journal_position WHERE $1 <> ''", "-".to_owned())];
    let nameless = [(named, String::new())];
    let queries: Vec<_> = if version < NAMED { old.into() } else { names.chain(nameless).collect() };
    for (query, name) in queries {
        let row = sqlx::query(query).bind(name).fetch_optional(&mut **transaction).await?;
        let Some(row) = row else { continue };
        let place = |column: &str| row.try_get::<i64, _>(column).map(i64::cast_unsigned);
        let (segment, offset) = (place("segment")?, place("byte_offset")?);
        if (segment, offset) != (0, 0) {
            return Ok(Position { segment, offset });
        }
    }
    Ok(Position::default())
}

fn push_journal(
    file: &mut BackupWriter,
    rest: &mut JournalRest,
    progress: &mut Progress<'_>,
) -> Result<(), BackupError> {
    file.begin_section(JOURNAL, &[("payload", Kind::Blob)])?;
    let mut num_rows = 0;
    while let Some(payload) = rest.next_record()? {
        num_rows = file.push_row(&json!([STANDARD.encode(payload)]).to_string())?;
    }
    progress("journal", num_rows);
    Ok(())
}

fn push_secrets(
    file: &mut BackupWriter,
    data: &DataDir,
    order: BackupOrder<'_>,
) -> Result<Vec<SecretNote>, BackupError> {
    let mut notes = Vec::new();
    for secret in StoredSecret::ALL {
        notes.extend(secret.note(data, (order.configured, order.with_secrets))?);
    }
    if order.with_secrets {
        file.begin_section(SECRETS, &[("name", Kind::Text), ("hex", Kind::Text)])?;
        for note in notes.iter().filter(|note| note.is_included) {
            let bytes = note.secret.read(data)?;
            let changed = || StoreError::BadKeySecret { path: data.root.join(note.secret.file_name()) };
            let bytes = bytes.ok_or_else(changed)?;
            file.push_row(&json!([note.secret.file_name(), hex(&bytes)]).to_string())?;
        }
    }
    Ok(notes)
}
