//! `models verify`.

use std::io::Write;

use anyhow::{Context, bail};
use clap::Args;
use serde_json::{Value, json};
use shekara_inference::catalog::{Candidate, scan};
use shekara_inference::hub::{Manifest, check_files};

use super::ModelsArgs;
use super::inspection::{inspect, inspect_adapters};
use super::list::with_causes;

#[derive(Args)]
pub struct VerifyArgs {
    /// Only these models
    ids: Vec<String>,
    #[command(flatten)]
    models: ModelsArgs,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What was found out about one model.
struct Verdict {
    id: String,
    /// `models.toml` has its checksums.
    recorded: bool,
    result: Result<String, String>,
}

impl VerifyArgs {
    pub fn run(&self) -> anyhow::Result<()> {
        let directory = &self.models.models_dir;
        let mut found = scan(directory).with_context(|| format!("failed to read {}", directory.display()))?;
        let manifest = Manifest::read(directory).context("failed to verify")?;
        for record in manifest.records() {
            if !found.iter().any(|candidate| candidate.id == record.id) {
                found.push(Candidate { id: record.id.clone(), path: directory.join(&record.id) });
            }
        }
        if let Some(unknown) = self.ids.iter().find(|id| !found.iter().any(|candidate| candidate.id == **id)) {
            bail!("{} has no model {unknown}", directory.display());
        }
        found.retain(|candidate| self.ids.is_empty() || self.ids.contains(&candidate.id));
        found.sort_by(|a, b| a.id.cmp(&b.id));
        let mut output = std::io::stdout().lock();
        let mut verdicts = Vec::new();
        for candidate in &found {
            let verdict = verify(candidate, &manifest);
            if !self.json {
                writeln!(output, "{}", verdict.line())?;
            }
            verdicts.push(verdict);
            for (id, result) in inspect_adapters(&candidate.id, &candidate.path) {
                let result = result.map(|found| format!("adapter of rank {}", found.rank));
                let verdict = Verdict { id, recorded: false, result };
                if !self.json {
                    writeln!(output, "{}", verdict.line())?;
                }
                verdicts.push(verdict);
            }
        }
        let broken = verdicts.iter().filter(|verdict| verdict.result.is_err()).count();
        if self.json {
            let models: Vec<Value> = verdicts.iter().map(Verdict::json).collect();
            writeln!(output, "{:#}", json!({"models": models, "broken": broken}))?;
        }
        if broken > 0 {
            bail!("{broken} of {} models are broken", verdicts.len());
        }
        Ok(())
    }
}

fn verify(candidate: &Candidate, manifest: &Manifest) -> Verdict {
    let record = manifest.record(&candidate.id);
    let files = match &record {
        Some(_) if !candidate.path.is_dir() => {
            Err("it is recorded in models.toml, but its folder is missing".to_owned())
        }
        Some(record) => check_files(&candidate.path, record).map_err(|fault| with_causes(&fault)),
        None => Ok(()),
    };
    let result = files.and_then(|()| inspect(&candidate.path)).map(|found| found.architecture);
    Verdict { id: candidate.id.clone(), recorded: record.is_some(), result }
}

impl Verdict {
    fn line(&self) -> String {
        match &self.result {
            Ok(architecture) if self.recorded => format!("{}\tok\t{architecture}, checksums match", self.id),
            Ok(architecture) => format!("{}\tok\t{architecture}, no checksums recorded", self.id),
            Err(reason) => format!("{}\tbroken\t{reason}", self.id),
        }
    }

    fn json(&self) -> Value {
        match &self.result {
            Ok(architecture) => {
                json!({"id": self.id, "status": "ok", "architecture": architecture, "recorded": self.recorded})
            }
            Err(reason) => json!({"id": self.id, "status": "broken", "reason": reason, "recorded": self.recorded}),
        }
    }
}
