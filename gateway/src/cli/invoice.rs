//! `shekara invoice`: a month's papers, its close, credit notes, and what was issued, from the database itself.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::open_store::open_configured;
use super::output;
use super::table::{Table, or_dash};
use crate::billing::Tenge;
use crate::config::{Config, load};
use crate::invoices::Month;
use crate::jobs::invoices::{Closed, Form, Terms, close_months, credit, issued, of_month};
use crate::pipeline::Sources;
use crate::store::{InvoiceFilter, InvoiceRow, Store};

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Document {
    /// Счёт на оплату.
    Invoice,
    /// АВР, form R-1.
    Act,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Pdf,
    Csv,
    Json,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct InvoiceArgs {
    #[command(subcommand)]
    command: Option<InvoiceCommand>,
    /// The customer: a tenant's id.
    #[arg(long)]
    customer: Option<String>,
    /// E.g. 2026-10. While it is not closed, this gives a draft.
    #[arg(long)]
    month: Option<Month>,
    /// Instead of a customer and a month: what was issued under this number, a credit note for instance.
    #[arg(long, conflicts_with_all = ["customer", "month"])]
    number: Option<String>,
    #[arg(long, value_enum, default_value = "invoice")]
    document: Document,
    #[arg(long, value_enum, default_value = "pdf")]
    format: Format,
    /// The same as --format json.
    #[arg(long)]
    json: bool,
    /// Where to write it; without it to the standard output.
    #[arg(long)]
    output: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum InvoiceCommand {
    /// Issue the invoices of a month that has ended; nothing of it changes from then on.
    Close {
        #[arg(long)]
        month: Month,
        /// Without it everybody's.
        #[arg(long)]
        customer: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Take something of an invoice back with a credit note.
    Credit {
        /// Of the invoice.
        #[arg(long)]
        number: String,
        /// Tenge, in the terms of the invoice's lines: without VAT where it comes on top.
        #[arg(long)]
        amount: Tenge,
        #[arg(long)]
        reason: String,
        #[arg(long)]
        json: bool,
    },
    /// What was issued.
    List {
        #[arg(long)]
        customer: Option<String>,
        #[arg(long)]
        month: Option<Month>,
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(path: Option<&Path>, args: InvoiceArgs) -> anyhow::Result<()> {
    let config = load(path)?.config;
    let store = open_configured(&config).await?;
    let now = Sources::system().now();
    match args.command {
        None => print(&config, &store, args).await,
        Some(InvoiceCommand::Close { month, customer, json }) => {
            let closed = close_months(&store, &Terms::new(&config)?, month, customer.as_deref(), now).await?;
            show_closed(&closed, month, json);
            Ok(())
        }
        Some(InvoiceCommand::Credit { number, amount, reason, json }) => {
            let row = credit(&store, &Terms::new(&config)?, &number, (amount, &reason), now).await?;
            output::line(&if json {
                json!(row).to_string()
            } else {
                format!("{} takes {} tenge back of {number}", row.number, minus(row.total))
            });
            Ok(())
        }
        Some(InvoiceCommand::List { customer, month, json }) => {
            let rows = store.invoices().invoices(InvoiceFilter { tenant: customer, month }).await?;
            list(&rows, json);
            Ok(())
        }
    }
}

async fn print(config: &Config, store: &dyn Store, args: InvoiceArgs) -> anyhow::Result<()> {
    let form = match args.document {
        Document::Invoice => Form::Invoice,
        Document::Act => Form::Act,
    };
    let now = Sources::system().now();
    let paper = match (args.number, args.customer, args.month) {
        (Some(number), ..) => issued(store, &number, form).await?,
        (None, Some(customer), Some(month)) => {
            of_month(store, &Terms::new(config)?, (&customer, month), form, now).await?
        }
        _ => bail!("say whose and when: --customer and --month, or --number"),
    };
    let format = if args.json { Format::Json } else { args.format };
    if matches!(format, Format::Pdf) && args.output.is_none() && std::io::stdout().is_terminal() {
        bail!("a PDF is nothing for a terminal: say --output FILE");
    }
    let bytes = match format {
        Format::Pdf => paper.pdf().await?,
        Format::Csv => paper.csv().into_bytes(),
        Format::Json => paper.json()?.into_bytes(),
    };
    if let Some(file) = args.output {
        return std::fs::write(&file, bytes).with_context(|| format!("failed to write {}", file.display()));
    }
    output::bytes(&bytes);
    Ok(())
}

fn show_closed(closed: &[Closed], month: Month, as_json: bool) {
    if as_json {
        let line = |one: &Closed| json!({ "tenant": one.tenant, "month": month.to_string(), "invoice": one.invoice });
        for one in closed {
            output::line(&line(one).to_string());
        }
        return;
    }
    for one in closed {
        output::line(&match &one.invoice {
            Some(row) => format!("{}: {} over {} tenge", one.tenant, row.number, row.total),
            None => format!("{}: nothing to pay for", one.tenant),
        });
    }
    output::line(&format!("{month} is closed for {} customers", closed.len()));
}

fn list(rows: &[InvoiceRow], as_json: bool) {
    if as_json {
        for row in rows {
            output::line(&json!(row).to_string());
        }
        return;
    }
    let mut table = Table::new(&["number", "kind", "customer", "month", "net", "vat", "total", "corrects"]);
    for row in rows {
        let amounts = [row.net, row.vat, row.total].map(|amount| amount.to_string());
        let [net, vat, total] = amounts;
        let (kind, corrects) = (row.kind.as_str().to_owned(), or_dash(row.corrects.as_deref()));
        let month = row.month.to_string();
        table.row(vec![row.number.clone(), kind, row.tenant.clone(), month, net, vat, total, corrects]);
    }
    table.lines().iter().for_each(|line| output::line(line));
}

fn minus(amount: Tenge) -> String {
    amount.to_string().trim_start_matches('-').to_owned()
}
