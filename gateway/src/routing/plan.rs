//! The ordered candidates for one request.

use super::strategy::Criteria;
use super::{Asker, Candidate, InBorder, LocalModels, Needs, Route, Standings, Target};
use crate::config::{Ability, Sticky, Strategy};
use crate::pii::{ConfineReason, Screened};

/// Why the target that answers was chosen (`x-shekara-reason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Primary,
    Weighted,
    Cheapest,
    Fastest,
    LeastBusy,
    Canary,
    Confined(ConfineReason),
    Fallback(&'static str),
    /// The one before it failed too often.
    Breaker,
    /// The one before it has as much to do as it should.
    Overflow,
    /// The one before it has used up its tokens of the day.
    Budget,
    /// The one before it cannot take so long a prompt.
    Length,
    /// The one before it kept silent for long.
    Hedge,
    /// A copy whose answer nobody sees.
    Shadow,
}

impl Reason {
    pub fn header_value(self) -> String {
        match self {
            Self::Confined(reason) => reason.as_str().to_owned(),
            Self::Fallback(kind) => format!("fallback:{kind}"),
            Self::Primary => "primary".to_owned(),
            Self::Weighted => "weighted".to_owned(),
            Self::Cheapest => "cheapest".to_owned(),
            Self::Fastest => "fastest".to_owned(),
            Self::LeastBusy => "least-busy".to_owned(),
            Self::Canary => "canary".to_owned(),
            Self::Breaker => "breaker".to_owned(),
            Self::Overflow => "overflow".to_owned(),
            Self::Budget => "budget".to_owned(),
            Self::Length => "length".to_owned(),
            Self::Hedge => "hedge".to_owned(),
            Self::Shadow => "shadow".to_owned(),
        }
    }
}

const MINUTES_OF_A_DAY: u16 = 24 * 60;

/// Candidates in the order in which they are tried; never empty.
#[derive(Debug)]
pub struct Plan {
    pub candidates: Vec<Candidate>,
    /// The reason for the first of them.
    pub reason: Reason,
}

/// Nothing inside the border serves this route's sensitive requests, or nothing serves it at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoCandidate {
    NoLocalModel,
    /// There is one, and it lacks what the request needs.
    NoCapableLocalModel(Ability),
    /// Vectors can come from no other model than the alias', and that one is outside.
    EmbeddingNotLocal,
    /// The tokens of a model outside are not asked for: the request was not looked at.
    TokenizerNotLocal,
    /// A sound is heard inside the border or nowhere, and the route leads outside alone.
    AudioNotLocal,
    NotServed,
    /// No target lacks nothing of what the request needs.
    Incapable(Ability),
    /// Every target is for other requests.
    NoneTakesIt,
}

/// What a plan depends on beside the route and the finding about the request.
#[derive(Clone, Copy)]
pub struct Circumstances<'a> {
    pub served: &'a LocalModels,
    pub standings: &'a dyn Standings,
    pub needs: &'a Needs,
    pub asker: Asker<'a>,
    pub dice: Dice,
    /// Nobody waits for the answer: the cheapest target is asked first, whatever the route's strategy.
    pub in_batch: bool,
}

/// Fair numbers that decide between weights: each from what it should stick to, so that a choice can be told again.
#[derive(Debug, Clone, Copy)]
pub struct Dice {
    pub request: u64,
    /// Of this route and the API key.
    pub key: u64,
    /// Of this route and the request's own name for who asks, or the key where it has none.
    pub user: u64,
}

impl Dice {
    fn of(self, sticky: Sticky) -> u64 {
        match sticky {
            Sticky::Key => self.key,
            Sticky::User => self.user,
            Sticky::Request => self.request,
        }
    }
}

impl Route {
    /// # Errors
    /// [`NoCandidate`]: a sensitive request is never planned outward instead.
    pub fn plan(&self, screened: &Screened, now: &Circumstances<'_>) -> Result<Plan, NoCandidate> {
        match screened {
            Screened::Confined(confined) => {
                let inside: Vec<Candidate> = self.inside(now).collect();
                if inside.is_empty() {
                    return Err(NoCandidate::NoLocalModel);
                }
                let (candidates, _) = able(inside, now).map_err(NoCandidate::NoCapableLocalModel)?;
                Ok(Plan { candidates, reason: Reason::Confined(confined.reason()) })
            }
            Screened::Cleared(_) => self.open(now),
        }
    }

