//! `shekara backup`: all of an installation in one file.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::output;
use crate::config::{Config, load};
use crate::pipeline::Sources;
use crate::signing::Signer;
use crate::store::{BackupOrder, DataDir, SecretNote, StoredSecret, Taken, back_up};

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// Where the backup goes; in a folder it is named by its time.
    #[arg(value_name = "FILE|FOLDER")]
    path: PathBuf,
    /// Put the secrets of the data folder into it: whoever has the file then has all keys to what is in it.
    #[arg(long)]
    with_secrets: bool,
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(path: Option<&Path>, args: &BackupArgs) -> anyhow::Result<()> {
    let config = load(path)?.config;
    let data = DataDir::create(&config.store)?;
    let now = Sources::system().now();
    let file = if args.path.is_dir() {
        args.path.join(format!("shekara-{}.backup", now.strftime("%Y%m%dT%H%M%SZ")))
    } else {
        args.path.clone()
    };
    let signer = signer_at_hand(&config, &data)?;
    let order = BackupOrder {
        signer: signer.as_ref(),
        earlier_keys: &config.audit.earlier_keys,
        configured: &configured(&config),
        with_secrets: args.with_secrets,
        now,
    };
    let taken = back_up(&config.store, &data, (&file, order), &mut output::progress).await?;
    if taken.num_damaged_segments > 0 {
        output::error("a segment of the journal is damaged: what lies behind the damage is not in the backup");
    }
    if signer.is_none() {
        output::error("the audit's signing key is not at hand: the backup is not signed");
    }
    if args.json {
        output::line(&as_json(&file, &taken).to_string());
    } else {
        print(&file, &taken);
    }
    Ok(())
}

/// Secrets that the configuration names, so that they do not lie in the data folder.
pub(super) fn configured(config: &Config) -> Vec<StoredSecret> {
    let named = [
        (StoredSecret::Keys, config.store.key_secret.is_some()),
        (StoredSecret::Masking, config.privacy.conversations.vault_key.is_some()),
        (StoredSecret::Labels, config.labels.signing_key.is_some()),
        (StoredSecret::Audit, config.audit.signing_key.is_some()),
        (StoredSecret::Content, config.content.key.is_some()),
    ];
    named.into_iter().filter(|(_, is_named)| *is_named).map(|(secret, _)| secret).collect()
}

/// The audit's signer; none is made.
pub(super) fn signer_at_hand(config: &Config, data: &DataDir) -> anyhow::Result<Option<Signer>> {
    let Some(source) = &config.audit.signing_key else {
        return Ok(StoredSecret::Audit.read(data)?.map(|seed| Signer::from_seed(&seed)));
    };
    // A backup is worth having without it.
    let Ok(secret) = source.resolve() else { return Ok(None) };
    let signer = Signer::from_hex_seed(secret.expose());
    Ok(Some(signer.context("[audit] signing_key is not 64 hexadecimal digits")?))
}

fn as_json(file: &Path, taken: &Taken) -> serde_json::Value {
    json!({
        "file": file,
        "manifest": taken.manifest,
        "damaged_journal_segments": taken.num_damaged_segments,
    })
}

fn print(file: &Path, taken: &Taken) {
    let manifest = &taken.manifest;
    let rows: u64 = manifest.sections.iter().map(|section| section.rows).sum();
    let signed = manifest.key_id.map_or_else(|| "not signed".to_owned(), |key| format!("signed with key {key}"));
    output::line(&format!(
        "{rows} rows in {} sections of schema {} in {}, {signed}",
        manifest.sections.len(),
        manifest.schema,
        file.display()
    ));
    let (inside, outside): (Vec<&SecretNote>, Vec<_>) = manifest.secrets.iter().partition(|note| note.is_included);
    if !inside.is_empty() {
        let names: Vec<&str> = inside.iter().map(|note| note.secret.file_name()).collect();
        output::line(&format!("It holds secrets ({}): only its owner may read it (mode 0600).", names.join(", ")));
    }
    if !outside.is_empty() {
        let name = |note: &&SecretNote| {
            if note.is_configured { note.secret.setting() } else { note.secret.file_name() }
        };
        let names: Vec<&str> = outside.iter().map(name).collect();
        output::line(&format!("Not in it, and needed to use what is: {}. Keep them elsewhere.", names.join(", ")));
    }
}
