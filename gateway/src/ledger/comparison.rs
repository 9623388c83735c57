//! What a provider says was used held against what the ledger has, for each of the provider's days (UTC) and each model.
//!
//! Rows that the provider reported are as it said; what may be wrong is what was estimated. A difference is explained where
//! some usage of the estimated rows, not below nothing, makes the two equal.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use jiff::civil::Date;
use serde::Serialize;

use super::correction::ProviderDay;
use super::statement::{Skipped, Statement, Sums};
use crate::billing::decimal::read;
use crate::billing::{BadAmount, UsageSource, Usd, without_day};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Ours are calls that used anything.
    Requests,
    PromptTokens,
    CachedTokens,
    CompletionTokens,
    /// In 10⁻¹² dollars.
    Cost,
}

impl Metric {
    pub const ALL: [Self; 5] =
        [Self::Requests, Self::PromptTokens, Self::CachedTokens, Self::CompletionTokens, Self::Cost];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::PromptTokens => "prompt_tokens",
            Self::CachedTokens => "cached_tokens",
            Self::CompletionTokens => "completion_tokens",
            Self::Cost => "cost_usd",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    Equal,
    /// The provider has what the ledger does not know.
    OursMissing,
    /// The ledger has what the provider does not bill.
    TheirsMissing,
    DiffersWithinEstimated,
    DiffersBeyond,
}

impl Class {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::OursMissing => "ours_missing",
            Self::TheirsMissing => "theirs_missing",
            Self::DiffersWithinEstimated => "differs_within_estimated",
            Self::DiffersBeyond => "differs_beyond",
        }
    }
}

/// Of what the provider says, how much may differ: percent with up to four digits behind the point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tolerance {
    millionths: i128,
}

impl FromStr for Tolerance {
    type Err = BadAmount;

    fn from_str(text: &str) -> Result<Self, BadAmount> {
        let text = text.trim();
        let millionths = read(text.strip_suffix('%').unwrap_or(text).trim(), 4)?;
        match millionths {
            0..=1_000_000_000_000 => Ok(Self { millionths }),
            ..0 => Err(BadAmount::NotPositive),
            _ => Err(BadAmount::TooLarge),
        }
    }
}

impl Tolerance {
    fn allows(self, difference: i128, of: i128) -> bool {
        difference.saturating_abs().saturating_mul(1_000_000) <= of.saturating_abs().saturating_mul(self.millionths)
    }
}

/// Whose names mean the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelNames {
    /// Theirs, and what the ledger calls it.
    pub same: Vec<(String, String)>,
    /// Not compared: somebody else's use of the same account, or what this file is not about.
    pub skip: BTreeSet<String>,
    /// A model that the file does not have on a day that it has was not used.
    pub is_absent_zero: bool,
}

/// What is to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub provider: String,
    /// The provider's days, the first and the one behind the last.
    pub from: Date,
    pub until: Date,
    pub names: ModelNames,
    pub tolerance: Tolerance,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComparisonLine {
    pub day: Date,
    pub model: String,
    /// What is called so here.
    pub our_models: BTreeSet<String>,
    pub their_models: BTreeSet<String>,
    pub ours: [i128; 5],
    /// Of ours, what the provider itself reported.
    pub reported: [i128; 5],
    /// Absent is what the file does not say.
    pub theirs: [Option<i128>; 5],
    pub estimated_calls: u64,
    /// Calls without an amount: of all, and of those that were reported.
    pub unpriced: u64,
    pub unpriced_reported: u64,
    pub undollared: u64,
    pub class: Class,
    /// Some usage of the estimated rows makes both equal, the number of requests aside.
    pub is_explained: bool,
    /// It differs by more than is tolerated.
    pub is_beyond: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    pub provider: String,
    pub layout: &'static str,
    pub from: Date,
    pub until: Date,
    pub lines: Vec<ComparisonLine>,
    /// Theirs that the ledger has nothing of in these days.
    pub unknown_models: BTreeSet<String>,
    pub skipped: Vec<Skipped>,
    pub num_skipped: u64,
    /// Days and models of the file that lie outside the days asked for.
    pub num_outside: u64,
}

impl Comparison {
    pub fn num_beyond(&self) -> usize {
        self.lines.iter().filter(|line| line.is_beyond).count()
    }
}

