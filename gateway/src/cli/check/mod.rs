//! `shekara check`: every route of a running gateway is sent a normal, a streamed, a tool and a long request, and the
//! table says who answered, how soon, in which shape, and what is odd.

mod against;
mod print;
mod questions;
mod row;
mod targets;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};

use super::output;
use super::probe::Environment;
use crate::config::{Config, DEFAULT_PATH, load};
use crate::egress::install_tls;
use crate::secrets::SecretSource;
use questions::{Lengths, Question};
use row::Row;

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The gateway. Unset: the address in the configuration.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Where its application key is: env:NAME or file:/path.
    #[arg(long, default_value = "env:SHEKARA_API_KEY", value_name = "SOURCE")]
    key: SecretSource,
    /// Ask this route or provider/model alone; may stand several times. Unset: all that /v1/models lists.
    #[arg(long, value_name = "NAME")]
    route: Vec<String>,
    /// Ask another environment the same and print what differs.
    #[arg(long, value_name = "URL")]
    against: Option<String>,
    /// Where the other environment's key is. Unset: the same key.
    #[arg(long, value_name = "SOURCE", requires = "against")]
    against_key: Option<SecretSource>,
    /// About how many tokens the long prompt has.
    #[arg(long, default_value_t = 4_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
    long_tokens: u32,
    /// Longest answer, in tokens.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=100_000), value_name = "N")]
    max_tokens: u32,
    /// How long one request may take.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3_600), value_name = "SECONDS")]
    timeout_s: u64,
    /// More routes than this are refused: each request is really answered and may cost money.
    #[arg(long, default_value_t = 100, value_name = "N")]
    max_routes: usize,
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(path: Option<&Path>, args: CheckArgs) -> anyhow::Result<()> {
    install_tls();
    // One that only happens to lie here says nothing of a gateway elsewhere.
    let is_meant = path.is_some() || (args.url.is_none() && Path::new(DEFAULT_PATH).exists());
    let config = if is_meant { Some(load(path)?.config) } else { None };
    let url = match (&args.url, &config) {
        (Some(url), _) => url.clone(),
        (None, Some(config)) => own_url(config)?,
        (None, None) => "http://127.0.0.1:8080".to_owned(),
    };
    let timeout = Duration::from_secs(args.timeout_s);
    let lengths = Lengths { long_prompt: args.long_tokens, answer: args.max_tokens };
    let key = args.key.resolve().context("--key")?;
    let here = Environment::new(&url, key.clone(), timeout).context("--url")?;
    let there = match &args.against {
        Some(url) => {
            let key = args.against_key.as_ref().map_or(Ok(key), SecretSource::resolve).context("--against-key")?;
            Some(Environment::new(url, key, timeout).context("--against")?)
        }
        None => None,
    };
    let (routes, rows) = check(&here, &args, lengths).await?;
    let targets = match &config {
        Some(config) => targets::compare(&here, config, &routes, lengths).await,
        None => Vec::new(),
    };
    let mut failed = rows.iter().chain(targets.iter().map(|row| &row.answer)).filter(|row| !row.ok).count();
    let mut report = json!({ "url": here.url(), "routes": rows, "targets": targets });
    if let Some(there) = &there {
        let (_, other) = check(there, &args, lengths).await.context("--against")?;
        let pairs = against::pairs(&rows, &other);
        failed += other.iter().filter(|row| !row.ok).count();
        failed += pairs.iter().filter(|pair| pair.differences.iter().any(|one| one.what == "request")).count();
        report["against"] = json!({ "url": there.url(), "pairs": pairs, "routes": other });
        if !args.json {
            print::pairs(&pairs, there.url());
        }
    } else if !args.json {
        print::rows(&rows);
        print::targets(&targets);
    }
    report["failed"] = json!(failed);
    if args.json {
        output::line(&report.to_string());
    }
    anyhow::ensure!(failed == 0, "{failed} requests failed");
    Ok(())
}

/// What listens on every address is reached at the loopback one.
fn own_url(config: &Config) -> anyhow::Result<String> {
    let mut address = config.listen;
    anyhow::ensure!(address.port() != 0, "[server] listen has no port of its own: --url says where the gateway is");
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    Ok(format!("http://{address}"))
}

async fn check(
    environment: &Environment,
    args: &CheckArgs,
    lengths: Lengths,
) -> anyhow::Result<(Vec<String>, Vec<Row>)> {
    let listed = list(environment).await?;
    let routes = if args.route.is_empty() { listed } else { args.route.clone() };
    anyhow::ensure!(!routes.is_empty(), "{} serves no model", environment.url());
    let (count, most) = (routes.len(), args.max_routes);
    anyhow::ensure!(count <= most, "there are {count} routes: --route names some, --max-routes takes more than {most}");
    let mut rows = Vec::new();
    for route in &routes {
        rows.extend(check_route(environment, route, lengths).await);
    }
    Ok((routes, rows))
}

async fn list(environment: &Environment) -> anyhow::Result<Vec<String>> {
    let url = environment.url();
    let answer = environment.list("/v1/models").await.with_context(|| format!("failed to ask {url}"))?;
    anyhow::ensure!(answer.status != 401, "{url} does not know the key");
    anyhow::ensure!(answer.status == 200, "{url}/v1/models answers with {}", answer.status);
    let body = answer.json().unwrap_or_default();
    let models = body.get("data").and_then(Value::as_array).with_context(|| format!("{url}/v1/models is no list"))?;
    Ok(models.iter().filter_map(|model| model.get("id").and_then(Value::as_str)).map(str::to_owned).collect())
}

/// What kind of model it is shows in what it refuses.
async fn check_route(environment: &Environment, route: &str, lengths: Lengths) -> Vec<Row> {
    let ask = |question| Row::ask(environment, route, question, lengths);
    let normal = ask(Question::Normal).await;
    if normal.is_refused() {
        let embedding = ask(Question::Embedding).await;
        if !embedding.is_refused() {
            return vec![embedding];
        }
        let rerank = ask(Question::Rerank).await;
        if !rerank.is_refused() {
            return vec![rerank];
        }
        if [&normal, &embedding, &rerank].iter().all(|row| row.is_of_another_kind()) {
            return vec![Row::of_another_kind(route)];
        }
    }
    let mut rows = vec![normal];
    for question in &Question::OF_CHAT[1..] {
        rows.push(ask(*question).await);
    }
    rows
}
