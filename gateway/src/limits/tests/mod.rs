//! The limiter as a whole, in memory.

mod model;
mod parallel;
mod rules;

use std::sync::Arc;

use super::*;

pub(super) const OFFSET: UtcOffset = UtcOffset::UTC;

pub(super) fn limits(json: &str) -> Arc<Limits> {
    Arc::new(serde_json::from_str(json).unwrap())
}

pub(super) fn name(text: &str) -> Arc<str> {
    Arc::from(text)
}

pub(super) fn scope(level: Level, text: &str) -> Scope {
    Scope { level, name: name(text) }
}

/// One request at the level of keys alone.
pub(super) fn claim<'a>(name: &'a Arc<str>, limits: &'a Arc<Limits>, tokens: u64, tiyn: i64) -> Claim<'a> {
    let cost = Some(crate::billing::Tenge::from_tiyn(tiyn));
    Claim { key: Some(Bound { name, limits }), project: None, customer: None, tokens, cost }
}

pub(super) fn used(tokens: u64, tiyn: i64) -> Used {
    Used { tokens: Some(tokens), cost: Some(crate::billing::Tenge::from_tiyn(tiyn)) }
}
