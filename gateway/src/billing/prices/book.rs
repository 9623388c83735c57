//! Which price holds for a request: the operator's before the catalogue's, and of each the last that had begun.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use super::catalogue::Catalogue;
use super::model_name::without_day;
use super::price::Price;

/// What was asked, and when.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// As the configuration names it.
    pub provider: &'a str,
    /// Its list in the catalogue, where its kind or preset has one.
    pub list: Option<&'a str>,
    /// As the provider names it.
    pub model: &'a str,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no price for the model '{model}' of the provider '{provider}'")]
pub struct NoPrice {
    pub provider: String,
    pub model: String,
}

/// Prices by their list's name and the model's, each in the order of their days.
#[derive(Debug, Clone, Default)]
struct Shelf(BTreeMap<String, BTreeMap<String, Vec<Arc<Price>>>>);

#[derive(Debug, Clone)]
pub struct PriceBook {
    overrides: Shelf,
    catalogue: Shelf,
    /// The operator's, whose days begin at another time than a provider's.
    utc_offset: Offset,
}

impl PriceBook {
    /// `overrides` are lists by the provider's name. Days of the catalogue are days in UTC, days of overrides are the
    /// operator's own.
    pub fn new(catalogue: Catalogue, overrides: Vec<Price>, utc_offset: Offset) -> Self {
        let listed = catalogue.lists.into_iter().flat_map(|list| list.prices);
        Self { overrides: Shelf::of(overrides), catalogue: Shelf::of(listed), utc_offset }
    }

    /// A name that stands in either list goes before the same without its day.
    ///
    /// # Errors
    /// Nobody has said what it costs at that time.
    pub fn price(&self, asked: Asked<'_>) -> Result<&Arc<Price>, NoPrice> {
        let find = |model: &str| {
            let own_day = self.utc_offset.to_datetime(asked.at).date();
            let own = self.overrides.find(asked.provider, model, own_day);
            let listed = || self.catalogue.find(asked.list?, model, Offset::UTC.to_datetime(asked.at).date());
            own.or_else(listed)
        };
        let no_price = || NoPrice { provider: asked.provider.to_owned(), model: asked.model.to_owned() };
        find(asked.model).or_else(|| find(without_day(asked.model)?)).ok_or_else(no_price)
    }
}

impl Shelf {
    fn of(prices: impl IntoIterator<Item = Price>) -> Self {
        let mut shelf = Self::default();
        for price in prices {
            let price = Arc::new(price);
            let models = shelf.0.entry(price.list().to_owned()).or_default();
            for name in price.names() {
                models.entry(name.to_owned()).or_default().push(Arc::clone(&price));
            }
        }
        for rows in shelf.0.values_mut().flat_map(BTreeMap::values_mut) {
            rows.sort_by_key(|price| price.from());
        }
        shelf
    }

    fn find(&self, list: &str, model: &str, day: Date) -> Option<&Arc<Price>> {
        let rows = self.0.get(list)?.get(model)?;
        rows.iter().rev().find(|price| price.from().is_none_or(|from| from <= day))
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
