//! Names of several words: which orders of first name, surname, patronymic and initials there are, and how much the
//! words must look the part. What a single word may be is weighed together with its neighbours.

use super::part::{Link, Part};
use super::reading::{
    ADJECTIVE, FAMILIAR, FIRST, IN_OV, LIKE_PATRONYMIC, LIKE_SURNAME, LONE_FIGURE, PARTICLE, PATRONYMIC, PLAIN_SURNAME,
    SURNAME, TURKIC, WORD,
};
use super::spelling::Script;
use crate::pii::detector::views::tokens::Case;

/// What a word is in a full name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    First,
    Surname,
    Patronymic,
    /// "ұлы", "қызы".
    Particle,
    Initial,
}

use Slot::{First as F, Initial as I, Particle as Q, Patronymic as P, Surname as S};

/// The orders of names, the longest first.
const ORDERS: &[&[Slot]] = &[
    &[S, F, F, Q],
    &[F, F, Q, S],
    &[S, F, P],
    &[F, P, S],
    &[F, F, Q],
    &[F, F, S],
    &[S, F, F],
    &[F, I, S],
    &[S, I, I],
    &[I, I, S],
    &[F, Q, S],
    &[F, Q, F],
    &[F, P],
    &[P, F],
    &[F, Q],
    &[S, F],
    &[F, S],
    &[S, P],
    &[S, I],
    &[I, S],
    &[F, I],
];

/// The longest order.
pub(super) const MAX_PARTS: usize = 4;

/// Words that make a name together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Match {
    pub(super) order: &'static [Slot],
    pub(super) evidence: u8,
}

/// What a name in capital and in small letters must have for it.
const ENOUGH: u8 = 6;
const ENOUGH_IN_LOWER: u8 = 7;

/// What a word that announces a person speaks for the name behind it.
const ANNOUNCED: u8 = 3;

/// The best reading of the words from the first of `parts` on as one name. `bonus` is what the words before it speak
/// for a name; `leads` says whether a word nobody knows may be its first. A name goes on in the next line when nothing
/// else may be meant: a list of names has one in each.
pub(super) fn best(parts: &[Part], bonus: u8, leads: bool) -> Option<Match> {
    let in_line = best_linked(parts, bonus, leads, false);
    let break_at = parts.iter().take(MAX_PARTS).skip(1).position(|part| part.link == Link::Line).map(|at| at + 1);
    if break_at.is_none_or(|at| in_line.is_some_and(|found| found.order.len() < at)) {
        return in_line;
    }
    let over = best_linked(parts, bonus, leads, true).filter(|over| {
        let of_line = in_line.map_or(0, |found| found.order.len());
        over.order.len() > of_line && goes_over(parts, over.order, of_line > 0)
    });
    over.or(in_line)
}

/// Whether the words behind the line break belong to the name before it.
fn goes_over(parts: &[Part], order: &[Slot], is_whole: bool) -> bool {
    let next = parts.get(order.len()).filter(|next| next.link == Link::Space && next.is_capital());
    let certain = parts.iter().zip(order).all(|(part, &slot)| match slot {
        S => part.is(SURNAME | LIKE_SURNAME | PLAIN_SURNAME),
        _ => weight(part, slot) > Some(0),
    });
    certain && next.is_none() && (!is_whole || order.last().is_some_and(|slot| matches!(slot, S | P | I)))
}

