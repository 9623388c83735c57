//! `[[routes]]` and their targets, checked: providers exist, sensitive targets stay inside, numbers make sense.

use std::time::Duration;

use toml::Spanned;

use super::batches::{BatchTerms, check_terms};
use super::content::{CacheConfig, check_cache};
use super::file::EntityActions;
use super::provider::ProviderConfig;
use super::provider_file::ProviderKind;
use super::route_file::{
    Ability, CanaryFile, ConditionFile, PriceFile, RetriesFile, RouteFile, ShadowFile, Sticky, Strategy, TargetFile,
    TimeoutsFile, UnreadableRule,
};
use super::validate::{Invalid, LOCAL_PROVIDER, Zone, invalid};
use crate::auth::DataClass;
use crate::pii::{Action, PolicyOverrides};

const MAX_RETRIES: u32 = 5;
const MINUTES_OF_A_DAY: u16 = 24 * 60;

#[derive(Debug, Clone)]
pub struct RouteConfig {
    pub alias: String,
    pub targets: Vec<TargetConfig>,
    pub fallback: Vec<TargetConfig>,
    pub sensitive: Vec<TargetConfig>,
    pub strategy: Strategy,
    pub canary: Option<CanaryConfig>,
    pub shadow: Option<ShadowConfig>,
    pub hedge: Option<Duration>,
    pub timeouts: Timeouts,
    pub max_output_tokens: Option<u32>,
    pub overrides: PolicyOverrides,
    pub mask: bool,
    pub unreadable: UnreadableRule,
    pub data_class: DataClass,
    pub sticky: bool,
    /// What happens to entities in answers.
    pub answers: Option<EntityActions>,
    pub cache: Option<CacheConfig>,
}

impl RouteConfig {
    pub fn all_targets(&self) -> impl Iterator<Item = &TargetConfig> {
        let others =
            self.canary.iter().map(|canary| &canary.target).chain(self.shadow.iter().map(|shadow| &shadow.target));
        self.targets.iter().chain(&self.fallback).chain(&self.sensitive).chain(others)
    }
}

#[derive(Debug, Clone, Default)]
pub struct TargetConfig {
    pub provider: String,
    pub model: String,
    pub weight: u32,
    pub settings: TargetSettings,
}

/// How a target is asked, and for what.
#[derive(Debug, Clone, Default)]
pub struct TargetSettings {
    pub timeouts: Timeouts,
    /// Its own, where it has one: the engine in this process, whose queue may take a while, is given up by no other.
    pub own_first_token: Option<Duration>,
    pub retries: Retries,
    pub when: Condition,
    pub overflow_in_flight: Option<u32>,
    pub overflow_per_minute: Option<u32>,
    pub context_tokens: Option<u64>,
    pub lacks: Vec<Ability>,
    pub price: Option<Price>,
    pub tokens_per_day: Option<u64>,
    /// Millionths of a US dollar; there is a price then.
    pub micro_usd_per_day: Option<u64>,
    pub batch: Option<BatchTerms>,
}

#[derive(Debug, Clone)]
pub struct CanaryConfig {
    pub target: TargetConfig,
    pub percent: u8,
    pub sticky: Sticky,
}

#[derive(Debug, Clone)]
pub struct ShadowConfig {
    pub target: TargetConfig,
    pub percent: u8,
}

/// Which requests a target takes.
#[derive(Debug, Clone, Default)]
pub struct Condition {
    pub written: ConditionFile,
    /// Minutes of the day, from and until.
    pub minutes: Option<(u16, u16)>,
}

/// Millionths of a US dollar for a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    pub prompt: u64,
    pub completion: u64,
}

#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// `None` leaves it to the provider's `connect_timeout_ms`.
    pub connect: Option<Duration>,
    pub first_token: Duration,
    pub between_tokens: Duration,
    pub total: Duration,
    pub headers: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::from(TimeoutsFile::default())
    }
}

impl From<TimeoutsFile> for Timeouts {
    fn from(file: TimeoutsFile) -> Self {
        Self {
            connect: file.connect_ms.map(Duration::from_millis),
            first_token: Duration::from_millis(file.first_token_ms.unwrap_or(60_000)),
            between_tokens: Duration::from_millis(file.between_tokens_ms.unwrap_or(60_000)),
            total: Duration::from_millis(file.total_ms.unwrap_or(600_000)),
            headers: Duration::from_millis(file.headers_ms.unwrap_or(15_000)),
        }
    }
}

impl TimeoutsFile {
    /// What is not set here is as in `route`.
    fn or(self, route: Self) -> Self {
        Self {
            connect_ms: self.connect_ms.or(route.connect_ms),
            first_token_ms: self.first_token_ms.or(route.first_token_ms),
            between_tokens_ms: self.between_tokens_ms.or(route.between_tokens_ms),
            total_ms: self.total_ms.or(route.total_ms),
            headers_ms: route.headers_ms,
        }
    }
}

