//! `shekara restore`: an installation made of a backup.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};

use super::backup::{configured, signer_at_hand};
use super::output;
use crate::audit::Time;
use crate::config::{StoreConfig, load, parse};
use crate::pipeline::Sources;
use crate::signing::{PublicKey, PublicKeys};
use crate::store::{DataDir, RestoreOrder, Restored, SecretNote, SecretState, restore};

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    file: PathBuf,
    /// Another place than the configuration's `[store]`: `sqlite:PATH`, `postgres://…`, `env:NAME` or `file:/path` of such an
    /// address, or a folder.
    #[arg(long, value_name = "STORE")]
    into: Option<String>,
    /// With --into: the folder of journal and secrets. Unset: the folder of SQLite's file, `data` otherwise.
    #[arg(long, value_name = "FOLDER", requires = "into")]
    data_dir: Option<PathBuf>,
    /// Put it in the place of what is there. SQLite's file, journal and secrets of before are moved aside.
    #[arg(long)]
    force: bool,
    /// A public key that the backup must be signed with, as `audit key` prints it.
    #[arg(long, value_name = "PUBLIC_KEY")]
    key: Vec<String>,
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(path: Option<&Path>, args: &RestoreArgs) -> anyhow::Result<()> {
    let config = load(path)?.config;
    let store = match &args.into {
        Some(into) => elsewhere(into, args.data_dir.as_deref())?,
        None => config.store.clone(),
    };
    let trusted = args.key.iter().map(|text| PublicKey::from_base64(text)).collect::<Result<Vec<_>, _>>()?;
    let trusted: PublicKeys = trusted.into_iter().collect();
    let mut own_keys: PublicKeys = config.audit.earlier_keys.iter().copied().collect();
    if config.audit.signing_key.is_some() {
        // Its folder is looked at for nothing else.
        let data = DataDir::beside(&store);
        own_keys.extend(signer_at_hand(&config, &data)?.map(|signer| signer.public_key()));
    }
    let sources = Sources::system();
    let mut named = configured(&config);
    if args.into.is_some() {
        named.retain(|secret| *secret != crate::store::StoredSecret::Keys);
    }
    let order = RestoreOrder {
        file: &args.file,
        is_forced: args.force,
        trusted: (!trusted.is_empty()).then_some(&trusted),
        own_keys: &own_keys,
        configured: &named,
        now: Time::from(sources.now()),
        fresh: sources.random(),
    };
    let restored = restore(&store, order, &mut output::progress).await?;
    if args.json {
        output::line(&as_json(&restored).to_string());
    } else {
        print(&restored, &store);
    }
    let whole = "all is restored as it was backed up";
    match &restored.audit {
        Err(error) => bail!("{whole}, but its audit cannot be verified: {error}"),
        Ok(report) => match report.as_ref().and_then(|report| report.first_problem().map(|first| (report, first))) {
            None => Ok(()),
            Some((report, first)) => {
                bail!("{whole}, but its audit does not verify: {} problems, the first: {first}", report.num_problems)
            }
        },
    }
}

/// A `[store]` of its own, held to the same rules.
fn elsewhere(into: &str, data_dir: Option<&Path>) -> anyhow::Result<StoreConfig> {
    let is_address =
        ["sqlite:", "postgres://", "postgresql://", "env:", "file:"].iter().any(|lead| into.starts_with(lead));
    let url = if is_address { into.to_owned() } else { format!("sqlite:{into}/shekara.db") };
    let mut table = toml::Table::from_iter([("url".to_owned(), toml::Value::from(url))]);
    if let Some(data_dir) = data_dir {
        table.insert("data_dir".to_owned(), toml::Value::from(data_dir.display().to_string()));
    }
    let whole = toml::Table::from_iter([("store".to_owned(), toml::Value::from(table))]);
    Ok(parse(&whole.to_string(), Path::new("--into"))?.store)
}

fn as_json(restored: &Restored) -> Value {
    let manifest = &restored.manifest;
    let secrets = restored.secrets.iter().map(
        |(note, state)| json!({ "file": note.secret.file_name(), "setting": note.secret.setting(), "state": state }),
    );
    let sections = manifest.sections.iter().map(|section| (section.name.clone(), Value::from(section.rows)));
    json!({
        "time": manifest.time,
        "schema": manifest.schema,
        "is_signed": manifest.signature.is_some(),
        "rows": sections.collect::<serde_json::Map<_, _>>(),
        "journal_records": restored.num_journal,
        "unknown_journal_records": restored.num_unknown,
        "ledger": manifest.ledger,
        "secrets": secrets.collect::<Vec<_>>(),
        "moved_aside": restored.aside,
        "audit": restored.audit.as_ref().ok(),
    })
}

fn print(restored: &Restored, store: &StoreConfig) {
    let manifest = &restored.manifest;
    let signed = manifest.key_id.map_or_else(|| "not signed".to_owned(), |key| format!("signed with key {key}"));
    output::line(&format!(
        "Restored into {}: the backup of {} ({} of schema {}, {signed}).",
        store.database.as_str(),
        manifest.time,
        manifest.store,
        manifest.schema
    ));
    for section in manifest.sections.iter().filter(|section| section.rows > 0 && !section.name.starts_with(':')) {
        output::line(&format!("{:>10}  {}", section.rows, section.name));
    }
    output::line(&format!("{:>10}  records of the journal behind them", restored.num_journal));
    if restored.num_unknown > 0 {
        output::line(&format!("{:>10}  records of the journal that this version does not know", restored.num_unknown));
    }
    output::line(&format!(
        "The ledger is that of the backup: {} rows, {} tiyn.",
        manifest.ledger.rows, manifest.ledger.tiyn
    ));
    match &restored.audit {
        Ok(None) => output::line("The audit was not verified: no key is known to do it with."),
        Ok(Some(report)) if report.first_problem().is_none() => output::line(&format!(
            "The audit verifies: {} entries in {} chains, {} checkpoints.",
            report.num_entries, report.num_chains, report.num_checkpoints
        )),
        Ok(Some(_)) | Err(_) => {}
    }
    restored.secrets.iter().for_each(|(note, state)| print_secret(note, *state, store));
    for path in &restored.aside {
        output::line(&format!("Of before: {}", path.display()));
    }
}

fn print_secret(note: &SecretNote, state: SecretState, store: &StoreConfig) {
    let (file, setting) = (note.secret.file_name(), note.secret.setting());
    let told = match state {
        SecretState::Restored => format!("{file}: restored"),
        SecretState::Present => format!("{file}: the same as in the backup"),
        SecretState::Configured => format!("{file}: {setting} counts, which must be that of the backup"),
        SecretState::Needed => format!(
            "NEEDED before the first start: {file} in {} (or {setting}); without it {}",
            store.data_dir.display(),
            note.secret.purpose()
        ),
    };
    output::line(&told);
}
