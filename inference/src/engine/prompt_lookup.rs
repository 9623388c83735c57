//! Guesses at a sequence's next tokens from its own text (prompt lookup decoding, Saxena 2023):
//! where the last tokens stood before, what followed then may follow again.

use std::collections::HashMap;

/// Tokens that must agree before their continuation is suggested.
const NGRAM: usize = 3;

/// Where each n-gram of a sequence last ended. Grows with the sequence, constant time per token.
#[derive(Debug, Default)]
pub(super) struct PromptLookup {
    /// Position after the n-gram, for all n-grams but the one at the sequence's very end.
    ends: HashMap<[u32; NGRAM], u32>,
    num_indexed: usize,
}

impl PromptLookup {
    /// What followed the last tokens of `tokens` when they last came before, at most `count`.
    pub(super) fn suggest(&mut self, tokens: &[u32], count: usize) -> Vec<u32> {
        self.index(tokens);
        let Some(last) = tokens.len().checked_sub(NGRAM).and_then(|start| ngram(&tokens[start..])) else {
            return Vec::new();
        };
        let Some(end) = self.ends.get(&last) else { return Vec::new() };
        let start = *end as usize;
        tokens[start..].iter().copied().take(count).collect()
    }

    /// Takes in all n-grams that have a continuation.
    fn index(&mut self, tokens: &[u32]) {
        for end in self.num_indexed.max(NGRAM)..tokens.len() {
            if let Some(key) = ngram(&tokens[end - NGRAM..]) {
                self.ends.insert(key, end as u32);
            }
        }
        self.num_indexed = self.num_indexed.max(tokens.len());
    }
}

fn ngram(tokens: &[u32]) -> Option<[u32; NGRAM]> {
    tokens.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_latest_continuation_is_suggested() {
        let mut lookup = PromptLookup::default();
        assert!(lookup.suggest(&[1, 2, 3], 4).is_empty());
        let tokens = [1, 2, 3, 4, 1, 2, 3, 5, 6, 1, 2, 3];
        assert_eq!(lookup.suggest(&tokens, 2), [5, 6]);
        assert_eq!(lookup.suggest(&tokens, 9), [5, 6, 1, 2, 3]);
        assert!(lookup.suggest(&[tokens.as_slice(), &[9]].concat(), 2).is_empty());
    }

    proptest! {
        #[test]
        fn growing_step_by_step_equals_looking_at_the_whole(tokens in prop::collection::vec(0u32..3, 0..60)) {
            let mut growing = PromptLookup::default();
            for end in 1..=tokens.len() {
                let found = growing.suggest(&tokens[..end], 5);
                prop_assert_eq!(&found, &PromptLookup::default().suggest(&tokens[..end], 5));
                let ends = (NGRAM..end).filter(|at| end >= NGRAM && tokens[at - NGRAM..*at] == tokens[end - NGRAM..end]);
                let expected: Vec<u32> = ends.max().map_or(Vec::new(), |at| tokens[at..end].iter().copied().take(5).collect());
                prop_assert_eq!(found, expected);
            }
        }
    }
}
