//! A difference spread over the rows that may have it: those whose usage was estimated. Together they come to exactly what the
//! provider's own account leaves for them, each in proportion to what it was thought to be, none below nothing.

use super::comparison::{ComparisonLine, Metric};
use super::correction::StandingRow;
use crate::billing::{Indivisible, Usd, allocate_units};

/// What one row comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    pub prompt_tokens: u64,
    pub cached_prompt_tokens: u64,
    pub completion_tokens: u64,
    /// Absent where the provider's account has no cost.
    pub usd: Option<Usd>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unspreadable {
    #[error("no row of them was estimated")]
    NoRows,
    #[error("an amount is below zero or too large for one day")]
    Amount,
}

impl From<Indivisible> for Unspreadable {
    fn from(Indivisible: Indivisible) -> Self {
        Self::NoRows
    }
}

/// One for each row, in their order. `rows` are all estimated ones of the line.
///
/// # Errors
/// There are none, or they would have to come to less than nothing.
pub fn spread(line: &ComparisonLine, rows: &[StandingRow]) -> Result<Vec<Shares>, Unspreadable> {
    let count = |count: Option<u64>| count.unwrap_or(0);
    let now = |of: &dyn Fn(&StandingRow) -> Option<u64>| rows.iter().map(|row| count(of(row))).collect::<Vec<_>>();
    let prompt = tokens(line, Metric::PromptTokens, now(&|row| row.usage.prompt_tokens))?;
    let completion = tokens(line, Metric::CompletionTokens, now(&|row| row.usage.completion_tokens))?;
    let cached = cached(line, &prompt, now(&|row| row.usage.cached_prompt_tokens))?;
    let dollars = dollars(line, rows, &prompt, &completion)?;
    let shares = (0..rows.len()).map(|at| Shares {
        prompt_tokens: prompt[at],
        cached_prompt_tokens: cached[at],
        completion_tokens: completion[at],
        usd: dollars.as_ref().map(|dollars| dollars[at]),
    });
    Ok(shares.collect())
}

fn tokens(line: &ComparisonLine, metric: Metric, now: Vec<u64>) -> Result<Vec<u64>, Unspreadable> {
    match line.target(metric) {
        Some(target) if line.differs(metric) => split(target, &now),
        _ => Ok(now),
    }
}

/// A part of each row's prompt, and so never more than that.
fn cached(line: &ComparisonLine, prompt: &[u64], now: Vec<u64>) -> Result<Vec<u64>, Unspreadable> {
    let all: i128 = now.iter().map(|count| i128::from(*count)).sum();
    let fits = now.iter().zip(prompt).all(|(cached, prompt)| cached <= prompt);
    match line.target(Metric::CachedTokens) {
        Some(target) if line.differs(Metric::CachedTokens) => part_of(target, prompt),
        _ if fits => Ok(now),
        _ => part_of(all, prompt),
    }
}

fn part_of(target: i128, prompt: &[u64]) -> Result<Vec<u64>, Unspreadable> {
    let whole: i128 = prompt.iter().map(|count| i128::from(*count)).sum();
    if target > whole { Err(Unspreadable::Amount) } else { split(target, prompt) }
}

fn dollars(
    line: &ComparisonLine,
    rows: &[StandingRow],
    prompt: &[u64],
    completion: &[u64],
) -> Result<Option<Vec<Usd>>, Unspreadable> {
    let Some(target) = line.target(Metric::Cost) else { return Ok(None) };
    let now = rows.iter().map(|row| row.usd.filter(|usd| *usd >= Usd::ZERO)).collect::<Option<Vec<_>>>();
    let is_priced = rows.iter().all(|row| row.tenge.is_some());
    let weights: Vec<u64> = match now {
        Some(now) if is_priced && !line.differs(Metric::Cost) => return Ok(Some(now)),
        Some(now) if is_priced => now.iter().map(|usd| u64::try_from(usd.pico()).unwrap_or(u64::MAX)).collect(),
        _ => prompt.iter().zip(completion).map(|(prompt, completion)| prompt.saturating_add(*completion)).collect(),
    };
    let parts = split(target, &weights)?;
    Ok(Some(parts.into_iter().map(|pico| Usd::from_pico(i128::from(pico))).collect()))
}

