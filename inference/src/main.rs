//! `shekara-inference`: the engine alone, for machines that serve models and nothing else.

mod cli;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use shekara_inference::catalog::{Catalog, CatalogSettings, LoadingSettings, ModelSettings};
use shekara_inference::engine::EngineSettings;
use shekara_inference::frontend::{ReasoningFormat, ToolFormat};
use shekara_inference::server::{AdminAccess, AdminKey, ServerState, router};
use shekara_inference::weights::Quantization;
use tokio::net::TcpListener;

use cli::{BenchArgs, ModelsArgs, ModelsCommand, run_models};

/// Serves open-weight models behind OpenAI's API.
#[derive(Parser)]
#[command(name = "shekara-inference", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// For answers that are complete but not yet written out.
const LAST_BYTES: Duration = Duration::from_secs(2);

#[derive(Subcommand)]
enum Command {
    /// Serve every model of a directory
    Serve(Box<ServeArgs>),
    /// Look at a models directory or fill it, without serving it
    Models {
        #[command(subcommand)]
        command: ModelsCommand,
    },
    /// Measure how fast a model's shape runs on this machine
    Bench(BenchArgs),
}

#[derive(Args)]
struct ServeArgs {
    #[command(flatten)]
    models: ModelsArgs,
    #[arg(long, default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// Sequences that run at once
    #[arg(long)]
    max_num_seqs: Option<usize>,
    /// Tokens of one step, prefill and decode together
    #[arg(long)]
    max_num_batched_tokens: Option<usize>,
    /// Requests that may wait; one more is refused with 429
    #[arg(long)]
    max_queue: Option<usize>,
    /// Memory for each model's keys and values
    #[arg(long)]
    kv_cache_bytes: Option<u64>,
    /// Threads for computing; one per core unless given
    #[arg(long)]
    threads: Option<usize>,
    /// Upper bound for prompt and answer together, in tokens
    #[arg(long)]
    max_context: Option<usize>,
    /// Tokens guessed ahead from an answer's own text where that pays; 0 never guesses
    #[arg(long)]
    num_speculative_tokens: Option<usize>,
    /// How a model writes tool calls, as MODEL=FORMAT, instead of what its chat template says
    #[arg(long, value_parser = assignment::<ToolFormat>)]
    tool_format: Vec<(String, ToolFormat)>,
    /// How a model writes its reasoning, as MODEL=FORMAT
    #[arg(long, value_parser = assignment::<ReasoningFormat>)]
    reasoning_format: Vec<(String, ReasoningFormat)>,
    /// Round a model's weights when they are loaded, as MODEL=q8_0, MODEL=q4_k or MODEL=fp8
    #[arg(long, value_parser = assignment::<Quantization>)]
    quantize: Vec<(String, Quantization)>,
    /// How long running requests may finish after Ctrl-C, in seconds
    #[arg(long, default_value_t = 30)]
    grace: u64,
    #[command(flatten)]
    loading: LoadingArgs,
    /// Key for /admin/v1, as env:NAME or file:PATH. Without it, /admin/v1 is served only on a loopback address
    #[arg(long)]
    admin_key: Option<String>,
}

#[derive(Args)]
struct LoadingArgs {
    /// Memory for all models together; 85 % of the machine's unless given
    #[arg(long)]
    memory_bytes: Option<u64>,
    /// Answer 503 for a model that was unloaded to make room, instead of loading it again
    #[arg(long)]
    no_autoload: bool,
    /// How long a request waits for its model to be loaded, in milliseconds
    #[arg(long)]
    load_wait_ms: Option<u64>,
    /// How long a folder's files must stand still before it is loaded, in milliseconds
    #[arg(long)]
    quiet_ms: Option<u64>,
    /// How often the directory is looked through where nothing reports its changes, in milliseconds
    #[arg(long)]
    rescan_ms: Option<u64>,
}

impl LoadingArgs {
    fn settings(&self) -> LoadingSettings {
        let default = LoadingSettings::default();
        LoadingSettings {
            memory_bytes: self.memory_bytes,
            autoload: !self.no_autoload,
            wait_ms: self.load_wait_ms.unwrap_or(default.wait_ms),
            quiet_ms: self.quiet_ms.unwrap_or(default.quiet_ms),
            rescan_ms: self.rescan_ms.unwrap_or(default.rescan_ms),
            ..default
        }
    }
}