pub fn compare(ours: &[ProviderDay], statement: &Statement, asked: &Asked) -> Comparison {
    let within = |day: Date| (asked.from..asked.until).contains(&day);
    let theirs = statement.sums.iter().filter(|((_, model), _)| !asked.names.skip.contains(model));
    let (inside, outside): (Vec<_>, Vec<_>) = theirs.partition(|((day, _), _)| within(*day));
    let names = Names::of(ours, inside.iter().map(|((_, model), _)| model.as_str()), &asked.names);
    let mut lines: BTreeMap<(Date, String), ComparisonLine> = BTreeMap::new();
    for day in ours.iter().filter(|day| within(day.day) && !asked.names.skip.contains(&day.model)) {
        line(&mut lines, day.day, names.ours(&day.model)).add_ours(day);
    }
    for ((day, model), sums) in &inside {
        line(&mut lines, *day, names.theirs(model)).add_theirs(model, sums);
    }
    let days = statement.days();
    let said = said(statement);
    let mut lines: Vec<ComparisonLine> = lines.into_values().collect();
    for line in &mut lines {
        // Exports may leave kinds of models out: whether that means nothing is for people to say.
        if line.their_models.is_empty() && days.contains(&line.day) {
            line.theirs = said.map(|is_said| is_said.then_some(0));
        }
        line.judge(said, asked);
    }
    let known: BTreeSet<&str> = ours.iter().map(|day| names.ours(&day.model)).collect();
    let unknown = inside.iter().filter(|((_, model), _)| !known.contains(names.theirs(model)));
    Comparison {
        provider: asked.provider.clone(),
        layout: statement.layout,
        from: asked.from,
        until: asked.until,
        unknown_models: unknown.map(|((_, model), _)| model.clone()).collect(),
        lines,
        skipped: statement.skipped.clone(),
        num_skipped: statement.num_skipped,
        num_outside: outside.len() as u64,
    }
}

fn line<'l>(lines: &'l mut BTreeMap<(Date, String), ComparisonLine>, day: Date, model: &str) -> &'l mut ComparisonLine {
    lines.entry((day, model.to_owned())).or_insert_with(|| ComparisonLine {
        day,
        model: model.to_owned(),
        our_models: BTreeSet::new(),
        their_models: BTreeSet::new(),
        ours: [0; 5],
        reported: [0; 5],
        theirs: [None; 5],
        estimated_calls: 0,
        unpriced: 0,
        unpriced_reported: 0,
        undollared: 0,
        class: Class::Equal,
        is_explained: false,
        is_beyond: false,
    })
}

/// What the file says of anything.
fn said(statement: &Statement) -> [bool; 5] {
    let mut said = [false; 5];
    for sums in statement.sums.values() {
        for (said, amount) in said.iter_mut().zip(amounts(sums)) {
            *said |= amount.is_some();
        }
    }
    said
}

fn amounts(sums: &Sums) -> [Option<i128>; 5] {
    let count = |count: Option<u64>| count.map(i128::from);
    [
        count(sums.requests),
        count(sums.prompt_tokens),
        count(sums.cached_prompt_tokens),
        count(sums.completion_tokens),
        sums.cost.map(Usd::pico),
    ]
}

impl ComparisonLine {
    /// What the estimated rows have to come to; none where the file does not say.
    pub fn target(&self, metric: Metric) -> Option<i128> {
        let at = metric as usize;
        self.theirs[at].map(|theirs| theirs - self.reported[at])
    }

    pub fn differs(&self, metric: Metric) -> bool {
        let at = metric as usize;
        self.theirs[at].is_some_and(|theirs| theirs != self.ours[at])
    }

    /// Tokens or money: what corrections can mend.
    pub fn is_to_correct(&self) -> bool {
        let is_unpriced = self.unpriced > 0 && self.theirs[Metric::Cost as usize].is_some();
        is_unpriced || Metric::ALL.into_iter().skip(1).any(|metric| self.differs(metric))
    }

    fn add_ours(&mut self, day: &ProviderDay) {
        let is_estimated = day.source == UsageSource::Estimated;
        let more = [
            i128::from(day.calls),
            i128::from(day.prompt_tokens),
            i128::from(day.cached_prompt_tokens),
            i128::from(day.completion_tokens),
            day.usd.pico(),
        ];
        for ((ours, reported), more) in self.ours.iter_mut().zip(&mut self.reported).zip(more) {
            *ours += more;
            *reported += if is_estimated { 0 } else { more };
        }
        self.our_models.insert(day.model.clone());
        self.unpriced += day.unpriced;
        self.undollared += day.undollared;
        if is_estimated {
            self.estimated_calls += day.calls;
        } else {
            self.unpriced_reported += day.unpriced;
        }
    }

