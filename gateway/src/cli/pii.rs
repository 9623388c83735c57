//! `shekara pii`: what the detector sees in a text and why, and whether the configuration's own recognisers do what
//! their examples say.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Subcommand;
use serde_json::{Value, json};

use super::output;
use crate::config::{Config, load};
use crate::pii::{Detector, Policy, ScanInput, ScanReport, TextSegment, report};
use crate::routing::{LocalModels, RoutingTable};

/// A longer line of a file of lines is refused.
const MAX_LINE_BYTES: usize = 64 << 20;

#[derive(Debug, Subcommand)]
pub(super) enum PiiCommand {
    /// Say what stands in a text: every span with its rule, word and score, and what was looked at and not taken.
    Scan {
        /// The text; `-` reads the standard input.
        file: PathBuf,
        /// One JSON object instead of a table.
        #[arg(long, conflicts_with = "jsonl")]
        json: bool,
        /// The file has one JSON object a line: {"text": …}, {"texts": [messages]} or {"request": body}, each with an
        /// optional "route". One object a line is printed.
        #[arg(long)]
        jsonl: bool,
        /// Ask the policy of this route.
        #[arg(long, value_name = "ALIAS")]
        route: Option<String>,
        /// Print the values themselves in the table.
        #[arg(long)]
        show: bool,
    },
    /// Try the examples of [[privacy.recognizers]]; ends with 1 when one does not hold.
    Test {
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(path: Option<&Path>, command: PiiCommand) -> anyhow::Result<()> {
    let config = load(path)?.config;
    let scanner = Scanner::new(&config)?;
    match command {
        PiiCommand::Scan { file, jsonl: true, route, .. } => scanner.lines(&file, route.as_deref()),
        PiiCommand::Scan { file, json, route, show, .. } => {
            let mut text = String::new();
            open(&file)?.read_to_string(&mut text).context("failed to read the text")?;
            let report = scanner.report(&ScanInput::of_text(text.clone()), route.as_deref())?;
            if json {
                output::line(&with_messages(&report)?.to_string());
            } else {
                print_table(&report, &text, show);
            }
            Ok(())
        }
        PiiCommand::Test { json } => test(&config, &scanner.detector, json),
    }
}

struct Scanner {
    detector: Detector,
    table: RoutingTable,
    policy: Policy,
}

impl Scanner {
    fn new(config: &Config) -> anyhow::Result<Self> {
        Ok(Self {
            detector: Detector::with(&config.privacy.recognizers, None)?,
            table: RoutingTable::new(config, LocalModels::default()),
            policy: Policy::default().overridden(&config.privacy.overrides),
        })
    }

    fn report(&self, input: &ScanInput, route: Option<&str>) -> anyhow::Result<ScanReport> {
        let policy = match input.route.as_deref().or(route) {
            Some(alias) => {
                let route = self.table.resolve(alias).with_context(|| format!("there is no route '{alias}'"))?;
                Policy::clone(&route.policy)
            }
            None => self.policy.clone(),
        };
        report(&input.body()?, &self.detector, &policy).map_err(|error| anyhow::anyhow!(error.message))
    }

    fn lines(&self, file: &Path, route: Option<&str>) -> anyhow::Result<()> {
        let mut reader = open(file)?;
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            let read = reader.by_ref().take(MAX_LINE_BYTES as u64).read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok(());
            }
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let input: ScanInput = serde_json::from_slice(&line)
                .map_err(|error| anyhow::anyhow!("line {number}, column {}: no such object", error.column()))?;
            let report = self.report(&input, route).with_context(|| format!("line {number}"))?;
            output::line(&with_messages(&report)?.to_string());
        }
        Ok(())
    }
}

fn open(file: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    if file == Path::new("-") {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    let opened = std::fs::File::open(file).with_context(|| format!("failed to open {}", file.display()))?;
    Ok(Box::new(BufReader::new(opened)))
}

/// The report with the number of the message beside each pointer.
fn with_messages(report: &ScanReport) -> anyhow::Result<Value> {
    let mut value = serde_json::to_value(report)?;
    for list in ["spans", "rejected"] {
        for span in value.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let pointer = span.get("pointer").and_then(Value::as_str).unwrap_or_default();
            let message =
                pointer.strip_prefix("/messages/").and_then(|rest| rest.split('/').next()?.parse::<u64>().ok());
            if let (Some(message), Some(fields)) = (message, span.as_object_mut()) {
                fields.insert("message".to_owned(), json!(message));
            }
        }
    }
    Ok(value)
}

fn print_table(report: &ScanReport, text: &str, show: bool) {
    let decision = serde_json::to_value(report.decision).ok();
    output::line(&format!(
        "decision: {}{}",
        decision.as_ref().and_then(Value::as_str).unwrap_or_default(),
        if report.complete { "" } else { " (the scan did not finish)" }
    ));
    let value = |start: usize, end: usize| {
        let found: String = text.chars().skip(start).take(end - start).collect();
        if show { format!("  {found:?}") } else { String::new() }
    };
    for span in &report.spans {
        let word = span.context.map_or_else(String::new, |word| format!(", word '{word}'"));
        let action = match span.action {
            Some(action) => format!("{action:?}").to_lowercase(),
            None => "below the threshold".to_owned(),
        };
        output::line(&format!(
            "{}-{}  {}  {} %  rule {}{word}  -> {action}{}",
            span.start,
            span.end,
            span.entity,
            span.score,
            span.rule,
            value(span.start, span.end)
        ));
    }
    for span in &report.rejected {
        output::line(&format!(
            "{}-{}  not {}: {} (rule {}){}",
            span.start,
            span.end,
            span.entity,
            span.reason,
            span.rule,
            value(span.start, span.end)
        ));
    }
}

fn test(config: &Config, detector: &Detector, json: bool) -> anyhow::Result<()> {
    let mut results = Vec::new();
    for examples in &config.privacy.examples {
        let lists = [("matches", &examples.matches, true), ("rejects", &examples.rejects, false)];
        for (list, texts, wanted) in lists {
            for (index, text) in texts.iter().enumerate() {
                let findings = detector.scan(&[TextSegment::new("", text.as_str())]);
                let is_found = findings.iter().any(|finding| finding.entity == examples.entity);
                results.push((examples.entity, list, index, is_found == wanted));
            }
        }
    }
    let failed = results.iter().filter(|(_, _, _, holds)| !holds).count();
    for (entity, list, index, holds) in &results {
        if json {
            let line = json!({ "entity": entity.as_str(), "list": list, "index": index, "holds": holds });
            output::line(&line.to_string());
        } else if !holds {
            let wrong = if *list == "matches" { "was not found" } else { "was found" };
            output::line(&format!("{entity}: {list}[{index}] {wrong}"));
        }
    }
    if !json {
        output::line(&format!(
            "{} examples of {} recognizers, {failed} failed",
            results.len(),
            config.privacy.examples.len()
        ));
    }
    anyhow::ensure!(failed == 0, "{failed} examples do not hold");
    Ok(())
}
