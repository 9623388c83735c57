//! `shekara keys create|list|revoke`, on the database itself.

use std::path::Path;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::json;

use super::output;
use crate::auth::{DataClass, KEY_PREFIX, KeyRecord, KeySettings, NewKey, Role, mint};
use crate::config::load;
use crate::pipeline::Sources;
use crate::store::{DataDir, KeyFilter, SqlStore, Store, Written};

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Make a key and show it once.
    Create(CreateArgs),
    /// List keys, without their secret part.
    List {
        #[arg(long)]
        json: bool,
    },
    /// Take a key out of force.
    Revoke {
        /// The key's id, as `keys list` shows it.
        id: String,
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct CreateArgs {
    /// Who uses it, e.g. support-chat.
    #[arg(long)]
    name: String,
    #[arg(long, default_value = "default")]
    tenant: String,
    #[arg(long, default_value = "default")]
    project: String,
    #[arg(long, default_value = "prod")]
    environment: String,
    /// The least class that every request of this key has: public, internal, personal or special.
    #[arg(long, default_value = "public")]
    data_class: DataClass,
    /// What it opens: application (models), or for /admin/v1 owner, admin, operator, finance, auditor or developer.
    #[arg(long, default_value = "application", value_parser = role)]
    role: Role,
    /// The same as --role admin.
    #[arg(long, conflicts_with = "role")]
    admin: bool,
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(path: Option<&Path>, command: KeysCommand) -> anyhow::Result<()> {
    let config = load(path)?.config;
    let data = DataDir::create(&config.store)?;
    let writer = data.known_writer(Sources::system().random())?;
    let store = SqlStore::open(&config.store.database, &writer.to_string()).await?;
    match command {
        KeysCommand::Create(args) => create(&data, &store, args).await,
        KeysCommand::List { json } => list(&store, json).await,
        KeysCommand::Revoke { id, json } => {
            let key = store.tenancy().key(id.clone()).await?.filter(|key| !key.revoked);
            let Some(key) = key else { bail!("there is no key in force with the id '{id}'") };
            if store.tenancy().update_key(KeyRecord { revoked: true, ..key }).await? != Written::Done {
                bail!("the key was changed at the same moment: try again");
            }
            output::line(&if json { json!({ "revoked": id }).to_string() } else { format!("revoked {id}") });
            Ok(())
        }
    }
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| format!("'{text}' is no role"))
}

async fn create(data: &DataDir, store: &SqlStore, args: CreateArgs) -> anyhow::Result<()> {
    let new = NewKey {
        name: args.name,
        role: if args.admin { Role::Admin } else { args.role },
        tenant: args.tenant,
        project: args.project,
        environment: args.environment,
        data_class: args.data_class,
        settings: KeySettings::default(),
        expires_at_ms: None,
    };
    new.check()?;
    let sources = Sources::system();
    let secret = data.key_secret(sources.random())?;
    let minted = mint(new, &secret, sources.random(), sources.now().as_millisecond());
    store.tenancy().insert_key(minted.record.clone()).await?;
    output::line(&if args.json {
        json!({ "id": minted.record.id, "key": minted.plaintext }).to_string()
    } else {
        format!("{}\nThis is shown once; only a keyed hash of it is kept.", minted.plaintext)
    });
    Ok(())
}

async fn list(store: &SqlStore, json: bool) -> anyhow::Result<()> {
    for key in store.tenancy().keys(KeyFilter { limit: u32::MAX, ..KeyFilter::default() }).await? {
        output::line(&if json {
            json!({
                "id": key.id, "name": key.name, "role": key.role, "tenant": key.tenant, "project": key.project,
                "environment": key.environment, "data_class": key.data_class, "revoked": key.revoked,
            })
            .to_string()
        } else {
            let state = match &key {
                key if key.revoked => "revoked",
                key if key.frozen => "frozen",
                _ => "in force",
            };
            format!(
                "{}  {KEY_PREFIX}{}…  {:<11} {:<8}  {} / {} / {}  {}",
                key.id,
                key.id,
                key.role.as_str(),
                state,
                key.tenant,
                key.project,
                key.environment,
                key.name
            )
        });
    }
    Ok(())
}
