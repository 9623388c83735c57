//! Drafts, stops and reports of one sequence's sampler.

use proptest::prelude::*;

use super::*;
use crate::sampling::grammar::{GrammarCompiler, GrammarSource, Vocabulary};

const VOCAB_SIZE: usize = 12;

fn sampler(params: SamplingParams, stop: StopCondition) -> SequenceSampler {
    SequenceSampler::new(params, stop, &[1, 2, 3], None)
}

fn stop(token_ids: &[u32], max_tokens: usize, min_tokens: usize) -> StopCondition {
    StopCondition { token_ids: token_ids.to_vec(), max_tokens, min_tokens }
}

fn greedy() -> SamplingParams {
    SamplingParams { temperature: 0.0, ..SamplingParams::default() }
}

/// Logits in which each of `tokens` wins its row.
fn rows(tokens: &[u32]) -> Vec<f32> {
    let row =
        |token: &u32| (0..VOCAB_SIZE as u32).map(|other| f32::from(u8::from(other == *token))).collect::<Vec<_>>();
    tokens.iter().flat_map(row).collect()
}

fn drawn(draw: &Draw) -> Vec<u32> {
    draw.tokens.iter().map(|sampled| sampled.token).collect()
}

#[test]
fn drafts_are_taken_as_far_as_they_are_right() {
    let mut sampler = sampler(greedy(), stop(&[], 100, 0));
    let draw = sampler.draw(3, &[5, 6, 9], &mut rows(&[5, 6, 7, 8]));
    assert_eq!((drawn(&draw), draw.num_accepted_drafts, draw.finished), (vec![5, 6, 7], 2, None));
    let draw = sampler.draw(6, &[8], &mut rows(&[8, 4]));
    assert_eq!((drawn(&draw), draw.num_accepted_drafts), (vec![8, 4], 1));
}

#[test]
fn the_end_comes_amid_right_drafts_too() {
    let mut ended = sampler(greedy(), stop(&[6], 100, 0));
    let draw = ended.draw(3, &[5, 6, 7], &mut rows(&[5, 6, 7, 8]));
    assert_eq!((drawn(&draw), draw.finished), (vec![5, 6], Some(FinishReason::Stop)));
    let mut full = sampler(greedy(), stop(&[], 2, 0));
    let draw = full.draw(3, &[5, 6, 7], &mut rows(&[5, 6, 7, 8]));
    assert_eq!((drawn(&draw), draw.finished), (vec![5, 6], Some(FinishReason::Length)));
}

#[test]
fn no_stop_token_comes_before_the_least_length() {
    let mut sampler = sampler(greedy(), stop(&[6], 100, 2));
    let mut logits = rows(&[6]);
    logits[4] = 0.5;
    assert_eq!(drawn(&sampler.draw(3, &[], &mut logits.clone())), [4]);
    assert_eq!(drawn(&sampler.draw(4, &[], &mut logits.clone())), [4]);
    assert_eq!(sampler.draw(5, &[], &mut logits).finished, Some(FinishReason::Stop));
}

#[test]
fn only_allowed_tokens_come_whatever_their_logits() {
    let params = SamplingParams { allowed_token_ids: vec![2, 99], ..SamplingParams::default() };
    let mut sampler = sampler(params, stop(&[], 100, 0));
    assert_eq!(drawn(&sampler.draw(3, &[], &mut rows(&[6]))), [2]);
}

#[test]
fn forced_tokens_all_come_and_a_complete_text_is_no_cut_one() {
    let end = VOCAB_SIZE as u32 - 1;
    let mut vocabulary = Vocabulary::new(VOCAB_SIZE, &[end]).expect("an end token");
    for (token, letter) in (0..end).zip(b'a'..) {
        vocabulary.set(token, &[letter]);
    }
    let tokenize = |text: &[u8]| text.iter().map(|letter| u32::from(letter - b'a')).collect();
    let compiler = GrammarCompiler::new(vocabulary, Box::new(tokenize)).expect("compiles");
    let choice = GrammarSource::Choice(vec!["abcd".into(), "kj".into()]);
    let grammar = compiler.compile(&choice).expect("a grammar");
    for max_tokens in [4, 5, 9] {
        let stop = stop(&[end], max_tokens, 0);
        let mut sampler = SequenceSampler::new(greedy(), stop, &[1], Some(grammar.matcher()));
        let draw = sampler.draw(1, &[], &mut rows(&[0]));
        assert_eq!((drawn(&draw), draw.finished), (vec![0, 1, 2, 3], Some(FinishReason::Stop)), "{max_tokens}");
    }
}

