//! The words from which a wallet is restored: twelve to twenty-four short English words behind a word that says so.

use crate::pii::Entity;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::context::topics::SEED;
use crate::pii::detector::text::Text;

const RULE: &str = "secret/seed-phrase";
const MIN_WORDS: usize = 12;
const MAX_WORDS: usize = 24;
/// Bytes between the word and the phrase.
const REACH: usize = 80;
/// Bytes between two words: a number with its dot, commas, a line break.
const MAX_GAP: usize = 6;

/// Words of sentences that are no words of such a phrase.
const SENTENCE: &[&[u8]] = &[
    b"the",
    b"and",
    b"for",
    b"with",
    b"are",
    b"was",
    b"from",
    b"your",
    b"but",
    b"not",
    b"phrase",
    b"words",
    b"been",
    b"mnemonic",
];

pub(crate) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    let view = text.bytes();
    let mut done = 0;
    for word in text.context().all(SEED) {
        if word.end < done {
            continue;
        }
        if !budget.spend(REACH * 2) {
            return;
        }
        let reach = view.get(word.end..).unwrap_or_default();
        let reach = &reach.get(..REACH.min(reach.len())).unwrap_or_default();
        // The phrase begins behind a colon, or with the first word that a phrase can hold.
        let mut at = word.end + memchr::memchr(b':', reach).map_or(0, |colon| colon + 1);
        let limit = word.end + reach.len();
        while at < limit {
            if !view.get(at).is_some_and(u8::is_ascii_lowercase)
                || at > 0 && view.get(at - 1).is_some_and(|&byte| byte.is_ascii_lowercase())
            {
                at += 1;
                continue;
            }
            let (words, end) = phrase(view, at);
            if !budget.spend(end.saturating_sub(at)) {
                return;
            }
            if words >= MIN_WORDS {
                let context = text.word_near(&(at..end), SEED).or(Some("seed"));
                found.push(Candidate::new(Entity::Secret, at..end, Strength::Context, RULE).beside(context));
                done = end;
                break;
            }
            at = end.max(at + 1);
        }
    }
}

/// How many words of a phrase follow from here, and where the last ends.
fn phrase(view: &[u8], start: usize) -> (usize, usize) {
    let mut at = start;
    let mut end = start;
    let mut words = 0;
    while words < MAX_WORDS {
        let rest = view.get(at..).unwrap_or_default();
        let len = rest.iter().take(10).take_while(|byte| byte.is_ascii_lowercase()).count();
        let word = rest.get(..len).unwrap_or_default();
        if !(3..=8).contains(&len) || SENTENCE.contains(&word) || rest.get(len).is_some_and(|&byte| byte >= 0x80) {
            break;
        }
        words += 1;
        end = at + len;
        let gap = rest.get(len..).unwrap_or_default().iter().take(MAX_GAP + 1);
        let gap = gap
            .take_while(|byte| matches!(byte, b' ' | b',' | b'\n' | b'.' | b')' | b'-' | b';') || byte.is_ascii_digit())
            .count();
        if gap == 0 || gap > MAX_GAP {
            break;
        }
        at = end + gap;
    }
    (words, if words == 0 { start + 1 } else { end })
}
