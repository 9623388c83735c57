//! What one request asks for before it is sent, and what it has used when it is over.

use std::sync::Arc;

use super::limit::Limits;
use super::scope::{Level, PerLevel, Sum};
use crate::billing::Tenge;

/// More of anything is as good as this, which a double holds exactly: Redis counts in doubles.
pub(crate) const MAX_AMOUNT: u64 = (1 << 53) - 1;

/// One level of a claim: a name that is unique there, and what may be used under it at this moment.
#[derive(Debug, Clone, Copy)]
pub struct Bound<'a> {
    pub name: &'a Arc<str>,
    pub limits: &'a Arc<Limits>,
}

/// One request, with what it may use at the most. All of it is let through at every level, or none.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    pub key: Option<Bound<'a>>,
    pub project: Option<Bound<'a>>,
    pub customer: Option<Bound<'a>>,
    pub tokens: u64,
    /// Nothing where the request is free whatever it uses: then no budget is looked at.
    pub cost: Option<Tenge>,
}

impl<'a> Claim<'a> {
    pub(crate) fn bounds(&self) -> PerLevel<(Level, Bound<'a>)> {
        [
            self.key.map(|bound| (Level::Key, bound)),
            self.project.map(|bound| (Level::Project, bound)),
            self.customer.map(|bound| (Level::Customer, bound)),
        ]
    }

    /// The same claim under other limits.
    pub(crate) fn under<'b>(&self, limits: &'b PerLevel<Arc<Limits>>) -> Claim<'b>
    where
        'a: 'b,
    {
        let bound = |bound: Option<Bound<'a>>, level: Level| -> Option<Bound<'b>> {
            bound.zip(limits[level as usize].as_ref()).map(|(bound, limits)| Bound { name: bound.name, limits })
        };
        Claim {
            key: bound(self.key, Level::Key),
            project: bound(self.project, Level::Project),
            customer: bound(self.customer, Level::Customer),
            tokens: self.tokens,
            cost: self.cost,
        }
    }

    pub(crate) fn amounts(&self) -> Amounts {
        Amounts {
            tokens: self.tokens.min(MAX_AMOUNT),
            tiyn: self.cost.map_or(0, whole_tiyn),
            is_free: self.cost.is_none(),
        }
    }
}

/// What a request has used. What is not known counts as it was estimated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    pub tokens: Option<u64>,
    pub cost: Option<Tenge>,
}

impl Used {
    pub(crate) fn or(self, estimated: Amounts) -> Amounts {
        Amounts {
            tokens: self.tokens.map_or(estimated.tokens, |tokens| tokens.min(MAX_AMOUNT)),
            tiyn: self.cost.map_or(estimated.tiyn, whole_tiyn),
            is_free: estimated.is_free,
        }
    }
}

/// Tokens and money of one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Amounts {
    pub(crate) tokens: u64,
    pub(crate) tiyn: u64,
    pub(crate) is_free: bool,
}

impl Amounts {
    pub(crate) const NOTHING: Self = Self { tokens: 0, tiyn: 0, is_free: false };

    /// The part of it that goes into a sum.
    pub(crate) fn of(self, sum: Sum) -> u64 {
        if sum == Sum::TokensOfDay { self.tokens } else { self.tiyn }
    }

    /// Whether the sum has to have room for it.
    pub(crate) fn concerns(self, sum: Sum) -> bool {
        sum == Sum::TokensOfDay || !self.is_free
    }
}

/// Less than nothing is nothing.
pub(crate) fn whole_tiyn(tenge: Tenge) -> u64 {
    u64::try_from(tenge.tiyn()).unwrap_or(0).min(MAX_AMOUNT)
}

/// The other way round.
pub(crate) fn tenge(tiyn: u64) -> Tenge {
    Tenge::from_tiyn(i64::try_from(tiyn).unwrap_or(i64::MAX))
}