/// Further tries on the same target.
#[derive(Debug, Clone, Copy)]
pub struct Retries {
    pub connect: u32,
    pub timeout: u32,
}

impl Default for Retries {
    fn default() -> Self {
        Self { connect: 1, timeout: 1 }
    }
}

impl Retries {
    fn new(own: RetriesFile, route: RetriesFile) -> Self {
        let set = |own: Option<u32>, route: Option<u32>| own.or(route).unwrap_or(1).min(MAX_RETRIES);
        Self { connect: set(own.connect, route.connect), timeout: set(own.timeout, route.timeout) }
    }
}

pub(super) fn check_route(file: RouteFile, providers: &[ProviderConfig]) -> Result<RouteConfig, Invalid> {
    let alias = file.model.get_ref();
    if alias.is_empty() || alias.len() > 200 || !alias.chars().all(|c| c.is_ascii_graphic()) {
        return Err(invalid(&file.model, "a route's model is 1 to 200 visible ASCII characters"));
    }
    if file.targets.get_ref().is_empty() {
        return Err(invalid(&file.targets, format!("route '{alias}' needs at least one target")));
    }
    let targets = Targets { providers, timeouts: file.timeouts, retries: file.retries };
    let span = file.targets.span().start;
    let own = targets.check(file.targets.into_inner())?;
    if own.iter().all(|target| target.weight == 0) {
        return Err(Invalid { offset: Some(span), message: format!("route '{alias}': every weight is 0") });
    }
    for target in &file.sensitive {
        let name = target.provider.get_ref();
        if providers.iter().any(|provider| provider.name == *name && provider.zone == Zone::External) {
            let message =
                format!("route '{alias}': sensitive targets must stay inside the border, '{name}' is external");
            return Err(invalid(&target.provider, message));
        }
    }
    if let Some(hedge) = file.hedge_ms.as_ref().filter(|hedge| *hedge.get_ref() == 0) {
        return Err(invalid(hedge, "hedge_ms must be at least 1"));
    }
    Ok(RouteConfig {
        targets: own,
        fallback: targets.check_unweighted(file.fallback)?,
        sensitive: targets.check_unweighted(file.sensitive)?,
        strategy: file.strategy,
        canary: file.canary.map(|canary| targets.canary(canary)).transpose()?,
        shadow: file.shadow.map(|shadow| targets.shadow(shadow)).transpose()?,
        hedge: file.hedge_ms.map(|hedge| Duration::from_millis(hedge.into_inner())),
        timeouts: file.timeouts.into(),
        max_output_tokens: file.max_output_tokens,
        overrides: PolicyOverrides { actions: file.entities, thresholds: file.thresholds },
        mask: file.mask,
        unreadable: file.unreadable,
        data_class: file.data_class,
        sticky: file.sticky,
        answers: check_answers(file.answers)?,
        cache: check_cache(file.cache)?,
        alias: file.model.into_inner(),
    })
}

/// An answer that was generated cannot be generated elsewhere instead.
fn check_answers(file: Option<Spanned<EntityActions>>) -> Result<Option<EntityActions>, Invalid> {
    if let Some(actions) = &file
        && let Some((entity, _)) = actions.get_ref().iter().find(|(_, action)| **action == Action::Local)
    {
        let message =
            format!("answers: the action of '{entity}' is 'label', 'mask' or 'block'; 'local' is for requests");
        return Err(invalid(actions, message));
    }
    Ok(file.map(Spanned::into_inner))
}

/// What the targets of one route have in common.
struct Targets<'a> {
    providers: &'a [ProviderConfig],
    timeouts: TimeoutsFile,
    retries: RetriesFile,
}

