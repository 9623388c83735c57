//! What a Whisper may say next, and how likely that was: OpenAI's rules, in transformers' order.
//!
//! Times come in pairs around text, never go back, and one comes first; where times together are likelier than any word,
//! a time comes.

use crate::models::whisper::WhisperVocabulary;

/// Takes from `logits`, `[vocab_size]`, what may not follow `tokens`, which were said of this window so far.
pub(super) fn constrain(vocabulary: &WhisperVocabulary, timestamps: bool, tokens: &[u32], logits: &mut [f32]) {
    let mut forbidden = vocabulary.suppressed.clone();
    if tokens.is_empty() {
        forbidden.extend(&vocabulary.suppressed_first);
    }
    for token in forbidden {
        logits[token as usize] = f32::NEG_INFINITY;
    }
    if timestamps {
        constrain_times(vocabulary, tokens, logits);
    }
}

fn constrain_times(vocabulary: &WhisperVocabulary, tokens: &[u32], logits: &mut [f32]) {
    let first = vocabulary.first_timestamp() as usize;
    let forbid = |logits: &mut [f32]| logits.fill(f32::NEG_INFINITY);
    logits[vocabulary.no_timestamps as usize] = f32::NEG_INFINITY;
    let is_time = |token: &&u32| vocabulary.is_timestamp(**token);
    let ends_in_time = tokens.last().as_ref().is_some_and(is_time);
    // A window's first time stands alone.
    let is_pair = ends_in_time && (tokens.len() < 2 || vocabulary.is_timestamp(tokens[tokens.len() - 2]));
    if is_pair {
        forbid(&mut logits[first..]);
    } else if ends_in_time {
        forbid(&mut logits[..vocabulary.end as usize]);
    }
    if let Some(latest) = tokens.iter().rev().find(is_time) {
        // A segment that has begun must not end where it began.
        let least = *latest as usize + usize::from(!ends_in_time || is_pair);
        let end = least.clamp(first, logits.len());
        forbid(&mut logits[first..end]);
    }
    if tokens.is_empty() {
        forbid(&mut logits[..first]);
        let past = (first + vocabulary.max_first_timestamp as usize + 1).min(logits.len());
        forbid(&mut logits[past..]);
    }
    let (words, times) = logits.split_at_mut(first);
    if log_sum_exp(times) > f64::from(largest(words)) {
        forbid(words);
    }
}

/// The log probability of `token` among `logits`.
pub(super) fn log_probability(logits: &[f32], token: u32) -> f64 {
    f64::from(logits[token as usize]) - log_sum_exp(logits)
}

fn largest(logits: &[f32]) -> f32 {
    logits.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}

fn log_sum_exp(logits: &[f32]) -> f64 {
    let largest = largest(logits);
    if largest == f32::NEG_INFINITY {
        return f64::NEG_INFINITY;
    }
    let sum: f64 = logits.iter().map(|logit| f64::from((logit - largest).exp())).sum();
    f64::from(largest) + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words 0..10, the end 10, some that steer, times from 16.
    fn vocabulary() -> WhisperVocabulary {
        WhisperVocabulary {
            start: 11,
            end: 10,
            previous: Some(13),
            no_speech: 14,
            no_timestamps: 15,
            tasks: None,
            languages: Vec::new(),
            suppressed: vec![3, 11, 13, 14],
            suppressed_first: vec![0, 10],
            max_first_timestamp: 2,
            vocab_size: 24,
        }
    }

    /// The tokens that may follow, with logits that prefer words to times.
    fn allowed(timestamps: bool, tokens: &[u32]) -> Vec<usize> {
        let mut logits: Vec<f32> = (0..24).map(|token| if token < 11 { 20.0 } else { 0.0 }).collect();
        constrain(&vocabulary(), timestamps, tokens, &mut logits);
        (0..24).filter(|token| logits[*token].is_finite()).collect()
    }

    #[test]
    fn times_come_in_pairs_and_never_go_back() {
        assert_eq!(allowed(true, &[]), [16, 17, 18]);
        let words = [0, 1, 2, 4, 5, 6, 7, 8, 9, 10];
        assert_eq!(allowed(true, &[17]), [&words[..], &[12]].concat());
        let after_17: Vec<usize> = (18..24).collect();
        assert_eq!(allowed(true, &[17, 5]), [&words[..], &[12], &after_17].concat());
        // A pair's second may be the first again, and the text may end.
        assert_eq!(allowed(true, &[17, 5, 20]), [10, 12, 20, 21, 22, 23]);
        assert_eq!(allowed(true, &[17, 5, 20, 20]), [&words[..], &[12]].concat());
        assert_eq!(allowed(true, &[17, 5, 23]), [10, 12, 23]);
        assert_eq!(allowed(true, &[17, 5, 23, 23, 1]), [&words[..], &[12]].concat());
    }

    #[test]
    fn without_times_only_what_is_suppressed_is_forbidden() {
        assert_eq!(allowed(false, &[]), [1, 2, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 18, 19, 20, 21, 22, 23]);
        assert!(allowed(false, &[5]).contains(&10));
    }

    #[test]
    fn times_that_are_likely_together_are_taken() {
        let mut logits = vec![0.0; 24];
        logits[5] = 1.0;
        constrain(&vocabulary(), true, &[17, 5], &mut logits);
        // Six times of weight one against a word of weight e.
        assert!((0..16).all(|token| logits[token] == f32::NEG_INFINITY) && logits[18].is_finite());
        let mut logits = vec![0.0; 24];
        logits[5] = 2.0;
        constrain(&vocabulary(), true, &[17, 5], &mut logits);
        assert!(logits[5].is_finite());
    }

    #[test]
    fn log_probabilities_sum_to_one() {
        let logits = [1.0, 300.0, f32::NEG_INFINITY, 299.0];
        let sum: f64 = (0..4).map(|token| log_probability(&logits, token).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-6);
    }
}
