//! `shekara drill`: what happens on a route while its first target fails, tried before it happens by itself. Nothing of the
//! running gateway is touched; the first target itself is not asked, those behind it really are.

mod cost;
mod fault;
mod measure;
mod print;
mod rehearsal;
mod trial;

use std::path::Path;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::local_engine::LocalEngine;
use super::output;
use crate::config::{Config, Zone, load};
use crate::egress::install_tls;
use cost::costs;
use fault::{Fault, FaultyServer};
use measure::{Asked, Normal};
use rehearsal::{Rehearsal, without_backup};
use trial::Trial;

/// An answer may take as long as its route lets it, and the client this much longer.
const CLIENT_PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub(super) struct DrillArgs {
    /// The route of the configuration to try. Unset: only say which routes have no backup.
    #[arg(long, value_name = "NAME")]
    route: Option<String>,
    /// Requests for each of the six faults.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=1_000), value_name = "N")]
    requests: u16,
    /// Backups outside the border are really asked, which costs money: this says that they may be.
    #[arg(long)]
    yes: bool,
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(path: Option<&Path>, args: DrillArgs) -> anyhow::Result<()> {
    install_tls();
    let config = load(path)?.config;
    let without = without_backup(&config);
    let Some(route) = &args.route else {
        if args.json {
            output::line(&json!({ "without_backup": without }).to_string());
        } else {
            print::without_backup(&without, config.routes.len());
        }
        return Ok(());
    };
    let rehearsal = Rehearsal::new(&config, route)?;
    allowed(&rehearsal, &args)?;
    let engine = open_engine(&rehearsal).await?;
    let drilled = Box::pin(drill(&rehearsal, &engine, &args)).await;
    engine.shut_down().await;
    let (faults, costs) = drilled?;
    if args.json {
        let report = json!({
            "route": route, "primary": rehearsal.primary, "backups": rehearsal.backups, "without_backup": without,
            "faults": faults, "costs": costs,
        });
        output::line(&report.to_string());
    } else {
        print::report(&rehearsal, &faults, &costs);
        print::without_backup(&without, config.routes.len());
    }
    let failed: Vec<&str> = faults.iter().filter(|one| !one.ok).map(|one| one.fault).collect();
    anyhow::ensure!(failed.is_empty(), "not as it should be: {}", failed.join(", "));
    Ok(())
}

/// # Errors
/// There is no backup, or one that costs money and nobody has said that it may.
fn allowed(rehearsal: &Rehearsal, args: &DrillArgs) -> anyhow::Result<()> {
    let alias = &rehearsal.route().alias;
    anyhow::ensure!(!rehearsal.backups.is_empty(), "route '{alias}' has no backup: while its target fails, it fails");
    let external = rehearsal.backups.iter().filter(|backup| backup.zone == Zone::External.as_str());
    let names: Vec<String> = external.map(|backup| format!("{}/{}", backup.provider, backup.model)).collect();
    // Besides, each is asked for a normal answer, plain and streamed.
    let most = Fault::ALL.len() * usize::from(args.requests) + 2 * names.len();
    anyhow::ensure!(
        args.yes || names.is_empty(),
        "{} would really be asked, up to {most} times in all, and may cost money: --yes lets it",
        names.join(", ")
    );
    Ok(())
}

async fn open_engine(rehearsal: &Rehearsal) -> anyhow::Result<LocalEngine> {
    let Config { local, max_body_bytes, max_upload_bytes, .. } = rehearsal.config();
    let mut local = local.clone();
    local.enabled &= rehearsal.needs_engine();
    let engine = LocalEngine::open(&local, [*max_body_bytes, *max_upload_bytes])?;
    engine.load().await?;
    Ok(engine)
}

async fn drill(
    rehearsal: &Rehearsal,
    engine: &LocalEngine,
    args: &DrillArgs,
) -> anyhow::Result<(Vec<measure::Measured>, Vec<cost::Cost>)> {
    let route = rehearsal.route();
    let timeout = route.timeouts.total + CLIENT_PATIENCE;
    let (mut faults, mut records, mut normal) = (Vec::new(), Vec::new(), Normal::new());
    for fault in Fault::ALL {
        let server = FaultyServer::start(fault).await?;
        let trial = Box::pin(Trial::start(rehearsal.with_faulty(server.base_url()), engine, timeout)).await?;
        let (alias, faulty) = (route.alias.as_str(), rehearsal.faulty.as_str());
        let asked = Asked { route: alias, faulty, fault, requests: usize::from(args.requests) };
        let (measured, seen) = asked.run(&trial, &server, &mut normal).await?;
        faults.push(measured);
        records.extend(seen);
    }
    let costs = costs(&records, &rehearsal.backups, &rehearsal.faulty);
    Ok((faults, costs))
}
