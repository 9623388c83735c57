//! Parts that stand in a row, and whether they make an address.

use std::ops::Range;

use super::Announced;
use super::cursor::Parts;
use super::lexer::{Gap, Item, Kind};
use super::lexicon::Role;
use super::parts::{Part, PartKind};
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

/// Finds every address among `items`. `announced` says where the text speaks of one.
pub(super) fn rows(text: &Text<'_>, items: &[Item], announced: &Announced, found: &mut Found) {
    let parts = Parts { items };
    let mut row = Row::default();
    let mut at = 0;
    while at < items.len() {
        if items.get(at).is_some_and(|item| item.gap == Gap::Line) {
            row.close(text, &parts, announced, found);
        }
        let part = parts.at(at, row.awaits_house()).filter(|part| part.end > at);
        match part {
            Some(part) if row.takes(part.kind) => {
                row.push(at, &part);
                at = past_marks(items, part.end);
            }
            Some(_) => row.close(text, &parts, announced, found),
            None => {
                let next = past_preposition(items, at).filter(|_| row.end == at);
                let next = next.filter(|&next| parts.at(next, false).is_some_and(|part| row.takes(part.kind)));
                if let Some(next) = next {
                    at = next;
                } else {
                    row.close(text, &parts, announced, found);
                    at += 1;
                }
            }
        }
    }
    row.close(text, &parts, announced, found);
}

/// Behind the marks that may stand between two parts.
fn past_marks(items: &[Item], at: usize) -> usize {
    let mut next = at;
    while next < at + MAX_MARKS
        && matches!(
            items.get(next).map(|item| item.kind),
            Some(Kind::Mark(b',' | b'.' | b';' | b'(' | b')' | b'-' | b'|' | b'"' | b'/'))
        )
    {
        next += 1;
    }
    next
}

