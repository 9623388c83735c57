//! A target of a route, with how and for what it is asked there.

use std::sync::Arc;

use super::{Asker, Deployment, Needs, Standing, Target};
use crate::config::{Ability, Price, TargetSettings};

/// Prices are for so many.
const TOKENS_OF_A_PRICE: u128 = 1_000_000;

#[derive(Debug, Clone)]
pub struct Candidate {
    pub target: Target,
    pub weight: u32,
    pub settings: Arc<TargetSettings>,
}

impl Candidate {
    pub fn deployment(&self) -> &Deployment {
        self.target.deployment()
    }

    /// Something that the request needs and this target lacks.
    pub(super) fn lack(&self, needs: &Needs) -> Option<Ability> {
        self.settings.lacks.iter().copied().find(|ability| needs.includes(*ability))
    }

    pub fn takes(&self, needs: &Needs, asker: Asker<'_>) -> bool {
        self.settings.when.holds(needs, asker)
    }

    /// A likely cost, for comparison alone: that of a batch's request at a minute of the day, or of any other. What is in
    /// this process costs nothing unless its price is set; elsewhere it may be unknown.
    pub(super) fn cost(&self, needs: &Needs, batch_minute: Option<u16>) -> Option<u128> {
        let own = self.deployment().is_engine().then_some(Price { prompt: 0, completion: 0 });
        let usual = needs.cost(self.settings.price.or(own)?).saturating_mul(1_000);
        let terms = self.settings.batch.as_ref().zip(batch_minute);
        Some(match terms.filter(|(terms, minute)| terms.hold(*minute)) {
            Some((terms, _)) => usual / 1_000 * u128::from(terms.price_permille),
            None => usual,
        })
    }

    /// Whether its context is known to be too short.
    pub(super) fn is_too_short(&self, needs: &Needs) -> bool {
        self.settings.context_tokens.is_some_and(|context_tokens| !needs.fits_in(context_tokens))
    }

    /// Whether its context is known to be longer than another's.
    pub fn is_longer_than(&self, other: &Self) -> bool {
        let length = |candidate: &Self| candidate.settings.context_tokens;
        length(self).zip(length(other)).is_some_and(|(own, others)| own > others)
    }

    /// Whether it has as much to do as it should.
    pub(super) fn overflows(&self, standing: Standing) -> bool {
        let TargetSettings { overflow_in_flight, overflow_per_minute, .. } = &*self.settings;
        overflow_in_flight.is_some_and(|most| standing.in_flight >= most)
            || overflow_per_minute.is_some_and(|most| standing.requests_last_minute >= most)
    }

    /// Whether one more request finds room, in its bounds and in its day.
    pub fn has_room(&self, standing: Standing) -> bool {
        !self.overflows(standing) && !self.is_spent(standing)
    }

    pub(super) fn is_spent(&self, standing: Standing) -> bool {
        let TargetSettings { tokens_per_day, micro_usd_per_day, price, .. } = &*self.settings;
        tokens_per_day.is_some_and(|budget| standing.today.tokens() >= budget)
            || micro_usd_per_day
                .zip(*price)
                .is_some_and(|(budget, price)| standing.today.cost(price) >= u128::from(budget) * TOKENS_OF_A_PRICE)
    }
}
