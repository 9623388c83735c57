//! In which order the targets of a route are tried.

use std::time::Duration;

use super::{Candidate, Needs, Reason, Standings};
use crate::config::Strategy;

/// One of so many requests goes to a target drawn by weight instead of the fastest: what became fast must be noticed.
const EXPLORE_EVERY: u64 = 20;

/// What the order depends on beside the targets.
#[derive(Clone, Copy)]
pub(super) struct Criteria<'a> {
    pub(super) needs: &'a Needs,
    pub(super) standings: &'a dyn Standings,
    /// Decides between weights.
    pub(super) dice: u64,
    /// The minute of the day, where the request is of a batch: other terms may hold for it.
    pub(super) batch_minute: Option<u16>,
}

impl Criteria<'_> {
    /// The reason is that of the first.
    pub(super) fn order(self, strategy: Strategy, mut targets: Vec<&Candidate>) -> (Vec<&Candidate>, Reason) {
        if targets.len() < 2 {
            return (targets, Reason::Primary);
        }
        let reason = match strategy {
            Strategy::Ordered => Reason::Primary,
            Strategy::Weighted => {
                self.draw_first(&mut targets);
                Reason::Weighted
            }
            Strategy::Cheapest => {
                targets.sort_by_key(|target| self.cost(target));
                Reason::Cheapest
            }
            Strategy::Fastest if self.dice.is_multiple_of(EXPLORE_EVERY) => {
                // The digits that brought it here decide nothing more.
                Self { dice: self.dice / EXPLORE_EVERY, ..self }.draw_first(&mut targets);
                Reason::Weighted
            }
            Strategy::Fastest => {
                targets.sort_by_cached_key(|target| self.first_token(target));
                Reason::Fastest
            }
            Strategy::LeastBusy => {
                self.draw_first(&mut targets);
                // Looked at once: it changes meanwhile.
                targets.sort_by_cached_key(|target| self.standings.standing(target.deployment()).in_flight);
                Reason::LeastBusy
            }
        };
        (targets, reason)
    }

    fn draw_first(self, targets: &mut Vec<&Candidate>) {
        let first = targets.remove(self.drawn(targets));
        targets.insert(0, first);
    }

    fn drawn(self, targets: &[&Candidate]) -> usize {
        let total: u64 = targets.iter().map(|target| u64::from(target.weight)).sum();
        let mut at = if total == 0 { 0 } else { self.dice % total };
        for (index, target) in targets.iter().enumerate() {
            match at.checked_sub(u64::from(target.weight)) {
                Some(rest) => at = rest,
                None => return index,
            }
        }
        0
    }

    /// An unknown price comes last.
    fn cost(self, target: &Candidate) -> (bool, u128) {
        let cost = target.cost(self.needs, self.batch_minute);
        (cost.is_none(), cost.unwrap_or(0))
    }

    /// Who has not answered yet is asked once.
    fn first_token(self, target: &Candidate) -> Duration {
        let usual_ms = self.standings.standing(target.deployment()).first_token_ms.unwrap_or(0.0);
        Duration::try_from_secs_f64(usual_ms / 1e3).unwrap_or(Duration::MAX)
    }
}
