//! Postal addresses: a street or a quarter with a house, a house with a flat. The words of addresses say where to look;
//! around them the text is read part by part, and a row of parts that holds enough is an address, from its first part to
//! its last. A street or a town alone is none.

mod cursor;
mod lexer;
mod lexicon;
mod parts;
mod places;
mod row;

use std::ops::Range;

use lexer::items;
use row::rows;

use super::budget::Budget;
use super::candidate::Found;
use super::context::topics::{ADDRESS, ADDRESS_PART};
use super::text::Text;
use super::views::normalize::is_continuation;

/// How far before and behind a word an address is looked for.
const BEFORE: usize = 160;
const BEHIND: usize = 240;
/// Longer texts under a key like `address` are read like any other.
const MAX_GIVEN: usize = 400;
/// What reading a byte costs: words are looked up.
const COST: usize = 4;

/// Every address of a view.
pub(crate) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    let view = text.bytes();
    let given = text.context().given() & (ADDRESS | ADDRESS_PART) != 0;
    if given && view.len() <= MAX_GIVEN {
        if budget.spend(view.len() * COST) {
            let announced = Announced { given, ends: Vec::new() };
            rows(text, &items(text, 0..view.len()), &announced, found);
        }
        return;
    }
    let ends = text.context().all(ADDRESS).map(|word| word.end).collect();
    let announced = Announced { given: false, ends };
    let mut zone: Option<Range<usize>> = None;
    for word in text.context().all(ADDRESS | ADDRESS_PART) {
        let around = word.start.saturating_sub(BEFORE)..(word.end + BEHIND).min(view.len());
        match &mut zone {
            Some(zone) if around.start <= zone.end => zone.end = zone.end.max(around.end),
            _ => {
                if let Some(zone) = zone.replace(around) {
                    read(text, zone, &announced, (budget, found));
                }
            }
        }
    }
    if let Some(zone) = zone {
        read(text, zone, &announced, (budget, found));
    }
}

/// Where a text says that an address follows.
struct Announced {
    /// A key above the text says so.
    given: bool,
    /// Ends of the words that say so, ascending.
    ends: Vec<usize>,
}

impl Announced {
    /// The end of the last such word before `at`.
    fn before(&self, at: usize) -> Option<usize> {
        let after = self.ends.partition_point(|&end| end <= at);
        after.checked_sub(1).and_then(|index| self.ends.get(index)).copied()
    }
}

fn read(text: &Text<'_>, zone: Range<usize>, announced: &Announced, (budget, found): (&mut Budget, &mut Found)) {
    let view = text.bytes();
    // No address without a number; most words of streets stand in talk.
    if !view.get(zone.clone()).unwrap_or_default().iter().any(u8::is_ascii_digit) || !budget.spend(zone.len() * COST) {
        return;
    }
    let zone = whole_words(view, zone);
    rows(text, &items(text, zone), announced, found);
}

/// Moves the ends of a zone so that they cut no word.
fn whole_words(view: &[u8], zone: Range<usize>) -> Range<usize> {
    const LONGEST: usize = 48;
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\n');
    let start = if zone.start == 0 {
        0
    } else {
        let head = view.get(zone.start..zone.end).unwrap_or_default();
        let skip = head.iter().take(LONGEST).position(is_space).unwrap_or(0);
        zone.start + skip
    };
    let tail = view.get(zone.end..).unwrap_or_default();
    let end = zone.end + tail.iter().take(LONGEST).position(is_space).unwrap_or_else(|| tail.len().min(LONGEST));
    boundary(view, start)..boundary(view, end)
}

fn boundary(view: &[u8], at: usize) -> usize {
    let continued = view.get(at..).unwrap_or_default().iter().take_while(|&&byte| is_continuation(byte)).count();
    at + continued
}
