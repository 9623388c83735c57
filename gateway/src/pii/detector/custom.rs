//! Recognisers that a configuration declares: a pattern over the folded text, a check digit, words beside it.
//!
//! The pattern is matched against the view, so that it sees through spaces of other scripts, full-width digits and
//! invisible characters like the built-in recognisers; case does not matter. Matching is linear in the text.

use std::ops::Range;

use memchr::memmem;
use regex::bytes::{Regex, RegexBuilder};

use super::budget::Budget;
use super::candidate::{Candidate, Found, Strength};
use super::numbers::checks::{is_ean13, is_iin, is_luhn, is_mod97};
use super::text::Text;
use super::views::normalize::View;
use crate::pii::{CustomEntity, Entity};

/// Most recognisers of a configuration.
pub const MAX_RECOGNIZERS: usize = 64;
const MAX_PATTERN_BYTES: usize = 1 << 10;
const MAX_WORDS: usize = 64;
/// How far a context word may stand from the value, in bytes of the view.
const REACH: usize = 96;
/// Memory of one compiled pattern.
const MAX_COMPILED_BYTES: usize = 1 << 20;

/// An arithmetic test of the digits (or letters and digits) of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CustomCheck {
    /// ISO/IEC 7812: cards.
    Luhn,
    /// ISO 7064: accounts.
    #[serde(rename = "mod-97")]
    Mod97,
    /// Date and check digit of Kazakhstan's personal numbers.
    Iin,
    /// Bar codes of 13 digits.
    #[serde(rename = "ean-13")]
    Ean13,
}

/// What a configuration says about one entity of its own.
#[derive(Debug, Clone)]
pub struct CustomRecognizer {
    /// The entity that is found.
    pub entity: CustomEntity,
    /// A regular expression in Rust's syntax, without look-around.
    pub pattern: String,
    /// Matches that fail it are no findings.
    pub check: Option<CustomCheck>,
    /// If not empty, one of these words must stand near a match.
    pub context: Vec<String>,
    /// In percent.
    pub score: u8,
}

/// Why a recogniser cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CustomRecognizerError {
    /// The pattern does not compile, or is too large.
    #[error("the pattern of '{}' cannot be used: {source}", entity.as_str())]
    Pattern {
        /// Whose pattern.
        entity: CustomEntity,
        /// What the compiler said.
        source: Box<regex::Error>,
    },
    /// The pattern matches the empty text, and so everywhere.
    #[error("the pattern of '{}' matches the empty text", entity.as_str())]
    EmptyMatch {
        /// Whose pattern.
        entity: CustomEntity,
    },
    /// More than [`MAX_RECOGNIZERS`] recognisers, or a pattern or list of words that is too long.
    #[error("'{}' is too long, or there are more than {MAX_RECOGNIZERS} recognizers", entity.as_str())]
    TooMuch {
        /// Where it became too much.
        entity: CustomEntity,
    },
}

/// A recogniser that is ready.
#[derive(Debug, Clone)]
pub(crate) struct Compiled {
    entity: CustomEntity,
    pattern: Regex,
    check: Option<CustomCheck>,
    words: Vec<Vec<u8>>,
    score: u8,
}

/// # Errors
/// A pattern cannot be used.
pub(crate) fn compile(recognizers: &[CustomRecognizer]) -> Result<Vec<Compiled>, CustomRecognizerError> {
    recognizers.iter().enumerate().map(|(index, recognizer)| compile_one(recognizer, index)).collect()
}

/// Whether a recogniser can be used, as the one at `index` of its list.
///
/// # Errors
/// It cannot.
pub fn check_recognizer(recognizer: &CustomRecognizer, index: usize) -> Result<(), CustomRecognizerError> {
    compile_one(recognizer, index).map(|_| ())
}

fn compile_one(recognizer: &CustomRecognizer, index: usize) -> Result<Compiled, CustomRecognizerError> {
    let entity = recognizer.entity;
    let is_small = recognizer.pattern.len() <= MAX_PATTERN_BYTES && recognizer.context.len() <= MAX_WORDS;
    if !is_small || index >= MAX_RECOGNIZERS {
        return Err(CustomRecognizerError::TooMuch { entity });
    }
    let pattern = RegexBuilder::new(&recognizer.pattern)
        .case_insensitive(true)
        .size_limit(MAX_COMPILED_BYTES)
        .dfa_size_limit(MAX_COMPILED_BYTES)
        .build()
        .map_err(|source| CustomRecognizerError::Pattern { entity, source: Box::new(source) })?;
    if pattern.is_match(b"") {
        return Err(CustomRecognizerError::EmptyMatch { entity });
    }
    let words = recognizer.context.iter().map(|word| View::new(word).bytes().to_vec()).filter(|word| !word.is_empty());
    Ok(Compiled { entity, pattern, check: recognizer.check, words: words.collect(), score: recognizer.score })
}