/// Where nothing tells rows apart, they have the same.
fn split(target: i128, weights: &[u64]) -> Result<Vec<u64>, Unspreadable> {
    let target = i64::try_from(target).map_err(|_| Unspreadable::Amount)?;
    let is_flat = weights.iter().all(|weight| *weight == 0);
    let parts =
        if is_flat { allocate_units(target, &vec![1; weights.len()])? } else { allocate_units(target, weights)? };
    parts.into_iter().map(|part| u64::try_from(part).map_err(|_| Unspreadable::Amount)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::comparison::Class;
    use super::*;
    use crate::billing::{Factor, Tenge, Usage, UsageSource};

    fn row(prompt: u64, cached: u64, completion: u64, pico: Option<u64>) -> StandingRow {
        StandingRow {
            id: "r-1".into(),
            time: "2026-10-05T00:00:00.000Z".into(),
            day: "2026-10-05".parse().unwrap(),
            provider: "openai".into(),
            model: "big".into(),
            usage: Usage {
                prompt_tokens: Some(prompt),
                cached_prompt_tokens: Some(cached),
                completion_tokens: Some(completion),
                ..Usage::default()
            },
            source: UsageSource::Estimated,
            usd: pico.map(|pico| Usd::from_pico(pico.into())),
            tenge: pico.map(|_| Tenge::ZERO),
            fx: None,
            factor: Factor::ONE,
            total_ms: None,
            num_corrections: 0,
        }
    }

    fn line(rows: &[StandingRow], theirs: [Option<i128>; 5]) -> ComparisonLine {
        let sum = |of: &dyn Fn(&StandingRow) -> u64| rows.iter().map(|row| i128::from(of(row))).sum();
        ComparisonLine {
            day: "2026-10-05".parse().unwrap(),
            model: "big".into(),
            our_models: BTreeSet::new(),
            their_models: BTreeSet::new(),
            ours: [
                rows.len() as i128,
                sum(&|row| row.usage.prompt_tokens.unwrap()),
                sum(&|row| row.usage.cached_prompt_tokens.unwrap()),
                sum(&|row| row.usage.completion_tokens.unwrap()),
                rows.iter().filter_map(|row| row.usd).map(Usd::pico).sum(),
            ],
            reported: [0; 5],
            theirs,
            estimated_calls: rows.len() as u64,
            unpriced: 0,
            unpriced_reported: 0,
            undollared: 0,
            class: Class::Equal,
            is_explained: true,
            is_beyond: true,
        }
    }

    #[test]
    fn a_difference_goes_where_most_was_estimated() {
        let rows = [row(10, 0, 1, Some(100)), row(30, 0, 1, Some(300))];
        let shares = spread(&line(&rows, [Some(2), Some(80), Some(8), Some(2), Some(1_000)]), &rows).unwrap();
        let share = |prompt_tokens, cached_prompt_tokens, pico| Shares {
            prompt_tokens,
            cached_prompt_tokens,
            completion_tokens: 1,
            usd: Some(Usd::from_pico(pico)),
        };
        assert_eq!(shares, [share(20, 2, 250), share(60, 6, 750)]);
        let unpriced = [row(10, 0, 0, None), row(30, 0, 0, Some(5))];
        let shares = spread(&line(&unpriced, [None, None, None, None, Some(80)]), &unpriced).unwrap();
        assert_eq!(shares.iter().map(|share| share.usd.unwrap().pico()).collect::<Vec<_>>(), [20, 60]);
        assert_eq!(spread(&line(&[], [None, Some(1), None, None, None]), &[]), Err(Unspreadable::NoRows));
        let negative = spread(&line(&rows, [None, Some(-1), None, None, None]), &rows);
        assert_eq!(negative, Err(Unspreadable::Amount));
    }

    proptest! {
        #[test]
        fn rows_come_to_what_is_left_for_them(
            rows in prop::collection::vec((0_u64..1_000, 0_u64..1_000, 0_u64..1_000, prop::option::of(0_u64..1_000_000_000)), 1..20),
            prompt in 0_i128..100_000,
            cached in 0_i128..100_000,
            completion in 0_i128..100_000,
            pico in 0_i128..10_000_000_000,
        ) {
            let rows: Vec<_> = rows.into_iter().map(|(prompt, cached, completion, pico)| row(prompt, cached.min(prompt), completion, pico)).collect();
            let cached = cached.min(prompt);
            let line = line(&rows, [None, Some(prompt), Some(cached), Some(completion), Some(pico)]);
            let shares = spread(&line, &rows).unwrap();
            prop_assert_eq!(shares.iter().map(|share| i128::from(share.prompt_tokens)).sum::<i128>(), prompt);
            prop_assert_eq!(shares.iter().map(|share| i128::from(share.cached_prompt_tokens)).sum::<i128>(), cached);
            prop_assert_eq!(shares.iter().map(|share| i128::from(share.completion_tokens)).sum::<i128>(), completion);
            prop_assert_eq!(shares.iter().map(|share| share.usd.unwrap().pico()).sum::<i128>(), pico);
            prop_assert!(shares.iter().all(|share| share.cached_prompt_tokens <= share.prompt_tokens));
        }
    }
}
