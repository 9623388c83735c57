//! A prompt as its answer repeats it: text, tokens and where each begins.

use std::ops::Range;

use shekara_protocol::chat::TokenLogprob;
use shekara_protocol::completions::CompletionLogprobs;

/// How far a token may lie from where it should be: a cut character, or a space that the tokenizer took away.
const MAX_GAP_BYTES: usize = 4;

pub(super) struct Echo {
    pub text: String,
    /// Empty unless log probabilities are shown.
    tokens: Vec<String>,
}

impl Echo {
    pub(super) fn new(text: String, tokens: Vec<String>) -> Self {
        Self { text, tokens }
    }

    pub(super) fn num_tokens(&self) -> usize {
        self.tokens.len()
    }

    /// The prompt's rows. `logprobs` are those of all tokens but the first, which nothing predicts.
    pub(super) fn columns(&self, logprobs: &[TokenLogprob], with_top: bool) -> CompletionLogprobs {
        let bytes = |index: usize| index.checked_sub(1).and_then(|before| logprobs.get(before)?.bytes.as_deref());
        let pieces: Vec<&[u8]> =
            self.tokens.iter().enumerate().map(|(index, token)| bytes(index).unwrap_or(token.as_bytes())).collect();
        let mut columns = CompletionLogprobs::default();
        for (index, (token, offset)) in self.tokens.iter().zip(offsets(&self.text, &pieces)).enumerate() {
            let logprob = index.checked_sub(1).and_then(|before| logprobs.get(before));
            columns.push(token, offset, logprob, with_top);
        }
        columns
    }
}

/// Characters before each piece. A piece that is not in the text (a beginning-of-sequence token) takes no room; one
/// that begins within a character counts from that character's start.
fn offsets(text: &str, pieces: &[&[u8]]) -> Vec<usize> {
    let (mut at, mut characters, mut counted) = (0, 0, 0);
    let mut offset = |start: usize| {
        let start = text.floor_char_boundary(start);
        if start > counted {
            characters += text[counted..start].chars().count();
            counted = start;
        }
        characters
    };
    pieces
        .iter()
        .map(|piece| {
            // SentencePiece puts a space before the first word.
            let spaceless = || find_near(text.as_bytes(), at, piece.strip_prefix(b" ")?);
            let found = find_near(text.as_bytes(), at, piece).or_else(spaceless).unwrap_or(at..at);
            at = found.end;
            offset(found.start)
        })
        .collect()
}

fn find_near(text: &[u8], at: usize, piece: &[u8]) -> Option<Range<usize>> {
    let start = (at..=at + MAX_GAP_BYTES).find(|start| text.get(*start..).is_some_and(|rest| rest.starts_with(piece)));
    start.map(|start| start..start + piece.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tokens_that_are_not_in_the_text_take_no_room() {
        let pieces: [&[u8]; 4] = [b"<s>", b"a", b"<x>", b" b"];
        assert_eq!(offsets("a b", &pieces), [0, 0, 1, 1]);
        let pieces: [&[u8]; 3] = [b"<s>", b" Hello", b" world"];
        assert_eq!(offsets("Hello world", &pieces), [0, 0, 5]);
    }

    #[test]
    fn a_cut_first_character_does_not_shift_the_rest() {
        // What is known of a first token that is half a character is no part of the text.
        let pieces: [&[u8]; 3] = ["\u{fffd}".as_bytes(), &"й".as_bytes()[1..], b"x"];
        assert_eq!(offsets("йx", &pieces), [0, 0, 1]);
    }

    proptest! {
        /// Wherever a text is cut, between or within characters, each piece counts from the character it begins in.
        #[test]
        fn offsets_are_characters_whatever_the_cuts(text in "[a-zй👋 ]{0,12}", cuts in prop::collection::vec(0usize..40, 0..8)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.push(0);
            cuts.sort_unstable();
            cuts.dedup();
            let ends = cuts.iter().skip(1).copied().chain([text.len()]);
            let pieces: Vec<&[u8]> = cuts.iter().zip(ends).map(|(start, end)| &text.as_bytes()[*start..end]).collect();
            let expected: Vec<usize> = cuts.iter()
                .map(|cut| text[..text.floor_char_boundary(*cut)].chars().count())
                .collect();
            prop_assert_eq!(offsets(&text, &pieces), expected);
        }
    }
}