impl ServeArgs {
    fn settings(&self) -> CatalogSettings {
        let mut models: BTreeMap<String, ModelSettings> = BTreeMap::new();
        for (model, format) in &self.tool_format {
            models.entry(model.clone()).or_default().tool_format = Some(*format);
        }
        for (model, format) in &self.reasoning_format {
            models.entry(model.clone()).or_default().reasoning_format = Some(*format);
        }
        for (model, quantization) in &self.quantize {
            models.entry(model.clone()).or_default().quantize = Some(*quantization);
        }
        CatalogSettings { engine: self.engine(), loading: self.loading.settings(), models }
    }

    /// Open to this machine alone unless there is a key.
    fn admin(&self) -> anyhow::Result<AdminAccess> {
        let Some(source) = &self.admin_key else {
            let is_local = self.listen.ip().is_loopback();
            return Ok(if is_local { AdminAccess::Local } else { AdminAccess::Closed });
        };
        let text = match source.split_once(':') {
            Some(("env", name)) => std::env::var(name).with_context(|| format!("failed to read {name}"))?,
            Some(("file", path)) => std::fs::read_to_string(path).with_context(|| format!("failed to read {path}"))?,
            _ => anyhow::bail!("--admin-key is given as env:NAME or file:PATH, never as the key itself"),
        };
        AdminKey::new(&text).map(AdminAccess::Key).context("the admin key has fewer than 16 characters")
    }

    fn engine(&self) -> EngineSettings {
        let default = EngineSettings::default();
        EngineSettings {
            max_num_seqs: self.max_num_seqs.unwrap_or(default.max_num_seqs),
            max_num_batched_tokens: self.max_num_batched_tokens.unwrap_or(default.max_num_batched_tokens),
            max_queue: self.max_queue.unwrap_or(default.max_queue),
            kv_cache_bytes: self.kv_cache_bytes,
            threads: self.threads,
            max_context: self.max_context,
            num_speculative_tokens: self.num_speculative_tokens.unwrap_or(default.num_speculative_tokens),
            ..default
        }
    }
}

/// `MODEL=VALUE`.
fn assignment<T>(text: &str) -> Result<(String, T), String>
where
    T: FromStr,
    T::Err: Display,
{
    let (model, value) = text.split_once('=').ok_or("expected MODEL=VALUE")?;
    value.parse().map(|value| (model.to_owned(), value)).map_err(|error: T::Err| error.to_string())
}

fn main() -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Serve(args) => {
            let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
            let result = runtime.block_on(serve(*args));
            // A model that is still loading must not hold up the end.
            runtime.shutdown_background();
            result
        }
        Command::Models { command } => run_models(&command),
        Command::Bench(args) => args.run(),
    }
}

async fn serve(args: ServeArgs) -> anyhow::Result<()> {
    let listener = TcpListener::bind(args.listen).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow::anyhow!("{} is taken by another program; choose another with --listen", args.listen)
        }
        _ => anyhow::Error::new(error).context(format!("failed to listen on {}", args.listen)),
    })?;
    let admin = args.admin()?;
    let catalog = Catalog::open(&args.models.models_dir, args.settings())?;
    let loading = catalog.clone();
    tokio::task::spawn_blocking(move || loading.load_all());
    let _watch = catalog.watch().context("failed to watch the models directory")?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    let grace = Duration::from_secs(args.grace);
    let app = router(ServerState::new(catalog.clone()).with_admin(admin));
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        // An error means that nobody will ask for the end: the sender lives as long as the signal task.
        let _ = stopped.await;
    });
    let draining = tokio::spawn(async move {
        signal().await;
        drain(&catalog, grace).await;
        let _ = stop.send(());
        tokio::time::sleep(LAST_BYTES).await;
    });
    tokio::select! {
        result = server => result.context("failed to serve")?,
        // Connections that stay open with nothing left to say are not waited for.
        result = draining => result.context("failed to drain")?,
    }
    Ok(())
}

/// Lets running requests finish while new ones get 503. A second signal ends the waiting.
async fn drain(catalog: &Arc<Catalog>, grace: Duration) {
    tracing::info!("draining; running requests have {} s", grace.as_secs());
    tokio::select! {
        () = catalog.shutdown(grace) => {}
        () = signal() => {}
    }
}

async fn signal() {
    let interrupted = tokio::signal::ctrl_c();
    let Ok(mut terminated) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) else {
        return interrupted.await.unwrap_or_default();
    };
    tokio::select! {
        _ = interrupted => {}
        _ = terminated.recv() => {}
    }
}