/// Every match of every recogniser.
pub(crate) fn scan(recognizers: &[Compiled], text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    for recognizer in recognizers {
        if !budget.spend(text.bytes().len() / 8) {
            return;
        }
        for matched in recognizer.pattern.find_iter(text.bytes()) {
            if !budget.spend(1 + recognizer.words.len()) {
                return;
            }
            recognizer.judge(text, matched.range(), found);
        }
    }
}

impl Compiled {
    fn judge(&self, text: &Text<'_>, range: Range<usize>, found: &mut Found) {
        let entity = Entity::Custom(self.entity);
        let value = text.bytes().get(range.clone()).unwrap_or_default();
        if range.is_empty() {
            return;
        }
        if !self.check.is_none_or(|check| check.holds(value)) {
            return found.reject(entity, range, "custom/pattern", "the check digit is wrong");
        }
        if !self.words.is_empty() && !self.has_word_near(text, &range) {
            return found.reject(entity, range, "custom/pattern", "no context word is near");
        }
        found.push(Candidate::new(entity, range, Strength::Checked, "custom/pattern").scored(self.score));
    }

    fn has_word_near(&self, text: &Text<'_>, range: &Range<usize>) -> bool {
        let view = text.bytes();
        let before = view.get(range.start.saturating_sub(REACH)..range.start).unwrap_or_default();
        let after = view.get(range.end..view.len().min(range.end + REACH)).unwrap_or_default();
        let keys = View::new(text.keys());
        self.words
            .iter()
            .any(|word| [before, after, keys.bytes()].iter().any(|part| memmem::find(part, word).is_some()))
    }
}

impl CustomCheck {
    fn holds(self, value: &[u8]) -> bool {
        let digits: Vec<u8> = value.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| byte - b'0').collect();
        match self {
            Self::Luhn => is_luhn(&digits),
            Self::Iin => digits.len() == 12 && is_iin(&digits),
            Self::Ean13 => is_ean13(&digits),
            Self::Mod97 => is_mod97(&value.iter().copied().filter(u8::is_ascii_alphanumeric).collect::<Vec<_>>()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pii::{CustomEntity, CustomRecognizer, Detector, TextSegment};

    fn recognizer(pattern: &str, check: Option<CustomCheck>, context: &[&str]) -> CustomRecognizer {
        CustomRecognizer {
            entity: CustomEntity::declare("badge").unwrap(),
            pattern: pattern.to_owned(),
            check,
            context: context.iter().map(|word| (*word).to_owned()).collect(),
            score: 88,
        }
    }

    fn found(recognizer: CustomRecognizer, text: &str) -> Vec<String> {
        let detector = Detector::with(&[recognizer], None).unwrap();
        let findings = detector.scan(&[TextSegment::new("", text)]);
        let custom = findings.iter().filter(|finding| matches!(finding.entity, Entity::Custom(_)));
        custom.map(|finding| text[finding.span.clone()].to_owned()).collect()
    }

    #[test]
    fn patterns_see_through_disguises() {
        let badge = || recognizer(r"\bemp-\d{6}\b", None, &[]);
        assert_eq!(found(badge(), "пропуск EMP\u{2011}１２３\u{200b}456!"), ["EMP\u{2011}１２３\u{200b}456"]);
        assert_eq!(found(badge(), "EMP-12345"), [""; 0]);
    }

    #[test]
    fn checks_and_words_are_asked() {
        let number = |check, context| recognizer(r"\b\d{16}\b", check, context);
        assert_eq!(found(number(Some(CustomCheck::Luhn), &[]), "7992739871300009").len(), 0);
        assert_eq!(found(number(None, &["Полис"]), "ПОЛИС № 1234567812345678"), ["1234567812345678"]);
        assert_eq!(found(number(None, &["Полис"]), "заказ 1234567812345678").len(), 0);
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        assert!(matches!(compile(&[recognizer("(", None, &[])]), Err(CustomRecognizerError::Pattern { .. })));
        assert!(matches!(compile(&[recognizer("x*", None, &[])]), Err(CustomRecognizerError::EmptyMatch { .. })));
        assert!(matches!(
            compile(&[recognizer(r"\w{1000}{1000}", None, &[])]),
            Err(CustomRecognizerError::Pattern { .. })
        ));
        assert!(matches!(
            compile(&[recognizer(&"x".repeat(5_000), None, &[])]),
            Err(CustomRecognizerError::TooMuch { .. })
        ));
    }
}
