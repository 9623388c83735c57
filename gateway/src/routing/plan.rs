//! The ordered candidates for one request.

use super::{InBorder, LocalModels, Route, Target};
use crate::pii::{ConfineReason, Screened};

/// Why the target that answers was chosen (`x-shekara-reason`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Primary,
    Weighted,
    Confined(ConfineReason),
    Fallback(&'static str),
    /// The one before it failed too often.
    Breaker,
}

impl Reason {
    pub fn header_value(self) -> String {
        match self {
            Self::Primary => "primary".to_owned(),
            Self::Weighted => "weighted".to_owned(),
            Self::Confined(reason) => reason.as_str().to_owned(),
            Self::Fallback(kind) => format!("fallback:{kind}"),
            Self::Breaker => "breaker".to_owned(),
        }
    }
}

/// Candidates in the order in which they are tried; never empty.
#[derive(Debug)]
pub struct Plan {
    pub candidates: Vec<Target>,
    /// The reason for the first of them.
    pub reason: Reason,
}

/// Nothing inside the border serves this route's sensitive requests, or nothing serves it at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoCandidate {
    NoLocalModel,
    /// Vectors can come from no other model than the alias', and that one is outside.
    EmbeddingNotLocal,
    /// A sound is heard inside the border or nowhere, and the route leads outside alone.
    AudioNotLocal,
    NotServed,
}

impl Route {
    /// `dice` decides between weighted targets.
    ///
    /// # Errors
    /// [`NoCandidate`]: a sensitive request is never planned outward instead.
    pub fn plan(&self, screened: &Screened, served: &LocalModels, dice: u64) -> Result<Plan, NoCandidate> {
        match screened {
            Screened::Confined(confined) => {
                let candidates = self.inside(served);
                if candidates.is_empty() {
                    return Err(NoCandidate::NoLocalModel);
                }
                Ok(Plan { candidates, reason: Reason::Confined(confined.reason()) })
            }
            Screened::Cleared(_) => self.open(served, dice),
        }
    }

    /// The same for what only one model can answer, the route's first: vectors of two models cannot be compared.
    ///
    /// # Errors
    /// [`NoCandidate`]: a sensitive request is never planned outward, and never to another model.
    pub fn plan_bound(&self, screened: &Screened, served: &LocalModels) -> Result<Plan, NoCandidate> {
        let in_use = self.targets.iter().find(|(_, weight)| *weight > 0).or(self.targets.first());
        let (target, _) = in_use.ok_or(NoCandidate::NotServed)?;
        let reason = match (screened, target) {
            (Screened::Confined(_), Target::External(_)) => return Err(NoCandidate::EmbeddingNotLocal),
            (Screened::Confined(confined), Target::InBorder(_)) => Reason::Confined(confined.reason()),
            (Screened::Cleared(_), _) => Reason::Primary,
        };
        if !is_served(target, served) {
            return Err(NoCandidate::NotServed);
        }
        Ok(Plan { candidates: vec![target.clone()], reason })
    }

    /// The same for what stays inside the border in any case, since nobody can look at it: the route's own targets there
    /// before those of its sensitive requests.
    ///
    /// # Errors
    /// [`NoCandidate`]: none of them is inside, or none is served.
    pub fn plan_inside(&self, screened: &Screened, served: &LocalModels) -> Result<Plan, NoCandidate> {
        let Screened::Confined(confined) = screened else { return Err(NoCandidate::AudioNotLocal) };
        let own = self.targets.iter().filter(|(_, weight)| *weight > 0).map(|(target, _)| target);
        let mut inside: Vec<&Target> = Vec::new();
        for target in own.chain(&self.fallback).chain(&self.sensitive) {
            if matches!(target, Target::InBorder(_)) && !inside.contains(&target) {
                inside.push(target);
            }
        }
        if inside.is_empty() {
            return Err(NoCandidate::AudioNotLocal);
        }
        let candidates: Vec<Target> = inside.into_iter().filter(|target| is_served(target, served)).cloned().collect();
        if candidates.is_empty() {
            return Err(NoCandidate::NotServed);
        }
        Ok(Plan { candidates, reason: Reason::Confined(confined.reason()) })
    }

    /// True if `target` was named by the route itself, so that its limits are the caller's own choice.
    pub fn names(&self, target: &InBorder) -> bool {
        self.targets.iter().any(|(own, _)| matches!(own, Target::InBorder(own) if own == target))
    }

    fn inside(&self, served: &LocalModels) -> Vec<Target> {
        let inside = |target: &&Target| matches!(target, Target::InBorder(_)) && is_served(target, served);
        self.sensitive.iter().filter(inside).cloned().collect()
    }

    fn open(&self, served: &LocalModels, dice: u64) -> Result<Plan, NoCandidate> {
        let weighted = self.targets.iter().filter(|(_, weight)| *weight > 0).count() > 1;
        let first = self.pick(dice);
        let others = self.targets.iter().enumerate().filter(|(at, (_, weight))| *at != first && *weight > 0);
        let ordered = [&self.targets[first].0].into_iter().chain(others.map(|(_, (target, _))| target));
        let mut candidates: Vec<Target> = Vec::new();
        for target in ordered.chain(&self.fallback) {
            if is_served(target, served) && !candidates.contains(target) {
                candidates.push(target.clone());
            }
        }
        if candidates.is_empty() {
            return Err(NoCandidate::NotServed);
        }
        Ok(Plan { candidates, reason: if weighted { Reason::Weighted } else { Reason::Primary } })
    }

    fn pick(&self, dice: u64) -> usize {
        let total: u64 = self.targets.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut at = if total == 0 { 0 } else { dice % total };
        for (index, (_, weight)) in self.targets.iter().enumerate() {
            match at.checked_sub(u64::from(*weight)) {
                Some(rest) => at = rest,
                None => return index,
            }
        }
        0
    }
}

fn is_served(target: &Target, served: &LocalModels) -> bool {
    let deployment = target.deployment();
    !deployment.is_engine() || served.serves(&deployment.model)
}