    /// The same for what only one model can answer, the route's first: vectors of two models cannot be compared.
    ///
    /// # Errors
    /// [`NoCandidate`]: a sensitive request is never planned outward, and never to another model.
    pub fn plan_bound(&self, screened: &Screened, now: &Circumstances<'_>) -> Result<Plan, NoCandidate> {
        let in_use = self.targets.iter().find(|candidate| candidate.weight > 0).or(self.targets.first());
        let candidate = in_use.ok_or(NoCandidate::NotServed)?;
        let reason = match (screened, &candidate.target) {
            (Screened::Confined(_), Target::External(_)) => return Err(NoCandidate::EmbeddingNotLocal),
            (Screened::Confined(confined), Target::InBorder(_)) => Reason::Confined(confined.reason()),
            (Screened::Cleared(_), _) => Reason::Primary,
        };
        if !candidate.takes(now.needs, now.asker) {
            return Err(NoCandidate::NoneTakesIt);
        }
        if !is_served(candidate, now.served) {
            return Err(NoCandidate::NotServed);
        }
        Ok(Plan { candidates: vec![candidate.clone()], reason })
    }

    /// The same for the tokens of a model, which its own server alone knows. Nobody looked at such a request, so that none
    /// leaves, and why it stays is no finding.
    ///
    /// # Errors
    /// [`NoCandidate`]: the model is outside, or not served.
    pub fn plan_tokens(&self, screened: &Screened, now: &Circumstances<'_>) -> Result<Plan, NoCandidate> {
        let plan = self.plan_bound(screened, now).map_err(|error| match error {
            NoCandidate::EmbeddingNotLocal => NoCandidate::TokenizerNotLocal,
            other => other,
        })?;
        Ok(Plan { reason: Reason::Primary, ..plan })
    }

    /// The same for what stays inside the border in any case, since nobody can look at it: the route's own targets there
    /// before those of its sensitive requests.
    ///
    /// # Errors
    /// [`NoCandidate`]: none of them is inside, or none is served.
    pub fn plan_inside(&self, screened: &Screened, now: &Circumstances<'_>) -> Result<Plan, NoCandidate> {
        let Screened::Confined(confined) = screened else { return Err(NoCandidate::AudioNotLocal) };
        let own = self.targets.iter().filter(|candidate| candidate.weight > 0);
        let all = own.chain(&self.fallback).chain(&self.sensitive);
        let inside = distinct(all.filter(|candidate| matches!(candidate.target, Target::InBorder(_))));
        if inside.is_empty() {
            return Err(NoCandidate::AudioNotLocal);
        }
        let taking: Vec<Candidate> =
            inside.into_iter().filter(|candidate| candidate.takes(now.needs, now.asker)).collect();
        if taking.is_empty() {
            return Err(NoCandidate::NoneTakesIt);
        }
        let candidates: Vec<Candidate> =
            taking.into_iter().filter(|candidate| is_served(candidate, now.served)).collect();
        if candidates.is_empty() {
            return Err(NoCandidate::NotServed);
        }
        Ok(Plan { candidates, reason: Reason::Confined(confined.reason()) })
    }

    /// True if `target` was named by the route itself, so that its limits are the caller's own choice.
    pub fn names(&self, target: &InBorder) -> bool {
        self.targets.iter().any(|own| matches!(&own.target, Target::InBorder(own) if own == target))
    }

    /// Minutes until a target's terms for batches make it cheaper than all are now, if they ever do.
    pub fn cheaper_in(&self, minute: u16) -> Option<u16> {
        let needs = Needs { prompt_tokens: 1_000, ..Needs::default() };
        let targets = || self.targets.iter().filter(|candidate| candidate.weight > 0);
        let now = targets().filter_map(|target| target.cost(&needs, Some(minute))).min()?;
        let opening = |target: &Candidate| {
            let (from, _) = target.settings.batch.as_ref()?.minutes?;
            let cost = target.cost(&needs, Some(from % MINUTES_OF_A_DAY))?;
            let wait = (from + MINUTES_OF_A_DAY - minute) % MINUTES_OF_A_DAY;
            (cost < now && wait > 0).then_some((cost, wait))
        };
        targets().filter_map(opening).min().map(|(_, wait)| wait)
    }

