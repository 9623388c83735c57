//! A comparison as JSON, as CSV, and as a table's rows.
//!
//! Differences are what the provider has more than the ledger. Dollars are exact decimals as texts.

use serde_json::{Map, Value, json};

use super::comparison::{Comparison, ComparisonLine, Metric};
use crate::billing::Usd;
use crate::csv::text_cell;

const SEPARATOR: char = ',';

impl Comparison {
    pub fn json(&self) -> Value {
        let last = self.until.yesterday().unwrap_or(self.until);
        json!({
            "object": "reconciliation",
            "provider": self.provider,
            "layout": self.layout,
            "from": self.from.to_string(),
            "until": last.to_string(),
            "data": self.lines.iter().map(ComparisonLine::json).collect::<Vec<_>>(),
            "beyond_tolerance": self.num_beyond(),
            "unknown_models": self.unknown_models,
            "skipped_lines": { "count": self.num_skipped, "first": self.skipped },
            "outside_the_days": self.num_outside,
        })
    }

    /// With a head.
    pub fn csv(&self) -> String {
        let names = Metric::ALL.map(Metric::as_str);
        let metrics =
            names.iter().flat_map(|name| ["ours", "theirs", "difference"].map(|whose| format!("{name}_{whose}")));
        let head = ["day", "model", "class", "estimated_share"].into_iter().map(str::to_owned);
        let mut text = head.chain(metrics).collect::<Vec<_>>().join(",");
        for line in &self.lines {
            text.push_str("\r\n");
            text.push_str(&line.cells(|text| text_cell(text, SEPARATOR)).join(","));
        }
        text.push_str("\r\n");
        text
    }
}

impl ComparisonLine {
    fn json(&self) -> Value {
        let mut line = Map::new();
        line.insert("day".into(), json!(self.day.to_string()));
        line.insert("model".into(), json!(self.model));
        line.insert("our_models".into(), json!(self.our_models));
        line.insert("their_models".into(), json!(self.their_models));
        line.insert("class".into(), json!(self.class));
        line.insert("estimated_share".into(), json!(self.estimated_share()));
        line.insert("explained_by_estimates".into(), json!(self.is_explained));
        line.insert("beyond_tolerance".into(), json!(self.is_beyond));
        line.insert("unpriced_calls".into(), json!(self.unpriced));
        for metric in Metric::ALL {
            let [ours, theirs, difference] =
                self.amounts(metric).map(|amount| amount.map(|amount| value(metric, amount)));
            line.insert(metric.as_str().into(), json!({ "ours": ours, "theirs": theirs, "difference": difference }));
        }
        Value::Object(line)
    }

    /// Day, model, class, share of estimated calls; of each metric ours, theirs and the difference, empty where it is not
    /// known.
    pub fn cells(&self, name: impl Fn(&str) -> String) -> [String; 19] {
        let mut cells: [String; 19] = std::array::from_fn(|_| String::new());
        cells[0] = self.day.to_string();
        cells[1] = name(&self.model);
        self.class.as_str().clone_into(&mut cells[2]);
        cells[3] = self.estimated_share().unwrap_or_default();
        for (metric, at) in Metric::ALL.into_iter().zip((4..).step_by(3)) {
            for (amount, at) in self.amounts(metric).into_iter().zip(at..) {
                cells[at] = amount.map(|amount| text(metric, amount)).unwrap_or_default();
            }
        }
        cells
    }

    fn amounts(&self, metric: Metric) -> [Option<i128>; 3] {
        let (ours, theirs) = (self.ours[metric as usize], self.theirs[metric as usize]);
        [Some(ours), theirs, theirs.map(|theirs| theirs - ours)]
    }

    /// Of our calls; none where there are none.
    fn estimated_share(&self) -> Option<String> {
        let calls = self.ours[Metric::Requests as usize];
        let thousandths = (i128::from(self.estimated_calls) * 1_000).checked_div(calls)?;
        Some(format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000))
    }
}

fn text(metric: Metric, amount: i128) -> String {
    if metric == Metric::Cost { Usd::from_pico(amount).to_string() } else { amount.to_string() }
}

fn value(metric: Metric, amount: i128) -> Value {
    match i64::try_from(amount) {
        Ok(number) if metric != Metric::Cost => json!(number),
        _ => json!(text(metric, amount)),
    }
}
