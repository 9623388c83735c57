//! The parts of an address, each read from where it begins: a street with its name, a house with its number.

use super::cursor::Parts;
use super::lexer::{Gap, Kind};
use super::lexicon::Role;

/// What a part says; several make an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PartKind {
    Index,
    Place,
    Settlement,
    Street,
    /// A street in the case of place, which sentences about streets use.
    StreetWhere,
    /// A street before its type, house and all: "45 Dostyk Avenue".
    StreetWithHouse,
    Quarter,
    House,
    /// A number where a house could stand.
    BareHouse,
    Unit,
    /// A name and a number: «Абая 150».
    NameAndNumber,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    pub(crate) kind: PartKind,
    /// Behind its last item.
    pub(crate) end: usize,
}

/// Words of one name.
const MAX_NAME: usize = 4;

impl Parts<'_> {
    /// The part that begins at item `at`. `after_street` says that a bare number would be a house.
    pub(crate) fn at(&self, at: usize, after_street: bool) -> Option<Part> {
        let part = |kind, end| Some(Part { kind, end });
        match self.items.get(at)?.kind {
            Kind::Number { digits, is_plain } => self.number_at(at, digits, is_plain, after_street),
            Kind::Mark(b'#') => {
                let end = self.number(at + 1)?;
                after_street.then_some(Part { kind: PartKind::House, end })
            }
            Kind::Mark(b';' | b'"') => None,
            Kind::Word { role: None | Some(Role::NamePart | Role::Date), .. } => self.named_at(at),
            Kind::Word { role: Some(role), .. } => match role {
                Role::Street => self.typed_name(at).and_then(|end| part(PartKind::Street, end)),
                Role::Quarter => self.quarter(at),
                Role::House | Role::HouseBehind => self.numbered(at).and_then(|end| part(PartKind::House, end)),
                Role::Unit | Role::UnitBehind => {
                    self.numbered(at).and_then(|end| part(PartKind::Unit, end)).or_else(|| self.settlement(at))
                }
                Role::Settlement => self.settlement(at),
                Role::Region => self.name(at + 1, 2).and_then(|end| part(PartKind::Place, end)),
                Role::Place => Some(self.place_at(at)),
                Role::Index => self.numbered(at).and_then(|end| part(PartKind::Index, end)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Behind `ул. Абая`, `улица 8 Марта`, `пр-т Кабанбай батыра`.
    fn typed_name(&self, at: usize) -> Option<usize> {
        let has_dot = self.is_mark(at + 1, b'.');
        let next = at + 1 + usize::from(has_dot);
        // «…на улице. Дом …»: only an abbreviation has a dot inside of its part.
        let is_whole_word = matches!(self.kind(at), Some(Kind::Word { letters: 5.., .. }));
        if self.gap(next) == Gap::Line || has_dot && is_whole_word {
            return None;
        }
        if let Some(Kind::Number { .. }) = self.kind(next) {
            // The number is the street's own when a name follows, and the house when not: «ул. 8 Марта».
            let named = self.name(next + 1, 3).filter(|_| matches!(self.gap(next + 1), Gap::Space | Gap::Dash));
            return named
                .or(Some(next + 1).filter(|_| self.is_mark(next + 1, b',') && self.number(next + 2).is_some()));
        }
        // «улица имени …», «проспект им. Абая»
        self.name(next, MAX_NAME)
    }

    /// `мкр 5`, `мкр. Аксай-3А`, `ЖК «Аспан»`.
    fn quarter(&self, at: usize) -> Option<Part> {
        let next = at + 1 + usize::from(self.is_mark(at + 1, b'.'));
        if self.gap(next) == Gap::Line {
            return None;
        }
        let end = match self.number(next) {
            // «IV квартал 2023» is a part of a year.
            Some(_) if matches!(self.kind(next), Some(Kind::Number { digits: 4.., .. })) => return None,
            Some(end) if !self.is_counted(end) => end,
            _ => self.name(next, 3).map(|end| self.dashed_number(end))?,
        };
        Some(Part { kind: PartKind::Quarter, end })
    }

    /// `г. Шымкент`, `село Бесагаш`; a single letter needs its dot or a capital behind it.
    fn settlement(&self, at: usize) -> Option<Part> {
        let Some(Kind::Word { letters, .. }) = self.kind(at) else { return None };
        let has_dot = self.is_mark(at + 1, b'.');
        let next = at + 1 + usize::from(has_dot);
        let is_short_alone = letters <= 2 && !has_dot && self.role(next) != Some(Role::Place);
        let is_lower = letters <= 2 && !self.is_capital(next) && self.role(next) != Some(Role::Place);
        if is_short_alone || is_lower || letters == 1 && matches!(self.role(at), Some(Role::UnitBehind)) {
            return None;
        }
        self.name(next, 2).map(|end| Part { kind: PartKind::Settlement, end })
    }

    /// A known town, with the word for a town behind it: «Алматы қ.», «Astana city», «Қызылорда облысы».
    fn place_at(&self, at: usize) -> Part {
        if let Some(part) = self.named_at(at) {
            return part;
        }
        let end = at + 1;
        let is_town = |at: usize| {
            matches!(self.role(at), Some(Role::RegionBehind | Role::Settlement | Role::Region))
                && self.gap(at) != Gap::Line
        };
        let is_abbreviated = |at: usize| matches!(self.kind(at), Some(Kind::Word { letters: 1, .. }));
        let end = if is_town(end)
            && (!is_abbreviated(end) || self.is_mark(end + 1, b'.'))
            && self.role(end) != Some(Role::Settlement)
        {
            end + 1 + usize::from(self.is_mark(end + 1, b'.'))
        } else {
            end
        };
        Part { kind: PartKind::Place, end }
    }

    fn number_at(&self, at: usize, digits: usize, is_plain: bool, after_street: bool) -> Option<Part> {
        let part = |kind, end| Some(Part { kind, end });
        if digits == 6 {
            return is_plain.then_some(Part { kind: PartKind::Index, end: at + 1 });
        }
        if digits > 4 {
            return None;
        }
        let next = at + 1;
        if self.gap(next) != Gap::Line {
            match self.role(next) {
                Some(Role::HouseBehind) => return part(PartKind::House, next + 1),
                // «Абая 10 квартира 5»: the word has a number of its own behind it.
                Some(Role::UnitBehind) if !(after_street && self.number(next + 1).is_some()) => {
                    return part(PartKind::Unit, self.past_dot(next + 1));
                }
                Some(Role::Quarter) => return part(PartKind::Quarter, self.past_dot(next + 1)),
                Some(Role::QuarterFirst) if self.quarter_words(next).is_some() => {
                    return part(PartKind::Quarter, self.quarter_words(next)?);
                }
                _ => {}
            }
            // "45 Dostyk Avenue"; «28 панфиловцев көшесі» is a street and no house.
            if let Some(end) = self.name(next, 3).filter(|_| matches!(self.gap(next), Gap::Space | Gap::Break)) {
                match self.role(end) {
                    Some(Role::StreetBehind | Role::Street) if self.is_capital(next) && self.is_latin_street(end) => {
                        return part(PartKind::StreetWithHouse, self.past_dot(end + 1));
                    }
                    Some(Role::StreetBehind | Role::Street) => return part(PartKind::Street, self.past_dot(end + 1)),
                    _ => {}
                }
            }
        }
        let is_item = self.gap(at) == Gap::Break && (self.is_mark(next, b'.') || self.is_mark(next, b')'));
        let is_year = digits == 4 && is_plain;
        (after_street && !is_item && !is_year && !self.is_counted(next))
            .then_some(Part { kind: PartKind::BareHouse, end: next })
    }

    /// English streets have their house before the name.
    fn is_latin_street(&self, at: usize) -> bool {
        self.items.get(at).is_some_and(|item| match item.kind {
            // A Latin letter is one byte.
            Kind::Word { letters, .. } => letters == item.range.len(),
            _ => false,
        })
    }

    /// What a name begins: «Абай көшесі», «Самал-2 мкр», «Алмалы ауданы», «Абая 150».
    fn named_at(&self, at: usize) -> Option<Part> {
        let part = |kind, end| Some(Part { kind, end });
        let end = self.name(at, 3)?;
        let tied = self.dashed_number(end);
        let is_short =
            |at: usize| matches!(self.kind(at), Some(Kind::Word { letters: 1..=2, .. })) && !self.is_mark(at + 1, b'.');
        if self.gap(tied) != Gap::Line {
            match self.role(tied) {
                Some(Role::StreetWhere) => return part(PartKind::StreetWhere, tied + 1),
                Some(Role::StreetBehind) => return part(PartKind::Street, self.past_dot(tied + 1)),
                // «Абая проспект»; a type with a name of its own behind it is the next part.
                Some(Role::Street) if self.is_capital(at) && self.typed_name(tied).is_none() => {
                    return part(PartKind::Street, self.past_dot(tied + 1));
                }
                Some(Role::Quarter) if self.is_capital(at) || tied > end => {
                    return part(PartKind::Quarter, self.past_dot(tied + 1));
                }
                Some(Role::QuarterFirst) if self.quarter_words(tied).is_some() => {
                    return part(PartKind::Quarter, self.quarter_words(tied)?);
                }
                // «Орбита-3 ауданы»: districts have no numbers.
                Some(Role::RegionBehind) if tied > end => return part(PartKind::Quarter, self.past_dot(tied + 1)),
                Some(Role::RegionBehind | Role::Region) if !is_short(tied) => {
                    return part(PartKind::Place, self.past_dot(tied + 1));
                }
                _ => {}
            }
        }
        if self.is_capital(at) && tied == end {
            let comma = usize::from(self.is_mark(end, b','));
            let is_near = !matches!(self.gap(end + comma), Gap::Line | Gap::Break);
            let number = self.number(end + comma).filter(|_| is_near)?;
            let is_of_next = matches!(
                self.role(number),
                Some(Role::Quarter | Role::QuarterFirst | Role::UnitBehind | Role::StreetBehind | Role::Street)
            ) && self.gap(number) != Gap::Line;
            let is_year = matches!(self.kind(number - 1), Some(Kind::Number { digits: 4, is_plain: true }));
            if !self.is_counted(number) && !is_of_next && !is_year {
                let has_word = self.role(number) == Some(Role::HouseBehind) && self.gap(number) != Gap::Line;
                return part(PartKind::NameAndNumber, number + usize::from(has_word));
            }
        }
        None
    }
}
