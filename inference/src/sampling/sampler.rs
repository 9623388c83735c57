//! The draw: temperature, min_p, top_k, top_p, typical_p over logits that are final.
//!
//! Ties go to the lower token id everywhere, so a result is a function of logits, parameters and
//! position alone.

use std::cmp::Ordering;

use super::SamplingParams;
use super::philox::uniform;

/// Candidates that are sorted first when only the likeliest matter.
const FIRST_SORTED: usize = 256;

#[derive(Clone, Copy)]
struct Candidate {
    token: u32,
    /// `exp(logit - largest logit)`, not normalised.
    weight: f64,
}

/// Draws the token at `position` of a sequence from its final `logits`, `[vocab_size]`.
pub fn draw(params: &SamplingParams, position: usize, logits: &[f32]) -> u32 {
    let (best, largest) = likeliest(logits);
    // Below this, dividing by the temperature overflows: the limit is the greedy choice.
    if params.temperature < 1e-5 {
        return best;
    }
    let mut candidates = weights(params, logits, largest);
    if params.top_k > 0 && params.top_k < candidates.len() {
        sort_front(&mut candidates, params.top_k);
        candidates.truncate(params.top_k);
    }
    if params.top_p < 1.0 {
        keep_top_p(&mut candidates, f64::from(params.top_p));
    }
    if params.typical_p < 1.0 {
        keep_typical(&mut candidates, f64::from(params.typical_p));
    }
    pick(&candidates, uniform(params.seed, position as u64)).unwrap_or(best)
}

fn likeliest(logits: &[f32]) -> (u32, f32) {
    let mut best = (0, f32::NEG_INFINITY);
    for (token, logit) in logits.iter().enumerate() {
        if *logit > best.1 {
            best = (token as u32, *logit);
        }
    }
    best
}

fn weights(params: &SamplingParams, logits: &[f32], largest: f32) -> Vec<Candidate> {
    let least = f64::from(params.min_p);
    logits
        .iter()
        .enumerate()
        .map(|(token, logit)| Candidate {
            token: token as u32,
            weight: f64::from(((logit - largest) / params.temperature).exp()),
        })
        // Comparing this way round also drops NaN.
        .filter(|candidate| candidate.weight > 0.0 && candidate.weight >= least)
        .collect()
}

fn by_weight(a: &Candidate, b: &Candidate) -> Ordering {
    b.weight.total_cmp(&a.weight).then(a.token.cmp(&b.token))
}

/// Brings the `count` likeliest candidates to the front, in order.
fn sort_front(candidates: &mut [Candidate], count: usize) {
    if count < candidates.len() {
        candidates.select_nth_unstable_by(count, by_weight);
    }
    let count = count.min(candidates.len());
    candidates[..count].sort_unstable_by(by_weight);
}

fn keep_top_p(candidates: &mut Vec<Candidate>, top_p: f64) {
    let total: f64 = candidates.iter().map(|candidate| candidate.weight).sum();
    let mut sorted = FIRST_SORTED;
    loop {
        sort_front(candidates, sorted);
        let mut sum = 0.0;
        let front = candidates.iter().take(sorted);
        let reached = front.into_iter().position(|candidate| {
            sum += candidate.weight;
            sum >= top_p * total
        });
        if let Some(last) = reached {
            candidates.truncate(last + 1);
            return;
        }
        if sorted >= candidates.len() {
            return;
        }
        sorted *= 8;
    }
}

/// Keeps the candidates whose surprise is nearest to the entropy until they weigh enough.
fn keep_typical(candidates: &mut Vec<Candidate>, typical_p: f64) {
    let total: f64 = candidates.iter().map(|candidate| candidate.weight).sum();
    let surprise = |candidate: &Candidate| -(candidate.weight / total).ln();
    let entropy: f64 = candidates.iter().map(|candidate| candidate.weight / total * surprise(candidate)).sum();
    let distance = |candidate: &Candidate| (surprise(candidate) - entropy).abs();
    candidates.sort_unstable_by(|a, b| distance(a).total_cmp(&distance(b)).then(a.token.cmp(&b.token)));
    let mut sum = 0.0;
    let reached = candidates.iter().position(|candidate| {
        sum += candidate.weight;
        sum >= typical_p * total
    });
    candidates.truncate(reached.map_or(candidates.len(), |last| last + 1));
}

