//! What finding personal data costs: µs per KB on one core over ordinary and hostile texts, whole requests, and what
//! stays in memory after many conversations. Machines are shared, so times are those of this thread's own work, and
//! peers over the same text in the same run say how fast the machine was.
#![allow(clippy::type_complexity, clippy::needless_for_each, reason = "a bench reads as its table")]

use std::hint::black_box;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use clap::Parser;
use mimalloc::MiMalloc;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use shekara_benches::privacy_peers::{SeparateRegexes, presidio};
use shekara_benches::privacy_texts::{NamedText, Personal, chat, chat_request, hostile, json_rows, prose};
use shekara_benches::{header, load_average, median, process_bytes, round, save};
use shekara_gateway::auth::DataClass;
use shekara_gateway::pii::masking::{MaskingSecret, Span, Vault, VaultLimits};
use shekara_gateway::pii::{
    Detector, Entity, History, Masking, MaskingId, Policy, Scope, Screened, StickyConversations, TextSegment, Uploads,
    screen,
};

/// As in `shekara`.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const SEED: u64 = 20_261_122;
/// Conversations beyond what is kept.
const CONVERSATIONS: usize = 100_000;
const MARKS: usize = 10_000;

#[derive(Parser)]
struct Args {
    /// A Python that has presidio-analyzer, to be compared with
    #[arg(long)]
    presidio: Option<PathBuf>,
    /// Of each text, in milliseconds
    #[arg(long, default_value_t = 400)]
    budget_ms: u64,
    /// Size of the hostile texts
    #[arg(long, default_value_t = 64)]
    hostile_kb: usize,
    /// Requests of each kind
    #[arg(long, default_value_t = 2_000)]
    requests: usize,
    #[arg(long, default_value = "benches/results")]
    out: PathBuf,
    /// Of the parts of the bench only this one, with nothing saved
    #[arg(long)]
    only: Option<Part>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Ordinary,
    Hostile,
    Requests,
    Conversations,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut result = header("privacy", SEED);
    let detector = Detector::new()?;
    if let Some(part) = args.only {
        return one_part(&args, &detector, part);
    }
    let ordinary = ordinary();
    let (rows, per_kb) = ordinary_rows(&args, &detector, &ordinary)?;
    result["ordinary"] = json!(rows);
    result["ordinary_us_per_kb"] = json!(round(per_kb));
    result["hostile"] = json!(hostile_rows(&args, &detector)?);
    result["requests"] = json!(requests(&args, &detector)?);
    result["conversations"] = conversations()?;
    result["load_average_after"] = json!(load_average());
    say(&save(&args.out, "privacy", &result)?.display().to_string())
}

/// For a profile of one thing, or a second look at it.
fn one_part(args: &Args, detector: &Detector, part: Part) -> anyhow::Result<()> {
    match part {
        Part::Ordinary => ordinary_rows(args, detector, &ordinary()).map(drop),
        Part::Hostile => hostile_rows(args, detector).map(drop),
        Part::Requests => requests(args, detector).map(drop),
        Part::Conversations => conversations().map(drop),
    }
}

fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}

/// This thread's own work so far, in microseconds: what others do on the machine is not in it.
fn thread_us() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e6 + now.tv_nsec as f64 / 1e3
}

/// How long `work` takes in each of many turns, in microseconds.
fn turns(budget: Duration, mut work: impl FnMut()) -> Vec<f64> {
    const FEWEST: usize = 5;
    let end = thread_us() + budget.as_secs_f64() * 1e6;
    let mut taken = Vec::new();
    work();
    while taken.len() < FEWEST || thread_us() < end {
        let started = thread_us();
        work();
        taken.push(thread_us() - started);
    }
    taken
}

fn best(taken: &[f64]) -> f64 {
    taken.iter().copied().fold(f64::INFINITY, f64::min)
}

