//! Coordinates: two decimal degrees with the precision of a house, degrees with minutes and seconds, the links of map
//! services.

use std::ops::Range;

use memchr::memchr_iter;

use crate::pii::Entity;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::context::topics::GEO;
use crate::pii::detector::text::Text;
use crate::pii::detector::views::normalize::is_letter;

/// Decimals that place a house: about eleven metres.
const MIN_DECIMALS: usize = 4;
/// Beside a word fewer decimals are a place too.
const MIN_DECIMALS_NAMED: usize = 2;
const MAX_DECIMALS: usize = 17;
/// Characters between latitude and longitude: labels, quotes, a comma.
const MAX_BETWEEN: usize = 40;

/// Every pair of coordinates of a view.
pub(crate) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    decimals(text, b'.', budget, found);
    if text.context().all(GEO).next().is_some() {
        decimals(text, b',', budget, found);
    }
    degrees(text, budget, found);
}

/// Pairs of numbers with `point` before their decimals.
fn decimals(text: &Text<'_>, point: u8, budget: &mut Budget, found: &mut Found) {
    let view = text.bytes();
    // What stands before a pair and behind it tells coordinates from the numbers of a list.
    let mut earlier: Option<Decimal> = None;
    let mut last: Option<Decimal> = None;
    for at in memchr_iter(point, view) {
        if !budget.spend(1) {
            return;
        }
        let Some(decimal) = Decimal::around(view, at) else { continue };
        if let Some(first) = &last {
            let is_listed = earlier.as_ref().is_some_and(|earlier| is_list(view, earlier, first))
                || next_decimal(view, decimal.range.end).is_some_and(|next| is_list(view, &decimal, &next));
            if is_pair(text, first, &decimal, is_listed, found) {
                (earlier, last) = (None, None);
                continue;
            }
        }
        earlier = last.replace(decimal);
    }
}

/// The decimal number right behind a comma or a space.
fn next_decimal(view: &[u8], from: usize) -> Option<Decimal> {
    let rest = view.get(from..from + 24).or_else(|| view.get(from..))?;
    let point = rest.iter().position(|&byte| byte == b'.')?;
    Decimal::around(view, from + point)
}

fn is_list(view: &[u8], first: &Decimal, second: &Decimal) -> bool {
    let between = view.get(first.range.end..second.range.start).unwrap_or_default();
    !between.is_empty() && between.len() <= 3 && between.iter().all(|byte| matches!(byte, b',' | b' ' | b';' | b'|'))
}

/// A decimal number with a sign.
struct Decimal {
    range: Range<usize>,
    whole: u16,
    decimals: usize,
}

impl Decimal {
    fn around(view: &[u8], point: usize) -> Option<Self> {
        let after = view.get(point + 1..)?;
        let decimals = after.iter().take(MAX_DECIMALS + 1).take_while(|byte| byte.is_ascii_digit()).count();
        if !(MIN_DECIMALS_NAMED..=MAX_DECIMALS).contains(&decimals) {
            return None;
        }
        let before = view.get(..point)?;
        let digits = before.iter().rev().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=3).contains(&digits) {
            return None;
        }
        let start = point - digits;
        let whole = std::str::from_utf8(view.get(start..point)?).ok()?.parse().ok()?;
        let has_sign = matches!(start.checked_sub(1).and_then(|at| view.get(at)), Some(b'-' | b'+'));
        let start = start - usize::from(has_sign);
        let glued = |at: Option<usize>| at.and_then(|at| view.get(at)).copied();
        let goes_on = glued(Some(point + 1 + decimals)).is_some_and(|byte| byte.is_ascii_digit() || byte == b'%')
            || glued(Some(point + 1 + decimals)) == Some(b'.')
                && glued(Some(point + 2 + decimals)).is_some_and(|b| b.is_ascii_digit());
        let comes_on =
            glued(start.checked_sub(1)).is_some_and(|byte| byte == b'.' || byte == b'$' || byte.is_ascii_digit());
        (!goes_on && !comes_on).then_some(Self { range: start..point + 1 + decimals, whole, decimals })
    }
}

