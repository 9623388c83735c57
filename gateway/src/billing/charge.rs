//! The money of one line of the ledger: what an attempt cost, by which price, at which rate.
//!
//! Whoever has the line can repeat it: `tenge` is `usd` at `fx.rate`, rounded half to even, and `usd` is the usage at the
//! price that `price_version` names, times `factor`. What has no price or no rate gets no line and an error instead.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::decimal::TooLarge;
use super::dollars::Usd;
use super::factor::Factor;
use super::local_price::{LocalPrice, NoLocalCost};
use super::money::Tenge;
use super::prices::{NoCost, Price};
use super::rates::FxQuote;
use super::usage::Usage;
use super::usage_source::UsageSource;

/// Never below zero; a correction is a line of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Absent for what was never dollars: local models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usd: Option<Usd>,
    /// In tiyn.
    #[serde(rename = "tiyn")]
    pub tenge: Tenge,
    pub price_version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fx: Option<FxQuote>,
    pub usage_source: UsageSource,
    /// All factors in one: of a batch, and of the hour.
    pub factor: Factor,
}

/// What an attempt used, and when.
#[derive(Debug, Clone, Copy)]
pub struct Used<'a> {
    pub usage: &'a Usage,
    pub source: UsageSource,
    pub at: Timestamp,
    /// How long a local device worked.
    pub device_ms: Option<u64>,
}

/// By what it is charged.
#[derive(Debug, Clone, Copy)]
pub enum Tariff<'a> {
    Listed(&'a Price),
    Local { model: &'a str, price: &'a LocalPrice },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCharged {
    #[error(transparent)]
    Cost(#[from] NoCost),
    #[error(transparent)]
    LocalCost(#[from] NoLocalCost),
    /// What it cost is known, and can be converted later.
    #[error("there is no exchange rate for {usd} dollars")]
    NoRate { usd: Usd },
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
}

/// `factor` is the target's own, of a batch; the one of the hour comes with the price. `quote` is of the day of `used.at`.
///
/// # Errors
/// Something was used that has no price, there is no rate, or the amount does not fit.
pub fn charge(
    used: Used<'_>,
    tariff: Tariff<'_>,
    factor: Factor,
    quote: Option<&FxQuote>,
) -> Result<Charge, NotCharged> {
    match tariff {
        Tariff::Listed(price) => {
            let factor = factor.times(price.peak_factor(used.at))?;
            let usd = price.cost_at(used.usage, factor)?;
            let quote = quote.ok_or(NotCharged::NoRate { usd })?;
            Ok(Charge {
                usd: Some(usd),
                tenge: quote.rate.tenge(usd)?,
                price_version: price.version().to_owned(),
                fx: Some(quote.clone()),
                usage_source: used.source,
                factor,
            })
        }
        Tariff::Local { model, price } => Ok(Charge {
            usd: None,
            tenge: price.cost(used.usage, used.device_ms, factor)?,
            price_version: price.version(model),
            fx: None,
            usage_source: used.source,
            factor,
        }),
    }
}

#[cfg(test)]
#[path = "charge_tests.rs"]
mod tests;
