//! One row of a price list as it is written, in the catalogue and in `[[billing.prices]]`.
//!
//! Prices are decimal texts (`"2.50"`) or whole numbers. A float is refused: `0.1` in a file is not the tenth of a dollar
//! that somebody meant, and nobody could say which number it was.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use toml::Spanned;

use crate::billing::dollars::Usd;
use crate::billing::measure::Measure;

/// US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dollars(pub Usd);

/// The price of a million tokens, and of what else is counted, from a day on. A second row of the same model with
/// `above_prompt_tokens` has the prices of whole requests whose prompt is longer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceFile {
    /// As the configuration names it; in the catalogue its list says so.
    pub provider: Option<Spanned<String>>,
    pub model: Spanned<String>,
    /// Other names of the same model.
    #[serde(default)]
    pub also: Vec<Spanned<String>>,
    /// The first day of this price, e.g. `2026-12-01`; unset: ever.
    pub from: Option<Spanned<String>>,
    pub above_prompt_tokens: Option<Spanned<u64>>,
    /// Where the price was found, if not where the list was. For its readers.
    pub source: Option<String>,
    pub prompt_per_million: Option<Spanned<Dollars>>,
    /// Unset: as other prompt tokens.
    pub cached_prompt_per_million: Option<Spanned<Dollars>>,
    pub cache_write_per_million: Option<Spanned<Dollars>>,
    pub cache_write_1h_per_million: Option<Spanned<Dollars>>,
    pub prompt_audio_per_million: Option<Spanned<Dollars>>,
    /// Unset: as other prompt tokens.
    pub prompt_image_per_million: Option<Spanned<Dollars>>,
    pub completion_per_million: Option<Spanned<Dollars>>,
    /// Unset: as other completion tokens.
    pub reasoning_per_million: Option<Spanned<Dollars>>,
    pub completion_audio_per_million: Option<Spanned<Dollars>>,
    pub completion_image_per_million: Option<Spanned<Dollars>>,
    /// The first that fits holds.
    #[serde(default)]
    pub per_image: Vec<ImagePriceFile>,
    pub per_audio_minute: Option<Spanned<Dollars>>,
    pub per_audio_hour: Option<Spanned<Dollars>>,
    pub per_million_characters: Option<Spanned<Dollars>>,
    pub per_request: Option<Spanned<Dollars>>,
    pub per_thousand_searches: Option<Spanned<Dollars>>,
    pub peak: Option<Spanned<PeakFile>>,
}

/// Unset is any.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImagePriceFile {
    pub size: Option<String>,
    pub quality: Option<String>,
    pub each: Spanned<Dollars>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeakFile {
    /// What the prices are multiplied by, as a text.
    pub factor: String,
    /// Each like `01:00-04:00`.
    pub utc_hours: Vec<String>,
    #[serde(default)]
    pub weekdays_only: bool,
}

impl PriceFile {
    /// Prices that are one number, with what each is for.
    pub(super) fn rates(&self) -> impl Iterator<Item = (Measure, &Spanned<Dollars>)> {
        let all = [
            (Measure::PromptTokens, &self.prompt_per_million),
            (Measure::CachedPromptTokens, &self.cached_prompt_per_million),
            (Measure::CacheWriteTokens, &self.cache_write_per_million),
            (Measure::CacheWrite1hTokens, &self.cache_write_1h_per_million),
            (Measure::PromptAudioTokens, &self.prompt_audio_per_million),
            (Measure::PromptImageTokens, &self.prompt_image_per_million),
            (Measure::CompletionTokens, &self.completion_per_million),
            (Measure::ReasoningTokens, &self.reasoning_per_million),
            (Measure::CompletionAudioTokens, &self.completion_audio_per_million),
            (Measure::CompletionImageTokens, &self.completion_image_per_million),
            (Measure::AudioMs, &self.per_audio_hour),
            (Measure::Characters, &self.per_million_characters),
            (Measure::Requests, &self.per_request),
            (Measure::Searches, &self.per_thousand_searches),
        ];
        all.into_iter().filter_map(|(measure, price)| Some((measure, price.as_ref()?)))
    }
}

impl<'de> Deserialize<'de> for Dollars {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DollarsVisitor)
    }
}

struct DollarsVisitor;

impl Visitor<'_> for DollarsVisitor {
    type Value = Dollars;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dollars as a decimal text like \"2.50\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Dollars, E> {
        text.parse().map(Dollars).map_err(|error| E::custom(format!("\"{text}\" is no price in dollars: {error}")))
    }

    fn visit_i64<E: Error>(self, whole: i64) -> Result<Dollars, E> {
        let dollar = Usd::from_pico(1_000_000_000_000);
        let amount = dollar.times(whole.unsigned_abs()).map_err(E::custom)?;
        let amount = if whole < 0 { Usd::ZERO.minus(amount).map_err(E::custom)? } else { amount };
        Ok(Dollars(amount))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Dollars, E> {
        Err(E::custom(format!("a price is a text, so that it is exact: write \"{number}\"")))
    }
}
