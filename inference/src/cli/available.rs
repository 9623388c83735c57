//! `models list --available`: the catalogue as a table.

use std::io::Write;

use serde_json::{Value, json};
use shekara_inference::hub::{KnownModel, KnownModels, WeightBits};

const GIB: f64 = (1u64 << 30) as f64;

const HEADINGS: [&str; 11] =
    ["NAME", "FOR", "PARAMS", "DOWNLOAD", "BF16", "Q8_0", "Q4_K", "CONTEXT", "KK RU", "LICENCE", "SOURCE"];

/// # Errors
/// If nobody reads any more.
pub fn write_available(output: &mut impl Write, as_json: bool) -> anyhow::Result<()> {
    let catalogue = KnownModels::load();
    if as_json {
        let models: Result<Vec<Value>, serde_json::Error> = catalogue.all().iter().map(entry).collect();
        writeln!(output, "{:#}", json!({"models": models?}))?;
        return Ok(());
    }
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(catalogue.all().iter().map(row));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEADINGS.len()).map(width).collect();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        writeln!(output, "{}", cells.join("  ").trim_end())?;
    }
    writeln!(
        output,
        "\nMemory in GiB for weights and a tenth more, the cache on top; all figures approximate. KK, RU: Kazakh, Russian \
         named by its card.\n*: its terms must be accepted on the hub first. -: not served by this version; --json says why."
    )?;
    Ok(())
}

fn entry(model: &KnownModel) -> Result<Value, serde_json::Error> {
    let mut entry = serde_json::to_value(model)?;
    entry["memory_bytes"] = json!({
        "bf16": model.memory_bytes(WeightBits::Bf16),
        "q8_0": model.memory_bytes(WeightBits::Q8_0),
        "q4_k": model.memory_bytes(WeightBits::Q4K),
    });
    Ok(entry)
}

fn row(model: &KnownModel) -> [String; 11] {
    let gib = |bytes: u64| format!("{:.1}", bytes as f64 / GIB);
    let memory = |bits| gib(model.memory_bytes(bits));
    let mark = match (&model.not_yet, model.gated) {
        (Some(_), _) => " -",
        (None, true) => " *",
        (None, false) => "",
    };
    let languages = match (model.kazakh, model.russian) {
        (true, true) => "kk ru",
        (true, false) => "kk",
        (false, true) => "   ru",
        (false, false) => "",
    };
    [
        format!("{}{mark}", model.name),
        model.modality.name().to_owned(),
        parameters(model),
        gib(model.download_bytes),
        memory(WeightBits::Bf16),
        memory(WeightBits::Q8_0),
        memory(WeightBits::Q4K),
        if model.context >= 1024 { format!("{}k", model.context / 1024) } else { model.context.to_string() },
        languages.to_owned(),
        model.licence.clone(),
        model.source.clone(),
    ]
}

fn parameters(model: &KnownModel) -> String {
    let billions = |count: u64| format!("{:.1}B", count as f64 / 1e9);
    match model.active_parameters {
        Some(active) => format!("{} ({})", billions(model.parameters), billions(active)),
        None => billions(model.parameters),
    }
}
