//! `shekara state export|import`: what the store owns as TOML, from and into the database itself.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::output;
use super::table::Table;
use crate::auth::KeySecret;
use crate::config::load;
use crate::jobs::state::{Imported, Order, Seen, StateError, export, import};
use crate::pipeline::Sources;
use crate::state::{Action, Change, Importer, Scope, read};
use crate::store::{DataDir, SqlStore};

/// More is no state.
const MAX_BYTES: u64 = 64 << 20;
/// Who switched something off, where a document did.
const BY: &str = "shekara state import";

#[derive(Debug, Subcommand)]
pub(super) enum StateCommand {
    /// Write what the store owns: tenants, departments, projects, keys without their secrets, kill switches.
    Export(ExportArgs),
    /// Bring the store to what a file says, in one step or not at all; a running gateway takes notice within seconds.
    Import(ImportArgs),
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Only what belongs to this one.
    #[arg(long)]
    tenant: Option<String>,
    /// Where to write it; without it to the standard output.
    #[arg(long)]
    output: Option<PathBuf>,
    /// JSON instead of TOML.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// As `state export` writes it; - reads the standard input.
    file: PathBuf,
    /// Say what would change, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Freeze what the file leaves out; switches go on again, departments without projects go.
    #[arg(long)]
    prune: bool,
    /// Also where the state was changed since the file was made of it.
    #[arg(long)]
    force: bool,
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(path: Option<&Path>, command: StateCommand) -> anyhow::Result<()> {
    let config = load(path)?.config;
    let (data, sources) = (DataDir::create(&config.store)?, Sources::system());
    let writer = data.known_writer(sources.random())?;
    let store = SqlStore::open(&config.store.database, &writer.to_string()).await?;
    match command {
        StateCommand::Export(args) => write(&store, args).await,
        StateCommand::Import(args) => {
            let secret = data.key_secret(sources.random())?;
            bring(&store, &args, (&secret, &sources)).await
        }
    }
}

async fn write(store: &SqlStore, args: ExportArgs) -> anyhow::Result<()> {
    let exported = export(store, &Scope::new(args.tenant.as_deref())).await?;
    let text = if args.json { format!("{}\n", json!(exported.document)) } else { exported.text };
    if let Some(file) = args.output {
        return std::fs::write(&file, text).with_context(|| format!("failed to write {}", file.display()));
    }
    output::text(&text);
    Ok(())
}

async fn bring(store: &SqlStore, args: &ImportArgs, tools: (&KeySecret, &Sources)) -> anyhow::Result<()> {
    let name = args.file.display();
    let bytes = bytes_of(&args.file).with_context(|| format!("failed to read {name}"))?;
    let document = read(&bytes).map_err(StateError::Unreadable).with_context(|| format!("{name} is refused"))?;
    let seen = if args.force { Seen::Any } else { Seen::Document };
    let (prune, dry_run) = (args.prune, args.dry_run);
    let order = Order { document: &document, importer: Importer::Operator, by: BY, seen, prune, dry_run };
    let imported = match import(store, &order, tools).await {
        Err(error @ StateError::Outdated { .. }) => bail!("{name} is refused: {error} (--force writes over it)"),
        other => other.with_context(|| format!("{name} is refused"))?,
    };
    if args.json {
        output::line(&told(&imported, args.dry_run).to_string());
    } else {
        print(&imported, args.dry_run);
    }
    Ok(())
}

fn bytes_of(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(MAX_BYTES).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(file)?.take(MAX_BYTES).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn told(imported: &Imported, dry_run: bool) -> Value {
    let mut told = imported.plan.shown();
    let keys = imported.plan.new_keys.iter().filter(|_| imported.is_applied);
    let keys: Vec<Value> = keys.map(|key| json!({ "id": key.record.id, "key": key.plaintext })).collect();
    (told["dry_run"], told["version"], told["new_keys"]) =
        (dry_run.into(), imported.version.clone().into(), keys.into());
    told
}

fn print(imported: &Imported, dry_run: bool) {
    let plan = &imported.plan;
    let mut table = Table::new(&["", "", "", ""]);
    for change in &plan.changes {
        let Change { action, kind, id, .. } = change;
        table.row(vec![action.as_str().to_owned(), kind.as_str().to_owned(), id.clone(), fields(change)]);
    }
    table.lines().iter().skip(1).for_each(|line| output::line(line));
    plan.kept.iter().for_each(|kept| output::line(&format!("kept  {kept}")));
    if plan.is_empty() {
        return output::line("Nothing to change.");
    }
    let counts = Action::ALL.map(|action| format!("{} to {}", plan.count(action), action.as_str())).join(", ");
    output::line(&format!("{counts}{}", if dry_run { "; nothing was changed" } else { "; done" }));
    if imported.is_applied && !plan.new_keys.is_empty() {
        output::line("New keys, shown once; only keyed hashes of them are kept:");
        plan.new_keys.iter().for_each(|key| output::line(&format!("{}  {}", key.plaintext, key.record.name)));
    }
}

fn fields(change: &Change) -> String {
    let shown = |value: &Value| if value.is_null() { "-".to_owned() } else { value.to_string() };
    let one = |name: &str, from: &Value, to: &Value| match change.action {
        Action::Create => format!("{name}: {}", shown(to)),
        _ => format!("{name}: {} → {}", shown(from), shown(to)),
    };
    let all = change.fields.iter().map(|field| one(&field.name, &field.from, &field.to));
    all.collect::<Vec<_>>().join(", ")
}
