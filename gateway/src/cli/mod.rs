//! The operator's commands. Without one, the gateway is served.

mod alerts;
mod audit;
mod audit_prune;
mod audit_tasks;
mod backup;
mod check;
mod config_check;
mod corrections;
mod drill;
mod first_start;
mod invoice;
mod keys;
mod local_engine;
mod open_store;
mod output;
mod pii;
mod probe;
mod rates;
mod reconcile;
mod restore;
mod serve;
mod small_pages;
mod state;
mod table;
mod usage;
mod watched_file;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::ConfigError;
use crate::telemetry;

/// One OpenAI-compatible API whose sensitive requests never leave your own machines.
#[derive(Debug, Parser)]
#[command(name = "shekara", version)]
struct Cli {
    /// The configuration; without it shekara.toml if it exists, else the defaults.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the gateway (the default).
    Serve,
    /// Look at the configuration without starting.
    #[command(subcommand)]
    Config(config_check::ConfigCommand),
    /// Send every route of a running gateway a normal, a streamed, a tool and a long request, and print the table.
    Check(check::CheckArgs),
    /// Make the first target of a route fail on purpose and measure the switch to the others.
    Drill(drill::DrillArgs),
    /// Make, list and revoke keys; a running gateway takes notice within seconds.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Look at texts as the detector does.
    #[command(subcommand)]
    Pii(pii::PiiCommand),
    /// Try the ways on which alerts leave.
    #[command(subcommand)]
    Alerts(alerts::AlertsCommand),
    /// What was used and what it cost, by anything and over any days.
    Usage(Box<usage::UsageArgs>),
    /// What a customer pays by: счёт на оплату and АВР of a month, its close, credit notes.
    Invoice(invoice::InvoiceArgs),
    /// Exchange rates of the dollar.
    #[command(subcommand)]
    Rates(rates::RatesCommand),
    /// What the store owns as TOML, out and in again.
    #[command(subcommand)]
    State(state::StateCommand),
    /// Read the audit, also while no gateway runs.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Put all of an installation into one file, also while a gateway runs.
    Backup(backup::BackupArgs),
    /// Make an installation of such a file, in SQLite or PostgreSQL.
    Restore(restore::RestoreArgs),
}

/// A configuration that is refused ends with this code, everything else with 1.
const EXIT_BAD_CONFIG: u8 = 2;

/// Runs the command line and returns the exit code.
pub fn main() -> ExitCode {
    telemetry::silence_panics();
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::error(&format!("failed to start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(run(cli));
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&format!("{error:#}"));
            let bad_config = error.chain().any(<dyn std::error::Error>::is::<ConfigError>);
            if bad_config { ExitCode::from(EXIT_BAD_CONFIG) } else { ExitCode::FAILURE }
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let path = cli.config.as_deref();
    match cli.command {
        None | Some(Command::Serve) => Box::pin(serve::serve(path)).await,
        Some(Command::Config(command)) => config_check::run(path, &command),
        Some(Command::Check(args)) => check::run(path, args).await,
        Some(Command::Drill(args)) => Box::pin(drill::run(path, args)).await,
        Some(Command::Keys(command)) => keys::run(path, command).await,
        Some(Command::Pii(command)) => pii::run(path, command),
        Some(Command::Alerts(command)) => alerts::run(path, &command).await,
        Some(Command::Usage(args)) => usage::run(path, *args).await,
        Some(Command::Invoice(args)) => invoice::run(path, args).await,
        Some(Command::Rates(command)) => rates::run(path, command).await,
        Some(Command::State(command)) => state::run(path, command).await,
        Some(Command::Audit(command)) => audit::run(path, &command).await,
        Some(Command::Backup(args)) => backup::run(path, &args).await,
        Some(Command::Restore(args)) => Box::pin(restore::run(path, &args)).await,
    }
}
