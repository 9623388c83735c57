//! The words of a view: where each stands and how it was capitalised in the source.

use std::ops::Range;

use super::normalize::{View, is_letter};

/// How a word was written before folding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Lower,
    /// A capital, then lower case.
    Title,
    /// Capitals only; one capital letter counts as this.
    Upper,
    Mixed,
}

/// A longest run of letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    /// Bytes of the view.
    pub(crate) range: Range<usize>,
    pub(crate) case: Case,
}

/// All words of `view` by position.
pub(crate) fn tokens(view: &View<'_>) -> Vec<Token> {
    let bytes = view.bytes();
    let mut tokens = Vec::with_capacity(bytes.len() / 8);
    let mut at = 0;
    while let Some(skip) = bytes.get(at..).and_then(|rest| rest.iter().position(|&byte| is_letter(byte))) {
        let start = at + skip;
        let rest = bytes.get(start..).unwrap_or_default();
        let end = start + rest.iter().position(|&byte| !is_letter(byte)).unwrap_or(rest.len());
        let word = bytes.get(start..end).unwrap_or_default();
        let written = view.source_text(start..end);
        // Folding leaves nothing in capitals but "İ", which has no small letter of its own.
        let is_lower = written.as_bytes() == word && !word.contains(&0xC4);
        tokens.push(Token { range: start..end, case: if is_lower { Case::Lower } else { case_of(written) } });
        at = end;
    }
    tokens
}

fn case_of(word: &str) -> Case {
    let mut letters = word.chars().filter_map(is_capital);
    let Some(first) = letters.next() else { return Case::Lower };
    let (mut upper, mut lower) = (false, false);
    for is_capital in letters {
        upper |= is_capital;
        lower |= !is_capital;
    }
    match (first, upper, lower) {
        (false, false, _) => Case::Lower,
        (true, false, true) => Case::Title,
        (true, _, false) => Case::Upper,
        _ => Case::Mixed,
    }
}

/// Whether a letter is a capital; `None` for what is no letter. Latin and Russian letters need no Unicode tables.
fn is_capital(character: char) -> Option<bool> {
    match character {
        'a'..='z' | 'а'..='я' => Some(false),
        'A'..='Z' | 'А'..='Я' => Some(true),
        _ => character.is_alphabetic().then(|| character.is_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_their_case() {
        let view = View::new("Иван ПЕТРОВ, о\u{301}н-iPhone 7x Қ");
        let found: Vec<_> = tokens(&view)
            .into_iter()
            .map(|token| (String::from_utf8_lossy(&view.bytes()[token.range]).into_owned(), token.case))
            .collect();
        let expected = [
            ("иван", Case::Title),
            ("петров", Case::Upper),
            ("он", Case::Lower),
            ("iphone", Case::Mixed),
            ("x", Case::Lower),
            ("қ", Case::Upper),
        ];
        assert_eq!(found, expected.map(|(word, case)| (word.to_owned(), case)));
    }
}
