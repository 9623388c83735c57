//! How far to guess ahead, so that guessing pays.
//!
//! A step takes about `a + b · tokens` seconds; `a` is reading the weights, `b` computing one token
//! more. A draft that is right with probability `p` gains `p` tokens for `b` seconds, which is
//! worth it as long as that rate is better than the step's own without it. Both lines are
//! learnt from the steps themselves. Only speed depends on them: what is generated does not.

use std::time::Duration;

/// Weight of the past, per step.
const DECAY: f64 = 0.98;
/// How fast a sequence's acceptance rate follows what happens, and how fast the engine's does.
const RATE: f64 = 0.2;
const COMMON_RATE: f64 = 0.05;
/// Sequences that no longer draft come back to it slowly, in case their text has changed.
const RECOVERY: f64 = 0.005;
const FIRST_ACCEPTANCE: f64 = 0.5;
/// Until the cost is known, drafting is tried in steps of up to this many tokens.
const MAX_TOKENS_UNKNOWN: usize = 8;
/// A gain must be more than noise.
const MARGIN: f64 = 1.25;

/// Time of a step as a line over its tokens, by least squares over the recent steps.
#[derive(Debug, Default)]
struct StepCost {
    weight: f64,
    tokens: f64,
    seconds: f64,
    tokens_squared: f64,
    product: f64,
}

impl StepCost {
    fn observe(&mut self, tokens: usize, seconds: f64) {
        let tokens = tokens as f64;
        self.weight = self.weight * DECAY + 1.0;
        self.tokens = self.tokens * DECAY + tokens;
        self.seconds = self.seconds * DECAY + seconds;
        self.tokens_squared = self.tokens_squared * DECAY + tokens * tokens;
        self.product = self.product * DECAY + tokens * seconds;
    }

    /// Share of a step of `tokens` tokens that one token more would cost, as a fraction of what
    /// its tokens cost on average. Below one: company makes tokens cheaper.
    fn marginal_share(&self, tokens: usize) -> Option<f64> {
        let spread = self.weight * self.tokens_squared - self.tokens * self.tokens;
        // Steps of one size say nothing about another.
        if self.weight < 4.0 || spread < 1e-3 * self.tokens_squared * self.weight {
            return None;
        }
        let slope = ((self.weight * self.product - self.tokens * self.seconds) / spread).max(0.0);
        let base = ((self.seconds - slope * self.tokens) / self.weight).max(0.0);
        let mean = (base + slope * tokens as f64) / tokens as f64;
        (mean > 0.0).then(|| slope / mean)
    }
}

/// What the engine has learnt about guessing.
#[derive(Debug)]
pub(super) struct Speculation {
    max_drafts: usize,
    cost: StepCost,
    acceptance: f64,
}

/// What one sequence's guesses are worth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acceptance(f64);

impl Speculation {
    /// `max_drafts` of zero turns it off.
    pub(super) fn new(max_drafts: usize) -> Self {
        Self { max_drafts, cost: StepCost::default(), acceptance: FIRST_ACCEPTANCE }
    }

    pub(super) fn is_on(&self) -> bool {
        self.max_drafts > 0
    }

    /// For a new sequence: as good as those before it.
    pub(super) fn acceptance(&self) -> Acceptance {
        Acceptance(self.acceptance.max(0.2))
    }

    /// Drafts that are worth their time in a step of `tokens` tokens beside them.
    pub(super) fn num_drafts(&self, acceptance: &mut Acceptance, tokens: usize) -> usize {
        let least = match self.cost.marginal_share(tokens.max(1)) {
            Some(share) => share * MARGIN,
            None if tokens <= MAX_TOKENS_UNKNOWN => 0.1,
            None => 1.0,
        };
        let mut count = 0;
        let mut likelihood = acceptance.0;
        while count < self.max_drafts && likelihood > least {
            count += 1;
            likelihood *= acceptance.0;
        }
        if count == 0 {
            acceptance.0 += RECOVERY * (FIRST_ACCEPTANCE - acceptance.0).max(0.0);
        }
        count
    }

    /// Takes note of what became of a sequence's drafts.
    pub(super) fn learn(&mut self, acceptance: &mut Acceptance, num_drafts: usize, num_accepted: usize) {
        if num_drafts == 0 {
            return;
        }
        // Drafts behind a wrong one say nothing.
        let tried = num_drafts.min(num_accepted + 1);
        let found = num_accepted as f64 / tried as f64;
        acceptance.0 += RATE * (found - acceptance.0);
        self.acceptance += COMMON_RATE * (found - self.acceptance);
    }

    /// Takes note of a step's time.
    pub(super) fn observe_step(&mut self, tokens: usize, took: Duration) {
        self.cost.observe(tokens, took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt(base: f64, slope: f64) -> Speculation {
        let mut speculation = Speculation::new(16);
        for tokens in [1, 4, 2, 8, 3, 16, 1, 5] {
            speculation.observe_step(tokens, Duration::from_secs_f64(base + slope * tokens as f64));
        }
        speculation
    }

    #[test]
    fn cheap_tokens_are_guessed_far_ahead_and_dear_ones_not_at_all() {
        let reading = learnt(0.020, 0.001);
        assert_eq!(reading.num_drafts(&mut Acceptance(0.95), 1), 16);
        assert!((1..4).contains(&reading.num_drafts(&mut Acceptance(0.4), 1)));
        let computing = learnt(0.0, 0.005);
        assert_eq!(computing.num_drafts(&mut Acceptance(0.99), 4), 0);
        let crowded = reading.num_drafts(&mut Acceptance(0.7), 64);
        assert!(crowded < reading.num_drafts(&mut Acceptance(0.7), 1));
    }

    #[test]
    fn wrong_guesses_end_guessing_and_right_ones_bring_it_back() {
        let mut speculation = learnt(0.020, 0.004);
        let mut acceptance = speculation.acceptance();
        for _ in 0..40 {
            speculation.learn(&mut acceptance, 4, 0);
        }
        assert_eq!(speculation.num_drafts(&mut acceptance, 1), 0);
        for _ in 0..40 {
            speculation.learn(&mut acceptance, 4, 4);
        }
        assert!(speculation.num_drafts(&mut acceptance, 1) >= 4);
    }

    #[test]
    fn a_sequence_that_gave_up_tries_again_after_a_while() {
        let speculation = learnt(0.020, 0.004);
        let mut acceptance = Acceptance(0.0);
        let tries = (0..1000).position(|_| speculation.num_drafts(&mut acceptance, 1) > 0);
        assert!(tries.is_some_and(|steps| steps > 20), "{tries:?}");
    }
}
