//! `shekara config check`.

use std::path::Path;

use clap::Subcommand;

use super::output;
use crate::config::load;
use crate::secrets::SecretSource;

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Check the configuration and say what is wrong, with file and line.
    Check,
}

pub(super) fn run(path: Option<&Path>, command: &ConfigCommand) -> anyhow::Result<()> {
    let ConfigCommand::Check = command;
    let loaded = load(path)?;
    let name = loaded.path.map_or_else(|| "no file, the defaults".to_owned(), |path| path.display().to_string());
    let config = &loaded.config;
    output::line(&format!("{name}: {} providers, {} routes: fine", config.providers.len(), config.routes.len()));
    for provider in &config.providers {
        let here = provider.keys.iter().filter(|key| !matches!(key.source, SecretSource::Vault(_)));
        for error in here.filter_map(|key| key.source.resolve().err()) {
            output::line(&format!("note: provider '{}' cannot be used yet: {error}", provider.name));
        }
    }
    let webhook = config.alerts.webhook.as_ref().and_then(|webhook| webhook.secret.resolve().err());
    if let Some(error) = webhook {
        output::line(&format!("note: the webhook of [alerts] cannot be used yet: {error}"));
    }
    Ok(())
}
