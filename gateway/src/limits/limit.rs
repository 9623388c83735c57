//! What may be used: limits of a key, a project or a customer, as they are written and kept.
//!
//! What is not named has no limit. Zero is no limit but a mistake, and is refused; only a budget of nothing has a
//! meaning: whatever costs something is refused.

use std::num::{NonZeroU32, NonZeroU64};

use serde::{Deserialize, Serialize};

use super::amount;
use super::scope::{Period, Sum};
use crate::billing::Tenge;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<NonZeroU64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_day: Option<NonZeroU64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent_requests: Option<NonZeroU32>,
    #[serde(skip_serializing_if = "Budgets::is_empty")]
    pub budgets: Budgets,
}

/// One amount for one period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    pub period: Period,
    #[serde(with = "amount")]
    pub tenge: Tenge,
    /// Nothing is sent beyond it. One that is not hard only tells.
    pub hard: bool,
    /// Percent of it at which an operator is told, once in a period.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alert_at_percent: Vec<u8>,
}

/// At most one for each period, none below zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Budget>", into = "Vec<Budget>")]
pub struct Budgets(Vec<Budget>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadBudget {
    #[error("there are two budgets for the same period")]
    Twice,
    #[error("a budget is less than nothing")]
    Negative,
    #[error("an alert at 0 percent would be told before anything was used")]
    AtNothing,
}

impl TryFrom<Vec<Budget>> for Budgets {
    type Error = BadBudget;

    fn try_from(mut budgets: Vec<Budget>) -> Result<Self, BadBudget> {
        budgets.sort_by_key(|budget| budget.period);
        if budgets.windows(2).any(|pair| pair[0].period == pair[1].period) {
            return Err(BadBudget::Twice);
        }
        for budget in &mut budgets {
            if budget.tenge.is_negative() {
                return Err(BadBudget::Negative);
            }
            budget.alert_at_percent.sort_unstable();
            budget.alert_at_percent.dedup();
            if budget.alert_at_percent.first() == Some(&0) {
                return Err(BadBudget::AtNothing);
            }
        }
        Ok(Self(budgets))
    }
}

impl From<Budgets> for Vec<Budget> {
    fn from(budgets: Budgets) -> Self {
        budgets.0
    }
}

impl Budgets {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// By period, shortest first.
    pub fn as_slice(&self) -> &[Budget] {
        &self.0
    }

    /// The one that this sum is held against.
    pub(crate) fn of(&self, sum: Sum) -> Option<&Budget> {
        self.0.iter().find(|budget| Sum::of_budget(budget.period) == sum && sum != Sum::TokensOfDay)
    }
}

/// What a sum may be at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ceiling {
    pub(crate) most: u64,
    pub(crate) is_hard: bool,
}

impl Budget {
    /// In tiyn.
    pub(crate) fn ceiling(&self) -> Ceiling {
        Ceiling { most: u64::try_from(self.tenge.tiyn()).unwrap_or(0), is_hard: self.hard }
    }
}

impl Limits {
    /// Whether there is anything to hold a request against.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn ceiling(&self, sum: Sum) -> Option<Ceiling> {
        if sum == Sum::TokensOfDay {
            return self.tokens_per_day.map(|most| Ceiling { most: most.get(), is_hard: true });
        }
        self.budgets.of(sum).map(Budget::ceiling)
    }

    /// The share of one of so many gateways that cannot ask each other: rounded down, but at least one.
    #[must_use]
    pub fn divided(&self, gateways: NonZeroU32) -> Self {
        let narrow = |most: NonZeroU32| NonZeroU32::new(most.get() / gateways).unwrap_or(NonZeroU32::MIN);
        let wide =
            |most: NonZeroU64| NonZeroU64::new(most.get() / NonZeroU64::from(gateways)).unwrap_or(NonZeroU64::MIN);
        let mut budgets = self.budgets.clone();
        for budget in &mut budgets.0 {
            let tiyn = budget.tenge.tiyn();
            budget.tenge = Tenge::from_tiyn((tiyn / i64::from(gateways.get())).max(tiyn.min(1)));
        }
        Self {
            requests_per_minute: self.requests_per_minute.map(narrow),
            tokens_per_minute: self.tokens_per_minute.map(wide),
            tokens_per_day: self.tokens_per_day.map(wide),
            concurrent_requests: self.concurrent_requests.map(narrow),
            budgets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Limits, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn what_is_not_named_is_not_written() {
        assert_eq!(serde_json::to_string(&Limits::default()).unwrap(), "{}");
        assert!(read("{}").unwrap().is_empty());
        let json = "{\"requests_per_minute\":60,\"budgets\":[{\"period\":\"day\",\"tenge\":\"12.50\",\"hard\":true},\
                    {\"period\":\"total\",\"tenge\":\"0.00\",\"hard\":false,\"alert_at_percent\":[50,80]}]}";
        let limits = read(json).unwrap();
        assert_eq!(serde_json::to_string(&limits).unwrap(), json);
        assert_eq!(limits.ceiling(Sum::TiynOfDay), Some(Ceiling { most: 1_250, is_hard: true }));
        assert_eq!((limits.ceiling(Sum::TiynOfMonth), limits.ceiling(Sum::TokensOfDay)), (None, None));
    }

    #[test]
    fn mistakes_are_refused() {
        let day = "{\"period\":\"day\",\"tenge\":5,\"hard\":true}";
        for wrong in [
            "{\"requests_per_minute\":0}".to_owned(),
            "{\"requests\":1}".to_owned(),
            format!("{{\"budgets\":[{day},{day}]}}"),
            "{\"budgets\":[{\"period\":\"day\",\"tenge\":-5,\"hard\":true}]}".to_owned(),
            "{\"budgets\":[{\"period\":\"day\",\"tenge\":5,\"hard\":true,\"alert_at_percent\":[0]}]}".to_owned(),
            "{\"budgets\":[{\"period\":\"week\",\"tenge\":5,\"hard\":true}]}".to_owned(),
            "{\"budgets\":[{\"period\":\"day\",\"tenge\":5,\"hard\":true,\"soft\":true}]}".to_owned(),
        ] {
            assert!(read(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_share_is_rounded_down_but_never_nothing() {
        let json = "{\"requests_per_minute\":10,\"tokens_per_minute\":2,\"tokens_per_day\":9,\"concurrent_requests\":1,\
                    \"budgets\":[{\"period\":\"day\",\"tenge\":\"0.02\",\"hard\":true},\
                    {\"period\":\"month\",\"tenge\":0,\"hard\":true}]}";
        let share = read(json).unwrap().divided(NonZeroU32::new(3).unwrap());
        let expected = "{\"requests_per_minute\":3,\"tokens_per_minute\":1,\"tokens_per_day\":3,\
                        \"concurrent_requests\":1,\"budgets\":[{\"period\":\"day\",\"tenge\":\"0.01\",\"hard\":true},\
                        {\"period\":\"month\",\"tenge\":\"0.00\",\"hard\":true}]}";
        assert_eq!(serde_json::to_string(&share).unwrap(), expected);
    }
}
