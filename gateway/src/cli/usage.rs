//! `shekara usage`: what was used and what it cost, from the database itself.

use std::path::Path;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;
use serde_json::Value;

use super::corrections::{self, CorrectionsArgs, PriceArgs};
use super::open_store::{open_configured, open_store};
use super::output;
use super::reconcile::{self, ReconcileArgs};
use super::table::Table;
use crate::billing::Tenge;
use crate::config::load;
use crate::jobs::spending::quarters_forecast;
use crate::ledger::{Dimension, LedgerFilter, UsageReport};
use crate::pipeline::Sources;
use crate::store::Store;

/// Columns of the table for people; CSV and JSON have all.
const SHOWN: [&str; 9] = [
    "requests",
    "prompt_tokens",
    "completion_tokens",
    "cost_usd",
    "cost_kzt",
    "cost_per_request_kzt",
    "share_inside",
    "p50_ms",
    "p95_ms",
];

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Format {
    Table,
    Csv,
    Json,
}

#[derive(Debug, Subcommand)]
enum UsageCommand {
    /// Give calls an amount that had no price or exchange rate, by those that are known now for their own time.
    PriceUnpriced(PriceArgs),
    /// Hold a provider's own account (CSV) against the ledger; ends with 1 where they differ.
    Reconcile(ReconcileArgs),
    /// What the quarter will have cost, if it goes on like this.
    Forecast(ForecastArgs),
    /// What was corrected: why, by whom, when, and by which file.
    Corrections(CorrectionsArgs),
}

#[derive(Debug, Args)]
pub(super) struct ForecastArgs {
    #[arg(long)]
    tenant: Option<String>,
    #[arg(long)]
    project: Option<String>,
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct UsageArgs {
    #[command(subcommand)]
    command: Option<UsageCommand>,
    /// What to group by: day, month, tenant, department, project, key, environment, scenario, route, provider, model, zone,
    /// data_class, kind, outcome, usage_source; several with commas between them.
    #[arg(long, default_value = "tenant,model", value_delimiter = ',', value_parser = dimension)]
    by: Vec<Dimension>,
    /// The first day, e.g. 2026-12-01.
    #[arg(long)]
    from: Option<Date>,
    /// The last day.
    #[arg(long)]
    to: Option<Date>,
    #[arg(long)]
    tenant: Option<String>,
    #[arg(long)]
    department: Option<String>,
    #[arg(long)]
    project: Option<String>,
    /// A key's id.
    #[arg(long)]
    key: Option<String>,
    #[arg(long)]
    environment: Option<String>,
    #[arg(long)]
    scenario: Option<String>,
    #[arg(long)]
    provider: Option<String>,
    #[arg(long)]
    model: Option<String>,
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// The same as --format json.
    #[arg(long)]
    json: bool,
}

fn dimension(text: &str) -> Result<Dimension, String> {
    Dimension::parse(text).ok_or_else(|| format!("'{text}' is nothing to group by"))
}

pub(super) async fn run(path: Option<&Path>, args: UsageArgs) -> anyhow::Result<()> {
    match args.command {
        None => {}
        Some(UsageCommand::PriceUnpriced(args)) => return corrections::price(path, args).await,
        Some(UsageCommand::Reconcile(args)) => return reconcile::run(path, args).await,
        Some(UsageCommand::Corrections(args)) => return corrections::list(path, args).await,
        Some(UsageCommand::Forecast(args)) => return tell_forecast(path, args).await,
    }
    let store = open_store(path).await?;
    let filter = LedgerFilter {
        tenant: args.tenant,
        department: args.department,
        project: args.project,
        key_id: args.key,
        environment: args.environment,
        scenario: args.scenario,
        provider: args.provider,
        model: args.model,
        from: args.from,
        until: args.to.map(Date::tomorrow).transpose().context("--to is beyond the calendar")?,
        ..LedgerFilter::default()
    };
    if args.from.zip(args.to).is_some_and(|(from, to)| from > to) {
        bail!("--from is behind --to");
    }
    let groups = store.ledger().usage(filter, args.by.clone()).await?;
    let report = UsageReport::new(args.by, groups)?;
    match if args.json { Format::Json } else { args.format } {
        Format::Json => output::line(&report.json().to_string()),
        Format::Csv => output::text(&report.csv()),
        Format::Table => print(&report),
    }
    Ok(())
}

async fn tell_forecast(path: Option<&Path>, args: ForecastArgs) -> anyhow::Result<()> {
    let config = load(path)?.config;
    let store = open_configured(&config).await?;
    let today = config.utc_offset.to_datetime(Sources::system().now()).date();
    let filter = LedgerFilter { tenant: args.tenant, project: args.project, ..LedgerFilter::default() };
    let forecast = quarters_forecast(&store, filter, today).await?.context("the calendar ends before the quarter")?;
    if args.json {
        output::line(&forecast.json().to_string());
        return Ok(());
    }
    let mut table = Table::new(&["from", "until", "spent_kzt", "by_day_kzt", "expected_kzt"]);
    let amounts = [forecast.spent, forecast.by_day, forecast.expected].map(Tenge::plain);
    table.row([forecast.from.to_string(), forecast.until.to_string()].into_iter().chain(amounts).collect());
    table.lines().iter().for_each(|line| output::line(line));
    Ok(())
}

fn print(report: &UsageReport) {
    let json = report.json();
    let names: Vec<&str> = report.by.iter().map(|dimension| dimension.as_str()).collect();
    let head: Vec<&str> = names.iter().copied().chain(SHOWN).collect();
    let cell = |row: &Value, column: &str| match &row[column] {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let row = |row: &Value| head.iter().map(|column| cell(row, column)).collect::<Vec<_>>();
    let mut table = Table::new(&head);
    json["data"].as_array().into_iter().flatten().for_each(|group| table.row(row(group)));
    let mut total = row(&json["total"]);
    if let Some(first) = total.first_mut() {
        "total".clone_into(first);
    }
    table.row(total);
    table.lines().iter().for_each(|line| output::line(line));
    let unpriced = report.all.unpriced_attempts;
    if unpriced > 0 {
        output::line(&format!(
            "{unpriced} calls have no price or exchange rate yet and are not in the cost; 'shekara usage price-unpriced' \
             gives them what is known by now."
        ));
    }
}
