//! Hardware addresses of network interfaces: six pairs of hexadecimal digits with colons or dashes, or three groups of
//! four with dots.

use std::ops::Range;

use memchr::memchr3_iter;

use crate::pii::Entity;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::context::topics::MAC;
use crate::pii::detector::text::Text;
use crate::pii::detector::views::normalize::is_letter;

const DIGITS: usize = 12;

/// Every address of a view.
pub(crate) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    let view = text.bytes();
    let mut done = 0;
    for separator in memchr3_iter(b':', b'-', b'.', view) {
        if separator < done {
            continue;
        }
        if !budget.spend(1) {
            return;
        }
        let Some(range) = pairs(view, separator).or_else(|| groups(view, separator)) else { continue };
        done = range.end;
        judge(text, range, found);
    }
    if text.context().all(MAC).next().is_some() {
        bare(text, budget, found);
    }
}

fn judge(text: &Text<'_>, range: Range<usize>, found: &mut Found) {
    const RULE: &str = "mac/shape";
    let digits = hex_digits(text.bytes(), &range);
    let word = text.word_near(&range, MAC);
    let is_of_nobody = digits.windows(2).all(|pair| pair.first() == pair.last());
    if is_of_nobody {
        found.reject(Entity::Mac, range, RULE, "all zeros or broadcast");
    } else if word.is_none()
        && text.bytes().get(range.start + 2) == Some(&b'-')
        && digits.iter().all(u8::is_ascii_digit)
    {
        found.reject(Entity::Mac, range, RULE, "digits only and no context word");
    } else {
        found.push(Candidate::new(Entity::Mac, range, Strength::Checked, RULE).beside(word));
    }
}

fn hex_digits(view: &[u8], range: &Range<usize>) -> Vec<u8> {
    view.get(range.clone()).unwrap_or_default().iter().copied().filter(u8::is_ascii_hexdigit).collect()
}

/// `3c:52:82:1f:a0:7b` whose first separator stands here.
fn pairs(view: &[u8], separator: usize) -> Option<Range<usize>> {
    let sign = *view.get(separator)?;
    if sign == b'.' {
        return None;
    }
    let range = separator.checked_sub(2)?..separator + 15;
    let bytes = view.get(range.clone())?;
    let is_address = bytes.iter().enumerate().all(
        |(index, &byte)| {
            if index % 3 == 2 { byte == sign } else { byte.is_ascii_hexdigit() }
        },
    );
    (is_address && is_separate(view, &range, sign)).then_some(range)
}

/// `3c52.821f.a07b` whose first dot stands here.
fn groups(view: &[u8], separator: usize) -> Option<Range<usize>> {
    let sign = *view.get(separator)?;
    if sign != b'.' {
        return None;
    }
    let range = separator.checked_sub(4)?..separator + 10;
    let bytes = view.get(range.clone())?;
    let is_address = bytes.iter().enumerate().all(
        |(index, &byte)| {
            if index % 5 == 4 { byte == sign } else { byte.is_ascii_hexdigit() }
        },
    );
    let has_letter = bytes.iter().any(u8::is_ascii_alphabetic);
    (is_address && has_letter && is_separate(view, &range, sign)).then_some(range)
}

/// Twelve hexadecimal digits behind the word: `MAC 3C52821FA07B`.
fn bare(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    const REACH: usize = 24;
    let view = text.bytes();
    for word in text.context().all(MAC) {
        if !budget.spend(REACH) {
            return;
        }
        let behind = view.get(word.end..).unwrap_or_default();
        let is_digit = |byte: &u8| byte.is_ascii_hexdigit();
        let Some(skip) = behind.iter().take(REACH).position(u8::is_ascii_digit) else { continue };
        let skip = skip - behind.get(..skip).unwrap_or_default().iter().rev().take_while(|byte| is_digit(byte)).count();
        let start = word.end + skip;
        let len = behind.get(skip..).unwrap_or_default().iter().take_while(|byte| is_digit(byte)).count();
        let range = start..start + len;
        if len == DIGITS && is_separate(view, &range, b'-') {
            let word = text.word_near(&range, MAC);
            found.push(Candidate::new(Entity::Mac, range, Strength::Context, "mac/context").beside(word));
        }
    }
}

/// Whether nothing goes on at either end: an address of six bytes is no part of a longer one.
fn is_separate(view: &[u8], range: &Range<usize>, sign: u8) -> bool {
    let before = range.start.checked_sub(1).and_then(|at| view.get(at));
    let after = view.get(range.end);
    let is_glued =
        |byte: Option<&u8>| byte.is_some_and(|&byte| byte.is_ascii_digit() || is_letter(byte) && byte < 0x80);
    let goes_on = after == Some(&sign) && is_glued(view.get(range.end + 1));
    let comes_on = before == Some(&sign) && is_glued(range.start.checked_sub(2).and_then(|at| view.get(at)));
    !is_glued(before) && !is_glued(after) && !goes_on && !comes_on
}
