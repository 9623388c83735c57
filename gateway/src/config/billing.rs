//! `[billing]`: the operator's own prices, what local models cost, and where the rate of the dollar comes from.

use std::collections::HashSet;
use std::path::PathBuf;

use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;

use super::supplier::{Supplier, SupplierFile, check_supplier};
use super::validate::{Invalid, invalid};
use crate::billing::{
    ExchangeRate, LocalPrice, LocalPrices, Price, PriceFile, RateTable, Tenge, TengeRate, UnitPrice, read_overrides,
};

/// A quarter: an older rate is no rate.
const MAX_AGE_DAYS: u16 = 92;
const NATIONAL_BANK: &str = "https://nationalbank.kz/rss/get_rates.cfm";

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BillingFile {
    /// Go before the catalogue's.
    pub prices: Vec<PriceFile>,
    pub local: Vec<LocalPriceFile>,
    pub exchange: ExchangeFile,
    /// Who sends the invoices; unset: there are none.
    pub supplier: Option<Spanned<SupplierFile>>,
}

/// What a local model costs, in tenge as decimal texts. One without a row is free, and the ledger says so.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalPriceFile {
    pub model: Spanned<String>,
    /// The first day of this price; unset: ever.
    pub from: Option<Spanned<String>>,
    pub prompt_tenge_per_thousand: Option<Spanned<String>>,
    pub completion_tenge_per_thousand: Option<Spanned<String>>,
    pub tenge_per_audio_hour: Option<Spanned<String>>,
    /// Instead: of the device, spread over what runs on it.
    pub tenge_per_gpu_hour: Option<Spanned<String>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExchangeFile {
    /// `imported` (into the store), `nbk` (asked of the National Bank each day), `file` or `fixed`; unset: `imported`.
    pub source: Option<Spanned<String>>,
    /// For `file`: the bank's XML or a CSV.
    pub path: Option<Spanned<String>>,
    /// For `nbk`: where it is asked, if not at the bank's own address.
    pub url: Option<Spanned<String>>,
    /// For `fixed`: tenge for a dollar.
    pub rate: Option<Spanned<String>>,
    /// How old the last published rate may be; unset: 10.
    pub max_age_days: Option<Spanned<u16>>,
}

