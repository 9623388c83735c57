//! `shekara usage reconcile`: a provider's own account held against the ledger.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use jiff::civil::Date;
use serde_json::json;

use super::corrections::{COMMAND_LINE, Tools, signature};
use super::output;
use super::table::Table;
use super::usage::Format;
use crate::invoices::Month;
use crate::jobs::corrections::{Applied, Order, apply, reconcile};
use crate::ledger::statement::{Field, MAX_BYTES};
use crate::ledger::{Comparison, ComparisonLine, ModelNames, Tolerance};

#[derive(Debug, Args)]
pub(super) struct ReconcileArgs {
    /// What the provider gives: usage or costs of OpenAI, of Anthropic's console, of Azure, of AWS (CUR), or lines of
    /// date,model,requests,prompt_tokens,cached_tokens,completion_tokens,cost,currency.
    file: PathBuf,
    /// As the configuration names it.
    #[arg(long)]
    provider: String,
    /// The provider's days in UTC; without it those of the file.
    #[arg(long, conflicts_with_all = ["from", "until"])]
    month: Option<Month>,
    #[arg(long)]
    from: Option<Date>,
    /// The last day.
    #[arg(long, alias = "to")]
    until: Option<Date>,
    /// What a column says, e.g. --map Tokens=prompt_tokens; as often as need be.
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = column)]
    map: Vec<(String, Field)>,
    /// Their name and the ledger's, where they are not the same but for a day behind one.
    #[arg(long, value_name = "THEIRS=OURS", value_parser = pair)]
    model: Vec<(String, String)>,
    /// A model, theirs or ours, that is not compared.
    #[arg(long, value_name = "MODEL")]
    skip: Vec<String>,
    /// A model that the file does not have on a day that it has was not used: estimated calls of it may become nothing.
    #[arg(long)]
    absent_is_zero: bool,
    /// Percent of what the provider says that may differ.
    #[arg(long, default_value = "0")]
    tolerance: Tolerance,
    /// Put what differs into the ledger, on calls whose usage was estimated.
    #[arg(long)]
    apply: bool,
    /// Who does it, as the ledger keeps it.
    #[arg(long, default_value = COMMAND_LINE)]
    by: String,
    #[arg(long, value_enum, default_value = "table")]
    format: Format,
    /// The same as --format json.
    #[arg(long)]
    json: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (one, other) = text.rsplit_once('=').ok_or("it has no '='")?;
    Ok((one.to_owned(), other.to_owned()))
}

fn column(text: &str) -> Result<(String, Field), String> {
    let (column, field) = pair(text)?;
    Ok((column, field.parse().map_err(|error| format!("{error}"))?))
}

pub(super) async fn run(path: Option<&Path>, args: ReconcileArgs) -> anyhow::Result<()> {
    let shown = args.file.display().to_string();
    let size = std::fs::metadata(&args.file).with_context(|| format!("failed to read {shown}"))?.len();
    if size > MAX_BYTES as u64 {
        bail!("{shown} is larger than {MAX_BYTES} bytes");
    }
    let bytes = std::fs::read(&args.file).with_context(|| format!("failed to read {shown}"))?;
    let tools = Tools::open(path).await?;
    let order = Order {
        provider: args.provider,
        from: args.month.map(Month::first).or(args.from),
        until: args.month.map(Month::last).or(args.until),
        names: ModelNames {
            same: args.model,
            skip: args.skip.into_iter().collect(),
            is_absent_zero: args.absent_is_zero,
        },
        tolerance: args.tolerance,
        columns: args.map,
        file: args.file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
    };
    let (comparison, applied) = if args.apply {
        let (comparison, applied) = apply(tools.desk(), &bytes, &order, &signature(args.by)).await?;
        (comparison, Some(applied))
    } else {
        (reconcile(tools.desk(), &bytes, &order).await?, None)
    };
    match if args.json { Format::Json } else { args.format } {
        Format::Json => {
            let mut json = comparison.json();
            json["applied"] = json!(applied.as_ref().map(Applied::json));
            output::line(&json.to_string());
        }
        Format::Csv => output::text(&comparison.csv()),
        Format::Table => print(&comparison, applied.as_ref()),
    }
    let num_left = applied.as_ref().map_or_else(|| comparison.num_beyond(), |applied| applied.num_left);
    if num_left > 0 {
        bail!("{num_left} of {} days and models differ by more than is tolerated", comparison.lines.len());
    }
    Ok(())
}

fn print(comparison: &Comparison, applied: Option<&Applied>) {
    let head =
        ["day (UTC)", "model", "class", "estimated", "requests", "prompt", "cached", "completion", "cost in dollars"];
    let mut table = Table::new(&head);
    for line in &comparison.lines {
        table.row(row(line));
    }
    table.lines().iter().for_each(|line| output::line(line));
    output::line("Ours, and what the provider has more; '?' where the file does not say.");
    if !comparison.unknown_models.is_empty() {
        let names: Vec<&str> = comparison.unknown_models.iter().map(String::as_str).collect();
        output::line(&format!("Models that the ledger does not know: {}", names.join(", ")));
    }
    if comparison.num_skipped > 0 {
        let first = comparison.skipped.first().map(|skipped| format!(", first line {}: {}", skipped.line, skipped.why));
        output::line(&format!("{} lines were not counted{}", comparison.num_skipped, first.unwrap_or_default()));
    }
    if comparison.num_outside > 0 {
        output::line(&format!("{} days and models lie outside the days asked for", comparison.num_outside));
    }
    match applied {
        Some(applied) if applied.is_repeated => output::line("This file was applied to these days before."),
        Some(Applied { num, usd, tenge, .. }) => {
            output::line(&format!("{num} corrections were written: {usd} dollars, {tenge} tenge"));
        }
        None => {}
    }
}

fn row(line: &ComparisonLine) -> Vec<String> {
    let cells = line.cells(str::to_owned);
    let metrics = cells[4..].chunks(3).map(|metric| match metric {
        [ours, theirs, _] if theirs.is_empty() => format!("{ours} (?)"),
        [ours, theirs, _] if ours == theirs => ours.clone(),
        [ours, _, more] if more.starts_with('-') => format!("{ours} ({more})"),
        [ours, _, more] => format!("{ours} (+{more})"),
        _ => String::new(),
    });
    cells[..4].iter().cloned().chain(metrics).collect()
}
