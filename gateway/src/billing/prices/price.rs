//! One row of a price list.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::peak::Peak;
use crate::billing::dollars::Usd;
use crate::billing::factor::Factor;
use crate::billing::measure::Measure;
use crate::billing::usage::Usage;

/// Dollars for a million tokens or characters, an hour of sound, a request, a thousand searches.
pub(super) type Rates = BTreeMap<Measure, Usd>;

/// No price is below zero; a tier prices the tokens that the row does, none of them lower. Made by `assemble` alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// The price list, or the provider as the configuration names it.
    pub(super) list: String,
    pub(super) model: String,
    pub(super) also: Vec<String>,
    pub(super) from: Option<Date>,
    pub(super) rates: Rates,
    pub(super) tiers: Vec<Tier>,
    pub(super) images: Vec<ImagePrice>,
    pub(super) peak: Option<Peak>,
    pub(super) version: String,
}

/// Prices of a whole request whose prompt is longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    pub above_prompt_tokens: u64,
    pub(super) rates: Rates,
}

/// Of images with this size and quality; absent is any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImagePrice {
    pub size: Option<String>,
    pub quality: Option<String>,
    pub each: Usd,
}

impl Price {
    pub fn list(&self) -> &str {
        &self.list
    }

    pub fn model(&self) -> &str {
        &self.model
    }

    /// The model's name and its others.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.model).chain(&self.also).map(String::as_str)
    }

    /// The first day of this price; absent: as long as anybody knows.
    pub fn from(&self) -> Option<Date> {
        self.from
    }

    /// The day of the catalogue, or `config`, and a hash of the row: it names this very price and no other.
    pub fn version(&self) -> &str {
        &self.version
    }

    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    /// By the hour of the request.
    pub fn peak_factor(&self, at: Timestamp) -> Factor {
        self.peak.as_ref().map_or(Factor::ONE, |peak| peak.factor_at(at))
    }

    /// Dollars for a million tokens, and so on, in a request with so long a prompt. `None` where the row does not say.
    pub fn rate(&self, measure: Measure, prompt_tokens: u64) -> Option<Usd> {
        let longest = self.tiers.iter().rev().find(|tier| prompt_tokens > tier.above_prompt_tokens);
        let find = |measure: &Measure| {
            longest.and_then(|tier| tier.rates.get(measure)).or_else(|| self.rates.get(measure)).copied()
        };
        find(&measure).or_else(|| find(&measure.as_if()?))
    }

    pub(super) fn image_rate(&self, usage: &Usage) -> Option<Usd> {
        let fits = |wanted: &Option<String>, used: &Option<String>| wanted.is_none() || wanted == used;
        let mut images = self.images.iter();
        let image =
            images.find(|image| fits(&image.size, &usage.image_size) && fits(&image.quality, &usage.image_quality));
        image.map(|image| image.each)
    }

    /// Whether tokens are what it charges for.
    pub(super) fn is_for_tokens(&self) -> bool {
        self.rates.keys().any(|measure| measure.is_tokens())
    }
}
