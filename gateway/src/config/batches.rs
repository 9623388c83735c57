//! `[batches]`, what they and files may take, and what a target has to offer them.

use serde::Deserialize;
use toml::Spanned;

use super::provider_file::ProviderKind;
use super::route::minutes_of;
use super::validate::{Invalid, invalid};

/// OpenAI's bound for one file of requests.
const MAX_REQUESTS: usize = 50_000;
const MAX_IN_FLIGHT: usize = 1_024;
const USUALLY_IN_FLIGHT: usize = 8;
const MAX_TRIES: u32 = 100;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_field_names, reason = "each is the most of something, as in the other tables")]
pub struct BatchesFile {
    /// Requests of all batches that are answered at once; unset: 8, or half of the server's if that is less.
    pub max_in_flight: Option<Spanned<usize>>,
    /// Lines of one file.
    pub max_requests: Spanned<usize>,
    /// Batches of one project that have not ended.
    pub max_open: u64,
    /// How often one request is tried where another try may help; before each it waits longer.
    pub max_tries: Spanned<u32>,
}

impl Default for BatchesFile {
    fn default() -> Self {
        Self {
            max_in_flight: None,
            max_requests: Spanned::new(0..0, MAX_REQUESTS),
            max_open: 100,
            max_tries: Spanned::new(0..0, 20),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchesConfig {
    pub max_in_flight: usize,
    pub max_requests: usize,
    pub max_open: u64,
    pub max_tries: u32,
}

/// What a target offers to requests of batches.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchTermsFile {
    /// Of the usual price.
    #[serde(default = "whole")]
    pub price_factor: Spanned<f64>,
    /// When the terms hold; unset: always.
    pub hours: Option<Spanned<String>>,
    /// What the requests then ask for, e.g. `flex`.
    pub service_tier: Option<Spanned<String>>,
}

fn whole() -> Spanned<f64> {
    Spanned::new(0..0, 1.0)
}

/// As [`BatchTermsFile`], checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchTerms {
    /// Of the usual price, in per mille.
    pub price_permille: u32,
    /// Minutes of the day, from and until.
    pub minutes: Option<(u16, u16)>,
    pub service_tier: Option<String>,
}

impl BatchTerms {
    /// Whether they hold at this minute of the day.
    pub fn hold(&self, minute: u16) -> bool {
        self.minutes.is_none_or(|hours| within(hours, minute))
    }
}

/// Whether a minute of the day lies within hours, which may go over midnight.
pub fn within((from, until): (u16, u16), minute: u16) -> bool {
    if from < until { (from..until).contains(&minute) } else { minute >= from || minute < until }
}

/// `places` are for requests of all kinds.
pub(super) fn check_batches(file: &BatchesFile, places: usize) -> Result<BatchesConfig, Invalid> {
    // Whoever waits for an answer finds a place.
    let most = MAX_IN_FLIGHT.min(places.div_ceil(2));
    let max_in_flight = match &file.max_in_flight {
        None => most.min(USUALLY_IN_FLIGHT),
        Some(set) if (1..=most).contains(set.get_ref()) => *set.get_ref(),
        Some(set) => {
            let message =
                format!("[batches] max_in_flight must be 1 to {most}: half of [server] max_in_flight at most");
            return Err(invalid(set, message));
        }
    };
    if !(1..=MAX_REQUESTS).contains(file.max_requests.get_ref()) {
        return Err(invalid(&file.max_requests, format!("[batches] max_requests must be 1 to {MAX_REQUESTS}")));
    }
    if !(1..=MAX_TRIES).contains(file.max_tries.get_ref()) {
        return Err(invalid(&file.max_tries, format!("[batches] max_tries must be 1 to {MAX_TRIES}")));
    }
    let max_tries = *file.max_tries.get_ref();
    let max_requests = *file.max_requests.get_ref();
    Ok(BatchesConfig { max_in_flight, max_requests, max_open: file.max_open, max_tries })
}

/// `kind` is that of the target's provider; `None` is the engine in this process.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was checked to be in range")]
pub(super) fn check_terms(file: &BatchTermsFile, kind: Option<ProviderKind>) -> Result<BatchTerms, Invalid> {
    let factor = *file.price_factor.get_ref();
    if !(0.0..=10.0).contains(&factor) {
        return Err(invalid(&file.price_factor, "batch: price_factor is a share of the usual price, 0.0 to 10.0"));
    }
    let minutes = match &file.hours {
        Some(hours) => {
            let wrong = || invalid(hours, "hours are like \"22:30-06:30\", from and until of a day");
            Some(minutes_of(hours.get_ref()).ok_or_else(wrong)?)
        }
        None => None,
    };
    if let Some(tier) = &file.service_tier {
        let has_tiers =
            matches!(kind, Some(ProviderKind::Openai | ProviderKind::OpenaiCompatible | ProviderKind::AzureOpenai));
        if !has_tiers {
            return Err(invalid(tier, "batch: service_tier is for providers with OpenAI's API"));
        }
        let is_name = |text: &str| !text.is_empty() && text.len() <= 64 && text.chars().all(|c| c.is_ascii_graphic());
        if !is_name(tier.get_ref()) {
            return Err(invalid(tier, "batch: service_tier is a name like \"flex\""));
        }
    }
    Ok(BatchTerms {
        price_permille: (factor * 1e3).round() as u32,
        minutes,
        service_tier: file.service_tier.as_ref().map(|tier| tier.get_ref().clone()),
    })
}