fn best_linked(parts: &[Part], bonus: u8, leads: bool, over_lines: bool) -> Option<Match> {
    let mut num_lines = 0;
    let is_linked = |part: &&Part| {
        num_lines += usize::from(part.link == Link::Line);
        part.link != Link::Break && num_lines <= usize::from(over_lines)
    };
    let len = 1 + parts.iter().skip(1).take(MAX_PARTS - 1).take_while(is_linked).count();
    let mut best: Option<Match> = None;
    for &order in ORDERS {
        if order.len() > len || best.is_some_and(|best| best.order.len() > order.len()) {
            continue;
        }
        // Most orders end here.
        let Some(ordered) = parts.get(..order.len()).filter(|parts| may_be(parts, order)) else { continue };
        let Some(evidence) = evidence_of(ordered, order, bonus, leads) else { continue };
        let is_lower = parts.iter().take(order.len()).any(|part| !part.is_capital() && !part.is(PARTICLE));
        let enough = if is_lower { ENOUGH_IN_LOWER } else { ENOUGH };
        let total = evidence + bonus;
        if total >= enough && best.is_none_or(|best| total > best.evidence) {
            best = Some(Match { order, evidence: total });
        }
    }
    best
}

/// Whether every word can be what it is in this order.
fn may_be(parts: &[Part], order: &[Slot]) -> bool {
    parts.iter().zip(order).all(|(part, &slot)| weight(part, slot).is_some())
}

fn evidence_of(parts: &[Part], order: &[Slot], bonus: u8, leads: bool) -> Option<u8> {
    let num_initials = order.iter().filter(|slot| **slot == I).count();
    let mut total = 0;
    for (index, (part, &slot)) in parts.iter().zip(order).enumerate() {
        // "V ЗАҢНЫҢ": in front of a surname initials have their dots.
        if index == 0 && slot == I && !part.is_dotted {
            return None;
        }
        if index > 0 && !is_linked(part, slot, order.get(index - 1).copied()) {
            return None;
        }
        let weight = weight(part, slot)?;
        if weight == 0 && (index == 0 && !leads || !is_plausible(part)) {
            return None;
        }
        total += weight;
    }
    if num_initials > 0 && parts.iter().any(|part| !part.is_capital() && !part.is_initial) {
        // "т. е. год", "e. g. the": in small letters the name must be a known one.
        let is_known = |part: &Part| {
            part.is(SURNAME) || part.is(FIRST) && part.reading.first_len >= 4 || part.is(PLAIN_SURNAME) && part.len >= 5
        };
        if !parts.iter().all(|part| part.is_initial || is_known(part) && !part.is(WORD)) {
            return None;
        }
    }
    if order == [S, F, F] {
        // Korean names in three syllables.
        let is_syllable =
            |part: &Part| part.len <= 4 && part.case == Case::Title && (part.is(PLAIN_SURNAME) || !part.is(WORD));
        if !parts.iter().all(is_syllable) || !parts.first().is_some_and(|part| part.is(PLAIN_SURNAME)) {
            return None;
        }
        total += 4;
    }
    let agrees = same_case(parts);
    let capital = parts.iter().any(|part| part.is_capital() && !part.is_initial);
    let known =
        parts.iter().zip(order).filter(|(_, slot)| **slot != I).all(|(part, &slot)| weight(part, slot) > Some(0));
    match num_initials {
        _ if !agrees => None,
        0 => Some(total),
        // A letter with a dot is also a group, a figure, a vitamin.
        1 => ((known || bonus >= ANNOUNCED)
            && is_told(parts, order)
            && (capital || order.len() > 2 || is_rare_initial(parts)))
        .then_some(total + 2),
        _ => Some(total + 4),
    }
}

fn is_linked(part: &Part, slot: Slot, before: Option<Slot>) -> bool {
    match part.link {
        Link::Break => false,
        Link::Space | Link::Line => before != Some(I) || part.is_capital() || slot == I,
        Link::Dot => before == Some(I),
    }
}

/// "The C", "Will I": a letter without a dot behind a word tells nothing.
fn is_told(parts: &[Part], order: &[Slot]) -> bool {
    parts.iter().any(|part| part.is_initial && part.is_dotted)
        || parts.iter().zip(order).all(|(part, &slot)| slot == I || !part.is(WORD))
}

/// In small letters most single ones with a dot stand for words: города, дом, улица.
fn is_rare_initial(parts: &[Part]) -> bool {
    parts
        .iter()
        .filter(|part| part.is_initial)
        .all(|part| matches!(part.reading.initial, b'w' | b'j' | b'f' | b'a' | b'e' | b'b' | b'z'))
}

