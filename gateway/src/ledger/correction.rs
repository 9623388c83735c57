//! Rows that correct others. What is in the ledger stays as it was written: what turns out to be wrong or missing in a row
//! becomes a row beside it, under the same names, day and time, with what is to be added to it.
//!
//! Each is written in an act that says why, by whom, when, and by which file. A row gets an amount once: whoever gives a
//! second one writes nothing.

use jiff::civil::Date;
use serde::Serialize;

use crate::billing::{Factor, FxQuote, Tenge, Usage, UsageSource, Usd};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CorrectionKind {
    /// A price or a rate has come that was not known before.
    Price,
    /// Somebody has decided that it costs nothing.
    Zero,
    /// A provider's own bill says otherwise.
    Reconciliation,
}

impl CorrectionKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Price => "price",
            Self::Zero => "zero",
            Self::Reconciliation => "reconciliation",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Price, Self::Zero, Self::Reconciliation].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Why rows were corrected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CorrectionAct {
    pub id: String,
    pub kind: CorrectionKind,
    pub reason: String,
    pub made_by: String,
    pub made_at_ms: i64,
    pub provider: Option<String>,
    /// The provider's days in UTC: the first, and the one behind the last.
    pub from_day: Option<String>,
    pub until_day: Option<String>,
    pub file: Option<String>,
    /// SHA-256 of its bytes.
    pub file_hash: Option<String>,
}

/// What is to be added to a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    pub id: String,
    /// The row.
    pub corrects: String,
    pub prompt_tokens: i64,
    pub cached_prompt_tokens: i64,
    pub completion_tokens: i64,
    pub reasoning_tokens: i64,
    pub usd: Option<Usd>,
    pub tenge: Tenge,
    /// The row had no amount, and has one by this.
    pub settles: bool,
    pub price_version: Option<String>,
    pub factor: Option<Factor>,
    pub fx: Option<FxQuote>,
    /// Corrections that the row had when this one was made.
    pub seen: u64,
}

/// A correction as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CorrectionLine {
    pub id: String,
    pub corrects: String,
    pub day: String,
    pub tenant: String,
    pub project: String,
    pub provider: String,
    pub model: String,
    pub prompt_tokens: i64,
    pub cached_prompt_tokens: i64,
    pub completion_tokens: i64,
    pub usd: Option<Usd>,
    #[serde(rename = "tiyn")]
    pub tenge: Tenge,
    pub price_version: Option<String>,
    pub act: CorrectionAct,
}

/// A row with its corrections, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandingRow {
    pub id: String,
    /// RFC 3339, UTC.
    pub time: String,
    /// The operator's.
    pub day: Date,
    pub provider: String,
    pub model: String,
    /// Corrected.
    pub usage: Usage,
    pub source: UsageSource,
    pub usd: Option<Usd>,
    /// Absent where it has no amount yet.
    pub tenge: Option<Tenge>,
    pub fx: Option<FxQuote>,
    pub factor: Factor,
    pub total_ms: Option<u64>,
    pub num_corrections: u64,
}

/// What rows of one provider come to on one of its days, by model and by who counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderDay {
    /// In UTC.
    pub day: Date,
    pub model: String,
    pub source: UsageSource,
    pub calls: u64,
    pub prompt_tokens: i64,
    pub cached_prompt_tokens: i64,
    pub completion_tokens: i64,
    pub usd: Usd,
    /// Calls without an amount.
    pub unpriced: u64,
    /// Rows with an amount that is none in dollars: given by a decision, or by a price in tenge.
    pub undollared: u64,
}
