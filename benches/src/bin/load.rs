//! Load on a server with OpenAI's API, and what it felt like.
//!
//!     load --url http://127.0.0.1:8080 --key sk-… [--connections 32 | --rate 5000] [--stream] \
//!          [--direct http://127.0.0.1:9099] [--pid PID] [--json FILE]
//!
//! With `--direct`, slices of the server and of its upstream take turns, and what the server adds is the difference of their
//! quantiles. Chunks of `mock_upstream` carry the time at which they were sent: `transit` is how long each was under way.

use std::io::Write;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use serde_json::{Value, json};
use shekara_benches::header;
use shekara_benches::load::{
    Pace, Processes, Question, Slice, Spacing, Tally, Target, Usage, added, figures, run, table,
};
use shekara_benches::mock::Wanted;

#[derive(Parser)]
struct Args {
    /// What is measured; without a path, its chat completions
    #[arg(long)]
    url: String,
    /// Its upstream, measured in turns with it
    #[arg(long)]
    direct: Option<String>,
    #[arg(long, default_value = "mock")]
    model: String,
    /// The model's name at the upstream
    #[arg(long, default_value = "mock")]
    direct_model: String,
    /// Sent as a bearer
    #[arg(long, env = "SHEKARA_API_KEY", hide_env_values = true)]
    key: Option<String>,
    /// More headers, as "name: value"
    #[arg(long)]
    header: Vec<String>,
    /// Requests at once; with --rate, the most of them
    #[arg(long, default_value_t = 1)]
    connections: usize,
    /// Requests a second on a schedule; without it, each connection sends its next when it has its answer
    #[arg(long)]
    rate: Option<f64>,
    #[arg(long, value_enum, default_value = "poisson")]
    arrivals: Spacing,
    #[arg(long, default_value_t = 20_261_201)]
    seed: u64,
    /// Of each slice, without its warm-up
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Before a slice counts; connections begin one after the other within it. Streams: as long as one, if not given
    #[arg(long)]
    warm_up: Option<f64>,
    #[arg(long, default_value_t = 5)]
    slices: u32,
    #[arg(long)]
    stream: bool,
    #[arg(long, default_value_t = 50)]
    chunks: u32,
    #[arg(long, default_value_t = 20.0)]
    interval_ms: f64,
    #[arg(long, default_value_t = 0.0)]
    delay_ms: f64,
    #[arg(long, default_value_t = 1024)]
    prompt_bytes: usize,
    #[arg(long, default_value_t = 64)]
    max_tokens: usize,
    /// Processes of the server, whose children count too
    #[arg(long)]
    pid: Vec<u32>,
    /// Where the figures go; "-" is standard output, without the table
    #[arg(long)]
    json: Option<PathBuf>,
    /// Ends with 1 if any request failed
    #[arg(long)]
    strict: bool,
}

impl Args {
    fn wanted(&self) -> anyhow::Result<Wanted> {
        let milliseconds = |value: f64| Duration::try_from_secs_f64(value / 1e3).context("a time is negative");
        let (interval, delay) = (milliseconds(self.interval_ms)?, milliseconds(self.delay_ms)?);
        Ok(Wanted { is_stream: self.stream, chunks: self.chunks, interval, delay })
    }

    fn target(&self, url: &str, is_direct: bool) -> anyhow::Result<Rc<Target>> {
        let question = Question {
            model: if is_direct { self.direct_model.clone() } else { self.model.clone() },
            key: self.key.clone().filter(|_| !is_direct),
            headers: if is_direct { Vec::new() } else { self.header.clone() },
            prompt_bytes: self.prompt_bytes,
            max_tokens: self.max_tokens,
            wanted: self.wanted()?,
        };
        Ok(Rc::new(Target::new(url, &question, self.seed)?))
    }

    /// The slice with this number.
    fn slice(&self, number: u32) -> anyhow::Result<Slice> {
        let one_stream_s = f64::from(self.chunks) * self.interval_ms / 1e3;
        let warm_up = self.warm_up.unwrap_or(if self.stream { one_stream_s } else { 0.2 });
        let seed = self.seed.wrapping_add(u64::from(number));
        let pace = self.rate.map_or(Pace::Closed, |rate| Pace::Open { rate, spacing: self.arrivals, seed });
        let (warm_up, measured) = (Duration::try_from_secs_f64(warm_up)?, Duration::try_from_secs_f64(self.seconds)?);
        Ok(Slice { pace, connections: self.connections.max(1), warm_up, measured })
    }
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure(&args))
}

async fn measure(args: &Args) -> anyhow::Result<()> {
    let mut result = header("load", args.seed);
    hide_key(&mut result, args);
    let target = args.target(&args.url, false)?;
    let direct = args.direct.as_ref().map(|url| args.target(url, true)).transpose()?;
    let processes = Processes::tree(&args.pid);
    let (mut through, mut beside, mut used) = (Tally::default(), Tally::default(), Usage::default());
    for number in 0..args.slices.max(1) {
        let slice = args.slice(number)?;
        let before = processes.usage();
        through.merge(&run(&target, &slice).await?);
        let after = processes.usage();
        used = Usage { cpu: used.cpu + after.cpu.saturating_sub(before.cpu), ..after };
        if let Some(direct) = &direct {
            beside.merge(&run(direct, &slice).await?);
        }
    }
    let measured = figures(&through, (!processes.is_empty()).then_some(used));
    let mut rows = vec![("measured".to_owned(), measured.clone())];
    if direct.is_some() {
        let direct = figures(&beside, None);
        result["added"] = added(&measured, &direct);
        result["direct"] = direct.clone();
        rows.push(("direct".to_owned(), direct));
    }
    result["measured"] = measured;
    tell(args, &rows, &result)?;
    let failed = through.failed() + beside.failed();
    anyhow::ensure!(!args.strict || failed == 0, "{failed} requests failed");
    Ok(())
}

/// A result may be shown to anybody.
fn hide_key(result: &mut Value, args: &Args) {
    if let (Some(key), Some(command)) = (&args.key, result["command"].as_str()) {
        result["command"] = json!(command.replace(key.as_str(), "$SHEKARA_API_KEY"));
    }
}

fn tell(args: &Args, rows: &[(String, Value)], result: &Value) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(result)? + "\n";
    let mut output = std::io::stdout().lock();
    match &args.json {
        Some(path) if path.as_os_str() == "-" => return Ok(write!(output, "{text}")?),
        Some(path) => std::fs::write(path, &text).with_context(|| format!("failed to write {}", path.display()))?,
        None => {}
    }
    write!(output, "{}", table(rows))?;
    if result["added"].is_object() {
        writeln!(output, "added      {}", result["added"])?;
    }
    Ok(())
}
