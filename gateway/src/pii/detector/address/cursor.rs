//! What every part of an address is made of: a number with its sign, a name of several words, a letter behind a word.

use super::lexer::{Gap, Item, Kind};
use super::lexicon::Role;

/// Reads parts from items.
pub(super) struct Parts<'i> {
    pub(super) items: &'i [Item],
}

impl Parts<'_> {
    pub(super) fn kind(&self, at: usize) -> Option<Kind> {
        self.items.get(at).map(|item| item.kind)
    }

    pub(super) fn role(&self, at: usize) -> Option<Role> {
        match self.kind(at)? {
            Kind::Word { role, .. } => role,
            _ => None,
        }
    }

    pub(super) fn is_mark(&self, at: usize, mark: u8) -> bool {
        self.kind(at) == Some(Kind::Mark(mark))
    }

    pub(super) fn is_capital(&self, at: usize) -> bool {
        matches!(self.kind(at), Some(Kind::Word { is_capital: true, .. }))
    }

    pub(super) fn is_short(&self, at: usize) -> bool {
        matches!(self.kind(at), Some(Kind::Word { letters: 1..=2, .. }))
    }

    /// Behind «шағын ауданы», «ықш. ауд.» at `at`.
    pub(super) fn quarter_words(&self, at: usize) -> Option<usize> {
        if self.role(at) != Some(Role::QuarterFirst) {
            return None;
        }
        let next = self.past_dot(at + 1);
        (self.role(next) == Some(Role::RegionBehind)).then(|| self.past_dot(next + 1))
    }

    pub(super) fn gap(&self, at: usize) -> Gap {
        self.items.get(at).map_or(Gap::Line, |item| item.gap)
    }

    /// Behind the number of a house or a flat at `at`; a number sign may stand before.
    pub(super) fn number(&self, at: usize) -> Option<usize> {
        let has_sign = self.is_mark(at, b'#');
        let at = at + usize::from(has_sign);
        if has_sign && matches!(self.gap(at), Gap::Break | Gap::Line) {
            return None;
        }
        match self.kind(at)? {
            Kind::Number { digits: 1..=4, .. } => Some(at + 1),
            _ => None,
        }
    }

    /// Behind `д. 5`, `кв №12`, `дом: 5`, `корп. А`.
    pub(super) fn numbered(&self, at: usize) -> Option<usize> {
        let mut next = at + 1;
        for _ in 0..2 {
            next += usize::from([b'.', b':', b'-', b';'].iter().any(|&mark| self.is_mark(next, mark)));
        }
        if self.gap(next) == Gap::Line {
            return None;
        }
        if self.role(at) == Some(Role::Index) {
            return matches!(self.kind(next)?, Kind::Number { digits: 6, .. }).then_some(next + 1);
        }
        if let Some(end) = self.number(next) {
            return (!self.is_counted(end)).then_some(end);
        }
        // «блок С4», «корп. А», "block C"
        let is_letter = matches!(self.kind(next), Some(Kind::Word { letters: 1, .. }));
        let takes_letter = matches!(self.role(at), Some(Role::Unit | Role::UnitBehind)) && !self.is_short(at);
        let has_number = self.gap(next + 1) == Gap::None && self.number(next + 1).is_some();
        (is_letter && takes_letter && self.is_capital(next)).then_some(next + 1 + usize::from(has_number))
    }

    /// Whether the number before `at` counts what stands there: «5 человек», «12 домов».
    pub(super) fn is_counted(&self, at: usize) -> bool {
        let Some(item) = self.items.get(at) else { return false };
        match item.kind {
            Kind::Word { role: Some(Role::Measure | Role::Date), .. } => item.gap != Gap::Line,
            Kind::Mark(b'%') => true,
            _ => false,
        }
    }

    /// Behind a name of up to `most` words that begins at `at`. Capitals decide: a name goes on as it began.
    pub(super) fn name(&self, at: usize, most: usize) -> Option<usize> {
        let mut at = at;
        let quoted = self.is_mark(at, b';') || self.is_mark(at, b'"');
        at += usize::from(quoted);
        let mut starts_capital = self.is_capital(at);
        let mut only_parts = true;
        let mut end = at;
        let mut words = 0;
        while words < most {
            let Some(Kind::Word { role, is_capital, letters }) = self.kind(end) else { break };
            if end > at && (self.gap(end) == Gap::Line || self.gap(end) == Gap::Break && role != Some(Role::NamePart)) {
                break;
            }
            let is_name = match role {
                None => letters > 1 || self.is_mark(end + 1, b'.'),
                Some(Role::NamePart | Role::Date | Role::Place) => true,
                Some(Role::Region | Role::Settlement | Role::Stop | Role::Measure) => {
                    is_capital && letters > 3 && words == 0
                }
                // «ул. К. Маркса»: an initial that is also a word of addresses.
                _ => letters == 1 && is_capital && self.is_mark(end + 1, b'.') && self.is_capital(end + 2),
            };
            let is_part = matches!(role, Some(Role::NamePart | Role::Date));
            let goes_on = words == 0
                || is_part
                || is_capital && (starts_capital || only_parts)
                || !is_capital && !starts_capital && words < 2;
            starts_capital |= only_parts && is_capital;
            only_parts &= is_part;
            if !is_name || !goes_on {
                break;
            }
            words += 1;
            let has_initial =
                letters <= 3 && self.is_mark(end + 1, b'.') && matches!(self.kind(end + 2), Some(Kind::Word { .. }));
            end += 1 + usize::from(has_initial);
        }
        let closes = quoted && (self.is_mark(end, b';') || self.is_mark(end, b'"'));
        (words > 0).then_some(end + usize::from(closes))
    }

    /// Behind the number that a dash ties to a name: `Аксай-3А`, `Самал-2`.
    pub(super) fn dashed_number(&self, at: usize) -> usize {
        let is_tied = self.gap(at) == Gap::Dash && matches!(self.kind(at), Some(Kind::Number { digits: 1..=3, .. }));
        at + usize::from(is_tied)
    }

    pub(super) fn past_dot(&self, at: usize) -> usize {
        at + usize::from(self.is_mark(at, b'.') && self.gap(at) == Gap::None)
    }
}
