//! From rows as they are written to prices that hold: checked, with the tiers of a model put together.

use std::collections::HashSet;

use jiff::civil::Date;
use toml::Spanned;

use super::file::{Dollars, ImagePriceFile, PeakFile, PriceFile};
use super::peak::{Peak, minutes_of};
use super::price::{ImagePrice, Price, Rates, Tier};
use super::version::version;
use crate::billing::dollars::Usd;
use crate::billing::factor::Factor;
use crate::billing::measure::Measure;

/// Of a million tokens, an hour, an image.
const MAX_PRICE: Usd = Usd::from_pico(1_000_000 * 1_000_000_000_000);
/// A thousand times the price is a slip.
const MAX_PEAK_MILLIONTHS: u64 = 100 * 1_000_000;
const MAX_NAME_BYTES: usize = 256;

/// A row that cannot hold, and the byte at which it says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the price of '{model}': {problem}")]
pub struct BadRow {
    pub offset: usize,
    pub model: String,
    pub problem: Problem,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("its name is empty, too long or has characters that no name has")]
    Name,
    #[error("it belongs to a provider, and none is named")]
    NoProvider,
    #[error("in a list of one provider a row names none")]
    ProviderInList,
    #[error("a day is like 2026-12-01")]
    Day,
    #[error("it stands there twice for the same days")]
    Twice,
    #[error("it names no price")]
    Empty,
    #[error("a price is 0 to 1000000 dollars")]
    Range,
    #[error("the price of sound is for a minute or for an hour, not both")]
    MinuteAndHour,
    #[error("a row for longer prompts comes after the row of its model and from the same day")]
    TierAlone,
    #[error("rows for longer prompts stand in the order of their prompts")]
    TierOrder,
    #[error("a row for longer prompts prices the tokens that the row of its model does, and nothing else")]
    TierMeasures,
    #[error("a longer prompt costs no less")]
    TierCheaper,
    #[error("hours are like \"01:00-04:00\", and a factor is 1 to 100, like \"2\"")]
    Peak,
}

/// What begins the version of the list's prices: a day, or `config`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin<'a>(pub(super) &'a str);

/// All rows of one list, or of one provider.
///
/// # Errors
/// A row contradicts itself or another one.
pub(super) fn assemble(origin: Origin<'_>, list: &str, files: &[PriceFile]) -> Result<Vec<Price>, BadRow> {
    let mut prices: Vec<Price> = Vec::new();
    let mut taken = HashSet::new();
    for file in files {
        let from = check_from(file)?;
        if file.above_prompt_tokens.is_some() {
            let mut before = prices.iter_mut().rev();
            let base = before.find(|price| price.model == *file.model.get_ref() && price.from == from);
            add_tier(base.ok_or_else(|| bad(file, Problem::TierAlone))?, file)?;
            continue;
        }
        let price = check_row(list, file, from)?;
        for name in price.names() {
            if !taken.insert((name.to_owned(), from)) {
                return Err(bad(file, Problem::Twice));
            }
        }
        prices.push(price);
    }
    for price in &mut prices {
        price.version = version(origin.0, price);
    }
    Ok(prices)
}

fn check_row(list: &str, file: &PriceFile, from: Option<Date>) -> Result<Price, BadRow> {
    let names = std::iter::once(&file.model).chain(&file.also);
    for name in names {
        let text = name.get_ref();
        let is_name = |c: char| !c.is_control() && !c.is_whitespace();
        if text.is_empty() || text.len() > MAX_NAME_BYTES || !text.chars().all(is_name) {
            return Err(bad_at(name, file, Problem::Name));
        }
    }
    let mut rates = check_rates(file)?;
    if let Some(minute) = &file.per_audio_minute {
        let hour = check_price(minute, file)?.times(60).map_err(|_| bad_at(minute, file, Problem::Range))?;
        if rates.insert(Measure::AudioMs, hour).is_some() {
            return Err(bad_at(minute, file, Problem::MinuteAndHour));
        }
    }
    let images = file.per_image.iter().map(|image| check_image(image, file)).collect::<Result<Vec<_>, _>>()?;
    if rates.is_empty() && images.is_empty() {
        return Err(bad(file, Problem::Empty));
    }
    Ok(Price {
        list: list.to_owned(),
        model: file.model.get_ref().clone(),
        also: file.also.iter().map(|name| name.get_ref().clone()).collect(),
        from,
        rates,
        tiers: Vec::new(),
        images,
        peak: file.peak.as_ref().map(|peak| check_peak(peak, file)).transpose()?,
        version: String::new(),
    })
}