#[test]
fn log_probabilities_are_the_models_own() {
    let params = SamplingParams { logprobs: Some(2), logit_bias: vec![(6, 50.0)], ..greedy() };
    let mut sampler = sampler(params, stop(&[], 100, 0));
    let draw = sampler.draw(3, &[], &mut rows(&[4]));
    let logprobs = draw.tokens[0].logprobs.as_ref().expect("asked for");
    assert_eq!((logprobs.token, logprobs.top[0].0, logprobs.top.len()), (6, 4, 2));
    let expected = -(11.0 + 1f64.exp()).ln();
    assert!((f64::from(logprobs.logprob) - expected).abs() < 1e-5);
}

#[test]
fn the_prompts_log_probabilities_are_taken_once_in_order() {
    let params = SamplingParams { prompt_logprobs: Some(1), ..greedy() };
    let mut sampler = sampler(params, stop(&[], 100, 0));
    assert_eq!(
        (sampler.num_prompt_rows(0, 3), sampler.num_prompt_rows(1, 3), sampler.num_prompt_rows(2, 9)),
        (2, 1, 0)
    );
    for position in [0, 1, 0, 1, 2] {
        sampler.observe_prompt(position, &rows(&[position as u32 + 2]));
    }
    let found = sampler.take_prompt_logprobs();
    assert_eq!(found.iter().map(|one| (one.token, one.top[0].0)).collect::<Vec<_>>(), [(2, 2), (3, 3)]);
}

proptest! {
    /// Guessing ahead changes nothing, at any temperature, with penalties that remember.
    #[test]
    fn a_sequence_is_the_same_however_much_was_guessed(
        seed in any::<u64>(),
        temperature in prop_oneof![Just(0.0f32), Just(1.0)],
        logits in prop::collection::vec(-2.0f32..2.0, VOCAB_SIZE * 24),
        guesses in prop::collection::vec((0usize..5, any::<bool>()), 24),
    ) {
        let params = SamplingParams {
            temperature, seed, presence_penalty: 0.5, frequency_penalty: 0.3, repetition_penalty: 1.2,
            ..SamplingParams::default()
        };
        let row = |position: usize| logits[(position - 3) * VOCAB_SIZE..(position - 2) * VOCAB_SIZE].to_vec();
        let stop = stop(&[0], 24, 0);
        let mut alone = sampler(params.clone(), stop.clone());
        let mut expected = Vec::new();
        while expected.len() < 24 {
            let draw = alone.draw(3 + expected.len(), &[], &mut row(3 + expected.len()));
            expected.extend(drawn(&draw));
            if draw.finished.is_some() {
                break;
            }
        }
        let mut guessing = sampler(params, stop);
        let mut found = Vec::new();
        for (count, right) in guesses {
            let left = expected.len() - found.len();
            let count = count.min(left.saturating_sub(1));
            let mut drafts = expected[found.len()..found.len() + count].to_vec();
            if let Some(last) = drafts.last_mut().filter(|_| !right) {
                *last = (*last + 1) % VOCAB_SIZE as u32;
            }
            let mut rows: Vec<f32> = (0..=count).flat_map(|offset| row(3 + found.len() + offset)).collect();
            let draw = guessing.draw(3 + found.len(), &drafts, &mut rows);
            found.extend(drawn(&draw));
            if draw.finished.is_some() {
                break;
            }
        }
        prop_assert_eq!(found, expected);
    }
}
