//! What the operator's own models cost: nothing, tenge for tokens and sound, or a share of what the device costs.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::str::FromStr;

use jiff::civil::Date;

use super::allocation::{Indivisible, allocate};
use super::decimal::{self, BadAmount, TooLarge};
use super::factor::Factor;
use super::measure::Measure;
use super::money::Tenge;
use super::prices::short_hash;
use super::usage::Usage;

/// Digits behind the point of a price: of a thousand tokens it is often less than a tiyn.
const DIGITS: usize = 6;
const HOUR_MS: NonZeroU64 = NonZeroU64::new(3_600_000).unwrap();
/// A price of an hour of sound by the millisecond, of a thousand tokens by the token: one whole for both.
const PARTS: i128 = 3_600_000;
const PARTS_OF_A_TOKEN: i128 = PARTS / 1_000;
/// Millionths of a tenge in a tiyn.
const PER_TIYN: i128 = 10_000;
/// Parts, millionths of a tenge in a tiyn, and millionths of a factor.
const DIVISOR: NonZeroU64 = NonZeroU64::new(3_600_000 * 10_000 * 1_000_000).unwrap();

/// Tenge in millionths: a price, never an amount.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TengeRate(u64);

/// What is measured of the work of a local model, in tenge. All prices are exact; the line is rounded once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalPrice {
    /// Where nothing is configured. The ledger says so: [`LocalPrice::FREE_VERSION`].
    Free,
    PerUnit(UnitPrice),
    PerGpuHour(Tenge),
}

/// Absent is unknown, and using it is an error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UnitPrice {
    pub thousand_prompt_tokens: Option<TengeRate>,
    pub thousand_completion_tokens: Option<TengeRate>,
    pub audio_hour: Option<TengeRate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoLocalCost {
    #[error("the local price has none for {0}")]
    Unpriced(Measure),
    #[error("how long the device worked is not known")]
    NoDeviceTime,
    #[error("the cost of the request is too large")]
    TooLarge,
}

impl From<TooLarge> for NoLocalCost {
    fn from(TooLarge: TooLarge) -> Self {
        Self::TooLarge
    }
}

impl LocalPrice {
    pub const FREE_VERSION: &str = "local-free";

    /// Names this very price of this model.
    pub fn version(&self, model: &str) -> String {
        let price = match self {
            Self::Free => return Self::FREE_VERSION.to_owned(),
            Self::PerUnit(price) => {
                let of = |rate: Option<TengeRate>| rate.map_or_else(|| "-".to_owned(), |rate| rate.0.to_string());
                let rates = [price.thousand_prompt_tokens, price.thousand_completion_tokens, price.audio_hour];
                format!("unit={}", rates.map(of).join("/"))
            }
            Self::PerGpuHour(hour) => format!("gpu_hour={}", hour.tiyn()),
        };
        format!("local-{}", short_hash(&format!("shekara-local-price-v1\n{model}\n{price}\n")))
    }

    /// By the device's time it is an estimate, at once; [`spread`] then says what the hours really cost each.
    ///
    /// # Errors
    /// Something was used that has no price, or the cost does not fit.
    pub fn cost(&self, usage: &Usage, device_ms: Option<u64>, factor: Factor) -> Result<Tenge, NoLocalCost> {
        let parts = match self {
            Self::Free => return Ok(Tenge::ZERO),
            Self::PerUnit(price) => price.parts(usage)?,
            Self::PerGpuHour(hour) => {
                let device_ms = i128::from(device_ms.ok_or(NoLocalCost::NoDeviceTime)?);
                (i128::from(hour.tiyn()) * PER_TIYN).checked_mul(device_ms).ok_or(TooLarge)?
            }
        };
        let product = parts.checked_mul(i128::from(factor.millionths())).ok_or(TooLarge)?;
        Ok(Tenge::from_wide(decimal::divide_half_even(product, DIVISOR))?)
    }
}

impl UnitPrice {
    fn parts(&self, usage: &Usage) -> Result<i128, NoLocalCost> {
        let used = [
            (self.thousand_prompt_tokens, PARTS_OF_A_TOKEN, usage.prompt_tokens, Measure::PromptTokens),
            (self.thousand_completion_tokens, PARTS_OF_A_TOKEN, usage.completion_tokens, Measure::CompletionTokens),
            (self.audio_hour, 1, usage.audio_ms, Measure::AudioMs),
        ];
        let mut sum = 0_i128;
        for (price, parts, count, measure) in used {
            let count = i128::from(count.unwrap_or(0));
            match price {
                Some(TengeRate(millionths)) => {
                    let cost = (i128::from(millionths) * parts).checked_mul(count).ok_or(TooLarge)?;
                    sum = sum.checked_add(cost).ok_or(TooLarge)?;
                }
                None if count == 0 || self.has_other_than(measure, usage) => {}
                None => return Err(NoLocalCost::Unpriced(measure)),
            }
        }
        Ok(sum)
    }

    /// Sound that is charged for by its tokens, or tokens of sound that is charged for by its length.
    fn has_other_than(&self, measure: Measure, usage: &Usage) -> bool {
        let has_tokens = self.thousand_prompt_tokens.is_some() || self.thousand_completion_tokens.is_some();
        match measure {
            Measure::AudioMs => has_tokens && usage.has_tokens(),
            _ => !has_tokens && self.audio_hour.is_some() && usage.audio_ms.is_some_and(|ms| ms > 0),
        }
    }
}

/// What hours of a device cost, spread over what ran on it by its weight (device time, or tokens): to the tiyn.
///
/// # Errors
/// Nothing ran that has a weight, or the cost does not fit.
pub fn spread(gpu_hour: Tenge, running_ms: u64, weights: &[u64]) -> Result<Vec<Tenge>, NotSpread> {
    let total = gpu_hour.part(running_ms, HOUR_MS)?;
    Ok(allocate(total, weights)?)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSpread {
    #[error(transparent)]
    Indivisible(#[from] Indivisible),
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// `0.05`: a point, at most six digits behind it, not below zero.
impl FromStr for TengeRate {
    type Err = BadAmount;

    fn from_str(text: &str) -> Result<Self, BadAmount> {
        let millionths = decimal::read(text.trim(), DIGITS)?;
        if millionths < 0 {
            return Err(BadAmount::NotPositive);
        }
        u64::try_from(millionths).map(Self).map_err(|_| BadAmount::TooLarge)
    }
}

/// Prices of local models by day. Those that have none are free.
#[derive(Debug, Clone, Default)]
pub struct LocalPrices(BTreeMap<String, Vec<(Option<Date>, LocalPrice)>>);

impl LocalPrices {
    /// Whether it was new: a model has one price from a day on.
    pub fn add(&mut self, model: &str, from: Option<Date>, price: LocalPrice) -> bool {
        let rows = self.0.entry(model.to_owned()).or_default();
        let is_new = rows.iter().all(|(other, _)| *other != from);
        if is_new {
            rows.push((from, price));
            rows.sort_by_key(|(from, _)| *from);
        }
        is_new
    }

    /// On the operator's day.
    pub fn price(&self, model: &str, day: Date) -> &LocalPrice {
        let rows = self.0.get(model).into_iter().flatten();
        let mut begun = rows.filter(|(from, _)| from.is_none_or(|from| from <= day));
        begun.next_back().map_or(&LocalPrice::Free, |(_, price)| price)
    }
}

#[cfg(test)]
#[path = "local_price_tests.rs"]
mod tests;
