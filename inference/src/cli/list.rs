//! `models list`.

use std::io::Write;

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};
use shekara_inference::catalog::scan;
use shekara_inference::hub::Manifest;

use super::ModelsArgs;
use super::available::write_available;
use super::inspection::{inspect, inspect_adapters};

#[derive(Args)]
pub struct ListArgs {
    #[command(flatten)]
    models: ModelsArgs,
    /// The well-known models that `pull` has short names for
    #[arg(long)]
    available: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl ListArgs {
    pub fn run(&self) -> anyhow::Result<()> {
        let mut output = std::io::stdout().lock();
        if self.available {
            return write_available(&mut output, self.json);
        }
        let directory = &self.models.models_dir;
        let found = scan(directory).with_context(|| format!("failed to read {}", directory.display()))?;
        let manifest = Manifest::read(directory).unwrap_or_else(|error| {
            tracing::warn!("{}", with_causes(&error));
            Manifest::default()
        });
        let models: Vec<Value> = found
            .iter()
            .flat_map(|candidate| {
                let mut model = match inspect(&candidate.path) {
                    Ok(found) => json!({"id": candidate.id, "status": "ok", "architecture": found.architecture,
                        "context": found.context}),
                    Err(reason) => json!({"id": candidate.id, "status": "broken", "reason": reason}),
                };
                if let Some(record) = manifest.record(&candidate.id) {
                    let bytes: u64 = record.files.iter().map(|file| file.size).sum();
                    model["source"] = json!(record.source);
                    model["revision"] = json!(record.revision);
                    model["licence"] = json!(record.licence);
                    model["bytes"] = json!(bytes);
                }
                let adapters = inspect_adapters(&candidate.id, &candidate.path);
                let adapters = adapters.into_iter().map(|(id, result)| match result {
                    Ok(found) => json!({"id": id, "status": "ok", "parent": candidate.id, "rank": found.rank,
                        "bytes": found.bytes}),
                    Err(reason) => json!({"id": id, "status": "broken", "parent": candidate.id, "reason": reason}),
                });
                std::iter::once(model).chain(adapters).collect::<Vec<_>>()
            })
            .collect();
        if self.json {
            writeln!(output, "{:#}", json!({"models": models}))?;
        } else {
            for model in &models {
                writeln!(output, "{}", line(model))?;
            }
        }
        Ok(())
    }
}

/// Id, status and what it is, apart by tabs.
fn line(model: &Value) -> String {
    let text = |key: &str| model[key].as_str().unwrap_or_default();
    let mut line = match text("reason") {
        "" if model["rank"].is_u64() => format!("{}\tok\tadapter of rank {}", text("id"), model["rank"]),
        "" => format!("{}\tok\t{}, context {}", text("id"), text("architecture"), model["context"]),
        reason => format!("{}\tbroken\t{reason}", text("id")),
    };
    if !text("source").is_empty() {
        let revision: String = text("revision").chars().take(12).collect();
        line.extend(["\t", text("source"), "@", &revision]);
    }
    line
}

/// An error with its causes, in one line.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.extend([": ", error.to_string().trim_end()]);
        cause = error.source();
    }
    text
}
