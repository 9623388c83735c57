//! Parts that stand in a row, and whether they make an address.

use std::ops::Range;

use super::lexer::{Gap, Item, Kind};
use super::lexicon::Role;
use super::parts::{Part, PartKind, Parts};
use crate::pii::Entity;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::context::topics::ADDRESS;
use crate::pii::detector::text::Text;

/// Commas, dots, brackets between two parts.
const MAX_MARKS: usize = 3;

/// A row of parts: by their first items, and which kinds there are.
#[derive(Debug, Default)]
struct Row {
    start: usize,
    end: usize,
    kinds: Vec<PartKind>,
}

/// Finds every address among `items`. `given` says that a key above the text announces one.
pub(super) fn rows(text: &Text<'_>, items: &[Item], given: bool, found: &mut Found) {
    let parts = Parts { items };
    let mut row = Row::default();
    let mut at = 0;
    while at < items.len() {
        let part = parts.at(at, row.awaits_house()).filter(|part| part.end > at);
        match part {
            Some(part) if row.takes(part.kind) => {
                row.push(at, &part);
                at = past_marks(items, &row, part.end);
            }
            Some(_) => row.close(text, &parts, given, found),
            None => {
                row.close(text, &parts, given, found);
                at += 1;
            }
        }
    }
    row.close(text, &parts, given, found);
}

/// Behind the marks that may stand between two parts.
fn past_marks(items: &[Item], row: &Row, at: usize) -> usize {
    let mut next = at;
    while next < at + MAX_MARKS
        && matches!(
            items.get(next).map(|item| item.kind),
            Some(Kind::Mark(b',' | b'.' | b';' | b'(' | b')' | b'-' | b'|' | b'"' | b'/'))
        )
    {
        next += 1;
    }
    // «в Алматы на ул. Абая»
    let is_place = matches!(row.kinds.last(), Some(PartKind::Place | PartKind::Settlement));
    let is_preposition = next == at
        && items
            .get(next)
            .is_some_and(|item| matches!(item.kind, Kind::Word { role: Some(Role::Stop), letters: 2, .. }));
    if is_place && is_preposition { next + 1 } else { next }
}

impl Row {
    fn has(&self, kinds: &[PartKind]) -> bool {
        self.kinds.iter().any(|kind| kinds.contains(kind))
    }

    fn has_house(&self) -> bool {
        self.has(&[PartKind::House, PartKind::BareHouse, PartKind::StreetWithHouse, PartKind::NameAndNumber])
    }

    /// Whether a bare number would be the house.
    fn awaits_house(&self) -> bool {
        matches!(self.kinds.last(), Some(PartKind::Street | PartKind::StreetWhere | PartKind::Quarter))
    }

    /// A second street or house begins another address.
    fn takes(&self, kind: PartKind) -> bool {
        match kind {
            PartKind::Street | PartKind::StreetWhere | PartKind::NameAndNumber => {
                !self.has_house() && !self.has(&[PartKind::Unit])
            }
            PartKind::StreetWithHouse => !self.has_house(),
            PartKind::Quarter => !self.has(&[PartKind::House, PartKind::NameAndNumber]),
            PartKind::House => !self.has(&[PartKind::House]),
            _ => true,
        }
    }

    fn push(&mut self, at: usize, part: &Part) {
        if self.kinds.is_empty() {
            self.start = at;
        }
        self.end = part.end;
        self.kinds.push(part.kind);
    }

    fn close(&mut self, text: &Text<'_>, parts: &Parts<'_>, given: bool, found: &mut Found) {
        let row = std::mem::take(self);
        if row.kinds.is_empty() {
            return;
        }
        let (Some(first), Some(last)) = (parts.items.get(row.start), parts.items.get(row.end - 1)) else { return };
        let range = first.range.start..last.range.end;
        match row.verdict(text, parts, &range, given) {
            Verdict::Address { rule, score } => {
                let word = text.word_near(&range, ADDRESS);
                found.push(Candidate::new(Entity::Address, range, Strength::Checked, rule).scored(score).beside(word));
            }
            Verdict::Reject { rule, reason } => found.reject(Entity::Address, range, rule, reason),
            Verdict::Nothing => {}
        }
    }

    fn verdict(&self, text: &Text<'_>, parts: &Parts<'_>, range: &Range<usize>, given: bool) -> Verdict {
        let is_named = || given || text.topics_near(range) & ADDRESS != 0;
        let has_street = self.has(&[PartKind::Street, PartKind::Quarter, PartKind::StreetWithHouse]);
        let has_unit = self.has(&[PartKind::Unit]);
        let has_where = self.has(&[PartKind::StreetWhere]);
        let has_place = self.has(&[PartKind::Place, PartKind::Settlement]);
        if self.has(&[PartKind::StreetWithHouse]) {
            return Verdict::Address { rule: "address/english", score: 92 };
        }
        if (has_street || has_where) && self.has(&[PartKind::House]) || has_street && has_unit {
            return Verdict::Address { rule: "address/street-house", score: 97 };
        }
        if self.has(&[PartKind::BareHouse]) {
            let follows = self.is_followed(parts);
            return if has_unit || has_place && !has_where || is_named() || !follows {
                Verdict::Address { rule: "address/street-number", score: 92 }
            } else {
                Verdict::Reject { rule: "address/street-number", reason: "the number may count what follows" }
            };
        }
        if self.has(&[PartKind::House]) && (has_unit || self.has(&[PartKind::Settlement])) {
            return Verdict::Address { rule: "address/house-flat", score: 90 };
        }
        if self.has(&[PartKind::House]) && has_place && is_named() {
            return Verdict::Address { rule: "address/place-house", score: 88 };
        }
        if self.has(&[PartKind::NameAndNumber]) {
            return if has_unit || is_named() {
                Verdict::Address { rule: "address/name-number", score: 85 }
            } else {
                Verdict::Nothing
            };
        }
        if has_street || has_where {
            return Verdict::Reject { rule: "address/street-house", reason: "a street without a house" };
        }
        Verdict::Nothing
    }

    /// Whether a word in lower case follows the row at once: «на улице Абая 5 …».
    fn is_followed(&self, parts: &Parts<'_>) -> bool {
        let Some(next) = parts.items.get(self.end) else { return false };
        match next.kind {
            Kind::Word { is_capital: false, role: None, .. } => next.gap == Gap::Space,
            Kind::Word { role: Some(Role::Measure), .. } => true,
            _ => false,
        }
    }
}

enum Verdict {
    Address { rule: &'static str, score: u8 },
    Reject { rule: &'static str, reason: &'static str },
    Nothing,
}