    fn inside(&self, now: &Circumstances<'_>) -> impl Iterator<Item = Candidate> {
        let inside = |candidate: &&Candidate| {
            matches!(candidate.target, Target::InBorder(_))
                && is_served(candidate, now.served)
                && candidate.takes(now.needs, now.asker)
        };
        self.sensitive.iter().filter(inside).cloned()
    }

    fn open(&self, now: &Circumstances<'_>) -> Result<Plan, NoCandidate> {
        let taking = |candidate: &&Candidate| candidate.takes(now.needs, now.asker);
        let targets = self.targets.iter().filter(|candidate| candidate.weight > 0).filter(taking).collect();
        let batch_minute = now.in_batch.then_some(now.asker.minute);
        let criteria = Criteria { needs: now.needs, standings: now.standings, dice: now.dice.request, batch_minute };
        let strategy = if now.in_batch { Strategy::Cheapest } else { self.strategy };
        let (ordered, mut reason) = criteria.order(strategy, targets);
        let canary = self.canary.as_ref().filter(|canary| {
            // Not the part of the number that decides between weights.
            let is_drawn = (now.dice.of(canary.sticky) >> 32) % 100 < u64::from(canary.percent);
            !now.in_batch && is_drawn && taking(&&canary.candidate) && is_served(&canary.candidate, now.served)
        });
        if canary.is_some() {
            reason = Reason::Canary;
        }
        let canary = canary.map(|canary| &canary.candidate);
        let all = distinct(canary.into_iter().chain(ordered).chain(self.fallback.iter().filter(taking)));
        if all.is_empty() {
            return Err(NoCandidate::NoneTakesIt);
        }
        let served: Vec<Candidate> = all.into_iter().filter(|candidate| is_served(candidate, now.served)).collect();
        if served.is_empty() {
            return Err(NoCandidate::NotServed);
        }
        let (candidates, passed_over) = able(served, now).map_err(NoCandidate::Incapable)?;
        Ok(Plan { candidates, reason: passed_over.unwrap_or(reason) })
    }
}

/// Those that lack nothing, and behind them those that had better not be asked now. The reason says why the first of all
/// was passed over, if it was.
fn able(candidates: Vec<Candidate>, now: &Circumstances<'_>) -> Result<(Vec<Candidate>, Option<Reason>), Ability> {
    let mut lacking = None;
    let able = candidates.into_iter().filter(|candidate| {
        let lack = candidate.lack(now.needs);
        lacking = lacking.or(lack);
        lack.is_none()
    });
    let able: Vec<Candidate> = able.collect();
    let why_not = |candidate: &Candidate| {
        let standing = now.standings.standing(candidate.deployment());
        if candidate.is_too_short(now.needs) {
            Some(Reason::Length)
        } else if candidate.is_spent(standing) {
            Some(Reason::Budget)
        } else {
            candidate.overflows(standing).then_some(Reason::Overflow)
        }
    };
    let first = able.first().and_then(why_not);
    let (mut ready, behind): (Vec<_>, Vec<_>) = able.into_iter().partition(|candidate| why_not(candidate).is_none());
    let passed_over = first.filter(|_| !ready.is_empty());
    ready.extend(behind);
    match lacking {
        Some(ability) if ready.is_empty() => Err(ability),
        _ => Ok((ready, passed_over)),
    }
}

fn distinct<'c>(candidates: impl Iterator<Item = &'c Candidate>) -> Vec<Candidate> {
    let mut distinct: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        if distinct.iter().all(|known| known.target != candidate.target) {
            distinct.push(candidate.clone());
        }
    }
    distinct
}

fn is_served(candidate: &Candidate, served: &LocalModels) -> bool {
    let deployment = candidate.deployment();
    !deployment.is_engine() || served.serves(&deployment.model)
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