fn percentile(mut taken: Vec<f64>, percent: usize) -> f64 {
    taken.sort_by(f64::total_cmp);
    taken.get((taken.len() * percent / 100).min(taken.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn ordinary() -> Vec<NamedText> {
    let kinds: [(&str, fn(usize) -> String); 5] = [
        ("Russian", |bytes| prose("ru", bytes)),
        ("Kazakh", |bytes| prose("kk", bytes)),
        ("English", |bytes| prose("en", bytes)),
        ("chat with personal data", chat),
        ("JSON", json_rows),
    ];
    let texts = kinds.into_iter().flat_map(|(name, make)| {
        [1, 8, 64].map(|kb| NamedText { name: format!("{name}, {kb} KB"), text: make(kb << 10) })
    });
    texts.collect()
}

/// The rows, and what prose of 8 KB costs in µs per KB, on average over its languages.
fn ordinary_rows(args: &Args, detector: &Detector, texts: &[NamedText]) -> anyhow::Result<(Vec<Value>, f64)> {
    let structured = detector.structured();
    let regexes = SeparateRegexes::new()?;
    let sample: Vec<&str> =
        texts.iter().filter(|text| text.text.len() <= 8 << 10).map(|text| text.text.as_str()).collect();
    let presidio = args.presidio.as_ref().map(|python| presidio(python, &sample, 2)).transpose()?;
    let mut presidio_us = presidio.iter().flat_map(|(seconds, _)| seconds).map(|seconds| seconds * 1e6);
    say(&format!(
        "{:32} {:>19} {:>19} {:>10} {:>10}   µs per KB, median (best)",
        "", "structured", "everything", "34 regex", "Presidio"
    ))?;
    let mut rows = Vec::new();
    let mut prose_us = Vec::new();
    for NamedText { name, text } in texts {
        let kb = text.len() as f64 / 1024.0;
        let budget = Duration::from_millis(args.budget_ms);
        let scan = |detector: &Detector| turns(budget, || drop(black_box(detector.scan(&[segment(text)]))));
        let (values, everything) = (scan(&structured), scan(detector));
        let regex = turns(budget, || _ = black_box(regexes.count(text)));
        let presidio = (text.len() <= 8 << 10).then(|| presidio_us.next()).flatten().map(|us| us / kb);
        let (median_all, best_all) = (median(everything.clone()) / kb, best(&everything) / kb);
        let (median_values, best_values) = (median(values.clone()) / kb, best(&values) / kb);
        let median_regex = median(regex) / kb;
        let shown = presidio.map_or_else(String::new, |us| format!("{us:.0}"));
        say(&format!(
            "{name:32} {median_values:10.1} ({best_values:6.1}) {median_all:10.1} ({best_all:6.1}) {median_regex:10.1} \
             {shown:>10}"
        ))?;
        rows.push(json!({"text": name, "bytes": text.len(), "us_per_kb": {
            "structured_median": round(median_values), "structured_best": round(best_values),
            "median": round(median_all), "best": round(best_all),
            "separate_regexes": round(median_regex), "presidio_patterns": presidio.map(round)},
            "regexes_to_everything": round(median_regex / median_all)}));
        if !name.contains("chat") && !name.contains("JSON") && name.ends_with("8 KB") {
            prose_us.push(median_all);
        }
    }
    let count = prose_us.len().max(1) as f64;
    Ok((rows, prose_us.iter().sum::<f64>() / count))
}

fn segment(text: &str) -> TextSegment<'_> {
    TextSegment::new("/messages/0/content", text)
}

/// Hostile texts in turn with ordinary prose, so that both see the machine in the same state.
fn hostile_rows(args: &Args, detector: &Detector) -> anyhow::Result<Vec<Value>> {
    let mut texts = hostile(args.hostile_kb << 10);
    texts.push(NamedText { name: "one letter, 1 MB".to_owned(), text: "a".repeat(1 << 20) });
    texts.push(NamedText { name: "one Cyrillic letter, 1 MB".to_owned(), text: "я".repeat(1 << 19) });
    let prose: Vec<String> = ["ru", "kk", "en"].map(|language| prose(language, 8 << 10)).into();
    let kb_of = |text: &str| text.len() as f64 / 1024.0;
    let prose_kb: f64 = prose.iter().map(|text| kb_of(text)).sum();
    let scan = |text: &str| drop(black_box(detector.scan(&[segment(text)])));
    say(&format!("\n{:32} {:>10} {:>10}   µs per KB, and times ordinary prose", "hostile", "", ""))?;
    let mut rows = Vec::new();
    for NamedText { name, text } in &texts {
        let mut ratios = Vec::new();
        turns(Duration::from_millis(args.budget_ms / 2), || {
            let started = thread_us();
            scan(text);
            let between = thread_us();
            prose.iter().for_each(|text| scan(text));
            let per_kb = (between - started) / kb_of(text);
            ratios.push((per_kb / ((thread_us() - between) / prose_kb), per_kb));
        });
        let ratio = median(ratios.iter().map(|&(ratio, _)| ratio).collect());
        let us = median(ratios.iter().map(|&(_, us)| us).collect());
        say(&format!("{name:32} {us:10.1} {ratio:10.2}"))?;
        rows.push(json!({"text": name, "bytes": text.len(), "us_per_kb": round(us), "ratio": round(ratio)}));
    }
    Ok(rows)
}

fn requests(args: &Args, detector: &Detector) -> anyhow::Result<Vec<Value>> {
    let confining = Policy::default();
    let masking = Policy::default().masking();
    let secret = MaskingSecret::new([7; 32]);
    let vault = Vault::new(VaultLimits::default());
    say(&format!("\n{:32} {:>10} {:>10} {:>10}   µs per request of about 8 KB", "screen()", "p50", "p99", "bytes"))?;
    let mut rows = Vec::new();
    for (name, personal) in [
        ("nothing personal", Personal::Nothing),
        ("personal data, confined", Personal::Anything),
        ("personal data, masked", Personal::Maskable),
    ] {
        let masks = personal == Personal::Maskable;
        let text = chat_request(8 << 10, personal);
        let body = Bytes::from(text);
        let policy = if masks { &masking } else { &confining };
        let mut taken = Vec::with_capacity(args.requests);
        for index in 0..args.requests {
            let id = MaskingId::Known(secret.conversation("tenant", &index.to_string()));
            let masking = masks.then_some(Masking { secret: &secret, vault: Some(&vault), id, now_ms: 1 });
            let scope = Scope {
                declared: DataClass::Public,
                detector,
                policy,
                is_sticky: false,
                is_lost: false,
                is_unreadable: false,
                allows_unreadable: false,
                uploads: &Uploads::default(),
                masking,
            };
            let started = thread_us();
            let screened = black_box(screen(body.clone(), scope));
            taken.push(thread_us() - started);
            let is_cleared = matches!(screened, Ok(Screened::Cleared(_)));
            anyhow::ensure!(is_cleared == (personal != Personal::Anything), "{name}: not what was to be measured");
        }
        let (p50, p99) = (percentile(taken.clone(), 50), percentile(taken, 99));
        say(&format!("{name:32} {p50:10.0} {p99:10.0} {:10}", body.len()))?;
        rows.push(json!({"request": name, "bytes": body.len(), "p50_us": round(p50), "p99_us": round(p99)}));
    }
    Ok(rows)
}

/// What is kept of many conversations: never more than the bounds say.
fn conversations() -> anyhow::Result<Value> {
    let limits = VaultLimits { max_conversations: 10_000, max_bytes: 16 << 20, ..VaultLimits::default() };
    let secret = MaskingSecret::new([7; 32]);
    let vault = Vault::new(limits);
    let sticky = StickyConversations::new(MARKS, limits.ttl_ms);
    let mut steps = Vec::new();
    for index in 0..CONVERSATIONS {
        let id = secret.conversation("tenant", &index.to_string());
        let mut conversation = vault.open(&secret, id, 1);
        let value = format!("user{index}@mail.kz");
        let span = Span { entity: Entity::Email, range: 0..value.len() };
        conversation.mask_text(&value, &[span]).context("a masked text")?;
        vault.save(&mut conversation, 1).context("a kept conversation")?;
        let body = json!({"messages": [{"role": "user", "content": value}]}).to_string();
        sticky.mark(History::read(&Bytes::from(body), "tenant").own(), 1);
        if (index + 1) % (CONVERSATIONS / 10) == 0 {
            steps.push(json!({"conversations": index + 1, "in_vault": vault.num_conversations(),
                "vault_bytes": vault.bytes(), "marks": sticky.len(), "resident_bytes": process_bytes("VmRSS")}));
        }
    }
    say(&format!(
        "\nafter {CONVERSATIONS} conversations: {} in the vault ({} bytes; at most {} and {}), {} marks (at most {MARKS})",
        vault.num_conversations(),
        vault.bytes(),
        limits.max_conversations,
        limits.max_bytes,
        sticky.len()
    ))?;
    let is_bounded = vault.num_conversations() <= limits.max_conversations
        && vault.bytes() <= limits.max_bytes
        && sticky.len() <= MARKS;
    anyhow::ensure!(is_bounded, "more is kept than the bounds say");
    Ok(json!({"limits": {"max_conversations": limits.max_conversations, "max_bytes": limits.max_bytes, "marks": MARKS},
        "steps": steps}))
}
