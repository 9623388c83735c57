//! Whose use is bounded, and what of it is counted.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// In the order in which their counts are locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Key,
    Project,
    Customer,
}

/// Levels at which one request is bounded.
pub const LEVELS: usize = Level::ALL.len();

/// One thing per level.
pub(crate) type PerLevel<T> = [Option<T>; LEVELS];

impl Level {
    pub const ALL: [Self; 3] = [Self::Key, Self::Project, Self::Customer];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Project => "project",
            Self::Customer => "customer",
        }
    }
}

/// Names are unique at their level: a project is named together with its customer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    pub level: Level,
    pub name: Arc<str>,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.level.as_str(), self.name)
    }
}

/// How long a budget is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    Day,
    Month,
    /// It never ends.
    Total,
}

impl Period {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::Total => "total",
        }
    }
}

/// What a limit is about, as it stands in an answer's error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    RequestsPerMinute,
    TokensPerMinute,
    ConcurrentRequests,
    Sum(Sum),
}

impl Measure {
    pub(crate) const ALL: [Self; 7] = [
        Self::RequestsPerMinute,
        Self::TokensPerMinute,
        Self::ConcurrentRequests,
        Self::Sum(Sum::TokensOfDay),
        Self::Sum(Sum::TiynOfDay),
        Self::Sum(Sum::TiynOfMonth),
        Self::Sum(Sum::TiynEver),
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::RequestsPerMinute => "requests_per_minute",
            Self::TokensPerMinute => "tokens_per_minute",
            Self::ConcurrentRequests => "concurrent_requests",
            Self::Sum(Sum::TokensOfDay) => "tokens_per_day",
            Self::Sum(Sum::TiynOfDay) => "budget_day",
            Self::Sum(Sum::TiynOfMonth) => "budget_month",
            Self::Sum(Sum::TiynEver) => "budget_total",
        }
    }

    /// Money, and no rate: trying again soon helps nobody.
    pub fn is_budget(self) -> bool {
        matches!(self, Self::Sum(Sum::TiynOfDay | Sum::TiynOfMonth | Sum::TiynEver))
    }
}

/// What is added up over a period of the calendar. The ledger knows it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sum {
    TokensOfDay,
    TiynOfDay,
    TiynOfMonth,
    TiynEver,
}

pub(crate) const SUMS: usize = Sum::ALL.len();

impl Sum {
    pub const ALL: [Self; 4] = [Self::TokensOfDay, Self::TiynOfDay, Self::TiynOfMonth, Self::TiynEver];

    pub fn period(self) -> Period {
        match self {
            Self::TokensOfDay | Self::TiynOfDay => Period::Day,
            Self::TiynOfMonth => Period::Month,
            Self::TiynEver => Period::Total,
        }
    }

    pub fn of_budget(period: Period) -> Self {
        match period {
            Period::Day => Self::TiynOfDay,
            Period::Month => Self::TiynOfMonth,
            Period::Total => Self::TiynEver,
        }
    }
}