fn add_tier(base: &mut Price, file: &PriceFile) -> Result<(), BadRow> {
    let Some(above) = &file.above_prompt_tokens else { return Ok(()) };
    let rates = check_rates(file)?;
    let has_more = !file.also.is_empty() || !file.per_image.is_empty() || file.per_audio_minute.is_some();
    let tokens = base.rates.keys().filter(|measure| measure.is_tokens());
    if has_more || file.peak.is_some() || !rates.keys().eq(tokens) {
        return Err(bad_at(above, file, Problem::TierMeasures));
    }
    let above_prompt_tokens = *above.get_ref();
    if above_prompt_tokens <= base.tiers.last().map_or(0, |tier| tier.above_prompt_tokens) {
        return Err(bad_at(above, file, Problem::TierOrder));
    }
    let below = base.tiers.last().map_or(&base.rates, |tier| &tier.rates);
    if rates.iter().any(|(measure, rate)| below.get(measure).is_some_and(|below| rate < below)) {
        return Err(bad_at(above, file, Problem::TierCheaper));
    }
    base.tiers.push(Tier { above_prompt_tokens, rates });
    Ok(())
}

fn check_rates(file: &PriceFile) -> Result<Rates, BadRow> {
    file.rates().map(|(measure, price)| Ok((measure, check_price(price, file)?))).collect()
}

fn check_price(price: &Spanned<Dollars>, file: &PriceFile) -> Result<Usd, BadRow> {
    let Dollars(amount) = *price.get_ref();
    if (Usd::ZERO..=MAX_PRICE).contains(&amount) { Ok(amount) } else { Err(bad_at(price, file, Problem::Range)) }
}

fn check_image(image: &ImagePriceFile, file: &PriceFile) -> Result<ImagePrice, BadRow> {
    let each = check_price(&image.each, file)?;
    Ok(ImagePrice { size: image.size.clone(), quality: image.quality.clone(), each })
}

fn check_peak(peak: &Spanned<PeakFile>, file: &PriceFile) -> Result<Peak, BadRow> {
    let wrong = || bad_at(peak, file, Problem::Peak);
    let written = peak.get_ref();
    let factor: Factor = written.factor.parse().map_err(|_| wrong())?;
    let hours: Option<Vec<_>> = written.utc_hours.iter().map(|hours| minutes_of(hours)).collect();
    let utc_minutes = hours.filter(|hours| !hours.is_empty()).ok_or_else(wrong)?;
    if factor < Factor::ONE || factor.millionths() > MAX_PEAK_MILLIONTHS {
        return Err(wrong());
    }
    Ok(Peak { factor, utc_minutes, is_on_weekdays_only: written.weekdays_only })
}

fn check_from(file: &PriceFile) -> Result<Option<Date>, BadRow> {
    let Some(from) = &file.from else { return Ok(None) };
    let day = from.get_ref().parse().map_err(|_| bad_at(from, file, Problem::Day))?;
    Ok(Some(day))
}

fn bad(file: &PriceFile, problem: Problem) -> BadRow {
    bad_at(&file.model, file, problem)
}

pub(super) fn bad_at<T>(at: &Spanned<T>, file: &PriceFile, problem: Problem) -> BadRow {
    BadRow { offset: at.span().start, model: file.model.get_ref().clone(), problem }
}

#[cfg(test)]
#[path = "assemble_tests.rs"]
mod tests;
