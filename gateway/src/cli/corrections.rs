//! `shekara usage price-unpriced` and `shekara usage corrections`: amounts that come later, and what was corrected.

use std::path::Path;

use anyhow::{Context, bail};
use clap::Args;
use jiff::civil::Date;
use serde_json::json;

use super::open_store::open_configured;
use super::output;
use super::table::{Table, or_dash};
use crate::config::{Config, load};
use crate::jobs::corrections::{Desk, PriceOrder, Priced, Signature, price_unpriced};
use crate::ledger::{CorrectionLine, LedgerFilter};
use crate::pipeline::{Sources, Tariffs, known_rates};
use crate::store::{LedgerStore, SqlStore};

/// Lines that are read at once.
const PAGE: u32 = 1_000;
/// Who corrects from the command line, if nobody says otherwise.
pub(super) const COMMAND_LINE: &str = "command line";

#[derive(Debug, Args)]
pub(super) struct PriceArgs {
    /// The first of the operator's days, e.g. 2026-10-01.
    #[arg(long)]
    from: Option<Date>,
    /// The last day.
    #[arg(long, alias = "to")]
    until: Option<Date>,
    #[arg(long)]
    tenant: Option<String>,
    #[arg(long)]
    provider: Option<String>,
    #[arg(long)]
    model: Option<String>,
    /// Bill all that fit at nothing instead; needs --reason.
    #[arg(long, requires = "reason")]
    zero: bool,
    #[arg(long, requires = "zero")]
    reason: Option<String>,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Who does it, as the ledger keeps it.
    #[arg(long, default_value = COMMAND_LINE)]
    by: String,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(super) struct CorrectionsArgs {
    /// The first of the operator's days.
    #[arg(long)]
    from: Option<Date>,
    /// The last day.
    #[arg(long, alias = "to")]
    until: Option<Date>,
    #[arg(long)]
    tenant: Option<String>,
    #[arg(long)]
    provider: Option<String>,
    /// A line of JSON for each.
    #[arg(long)]
    json: bool,
}

/// What corrections are made with, from the command line.
pub(super) struct Tools {
    pub(super) store: SqlStore,
    tariffs: Tariffs,
    rates: crate::billing::Rates,
}

impl Tools {
    pub(super) async fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let config: Config = load(path)?.config;
        let store = open_configured(&config).await?;
        let rates = known_rates(&config, &store).await?;
        Ok(Self { tariffs: Tariffs::new(&config)?, rates, store })
    }

    pub(super) fn desk(&self) -> Desk<'_> {
        Desk { store: &self.store, tariffs: &self.tariffs, rates: &self.rates }
    }
}

pub(super) fn signature(by: String) -> Signature {
    let sources = Sources::system();
    Signature { made_by: by, now: sources.now(), id: sources.request_id() }
}

/// The day behind the last.
pub(super) fn behind(last: Option<Date>) -> anyhow::Result<Option<Date>> {
    last.map(Date::tomorrow).transpose().context("--until is beyond the calendar")
}

pub(super) async fn price(path: Option<&Path>, args: PriceArgs) -> anyhow::Result<()> {
    if args.from.zip(args.until).is_some_and(|(from, until)| from > until) {
        bail!("--from is behind --until");
    }
    let tools = Tools::open(path).await?;
    let filter = LedgerFilter {
        tenant: args.tenant,
        provider: args.provider,
        model: args.model,
        from: args.from,
        until: behind(args.until)?,
        ..LedgerFilter::default()
    };
    let order = PriceOrder { zero_because: args.reason.filter(|_| args.zero), is_dry_run: args.dry_run };
    let priced = price_unpriced(tools.desk(), filter, &order, &signature(args.by)).await?;
    if args.json {
        output::line(&priced.json().to_string());
    } else {
        tell(&priced);
    }
    Ok(())
}

fn tell(priced: &Priced) {
    let would = if priced.is_dry_run { "would get" } else { "got" };
    let Priced { num, tenge, usd, .. } = priced;
    output::line(&format!("{num} calls {would} an amount: {tenge} tenge ({usd} dollars)"));
    if priced.left.is_empty() {
        return;
    }
    output::line(&format!("{} calls still have none:", priced.num_left()));
    let mut table = Table::new(&["provider", "model", "why", "calls"]);
    for ((provider, model, why), num) in &priced.left {
        table.row(vec![provider.clone(), model.clone(), (*why).to_owned(), num.to_string()]);
    }
    table.lines().iter().for_each(|line| output::line(line));
}

pub(super) async fn list(path: Option<&Path>, args: CorrectionsArgs) -> anyhow::Result<()> {
    let store = open_configured(&load(path)?.config).await?;
    let filter = LedgerFilter {
        tenant: args.tenant,
        provider: args.provider,
        from: args.from,
        until: behind(args.until)?,
        ..LedgerFilter::default()
    };
    let mut after = String::new();
    let mut table = Table::new(&[
        "day",
        "customer",
        "model",
        "prompt",
        "completion",
        "usd",
        "tenge",
        "kind",
        "by",
        "file",
        "corrects",
    ]);
    loop {
        let lines = store.corrections().lines(filter.clone(), after, PAGE).await?;
        let Some(last) = lines.last() else { break };
        after = format!("{}/{}", last.act.id, last.id);
        for line in &lines {
            if args.json {
                output::line(&json!(line).to_string());
            } else {
                table.row(row(line));
            }
        }
    }
    if !args.json {
        table.lines().iter().for_each(|line| output::line(line));
    }
    Ok(())
}

fn row(line: &CorrectionLine) -> Vec<String> {
    vec![
        line.day.clone(),
        line.tenant.clone(),
        line.model.clone(),
        line.prompt_tokens.to_string(),
        line.completion_tokens.to_string(),
        or_dash(line.usd),
        line.tenge.to_string(),
        line.act.kind.as_str().to_owned(),
        line.act.made_by.clone(),
        or_dash(line.act.file.as_deref()),
        line.corrects.clone(),
    ]
}