impl Targets<'_> {
    fn check(&self, targets: Vec<TargetFile>) -> Result<Vec<TargetConfig>, Invalid> {
        targets
            .into_iter()
            .map(|target| {
                let kind = self.known(&target.provider)?;
                if target.timeouts.headers_ms.is_some() {
                    return Err(invalid(&target.model, "headers_ms is the route's: set it in its timeouts"));
                }
                let settings = TargetSettings {
                    own_first_token: target.timeouts.first_token_ms.map(Duration::from_millis),
                    timeouts: target.timeouts.or(self.timeouts).into(),
                    retries: Retries::new(target.retries, self.retries),
                    when: check_condition(target.when)?,
                    overflow_in_flight: target.overflow.in_flight,
                    overflow_per_minute: target.overflow.requests_per_minute,
                    context_tokens: target.context_tokens,
                    lacks: target.lacks,
                    price: target.price.as_ref().map(check_price).transpose()?,
                    tokens_per_day: target.tokens_per_day,
                    micro_usd_per_day: check_usd_per_day(target.usd_per_day.as_ref(), target.price.is_some())?,
                    batch: target.batch.as_ref().map(|terms| check_terms(terms, kind)).transpose()?,
                };
                let (provider, model) = (target.provider.into_inner(), target.model.into_inner());
                Ok(TargetConfig { provider, model, weight: target.weight.unwrap_or(1), settings })
            })
            .collect()
    }

    /// Of targets that are asked in their order.
    fn check_unweighted(&self, targets: Vec<TargetFile>) -> Result<Vec<TargetConfig>, Invalid> {
        match targets.iter().find(|target| target.weight.is_some()) {
            Some(target) => Err(invalid(
                &target.model,
                "weight is for `targets`: fallback and sensitive targets are asked in order",
            )),
            None => self.check(targets),
        }
    }

    fn canary(&self, file: CanaryFile) -> Result<CanaryConfig, Invalid> {
        let percent = check_percent(&file.percent)?;
        let target = self.plain(file.provider, file.model, file.when)?;
        Ok(CanaryConfig { target, percent, sticky: file.sticky })
    }

    fn shadow(&self, file: ShadowFile) -> Result<ShadowConfig, Invalid> {
        let percent = check_percent(&file.percent)?;
        Ok(ShadowConfig { target: self.plain(file.provider, file.model, file.when)?, percent })
    }

    fn plain(
        &self,
        provider: Spanned<String>,
        model: Spanned<String>,
        when: ConditionFile,
    ) -> Result<TargetConfig, Invalid> {
        self.known(&provider)?;
        let (timeouts, retries) = (self.timeouts.into(), Retries::new(RetriesFile::default(), self.retries));
        let settings = TargetSettings { timeouts, retries, when: check_condition(when)?, ..TargetSettings::default() };
        Ok(TargetConfig { provider: provider.into_inner(), model: model.into_inner(), weight: 1, settings })
    }

    /// The provider's kind; `None` for the engine in this process.
    fn known(&self, name: &Spanned<String>) -> Result<Option<ProviderKind>, Invalid> {
        let text = name.get_ref();
        let provider = self.providers.iter().find(|provider| provider.name == *text);
        if provider.is_none() && text != LOCAL_PROVIDER {
            return Err(invalid(name, format!("there is no provider '{text}'")));
        }
        Ok(provider.map(|provider| provider.kind))
    }
}

fn check_percent(percent: &Spanned<u8>) -> Result<u8, Invalid> {
    let value = *percent.get_ref();
    if value > 100 { Err(invalid(percent, "percent must be 0 to 100")) } else { Ok(value) }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was checked to be in range")]
fn check_price(file: &Spanned<PriceFile>) -> Result<Price, Invalid> {
    let fine = |price: f64| (0.0..=1e6).contains(&price);
    let PriceFile { prompt, completion } = *file.get_ref();
    if !fine(prompt) || !fine(completion) {
        return Err(invalid(file, "a price is 0 to 1000000 US dollars for a million tokens"));
    }
    let millionths = |price: f64| (price * 1e6).round() as u64;
    Ok(Price { prompt: millionths(prompt), completion: millionths(completion) })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was checked to be in range")]
fn check_usd_per_day(budget: Option<&Spanned<f64>>, has_price: bool) -> Result<Option<u64>, Invalid> {
    let Some(budget) = budget else { return Ok(None) };
    if !has_price {
        return Err(invalid(budget, "usd_per_day needs the target's price"));
    }
    if !(0.0..=1e9).contains(budget.get_ref()) {
        return Err(invalid(budget, "usd_per_day is 0 to 1000000000 US dollars"));
    }
    Ok(Some((budget.get_ref() * 1e6).round() as u64))
}

fn check_condition(file: ConditionFile) -> Result<Condition, Invalid> {
    let minutes = match &file.hours {
        Some(hours) => Some(
            minutes_of(hours.get_ref())
                .ok_or_else(|| invalid(hours, "hours are like \"09:00-18:00\", from and until of a day"))?,
        ),
        None => None,
    };
    Ok(Condition { written: file, minutes })
}

pub(super) fn minutes_of(hours: &str) -> Option<(u16, u16)> {
    let minute = |text: &str| {
        let (hour, minute) = text.trim().split_once(':').unwrap_or((text.trim(), "0"));
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        let of_day = hour.checked_mul(60)?.checked_add(minute)?;
        (minute < 60 && of_day <= MINUTES_OF_A_DAY).then_some(of_day)
    };
    let (from, until) = hours.split_once('-')?;
    let (from, until) = (minute(from)?, minute(until)?);
    (from != until).then_some((from, until))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_minutes_of_a_day() {
        assert_eq!(minutes_of("09:00-18:30"), Some((540, 1110)));
        assert_eq!(minutes_of("22-6"), Some((1320, 360)));
        assert_eq!(minutes_of("0-24"), Some((0, 1440)));
        for wrong in ["9", "9-25", "9:60-10", "-", "9-9", "a-b", "99999-1"] {
            assert_eq!(minutes_of(wrong), None, "{wrong}");
        }
    }
}