#[derive(Debug, Clone)]
pub struct BillingConfig {
    /// Somebody cares what requests cost: one without a price is worth an alert.
    pub is_set: bool,
    pub prices: Vec<Price>,
    pub local: LocalPrices,
    pub exchange: ExchangeConfig,
    pub supplier: Option<Supplier>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExchangeConfig {
    /// What was imported into the store, and nothing else.
    Imported {
        max_age_days: u16,
    },
    Bank {
        max_age_days: u16,
        url: String,
    },
    File {
        path: PathBuf,
        max_age_days: u16,
    },
    Fixed(ExchangeRate),
}

impl BillingFile {
    /// `providers` are the names that there are.
    pub(super) fn check(&self, providers: &HashSet<String>) -> Result<BillingConfig, Invalid> {
        let prices = read_overrides(&self.prices)
            .map_err(|error| Invalid { offset: Some(error.offset), message: error.to_string() })?;
        let named = self.prices.iter().filter_map(|row| row.provider.as_ref());
        if let Some(name) = named.into_iter().find(|name| !providers.contains(name.get_ref())) {
            return Err(invalid(name, format!("there is no provider '{}'", name.get_ref())));
        }
        let mut local = LocalPrices::default();
        for file in &self.local {
            let from = file.from.as_ref().map(check_day).transpose()?;
            if !local.add(file.model.get_ref(), from, check_local(file)?) {
                return Err(invalid(&file.model, "the model has another price from the same day"));
            }
        }
        let is_set = !self.prices.is_empty() || !self.local.is_empty() || self.exchange.source.is_some();
        let exchange = check_exchange(&self.exchange)?;
        let supplier = self.supplier.as_ref().map(check_supplier).transpose()?;
        Ok(BillingConfig { is_set, prices, local, exchange, supplier })
    }
}

fn check_day(day: &Spanned<String>) -> Result<Date, Invalid> {
    day.get_ref().parse().map_err(|_| invalid(day, "a day is like 2026-12-01"))
}

fn check_local(file: &LocalPriceFile) -> Result<LocalPrice, Invalid> {
    let rate = |written: &Option<Spanned<String>>| -> Result<Option<TengeRate>, Invalid> {
        let Some(written) = written else { return Ok(None) };
        let wrong = |error| invalid(written, format!("a price in tenge is like \"0.05\": {error}"));
        written.get_ref().parse().map(Some).map_err(wrong)
    };
    let price = UnitPrice {
        thousand_prompt_tokens: rate(&file.prompt_tenge_per_thousand)?,
        thousand_completion_tokens: rate(&file.completion_tenge_per_thousand)?,
        audio_hour: rate(&file.tenge_per_audio_hour)?,
    };
    match &file.tenge_per_gpu_hour {
        None if price == UnitPrice::default() => Err(invalid(&file.model, "the model's row names no price")),
        None => Ok(LocalPrice::PerUnit(price)),
        Some(hour) if price == UnitPrice::default() => {
            let amount: Tenge =
                hour.get_ref().parse().map_err(|error| invalid(hour, format!("an hour's price: {error}")))?;
            if amount.is_negative() {
                return Err(invalid(hour, "an hour's price is not below zero"));
            }
            Ok(LocalPrice::PerGpuHour(amount))
        }
        Some(hour) => Err(invalid(hour, "tenge_per_gpu_hour goes alone: what runs on the device pays for it")),
    }
}

fn check_exchange(file: &ExchangeFile) -> Result<ExchangeConfig, Invalid> {
    let max_age_days = match &file.max_age_days {
        None => RateTable::USUAL_MAX_AGE_DAYS,
        Some(days) if *days.get_ref() <= MAX_AGE_DAYS => *days.get_ref(),
        Some(days) => return Err(invalid(days, format!("max_age_days must be 0 to {MAX_AGE_DAYS}"))),
    };
    let word = file.source.as_ref().map_or("imported", |source| source.get_ref().as_str());
    if let Some(path) = file.path.as_ref().filter(|_| word != "file") {
        return Err(invalid(path, "path is for source = \"file\""));
    }
    if let Some(url) = file.url.as_ref() {
        let is_address = url::Url::parse(url.get_ref()).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        if word != "nbk" || !is_address || url.get_ref().contains(['?', '#']) {
            return Err(invalid(url, "url is an http address without a query, for source = \"nbk\""));
        }
    }
    if let Some(rate) = file.rate.as_ref().filter(|_| word != "fixed") {
        return Err(invalid(rate, "rate is for source = \"fixed\""));
    }
    match (word, &file.source, &file.path, &file.rate) {
        ("imported", ..) => Ok(ExchangeConfig::Imported { max_age_days }),
        ("nbk", ..) => {
            let url = file.url.as_ref().map_or(NATIONAL_BANK, |url| url.get_ref().as_str());
            Ok(ExchangeConfig::Bank { max_age_days, url: url.to_owned() })
        }
        ("file", _, Some(path), _) => Ok(ExchangeConfig::File { path: path.get_ref().into(), max_age_days }),
        ("fixed", _, _, Some(rate)) => {
            let wrong = |error| invalid(rate, format!("rate is tenge for a dollar, like \"512.34\": {error}"));
            Ok(ExchangeConfig::Fixed(rate.get_ref().parse().map_err(wrong)?))
        }
        ("file", Some(source), ..) => Err(invalid(source, "source = \"file\" needs a path")),
        ("fixed", Some(source), ..) => Err(invalid(source, "source = \"fixed\" needs a rate")),
        (_, Some(source), ..) => Err(invalid(source, "source is \"imported\", \"nbk\", \"file\" or \"fixed\"")),
        (_, None, ..) => Ok(ExchangeConfig::Imported { max_age_days }),
    }
}

#[cfg(test)]
#[path = "billing_tests.rs"]
mod tests;