/// Small letters throughout, or none but in particles and Korean second syllables.
fn same_case(parts: &[Part]) -> bool {
    let mut cases = parts.iter().filter(|part| !part.is(PARTICLE)).map(Part::is_capital);
    let first = cases.next();
    cases.all(|case| Some(case) == first)
}

/// A word that nobody knows and that might be a name.
fn is_plausible(part: &Part) -> bool {
    part.case == Case::Title && part.len >= 3 && !part.is(WORD | PARTICLE)
}

/// How much a word speaks for being each part of a name; `None` where it cannot be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weights([Option<u8>; SLOTS.len()]);

const SLOTS: [Slot; 5] = [F, S, P, Q, I];

impl Weights {
    /// Those of a word that may be in a name, as it stands.
    pub(super) fn of(part: &Part) -> Self {
        Self(SLOTS.map(|slot| weight_of(part, slot)))
    }
}

/// How much a word speaks for being this part of a name; `None` when it cannot be.
pub(super) fn weight(part: &Part, slot: Slot) -> Option<u8> {
    part.weights.0.get(slot as usize).copied().flatten()
}

fn weight_of(part: &Part, slot: Slot) -> Option<u8> {
    let (capital, word) = (part.is_capital(), part.is(WORD));
    if word && !part.is(FIRST | FAMILIAR | SURNAME | PLAIN_SURNAME | PATRONYMIC | PARTICLE) && !part.is_initial {
        return None;
    }
    if part.is_initial {
        return (slot == I).then_some(1);
    }
    match slot {
        I => None,
        F => first_weight(part, capital, word),
        S => surname_weight(part, capital, word),
        P if part.is(PATRONYMIC) => Some(8),
        P if part.is(LIKE_PATRONYMIC) && !word => Some(if capital { 6 } else { 4 }),
        P => None,
        Q => part.is(PARTICLE).then_some(6),
    }
}

fn first_weight(part: &Part, capital: bool, word: bool) -> Option<u8> {
    // Short stems with endings are ordinary words too often.
    let is_short = part.reading.first_len < 4 && part.len > usize::from(part.reading.first_len);
    if part.is(FIRST) && (capital || !is_short) {
        return Some(match (word || is_short, capital) {
            (true, true) => 3,
            (true, false) => 2,
            (false, _) => 6,
        });
    }
    if part.is(FAMILIAR) && (capital || !word) {
        return Some(if capital && !word { 3 } else { 2 });
    }
    if word {
        return None;
    }
    if capital && part.is(PLAIN_SURNAME) && part.len <= 5 {
        return Some(1);
    }
    if part.is(TURKIC) {
        return Some(if capital { 3 } else { 1 });
    }
    capital.then_some(0)
}

fn surname_weight(part: &Part, capital: bool, word: bool) -> Option<u8> {
    if part.is(SURNAME) {
        return Some(if word { 2 } else { 5 });
    }
    if part.is(PLAIN_SURNAME) {
        return Some(match (word, capital) {
            (false, _) => 4,
            (true, true) => 3,
            (true, false) => 2,
        });
    }
    let is_whole = part.reading.first_len >= 5 && part.len == usize::from(part.reading.first_len);
    if part.is(FIRST) && (capital || !word && is_whole) {
        return Some(if word || !capital { 1 } else { 2 });
    }
    if word {
        return None;
    }
    if part.is(LIKE_SURNAME) && (capital || part.is(IN_OV) || part.script == Script::Cyrillic) {
        return Some(if capital { 3 } else { 1 });
    }
    if part.is(TURKIC) {
        return Some(if capital { 3 } else { 1 });
    }
    if part.is(ADJECTIVE | LONE_FIGURE) && capital {
        return Some(if part.is(LONE_FIGURE) { 3 } else { 2 });
    }
    capital.then_some(0)
}
