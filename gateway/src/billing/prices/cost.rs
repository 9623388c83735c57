//! What usage costs by a row of a price list: one sum of whole numbers, and at its end at most one rounding.
//!
//! Exact to a millionth of a millionth of a dollar. Prices of an hour of sound and factors can leave less than that; then
//! the whole sum is rounded, half to even, and no part of it before.

use std::num::NonZeroU64;

use super::price::Price;
use crate::billing::decimal::{self, TooLarge};
use crate::billing::dollars::Usd;
use crate::billing::factor::Factor;
use crate::billing::measure::{Measure, PARTS};
use crate::billing::usage::Usage;

/// Parts times the millionths of a factor.
const DIVISOR: NonZeroU64 = NonZeroU64::new(PARTS * 1_000_000).unwrap();
const WITHOUT_FACTOR: NonZeroU64 = NonZeroU64::new(PARTS).unwrap();

/// Why usage has no cost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoCost {
    /// Never taken for zero.
    #[error("the price {version} of '{model}' has none for {measure}")]
    Unpriced { model: String, version: String, measure: Measure },
    #[error("the cost of the request is too large")]
    TooLarge,
}

impl From<TooLarge> for NoCost {
    fn from(TooLarge: TooLarge) -> Self {
        Self::TooLarge
    }
}

impl Price {
    /// At the list's price.
    ///
    /// # Errors
    /// Something was used that the row has no price for, or the cost does not fit.
    pub fn cost(&self, usage: &Usage) -> Result<Usd, NoCost> {
        self.cost_at(usage, Factor::ONE)
    }

    /// # Errors
    /// As [`Price::cost`].
    pub fn cost_at(&self, usage: &Usage, factor: Factor) -> Result<Usd, NoCost> {
        let mut parts = 0_i128;
        for (measure, count) in usage.measures().into_iter().filter(|(_, count)| *count > 0) {
            let Some(rate) = self.rate_of(measure, usage) else {
                if self.is_counted_otherwise(measure, usage) {
                    continue;
                }
                let (model, version) = (self.model.clone(), self.version.clone());
                return Err(NoCost::Unpriced { model, version, measure });
            };
            let used = i128::from(count).checked_mul(measure.parts()).ok_or(TooLarge)?;
            let cost = rate.pico().checked_mul(used).ok_or(TooLarge)?;
            parts = parts.checked_add(cost).ok_or(TooLarge)?;
        }
        if factor == Factor::ONE {
            return Ok(Usd::from_pico(decimal::divide_half_even(parts, WITHOUT_FACTOR)));
        }
        let product = parts.checked_mul(i128::from(factor.millionths())).ok_or(TooLarge)?;
        Ok(Usd::from_pico(decimal::divide_half_even(product, DIVISOR)))
    }

    fn rate_of(&self, measure: Measure, usage: &Usage) -> Option<Usd> {
        match measure {
            Measure::Images => self.image_rate(usage),
            _ => self.rate(measure, usage.prompt_tokens.unwrap_or(0)),
        }
    }

    /// Providers count more than they charge for. Images and sound are charged for by tokens or by themselves: by which,
    /// the row says, and the other count is then no more than information.
    fn is_counted_otherwise(&self, measure: Measure, usage: &Usage) -> bool {
        match measure {
            // Most calls have no price of their own.
            Measure::Requests => true,
            Measure::Searches => false,
            Measure::Images | Measure::AudioMs | Measure::Characters => self.is_for_tokens() && usage.has_tokens(),
            _ => {
                let has_rate = |measure: Measure| self.rate_of(measure, usage).is_some();
                let counts = usage.measures();
                let mut counts = counts.iter().filter(|(measure, count)| !measure.is_tokens() && *count > 0);
                !self.is_for_tokens() && counts.any(|(measure, _)| has_rate(*measure))
            }
        }
    }
}

#[cfg(test)]
#[path = "cost_tests.rs"]
mod tests;