fn pick(candidates: &[Candidate], uniform: f64) -> Option<u32> {
    let total: f64 = candidates.iter().map(|candidate| candidate.weight).sum();
    let target = uniform * total;
    let mut sum = 0.0;
    for candidate in candidates {
        sum += candidate.weight;
        if sum > target {
            return Some(candidate.token);
        }
    }
    candidates.last().map(|candidate| candidate.token)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f32; 5] = [1.0, 3.0, 2.0, 3.0, -50.0];

    fn frequencies(params: &SamplingParams) -> Vec<f64> {
        let mut seen = vec![0.0; LOGITS.len()];
        for position in 0..20_000 {
            seen[draw(params, position, &LOGITS) as usize] += 1.0 / 20_000.0;
        }
        seen
    }

    fn close(found: &[f64], expected: &[f64]) {
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 0.015, "{found} is far from {expected}");
        }
    }

    #[test]
    fn temperature_zero_takes_the_first_of_the_likeliest() {
        let params = SamplingParams { temperature: 0.0, ..SamplingParams::default() };
        assert_eq!(draw(&params, 0, &LOGITS), 1);
    }

    #[test]
    fn draws_follow_the_distribution() {
        let total: f64 = LOGITS.iter().map(|logit| f64::from(*logit).exp()).sum();
        let expected: Vec<f64> = LOGITS.iter().map(|logit| f64::from(*logit).exp() / total).collect();
        close(&frequencies(&SamplingParams::default()), &expected);
    }

    #[test]
    fn filters_keep_what_they_should() {
        let params = SamplingParams { top_k: 2, ..SamplingParams::default() };
        close(&frequencies(&params), &[0.0, 0.5, 0.0, 0.5, 0.0]);
        let params = SamplingParams { top_p: 0.5, ..SamplingParams::default() };
        close(&frequencies(&params), &[0.0, 0.5, 0.0, 0.5, 0.0]);
        let params = SamplingParams { top_p: 0.1, ..SamplingParams::default() };
        close(&frequencies(&params), &[0.0, 1.0, 0.0, 0.0, 0.0]);
        let params = SamplingParams { min_p: 0.9, ..SamplingParams::default() };
        close(&frequencies(&params), &[0.0, 0.5, 0.0, 0.5, 0.0]);
    }

    #[test]
    fn typical_p_prefers_the_expected_surprise_to_the_likeliest() {
        // Entropy 1.09: the second token's surprise of 1.20 is nearest, then the third's.
        let weights = [0.5, 0.3, 0.15, 0.05];
        let mut candidates: Vec<Candidate> =
            (0..).zip(weights).map(|(token, weight)| Candidate { token, weight }).collect();
        keep_typical(&mut candidates, 0.7);
        assert_eq!(candidates.iter().map(|candidate| candidate.token).collect::<Vec<_>>(), [1, 0]);
        let params = SamplingParams { typical_p: 1.0, ..SamplingParams::default() };
        assert_eq!(draw(&params, 3, &LOGITS), draw(&SamplingParams::default(), 3, &LOGITS));
    }

    #[test]
    fn top_p_over_a_large_flat_vocabulary_keeps_its_share() {
        let mut candidates: Vec<Candidate> = (0..10_000).map(|token| Candidate { token, weight: 1.0 }).collect();
        keep_top_p(&mut candidates, 0.5);
        assert_eq!(candidates.len(), 5000);
        assert!(candidates.iter().all(|candidate| candidate.token < 5000));
    }

    #[test]
    fn broken_logits_still_give_a_token() {
        let params = SamplingParams::default();
        assert_eq!(draw(&params, 0, &[f32::NAN; 3]), 0);
        assert_eq!(draw(&params, 0, &[f32::NEG_INFINITY; 3]), 0);
    }
}
