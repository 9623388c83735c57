//! `shekara rates import|list`: exchange rates of the dollar, in the database itself.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Subcommand;
use serde_json::json;

use super::open_store::open_store;
use super::output;
use super::table::Table;
use crate::billing::read_file;
use crate::store::{RateKept, Store};

#[derive(Debug, Subcommand)]
pub(super) enum RatesCommand {
    /// Keep rates of a file: the National Bank's XML of a day, or lines of date,currency,rate,quant.
    Import {
        file: PathBuf,
        #[arg(long)]
        json: bool,
    },
    /// List the rates that are known.
    List {
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(path: Option<&Path>, command: RatesCommand) -> anyhow::Result<()> {
    let store = open_store(path).await?;
    match command {
        RatesCommand::Import { file, json } => import(&store, &file, json).await,
        RatesCommand::List { json } => list(&store, json).await,
    }
}

async fn import(store: &dyn Store, file: &Path, as_json: bool) -> anyhow::Result<()> {
    let bytes = std::fs::read(file).with_context(|| format!("failed to read {}", file.display()))?;
    let published = read_file(&bytes).with_context(|| format!("failed to read rates from {}", file.display()))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let (mut num_new, mut num_known) = (0, 0);
    for one in published {
        match store.ledger().keep_rate(one, format!("file:{name}")).await? {
            RateKept::New => num_new += 1,
            RateKept::Known => num_known += 1,
            RateKept::Contradicts(known) => {
                bail!("the rate of {} is {known} already and does not become {}", one.date, one.rate);
            }
        }
    }
    output::line(&if as_json {
        json!({ "new": num_new, "known": num_known }).to_string()
    } else {
        format!("{num_new} new, {num_known} known already; a running gateway takes notice within seconds")
    });
    Ok(())
}

async fn list(store: &dyn Store, as_json: bool) -> anyhow::Result<()> {
    let rates = store.ledger().rates().await?;
    if as_json {
        for (one, source) in rates {
            let (date, currency, rate) = (one.date.to_string(), one.currency.to_string(), one.rate.to_string());
            let line = json!({ "date": date, "currency": currency, "rate": rate, "source": source });
            output::line(&line.to_string());
        }
        return Ok(());
    }
    let mut table = Table::new(&["date", "currency", "tenge", "source"]);
    for (one, source) in rates {
        table.row(vec![one.date.to_string(), one.currency.to_string(), one.rate.to_string(), source]);
    }
    table.lines().iter().for_each(|line| output::line(line));
    Ok(())
}
