//! One line of the ledger: an attempt, who it was for, what it used and what it cost.
//!
//! One row for each call of a provider, the failed, repeated and unseen ones too. Names, numbers and codes alone: nothing
//! that a caller typed can stand in it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::audit::TryResult;
use crate::auth::DataClass;
use crate::billing::{Charge, Factor, Usage, UsageSource, wire};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRow {
    /// [`LedgerRow::id_of`]: the same attempt has the same row, however often it is written.
    pub id: String,
    pub request_id: String,
    /// From one on.
    pub attempt: u32,
    /// RFC 3339, UTC, milliseconds: when the attempt began.
    pub time: String,
    /// The operator's own, by which the rate was found and the month is closed.
    #[serde(with = "wire::day")]
    pub day: Date,
    /// The customer.
    pub tenant: String,
    pub department: Option<String>,
    pub project: String,
    pub key_id: String,
    pub environment: String,
    /// The label of a product or a scenario.
    pub scenario: Option<String>,
    pub route: Option<String>,
    pub provider: String,
    pub model: String,
    pub zone: String,
    pub data_class: DataClass,
    pub kind: AttemptKind,
    /// As the audit has it: `primary`, `fallback:timeout`.
    pub reason: String,
    pub outcome: TryResult,
    pub error_type: Option<String>,
    /// From the attempt's beginning to the first content of its answer.
    pub first_token_ms: Option<u64>,
    pub total_ms: Option<u64>,
    #[serde(flatten)]
    pub usage: Usage,
    pub usage_source: UsageSource,
    /// Absent where there is no price or no rate yet.
    pub charge: Option<Charge>,
    /// Why there is no charge: such a row is told to the operator.
    pub unpriced: Option<String>,
    /// What a price that comes later is multiplied by; absent is one. A charge has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<Factor>,
}

/// Why a provider was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttemptKind {
    /// The one that the route chose.
    First,
    /// The same one again.
    Retry,
    /// Another one, after a failure.
    Fallback,
    /// Another one, while the first kept silent.
    Hedge,
    /// A copy whose answer nobody sees.
    Shadow,
}

impl AttemptKind {
    /// By the reason of a `Try`; `is_repeated` is whether the call before it was of the same provider and model.
    pub fn of(reason: &str, is_repeated: bool) -> Self {
        match reason.split(':').next() {
            Some("shadow") => Self::Shadow,
            Some("hedge") => Self::Hedge,
            _ if is_repeated => Self::Retry,
            Some("fallback") => Self::Fallback,
            _ => Self::First,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Retry => "retry",
            Self::Fallback => "fallback",
            Self::Hedge => "hedge",
            Self::Shadow => "shadow",
        }
    }
}

impl LedgerRow {
    pub fn id_of(request_id: &str, attempt: u32) -> String {
        format!("{request_id}-{attempt}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::billing::{FxQuote, Tenge};

    fn row() -> LedgerRow {
        let fx =
            FxQuote { date: "2026-12-01".parse().unwrap(), rate: "512.34".parse().unwrap(), source: "nbk".to_owned() };
        let charge = Charge {
            usd: Some("0.0025".parse().unwrap()),
            tenge: Tenge::from_tiyn(128),
            price_version: "2026-11-22-0123abcd".to_owned(),
            fx: Some(fx),
            usage_source: UsageSource::Provider,
            factor: Factor::from_permille(500),
        };
        LedgerRow {
            id: LedgerRow::id_of("req_1", 2),
            request_id: "req_1".to_owned(),
            attempt: 2,
            time: "2026-11-30T19:00:00.000Z".to_owned(),
            day: "2026-12-01".parse().unwrap(),
            tenant: "acme".to_owned(),
            department: None,
            project: "chat".to_owned(),
            key_id: "key_1".to_owned(),
            environment: "prod".to_owned(),
            scenario: Some("helpdesk".to_owned()),
            route: Some("fast".to_owned()),
            provider: "openai".to_owned(),
            model: "gpt-6-sol".to_owned(),
            zone: "external".to_owned(),
            data_class: DataClass::Internal,
            kind: AttemptKind::Fallback,
            reason: "fallback:timeout".to_owned(),
            outcome: TryResult::Answered,
            error_type: None,
            first_token_ms: Some(120),
            total_ms: Some(900),
            usage: Usage { prompt_tokens: Some(1_000), completion_tokens: Some(50), ..Usage::default() },
            usage_source: UsageSource::Provider,
            charge: Some(charge),
            unpriced: None,
            factor: None,
        }
    }

    #[test]
    fn a_row_is_flat_and_read_again() {
        let row = row();
        let json = serde_json::to_value(&row).unwrap();
        assert_eq!((&json["id"], &json["day"]), (&"req_1-2".into(), &"2026-12-01".into()));
        assert_eq!((&json["prompt_tokens"], &json["kind"]), (&1_000.into(), &"fallback".into()));
        assert_eq!((&json["charge"]["tiyn"], &json["charge"]["usd"]), (&128.into(), &"0.0025".into()));
        assert_eq!(serde_json::from_value::<LedgerRow>(json).unwrap(), row);
    }

    #[test]
    fn a_row_without_a_charge_says_why() {
        let unpriced = Some("there is no price".to_owned());
        let row = LedgerRow { charge: None, unpriced, usage: Usage::default(), ..row() };
        let text = serde_json::to_string(&row).unwrap();
        assert_eq!(serde_json::from_str::<LedgerRow>(&text).unwrap(), row);
        // A charge that cannot be read is no missing charge.
        assert!(
            serde_json::from_str::<LedgerRow>(&text.replace("\"charge\":null", "\"charge\":{\"tiyn\":1}")).is_err()
        );
    }

    #[test]
    fn reasons_are_kinds_of_attempts() {
        for (reason, is_repeated, kind) in [
            ("primary", false, AttemptKind::First),
            ("weighted", true, AttemptKind::Retry),
            ("fallback:5xx", false, AttemptKind::Fallback),
            ("fallback:5xx", true, AttemptKind::Retry),
            ("hedge", false, AttemptKind::Hedge),
            ("shadow", false, AttemptKind::Shadow),
            ("breaker", false, AttemptKind::First),
        ] {
            assert_eq!(AttemptKind::of(reason, is_repeated), kind, "{reason}");
        }
    }
}
