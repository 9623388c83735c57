//! `shekara audit prune`: what a running gateway does once a day, now; or what that would be.

use std::path::Path;

use clap::Args;
use serde_json::{Value, json};

use super::audit::{Place, carry_over, signer};
use super::output;
use super::table::Table;
use crate::pipeline::Sources;
use crate::store::{Pruned, Retention, count_expired, prune_expired};

#[derive(Debug, Args)]
pub(super) struct PruneArgs {
    /// Say what would go, and remove nothing.
    #[arg(long)]
    dry_run: bool,
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(path: Option<&Path>, args: &PruneArgs) -> anyhow::Result<()> {
    let Place { config, data, store } = Place::open(path).await?;
    carry_over(&data, &store).await?;
    let sources = Sources::system();
    let signer = signer(&config, &data, &sources)?;
    let retention = Retention { keep_days: &config.audit.keep_days, now: sources.now(), signer: &signer };
    let pruned =
        if args.dry_run { count_expired(&store, retention).await? } else { prune_expired(&store, retention).await? };
    if args.json {
        output::line(&as_json(&pruned, &retention, args.dry_run).to_string());
    } else {
        print(&pruned, &retention, args.dry_run);
    }
    Ok(())
}

fn as_json(pruned: &Pruned, retention: &Retention<'_>, is_dry_run: bool) -> Value {
    let rows = pruned
        .iter()
        .map(|(tenant, class, entries)| json!({ "tenant": tenant, "data_class": class, "entries": entries }));
    json!({
        "dry_run": is_dry_run,
        "keep_days": retention.keep_days,
        "entries": pruned.total(),
        "removed": rows.collect::<Vec<_>>(),
    })
}

fn print(pruned: &Pruned, retention: &Retention<'_>, is_dry_run: bool) {
    if retention.keep_days.is_empty() {
        output::line("[audit] keep_days is not set: every entry is kept.");
        return;
    }
    let mut table = Table::new(&["tenant", "data_class", "entries"]);
    for (tenant, class, entries) in pruned.iter() {
        table.row(vec![tenant.to_owned(), class.as_str().to_owned(), entries.to_string()]);
    }
    if pruned.total() > 0 {
        table.lines().iter().for_each(|line| output::line(line));
    }
    let done = if is_dry_run { "would be sealed and removed" } else { "were sealed and removed" };
    output::line(&format!("{} entries {done}.", pruned.total()));
}