    fn add_theirs(&mut self, model: &str, sums: &Sums) {
        let is_first = self.their_models.is_empty();
        for (sum, more) in self.theirs.iter_mut().zip(amounts(sums)) {
            // What one of them does not say is not known of all.
            *sum = if is_first { more } else { sum.zip(more).map(|(sum, more)| sum + more) };
        }
        self.their_models.insert(model.to_owned());
    }

    fn judge(&mut self, said: [bool; 5], asked: &Asked) {
        let is_told = !self.their_models.is_empty() || asked.names.is_absent_zero;
        self.is_explained =
            is_told && self.estimated_calls > 0 && self.can_be_explained() && self.are_requests_explained();
        let differs = Metric::ALL.into_iter().any(|metric| self.differs(metric));
        let is_day_missing = self.theirs.iter().all(Option::is_none);
        self.class = if self.our_models.is_empty() {
            Class::OursMissing
        } else if self.their_models.is_empty() {
            Class::TheirsMissing
        } else if !differs {
            Class::Equal
        } else if self.is_explained {
            Class::DiffersWithinEstimated
        } else {
            Class::DiffersBeyond
        };
        self.is_beyond = Metric::ALL.into_iter().any(|metric| {
            let at = metric as usize;
            match self.theirs[at] {
                // It is not known which of the estimated calls the provider has counted.
                Some(_) if metric == Metric::Requests && self.are_requests_explained() => false,
                Some(theirs) => !asked.tolerance.allows(theirs - self.ours[at], theirs),
                None => is_day_missing && said[at] && self.ours[at] != 0,
            }
        });
    }

    fn are_requests_explained(&self) -> bool {
        let at = Metric::Requests as usize;
        self.theirs[at].is_none_or(|theirs| (self.reported[at]..=self.ours[at]).contains(&theirs))
    }

    fn can_be_explained(&self) -> bool {
        let is_said = self.theirs.iter().skip(1).any(Option::is_some);
        let targets = Metric::ALL.into_iter().skip(1).filter_map(|metric| self.target(metric));
        let estimated = |metric: Metric| {
            let at = metric as usize;
            self.target(metric).unwrap_or(self.ours[at] - self.reported[at])
        };
        let is_cost_ours = self.unpriced_reported == 0 && self.undollared == 0;
        let is_cost_known = self.theirs[Metric::Cost as usize].is_none() || is_cost_ours;
        let fits = estimated(Metric::CachedTokens) <= estimated(Metric::PromptTokens);
        is_said && is_cost_known && fits && targets.into_iter().all(|target| target >= 0)
    }
}

/// Which names stand for the same model.
struct Names<'n> {
    explicit: BTreeMap<&'n str, &'n str>,
    ours: BTreeSet<String>,
    /// Names without a day behind them: those with one may be meant by them.
    undated: BTreeSet<String>,
    /// Theirs, as they are held against ours.
    read: BTreeMap<String, String>,
}

impl<'n> Names<'n> {
    fn of(ours: &[ProviderDay], theirs: impl Iterator<Item = &'n str>, given: &'n ModelNames) -> Self {
        let explicit = given.same.iter().map(|(theirs, ours)| (theirs.as_str(), ours.as_str())).collect();
        let ours = ours.iter().map(|day| day.model.clone()).collect();
        let mut names = Self { explicit, ours, undated: BTreeSet::new(), read: BTreeMap::new() };
        for model in theirs {
            let read = names.plain(model);
            names.read.insert(model.to_owned(), read);
        }
        let all = names.ours.iter().chain(names.read.values());
        names.undated = all.filter(|name| without_day(name).is_none()).cloned().collect();
        names
    }

    /// What was said, what is the same, or the same in other letters: `Claude Haiku 4.5` is `claude-haiku-4-5`.
    fn plain(&self, model: &str) -> String {
        if let Some(same) = self.explicit.get(model) {
            return (*same).to_owned();
        }
        let folded = model.to_lowercase().replace([' ', '.', '_'], "-");
        let is_ours = |name: &str| self.ours.iter().any(|own| own == name || without_day(own) == Some(name));
        if is_ours(model) || !is_ours(&folded) { model.to_owned() } else { folded }
    }

    fn ours<'s>(&'s self, model: &'s str) -> &'s str {
        match without_day(model) {
            Some(name) if self.undated.contains(name) => name,
            _ => model,
        }
    }

    fn theirs<'s>(&'s self, model: &'s str) -> &'s str {
        self.ours(self.read.get(model).map_or(model, String::as_str))
    }
}

#[cfg(test)]
#[path = "comparison_tests.rs"]
mod tests;
