//! Short secrets of digits: PIN, CVV, codes that come by message. Only a word makes them secrets.

use crate::pii::Entity;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::context::topics::CODE_WORD;
use crate::pii::detector::text::Text;
use crate::pii::detector::views::normalize::{is_continuation, is_letter};

const RULE: &str = "secret/code";
/// Characters between the word and its digits.
const REACH: usize = 32;
const MAX_WORDS: usize = 4;
const MIN_DIGITS: usize = 3;
const MAX_DIGITS: usize = 8;

pub(crate) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    let view = text.bytes();
    for word in text.context().all(CODE_WORD) {
        if !budget.spend(REACH) {
            return;
        }
        let behind = view.get(word.end..).unwrap_or_default();
        let Some(gap) = gap(behind) else { continue };
        let start = word.end + gap;
        let rest = view.get(start..).unwrap_or_default();
        let len = code_len(rest);
        let digits = rest.get(..len).unwrap_or_default().iter().filter(|byte| byte.is_ascii_digit()).count();
        let range = start..start + len;
        let is_card_code = view.get(word.clone()).is_some_and(|word| word.starts_with(b"cv") || word.contains(&b'v'));
        let least = if is_card_code { MIN_DIGITS } else { MIN_DIGITS + 1 };
        let next = rest.get(len).copied();
        let goes_on = next.is_some_and(|byte| byte.is_ascii_digit() || is_letter(byte) || matches!(byte, b'_' | b'%'))
            || matches!(next, Some(b'.' | b',' | b':' | b'/' | b'-'))
                && rest.get(len + 1).is_some_and(u8::is_ascii_digit);
        if (least..=MAX_DIGITS).contains(&digits) && !goes_on && !is_year_or_money(rest, len) {
            let context = text.word_near(&range, CODE_WORD);
            found.push(Candidate::new(Entity::Secret, range, Strength::Context, RULE).beside(context));
        } else if digits > 0 {
            found.reject(Entity::Secret, range, RULE, "not as long as such a code");
        }
    }
}

/// The bytes from the word to the first digit, if only a few words stand between.
fn gap(behind: &[u8]) -> Option<usize> {
    let mut characters = 0;
    let mut words = 0;
    let mut in_word = true;
    for (index, &byte) in behind.iter().enumerate() {
        if byte.is_ascii_digit() {
            return (!in_word || index == 0).then_some(index).filter(|_| index > 0);
        }
        characters += usize::from(!is_continuation(byte));
        let is_stop = matches!(byte, b'\n' | b'!' | b'?' | b'<' | b'_' | b'/')
            || byte == b'.' && behind.get(index + 1) == Some(&b' ');
        if is_letter(byte) {
            words += usize::from(!in_word);
            in_word = true;
        } else {
            in_word = false;
        }
        if characters > REACH || words > MAX_WORDS || is_stop {
            return None;
        }
    }
    None
}

/// Digits, with single spaces or dashes inside: `482 913`, `4 8 2 9`.
fn code_len(rest: &[u8]) -> usize {
    let mut end = 0;
    let mut at = 0;
    while let Some(&byte) = rest.get(at) {
        if byte.is_ascii_digit() {
            at += 1;
            end = at;
        } else if matches!(byte, b' ' | b'-')
            && rest.get(at + 1).is_some_and(u8::is_ascii_digit)
            && end == at
            && at < 16
        {
            at += 1;
        } else {
            break;
        }
    }
    end
}

/// «код действует 2024 года», «5000 тенге».
fn is_year_or_money(rest: &[u8], len: usize) -> bool {
    let behind = rest.get(len..).unwrap_or_default();
    let behind = behind.strip_prefix(b" ").unwrap_or(behind);
    [
        "год",
        "г.",
        "тенге",
        "тг",
        "теңге",
        "руб",
        "секунд",
        "минут",
        "раз",
        "цифр",
        "знак",
        "символ",
        "digit",
        "usd",
        "%",
        "мин",
        "сек",
        "қате",
        "жыл",
    ]
    .iter()
    .any(|word| behind.starts_with(word.as_bytes()))
}
