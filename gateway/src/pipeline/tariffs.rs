//! What models cost: the operator's prices, the catalogue's, and those of local models.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;

use crate::audit::Try;
use crate::billing::{
    Asked, BadCatalogue, Catalogue, Charge, Factor, LocalPrice, LocalPrices, NoPrice, NotCharged, PriceBook, Rates,
    Tariff, Tenge, Usage, UsageSource, Used, charge,
};
use crate::config::{Config, LOCAL_PROVIDER, Preset, ProviderConfig, ProviderKind, Zone};

/// Prices of one configuration.
#[derive(Debug)]
pub struct Tariffs {
    book: PriceBook,
    local: LocalPrices,
    /// By the provider's name.
    providers: HashMap<String, Lister>,
    utc_offset: Offset,
    /// Whether a call without a price is news.
    pub(super) is_set: bool,
}

/// Whose list a provider's prices stand in.
#[derive(Debug)]
struct Lister {
    list: Option<&'static str>,
    /// What has no price of its own costs what the operator says of local models.
    is_inside: bool,
}

/// What was used, before it has a price.
#[derive(Debug, Clone, Copy)]
pub struct Metered<'m> {
    pub usage: &'m Usage,
    pub source: UsageSource,
    pub at: Timestamp,
    pub factor: Factor,
    /// How long a local device worked on it.
    pub device_ms: Option<u64>,
}

impl Tariffs {
    /// # Errors
    /// The catalogue that comes with the program is none.
    pub fn new(config: &Config) -> Result<Self, BadCatalogue> {
        let lister = |provider: &ProviderConfig| {
            let is_inside = provider.zone != Zone::External;
            (provider.name.clone(), Lister { list: list_of(provider), is_inside })
        };
        let own = (LOCAL_PROVIDER.to_owned(), Lister { list: None, is_inside: true });
        Ok(Self {
            book: PriceBook::new(Catalogue::built_in()?, config.billing.prices.clone(), config.utc_offset),
            local: config.billing.local.clone(),
            providers: config.providers.iter().map(lister).chain([own]).collect(),
            utc_offset: config.utc_offset,
            is_set: config.billing.is_set,
        })
    }

    /// The operator's day.
    pub(super) fn day(&self, at: Timestamp) -> Date {
        self.utc_offset.to_datetime(at).date()
    }

    /// What a call cost.
    ///
    /// # Errors
    /// Something that it used has no price, or the day no rate.
    pub(super) fn charge(&self, attempt: &Try, metered: Metered<'_>, rates: &Rates) -> Result<Charge, Unpriced> {
        let Metered { usage, source, at, factor, device_ms } = metered;
        let used = Used { usage, source, at, device_ms };
        let day = self.day(at);
        let tariff = self.tariff(&attempt.provider, &attempt.model, at)?;
        let quote = rates.of_dollar(day).ok();
        Ok(charge(used, tariff, factor, quote.as_ref())?)
    }

    /// What so much would cost.
    ///
    /// # Errors
    /// As [`Self::charge`].
    pub(super) fn cost(
        &self,
        provider: &str,
        model: &str,
        metered: Metered<'_>,
        rates: &Rates,
    ) -> Result<Tenge, Unpriced> {
        let Metered { usage, source, at, factor, device_ms } = metered;
        let quote = rates.of_dollar(self.day(at)).ok();
        let used = Used { usage, source, at, device_ms };
        Ok(charge(used, self.tariff(provider, model, at)?, factor, quote.as_ref())?.tenge)
    }

    /// What a row of the ledger costs that had no price or rate when it was written: at the prices of its own time, and at
    /// the rate of its own `day`.
    ///
    /// # Errors
    /// As ever: there is still no price, or no rate.
    pub fn charge_row(
        &self,
        (provider, model): (&str, &str),
        day: Date,
        metered: Metered<'_>,
        rates: &Rates,
    ) -> Result<Charge, Unpriced> {
        let Metered { usage, source, at, factor, device_ms } = metered;
        let quote = rates.of_dollar(day).ok();
        let used = Used { usage, source, at, device_ms };
        Ok(charge(used, self.tariff(provider, model, at)?, factor, quote.as_ref())?)
    }

    fn tariff<'t>(&'t self, provider: &'t str, model: &'t str, at: Timestamp) -> Result<Tariff<'t>, NoPrice> {
        let lister = self.providers.get(provider);
        let list = lister.and_then(|lister| lister.list);
        match self.book.price(Asked { provider, list, model, at }) {
            Ok(price) => Ok(Tariff::Listed(price)),
            Err(_) if lister.is_some_and(|lister| lister.is_inside) => {
                Ok(Tariff::Local { model, price: self.local.price(model, self.day(at)) })
            }
            Err(error) => Err(error),
        }
    }

    /// Whether nothing that this model does costs anything.
    pub(super) fn is_free(&self, provider: &str, model: &str, at: Timestamp) -> bool {
        matches!(self.tariff(provider, model, at), Ok(Tariff::Local { price: LocalPrice::Free, .. }))
    }
}

/// Why something that was used has no charge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unpriced {
    #[error(transparent)]
    NoPrice(#[from] NoPrice),
    #[error(transparent)]
    NotCharged(#[from] NotCharged),
}

impl Unpriced {
    /// A word of ours for it, for the row: names in an error may be a caller's.
    pub fn word(&self) -> &'static str {
        match self {
            Self::NoPrice(_) | Self::NotCharged(NotCharged::Cost(_) | NotCharged::LocalCost(_)) => "no_price",
            Self::NotCharged(NotCharged::NoRate { .. }) => "no_exchange_rate",
            Self::NotCharged(NotCharged::TooLarge(_)) => "too_large",
        }
    }
}

/// The catalogue's name for what a provider's models cost.
fn list_of(provider: &ProviderConfig) -> Option<&'static str> {
    match provider.kind {
        ProviderKind::Openai => Some("openai"),
        ProviderKind::Anthropic => Some("anthropic"),
        ProviderKind::Gemini => Some("gemini"),
        ProviderKind::AzureOpenai => Some("azure-openai"),
        ProviderKind::Bedrock => Some("bedrock"),
        ProviderKind::Mistral => Some("mistral"),
        ProviderKind::OpenaiCompatible => provider.preset.filter(|preset| preset.is_cloud()).map(Preset::as_str),
    }
}
