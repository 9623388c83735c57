//! Numbers that no word announces but whose own check says what they are, and diagnoses' codes beside medical words.

use super::birth;
use super::check::{has_pinfl_date, has_ru_region, is_kg_pin, is_pinfl, is_ru_inn, is_snils, is_ssn};
use super::icd::dotted_code;
use super::marks::Marks;
use crate::pii::Entity;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::context::topics::{DISEASE, MEANING, MEDICINE, THING};
use crate::pii::detector::numbers::digit_run::DigitRun;
use crate::pii::detector::numbers::digit_window::Window;
use crate::pii::detector::text::Text;
use crate::pii::detector::views::normalize::{is_continuation, next_digit};

const LENS: [usize; 4] = [9, 11, 12, 14];
/// With fewer true digits than `FEW` in so many bytes, no number of these lengths begins.
const REACH: usize = 48;
const FEW: usize = 5;

/// Every number of `text` with a check of its own.
pub(super) fn scan(text: &Text<'_>, marks: &Marks, budget: &mut Budget, found: &mut Found) {
    let view = text.bytes();
    let mut run = DigitRun::default();
    let mut dates = DigitRun::default();
    let mut at = 0;
    while let Some(start) = next_digit(view, at) {
        code(text, marks, start, found);
        let date = birth::behind_name(text.view(), start, &mut dates);
        if let Some(date) = date.or_else(|| birth::behind_listed_name(text.view(), start, &mut dates)) {
            found.push(date);
        }
        // Short numbers, the most of all, need no more than this look.
        let rest = view.get(start..).unwrap_or_default();
        let is_digit = |byte: &&u8| byte.is_ascii_digit();
        let num_digits = match rest.first_chunk::<REACH>() {
            // Of a known length, they are counted many at a time.
            Some(reach) => reach.iter().filter(is_digit).count(),
            None => rest.iter().filter(is_digit).count(),
        };
        if num_digits < FEW {
            at = start + rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            continue;
        }
        let Some(next) = run.read(view, at) else {
            return;
        };
        if run.len() >= LENS[0] && run.plus().is_none() {
            for first in (0..run.len()).filter(|&first| run.may_start(first)) {
                if !budget.spend(LENS.len()) {
                    return;
                }
                for window in LENS.iter().filter_map(|&len| run.window(first, len)) {
                    number(text, marks, &window, found);
                }
            }
        }
        at = next;
    }
}

fn number(text: &Text<'_>, marks: &Marks, window: &Window<'_>, found: &mut Found) {
    let digits = window.digits();
    // How a number is written is asked last: most fail their check, and there are as many as digits.
    let is_written = |lens: &[u8]| window.groups().lens() == lens;
    let stands = || window.is_contiguous() || window.fills_run() || window.is_spelled();
    let kind = match digits.len() {
        9 if is_dashed(text.bytes(), window) && is_ssn(digits) && is_written(&[3, 2, 4]) => {
            Some((Entity::UsSsn, Strength::Shape, "us_ssn/shape"))
        }
        11 if is_snils(digits) && is_written(&[3, 3, 3, 2]) => {
            Some((Entity::Snils, Strength::Luhn, "snils/check-digits"))
        }
        12 if window.is_contiguous() && !is_round(digits) && has_ru_region(digits) && is_ru_inn(digits) => {
            Some((Entity::RuInn, Strength::Shape, "ru_inn/check-digits"))
        }
        14 if is_pinfl(digits) && stands() => Some((Entity::UzPinfl, Strength::Luhn, "uz_pinfl/check-digit")),
        14 if is_kg_pin(digits) && stands() => Some((Entity::KgPin, Strength::Shape, "kg_pin/date")),
        _ => None,
    };
    let range = window.range();
    if let Some((entity, strength, rule)) = kind {
        if marks.is_claimed(text.bytes(), &range) {
            found.reject(entity, range, rule, "the words around speak of something else");
        } else {
            found.push(Candidate::new(entity, range, strength, rule));
        }
    } else if found.rejected.is_some() && stands() {
        match digits.len() {
            9 => found.reject(Entity::IdCard, range, "id_card/context", "nine digits but no context word"),
            11 if is_written(&[3, 3, 3, 2]) => {
                found.reject(Entity::Snils, range, "snils/check-digits", "wrong check digits");
            }
            14 if has_pinfl_date(digits) => {
                found.reject(Entity::UzPinfl, range, "uz_pinfl/check-digit", "wrong check digit");
            }
            _ => {}
        }
    }
}

/// Only dashes between the groups.
fn is_dashed(view: &[u8], window: &Window<'_>) -> bool {
    let range = window.range();
    let is_plain = view
        .get(range.clone())
        .is_some_and(|number| number.len() == 11 && number.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-'));
    let joined = |byte: Option<&u8>| matches!(byte, Some(b'-' | b'.' | b'/'));
    let before = range.start.checked_sub(1).and_then(|at| view.get(at));
    is_plain
        && !joined(before)
        && !(joined(view.get(range.end)) && view.get(range.end + 1).is_some_and(u8::is_ascii_digit))
}

/// Made-up and round numbers pass the check too often.
fn is_round(digits: &[u8]) -> bool {
    digits.ends_with(&[0, 0, 0]) || digits.windows(2).all(|pair| matches!(pair, [a, b] if a == b))
}

/// "E11.9" in a text that speaks of a patient.
fn code(text: &Text<'_>, marks: &Marks, at: usize, found: &mut Found) {
    const REACH: usize = 160;
    let view = text.bytes();
    let Some(last) = at.checked_sub(1) else {
        return;
    };
    let start = if view.get(last).copied().is_some_and(is_continuation) { last.saturating_sub(1) } else { last };
    let before = start.checked_sub(1).and_then(|at| view.get(at));
    if before.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte >= 0x80 || matches!(byte, b'.' | b'-')) {
        return;
    }
    let Some(range) = dotted_code(text.view(), start) else {
        return;
    };
    let around = range.start.saturating_sub(REACH)..range.end + REACH;
    let is_asked = marks.hints(around.clone(), MEANING).next().is_some();
    let is_claimed = marks.is_claimed(view, &range)
        && marks.previous(range.start).is_none_or(|mark| mark.topics & THING != 0 && !mark.word.starts_with("код"));
    match marks.hints(around, MEDICINE | DISEASE).next() {
        Some(word) if !is_asked && !is_claimed => {
            let candidate = Candidate::new(Entity::Diagnosis, range, Strength::Shape, "diagnosis/icd-10");
            found.push(candidate.beside(Some(word.word)));
        }
        _ => found.reject(Entity::Diagnosis, range, "diagnosis/icd-10", "a code of ICD-10, but no patient"),
    }
}