fn is_pair(text: &Text<'_>, first: &Decimal, second: &Decimal, is_listed: bool, found: &mut Found) -> bool {
    const RULE: &str = "geo/decimal";
    let view = text.bytes();
    let between = view.get(first.range.end..second.range.start).unwrap_or_default();
    if between.len() > MAX_BETWEEN || between.is_empty() {
        return false;
    }
    let range = first.range.start..second.range.end;
    let letters = between.iter().filter(|&&byte| is_letter(byte)).count();
    let is_plain = letters <= 1 && between.len() <= 6 && !between.contains(&b'+') && !between.contains(&b'*');
    let word = text.word_near(&range, GEO).or_else(|| text.word_near(&second.range, GEO));
    let is_in_link = is_map_link(view, range.start);
    let decimals = first.decimals.min(second.decimals);
    let fits = first.whole <= 90 && second.whole <= 180 || first.whole <= 180 && second.whole <= 90;
    if !fits {
        return false;
    }
    let is_named = word.is_some() || is_in_link;
    let is_exact = decimals >= MIN_DECIMALS && first.decimals + second.decimals >= 2 * MIN_DECIMALS;
    let is_place = if is_named {
        is_exact || is_plain && decimals >= 3
    } else {
        is_exact && is_plain && !is_listed && is_region(first, second)
    };
    if is_place && (is_plain || is_named) {
        let score = if is_named { 97 } else { 90 };
        found.push(Candidate::new(Entity::Geo, range, Strength::Checked, RULE).scored(score).beside(word));
        return true;
    }
    if is_plain && is_exact {
        found.reject(Entity::Geo, range, RULE, "a pair of numbers without a context word");
    }
    false
}

/// Without a word, numbers near zero are more likely weights or rates than places.
fn is_region(first: &Decimal, second: &Decimal) -> bool {
    first.whole >= 10 && second.whole >= 10
        || first.decimals >= 5 && second.decimals >= 5 && first.whole + second.whole >= 10
}

/// `…/maps/@43.2,76.9`, `?ll=`, `?q=`, `geo:`.
fn is_map_link(view: &[u8], at: usize) -> bool {
    let before = view.get(at.saturating_sub(8)..at).unwrap_or_default();
    ["@", "ll=", "q=", "geo:", "m=", "pt=", "center=", "query=", "%40"]
        .iter()
        .any(|mark| before.ends_with(mark.as_bytes()))
}

/// `43°14'20"N 76°53'22"E` and `43 град 14 мин …`. A view folds the degree sign to a break, so the source is asked.
fn degrees(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    let view = text.bytes();
    let mut at = 0;
    while let Some(skip) = view.get(at..).and_then(|rest| memchr::memchr(b';', rest)) {
        let sign = at + skip;
        at = sign + 1;
        if !budget.spend(1) {
            return;
        }
        let is_degree = sign > 0
            && view.get(sign - 1).is_some_and(u8::is_ascii_digit)
            && matches!(text.view().source_text(sign..sign + 1), "°" | "º" | "˚");
        if !is_degree {
            continue;
        }
        let digits =
            view.get(..sign).unwrap_or_default().iter().rev().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        let start = sign - digits;
        let Some(first_end) = angle(view, start) else { continue };
        let gap = view
            .get(first_end..)
            .unwrap_or_default()
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b',' | b'\n' | b';'))
            .count();
        let Some(end) = angle(view, first_end + gap).filter(|_| gap <= 4) else { continue };
        at = end;
        let range = start..end;
        let word = text.word_near(&range, GEO);
        found.push(Candidate::new(Entity::Geo, range, Strength::Checked, "geo/degrees").beside(word));
    }
}

/// One angle with at least minutes or a side of the world: where it ends.
fn angle(view: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    let mut parts = 0;
    let side = |at: usize| {
        let rest = view.get(at..)?;
        let rest_len = rest.iter().take_while(|&&byte| byte == b' ').take(1).count();
        let rest = rest.get(rest_len..)?;
        let sides = ["с. ш.", "в. д.", "с.ш.", "в.д.", "сш", "вд", "n", "s", "e", "w", "с", "ю", "в", "з"];
        let side = sides.iter().find(|side| rest.starts_with(side.as_bytes()))?;
        let end = at + rest_len + side.len();
        (!view.get(end).copied().is_some_and(is_letter)).then_some(end)
    };
    if let Some(end) = side(at) {
        at = end + view.get(end..)?.iter().take_while(|&&byte| byte == b' ').count();
    }
    while parts < 3 {
        let rest = view.get(at..)?;
        let len = rest.iter().take(9).take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',')).count();
        if len == 0 || !rest.first().is_some_and(u8::is_ascii_digit) {
            break;
        }
        let marks = rest.get(len..)?.iter().take(2).take_while(|byte| matches!(byte, b';' | b'\'' | b'"')).count();
        let is_fraction_of_degree = parts == 0 || first_number(rest) < 60;
        if marks == 0 || !is_fraction_of_degree {
            break;
        }
        parts += 1;
        at += len + marks;
        let spaces = view.get(at..)?.iter().take_while(|&&byte| byte == b' ').take(1).count();
        if view.get(at + spaces).is_some_and(u8::is_ascii_digit) && parts < 3 {
            at += spaces;
        }
    }
    if parts == 0 {
        return None;
    }
    match side(at) {
        Some(end) => Some(end),
        None => (parts >= 2).then_some(at),
    }
}

fn first_number(rest: &[u8]) -> u32 {
    let digits = rest.iter().take(3).take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |value, &byte| value * 10 + u32::from(byte - b'0'))
}