/// Behind a preposition between two parts: «в Алматы на ул. Абая в доме 10».
fn past_preposition(items: &[Item], at: usize) -> Option<usize> {
    let item = items.get(at)?;
    let is_preposition = matches!(item.kind, Kind::Word { role: Some(Role::Stop), letters: 1..=2, is_capital: false });
    (is_preposition && item.gap == Gap::Space).then_some(at + 1)
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
            PartKind::Street | PartKind::StreetWhere => {
                !self.has(&[PartKind::Street, PartKind::StreetWhere, PartKind::Unit])
                    && (!self.has_house() || self.kinds == [PartKind::House])
            }
            PartKind::NameAndNumber => !self.has_house() && !self.has(&[PartKind::Unit]),
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

    fn close(&mut self, text: &Text<'_>, parts: &Parts<'_>, announced: &Announced, found: &mut Found) {
        let row = std::mem::take(self);
        if row.kinds.is_empty() {
            return;
        }
        let start = row.with_town(parts);
        let (Some(first), Some(last)) = (parts.items.get(start), parts.items.get(row.end - 1)) else { return };
        let range = first.range.start..last.range.end;
        match row.verdict(text, parts, &range, announced) {
            Verdict::Address { rule, score } => {
                let word = text.word_near(&range, ADDRESS);
                found.push(Candidate::new(Entity::Address, range, Strength::Checked, rule).scored(score).beside(word));
            }
            Verdict::Reject { rule, reason } => found.reject(Entity::Address, range, rule, reason),
            Verdict::Nothing => {}
        }
    }

    fn verdict(&self, text: &Text<'_>, parts: &Parts<'_>, range: &Range<usize>, announced: &Announced) -> Verdict {
        let is_named = || announced.given || text.topics_near(range) & ADDRESS != 0;
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
            let follows = self.is_followed(text, parts);
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
            return if has_unit
                || announced.given
                || self.is_announced(text, parts, (range, announced))
                || has_place && self.is_plausible(text, parts)
            {
                Verdict::Address { rule: "address/name-number", score: 85 }
            } else {
                Verdict::Reject { rule: "address/name-number", reason: "a name and a number without a context word" }
            };
        }
        if has_street || has_where {
            return Verdict::Reject { rule: "address/street-house", reason: "a street without a house" };
        }
        Verdict::Nothing
    }

    /// The first item, or that of a town before it that nobody listed: «Уштобе, ул. …».
    fn with_town(&self, parts: &Parts<'_>) -> usize {
        let is_street = matches!(self.kinds.first(), Some(PartKind::Street | PartKind::Quarter));
        let item = |back: usize| self.start.checked_sub(back).and_then(|at| parts.items.get(at));
        let is_comma = item(1).is_some_and(|item| item.kind == Kind::Mark(b','));
        let is_name =
            item(2).is_some_and(|item| matches!(item.kind, Kind::Word { role: None, is_capital: true, letters: 3.. }));
        let is_first =
            item(3).is_none_or(|item| matches!(item.kind, Kind::Mark(_) | Kind::Word { role: Some(Role::Stop), .. }));
        if !(is_street && is_comma && is_name && is_first) {
            return self.start;
        }
        // «Шымкент, Тассай, …»: a town that everybody knows stands before the village.
        let is_far_comma = item(3).is_some_and(|item| item.kind == Kind::Mark(b','));
        let is_place = item(4).is_some_and(|item| matches!(item.kind, Kind::Word { role: Some(Role::Place), .. }));
        if is_far_comma && is_place { self.start - 4 } else { self.start - 2 }
    }

    /// Whether a word for addresses stands right before, or before a few words when the name looks like a street's.
    fn is_announced(
        &self,
        text: &Text<'_>,
        parts: &Parts<'_>,
        (range, announced): (&Range<usize>, &Announced),
    ) -> bool {
        const REACH: usize = 64;
        let Some(end) = announced.before(range.start).filter(|end| range.start - end <= REACH) else { return false };
        let between = text.bytes().get(end..range.start).unwrap_or_default();
        let is_same_sentence = !between.iter().any(|byte| matches!(byte, b'.' | b'!' | b'?' | b'|' | b'\n' | b';'));
        let is_at_once = between.split(|&byte| byte == b' ').count() <= 3;
        is_same_sentence && (is_at_once || self.is_plausible(text, parts))
    }

    /// «Абая 150», «Қазыбек би 22-15»: a name in the genitive, or with a word that only names have, or a number like
    /// that of a house.
    fn is_plausible(&self, text: &Text<'_>, parts: &Parts<'_>) -> bool {
        const GENITIVE: [&str; 9] = ["ва", "на", "ая", "ля", "ого", "ая", "ки", "ева", "ча"];
        let items = parts.items.get(self.start..self.end).unwrap_or_default();
        items.windows(2).any(|pair| match pair {
            [name, number] => {
                let is_name = matches!(name.kind, Kind::Word { role: None | Some(Role::NamePart), letters: 2.., .. });
                let spelled = text.bytes().get(name.range.clone()).unwrap_or_default();
                let is_genitive = GENITIVE.iter().any(|ending| spelled.ends_with(ending.as_bytes()));
                match number.kind {
                    Kind::Number { is_plain, .. } => {
                        let is_town = matches!(name.kind, Kind::Word { role: Some(Role::Place), .. });
                        is_town && !is_plain
                            || is_name
                                && (is_genitive
                                    || !is_plain
                                    || matches!(name.kind, Kind::Word { role: Some(Role::NamePart), .. }))
                    }
                    _ => false,
                }
            }
            _ => false,
        })
    }

    /// Whether the number counts what follows: «на улице Абая 5 новых домов».
    fn is_followed(&self, text: &Text<'_>, parts: &Parts<'_>) -> bool {
        const PLURAL: [&str; 11] = ["ов", "ев", "ей", "ек", "ых", "их", "ний", "ций", "ник", "тиц", "дцев"];
        let Some(next) = parts.items.get(self.end).filter(|next| next.gap == Gap::Space) else { return false };
        let word = text.bytes().get(next.range.clone()).unwrap_or_default();
        match next.kind {
            Kind::Word { is_capital: false, role: None, .. } => {
                PLURAL.iter().any(|ending| word.ends_with(ending.as_bytes()))
            }
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
