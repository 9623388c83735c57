//! A person's pay: a sum of money beside a word of pay, unless the sentence speaks of averages, norms or vacancies.

use super::date::date_end;
use super::gap::{Reach, Walk, sentence_around};
use super::marks::{Mark, Marks};
use super::money::{Money, is_counted, money_at};
use crate::pii::Entity;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::context::topics::{SALARY, STATISTICS};
use crate::pii::detector::numbers::digit_run::DigitRun;
use crate::pii::detector::views::normalize::{View, is_letter};

const REACH: Reach = Reach { bytes: 88, words: 6, sentences: 0 };
const RULE: &str = "salary/context";
/// What speaks for others' money beside "доход", not beside "оклад".
const ORGANISATIONS: [&str; 10] =
    ["компани", "бюджет", "предприяти", "налог", "вычет", "салық", "tax", "taxes", "company", "компания"];

/// The pay of which `mark` speaks.
pub(super) fn read(
    view: &View<'_>,
    marks: &Marks,
    mark: &Mark,
    run: &mut DigitRun,
    found: &mut Found,
) -> Option<Candidate> {
    let money = after(view, marks, mark, run).or_else(|| before(view, marks, mark, run))?;
    let both = mark.range.start.min(money.range.start)..money.range.end.max(mark.range.end);
    let sentence = sentence_around(view, &both);
    let is_statistics =
        marks.hints(sentence, STATISTICS).any(|hint| mark.topics & SALARY == 0 || !ORGANISATIONS.contains(&hint.word));
    if is_statistics {
        found.reject(Entity::Salary, money.range, RULE, "the sentence speaks of averages, norms or vacancies");
        return None;
    }
    if is_range(view, &money, run) {
        found.reject(Entity::Salary, money.range, RULE, "a range is an offer, not a person's pay");
        return None;
    }
    Some(candidate(money, mark.word))
}

/// The sum in one cell or under one key.
pub(super) fn read_at(view: &View<'_>, mark: &Mark, at: usize, run: &mut DigitRun) -> Option<Candidate> {
    let money = money_at(view, at, run).filter(|money| is_pay(view, mark, money))?;
    Some(candidate(money, mark.word))
}

fn candidate(money: Money, word: &'static str) -> Candidate {
    Candidate::new(Entity::Salary, money.range, Strength::Context, RULE).beside(Some(word))
}

fn is_pay(view: &View<'_>, mark: &Mark, money: &Money) -> bool {
    let has_unit = money.has_currency || money.has_multiplier;
    if money.len > 9 || view.bytes().get(money.range.end) == Some(&b'%') {
        return false;
    }
    if mark.topics & SALARY == 0 && !money.has_currency {
        return false;
    }
    let is_large = money.units >= 20_000;
    let is_grouped_dollars = money.has_currency && money.units >= 200 || money.has_decimals && money.units >= 1_000;
    let is_year = !money.is_grouped && (1900..2100).contains(&money.units) && !money.has_currency;
    let is_thing = !has_unit && is_counted(view, money.range.end);
    (is_large || is_grouped_dollars || money.has_multiplier && money.units > 0) && !is_year && !is_thing
}

fn after(view: &View<'_>, marks: &Marks, mark: &Mark, run: &mut DigitRun) -> Option<Money> {
    let mut walk = Walk::new(view, marks, mark.range.end, REACH);
    for _ in 0..4 {
        let place = walk.next_place()?;
        if let Some(end) = date_end(view.bytes(), place.at, run) {
            walk.skip_to(end);
            continue;
        }
        let digit = place.at + view.bytes().get(place.at..)?.iter().take(16).position(u8::is_ascii_digit)?;
        let money = money_at(view, digit, run)?;
        if is_pay(view, mark, &money) {
            return Some(money);
        }
        // Years, percents and small numbers are passed.
        if money.units >= 20_000 {
            return None;
        }
        walk.skip_to(money.range.end);
    }
    None
}

/// "285 000 теңге жалақы", "640000 KZT (monthly salary)"
fn before(view: &View<'_>, marks: &Marks, mark: &Mark, run: &mut DigitRun) -> Option<Money> {
    const REACH: usize = 64;
    const GAP: usize = 28;
    let bytes = view.bytes();
    let floor = marks.previous(mark.range.start).map_or(0, |previous| previous.range.end);
    let from = mark.range.start.saturating_sub(REACH).max(floor);
    let mut at = from;
    while at < mark.range.start {
        let is_start = bytes.get(at).is_some_and(u8::is_ascii_digit)
            && !at
                .checked_sub(1)
                .and_then(|at| bytes.get(at))
                .is_some_and(|&byte| byte.is_ascii_digit() || is_letter(byte));
        if is_start && let Some(money) = money_at(view, at, run) {
            // "480 000 до вычета": the word is a part of the sum.
            let gap = bytes.get(money.range.end.min(mark.range.start)..mark.range.start).unwrap_or(b"0,");
            let is_near = gap.len() <= GAP
                && !gap.iter().any(|byte| byte.is_ascii_digit() || matches!(byte, b',' | b'\n' | b'!' | b'?' | b'.'));
            if is_near && is_pay(view, mark, &money) {
                return Some(money);
            }
            at = money.range.end.max(at + 1);
            continue;
        }
        at += 1;
    }
    None
}

/// "от 300 до 400 тысяч", "300-400 тыс"
fn is_range(view: &View<'_>, money: &Money, run: &mut DigitRun) -> bool {
    let bytes = view.bytes();
    let after = bytes.get(money.range.end..).unwrap_or_default();
    let joins = [" до ", "-", " - ", " to "];
    let behind = joins.iter().find(|join| after.starts_with(join.as_bytes())).map(|join| money.range.end + join.len());
    let before = bytes.get(..money.range.start).unwrap_or_default();
    let lower = joins.iter().find_map(|join| before.strip_suffix(join.as_bytes()));
    let is_upper_end = lower.and_then(|lower| lower.last()).is_some_and(u8::is_ascii_digit);
    is_upper_end
        || behind.is_some_and(|at| {
            bytes.get(at).is_some_and(u8::is_ascii_digit)
                && money_at(view, at, run).is_some_and(|other| other.units > 0)
        })
}
