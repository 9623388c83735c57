//! A tally as figures, and figures as a table.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::tally::Times;
use super::{Tally, Usage};
use crate::round;

const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999)];

/// What a tally says, and what its processes used meanwhile.
pub fn figures(tally: &Tally, used: Option<Usage>) -> Value {
    let mut figures = json!({
        "answered": tally.answered,
        "requests_per_s": round(tally.answered as f64 / tally.measured_s.max(f64::MIN_POSITIVE)),
        "errors": tally.errors, "measured_s": round(tally.measured_s),
        "total_us": quantiles(&tally.total), "first_us": quantiles(&tally.first),
    });
    if tally.late.count() > 0 {
        figures["late_us"] = quantiles(&tally.late);
    }
    if tally.chunks > 0 {
        figures["chunks_per_s"] = json!(round(tally.chunks as f64 / tally.measured_s));
        figures["between_us"] = quantiles(&tally.between);
        figures["transit_us"] = quantiles(&tally.transit);
    }
    if let Some(used) = used {
        let cpu_s = used.cpu.as_secs_f64();
        figures["resident_mb"] = json!(round(used.resident_bytes as f64 / 1e6));
        figures["peak_mb"] = json!(round(used.peak_bytes as f64 / 1e6));
        figures["cpu_s"] = json!(round(cpu_s));
        let each = |count: u64, unit: f64| json!((count > 0).then(|| round_finely(cpu_s * unit / count as f64)));
        figures["cpu_ms_per_request"] = each(tally.served, 1e3);
        figures["cpu_us_per_chunk"] = each(tally.served_chunks, 1e6);
    }
    figures
}

/// To a ten-thousandth: requests cost hundredths of a millisecond.
fn round_finely(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// What stands between the caller and the upstream, by their figures: differences of the same quantile.
pub fn added(through: &Value, direct: &Value) -> Value {
    let mut added = Map::new();
    for part in ["total_us", "first_us", "transit_us"] {
        let difference = |name: &str| Some(round(through[part][name].as_f64()? - direct[part][name].as_f64()?));
        let differences = QUANTILES.iter().filter_map(|(name, _)| Some(((*name).to_owned(), json!(difference(name)?))));
        let differences: Map<String, Value> = differences.collect();
        if !differences.is_empty() {
            added.insert(part.to_owned(), Value::Object(differences));
        }
    }
    Value::Object(added)
}

fn quantiles(times: &Times) -> Value {
    let mut values = Map::new();
    for (name, quantile) in QUANTILES {
        values.insert(name.to_owned(), json!(times.quantile_us(quantile).map(round)));
    }
    values.insert("max".to_owned(), json!(times.max_us().map(round)));
    values.insert("count".to_owned(), json!(times.count()));
    Value::Object(values)
}

/// For people. `measured` is a list of names and their figures.
pub fn table(measured: &[(String, Value)]) -> String {
    let mut text = format!(
        "{:<10} {:>10} {:>7} {:>10} {:>10} {:>10} {:>10}\n",
        "", "requests/s", "errors", "p50 us", "p90 us", "p99 us", "p99.9 us"
    );
    for (name, figures) in measured {
        let errors: u64 =
            figures["errors"].as_object().into_iter().flat_map(Map::values).filter_map(Value::as_u64).sum();
        // Writing to a string cannot fail.
        let _ = write!(text, "{name:<10} {:>10} {errors:>7}", figures["requests_per_s"]);
        row(&mut text, &figures["total_us"]);
        for part in ["first_us", "between_us", "transit_us", "late_us"] {
            if figures[part]["count"].as_u64().unwrap_or(0) > 0
                && (part != "first_us" || figures["chunks_per_s"].is_number())
            {
                let _ = write!(text, "  {part:<27}");
                row(&mut text, &figures[part]);
            }
        }
        if figures["cpu_s"].is_number() {
            let _ = writeln!(
                text,
                "  {} s of processor, {} ms a request, {} MB resident, {} MB at most",
                figures["cpu_s"], figures["cpu_ms_per_request"], figures["resident_mb"], figures["peak_mb"]
            );
        }
    }
    text
}

fn row(text: &mut String, quantiles: &Value) {
    for (name, _) in QUANTILES {
        let _ = write!(text, " {:>10}", quantiles[name]);
    }
    text.push('\n');
}
