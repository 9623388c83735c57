//! Persons' names in Russian, Kazakh, English and what is spoken around them. Words are looked up in one spelling for
//! all alphabets (`spelling`) with their case endings (`lexicon`, `endings`, `shapes`), put together to full names
//! (`sequence`) and weighed against what stands around (`setting`): a single name counts only where no ordinary word,
//! street, shop or public figure is meant.

mod cues;
mod endings;
mod figures;
mod figures_cyrillic;
mod figures_latin;
mod hashing;
mod known;
mod lexeme;
mod lexicon;
mod lone;
mod names_kazakh;
mod names_russian;
mod names_turkic;
mod names_western;
mod names_world;
mod ordinary;
mod part;
mod reading;
mod sequence;
mod setting;
mod shapes;
mod spelling;
mod stretches;
mod subject;
mod surnames;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::budget::Budget;
use super::candidate::{Candidate, Found, Strength};
use super::context::topics::{
    GREETING, NAME_FIELD, NAME_KEY, NAMED_AFTER, NAMED_AFTER_BEHIND, ORGANISATION, PERSON, PUBLIC,
};
use super::text::Text;
use crate::pii::Entity;
use lexicon::LEXICON;
use part::Part;
use sequence::{Match, Slot};
use setting::Setting;
use spelling::Script;
use stretches::Stretches;

/// What scanning one word costs, in units of the budget.
const COST: usize = 2;

/// Every person's name of a view.
pub(crate) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    if !budget.spend(text.tokens().len() * COST) {
        return;
    }
    let mut scan = PersonScan { text, setting: Setting::new(text), found };
    let mut stretches = Stretches::of(text);
    while let Some(parts) = stretches.next(&scan.setting) {
        scan.run(parts);
    }
}

/// As [`scan`], of all words at once.
#[cfg(test)]
fn scan_whole(text: &Text<'_>, found: &mut Found) {
    let parts = known::WORDS.with_borrow_mut(|words| part::all_parts(text, words));
    PersonScan { text, setting: Setting::new(text), found }.run(&parts);
}

struct PersonScan<'t, 'v, 'f> {
    text: &'t Text<'v>,
    setting: Setting<'t, 'v>,
    found: &'f mut Found,
}

impl PersonScan<'_, '_, '_> {
    fn run(&mut self, parts: &[Part]) {
        let mut at = 0;
        while let Some(rest @ [first, ..]) = parts.get(at..) {
            // Neither a name of several words begins with any other, nor is it one by itself.
            let done = if first.may_be_name { self.sequence(rest).or_else(|| self.lone(rest)) } else { None };
            at += done.unwrap_or(1);
        }
    }

    /// A name of several words at the beginning of `rest`: how many words are done with.
    fn sequence(&mut self, rest: &[Part]) -> Option<usize> {
        let first = rest.first()?;
        let has_second = rest.get(1).is_some_and(|second| second.link != part::Link::Break && second.may_be_name);
        if !has_second || !first.may_be_name {
            return None;
        }
        let plain = sequence::best(rest, 0, true);
        let found = match plain {
            Some(found) if !needs_setting(rest, found) => found,
            _ => {
                if !is_worth_asking(rest) {
                    return None;
                }
                let bonus = self.bonus(first);
                let may_lead = self.may_lead(rest, bonus);
                // That was asked already.
                if plain.is_none() && bonus == 0 && may_lead {
                    return None;
                }
                sequence::best(rest, bonus, may_lead)?
            }
        };
        let len = found.order.len();
        if is_better_without_first(rest, found) {
            return None;
        }
        let parts = rest.get(..len)?;
        let range = first.range.start..parts.last()?.range.end;
        let range = self.with_final_dot(range, found.order);
        let may_be_words = parts.iter().all(|part| part.is(reading::WORD));
        if may_be_words && (self.is_beginning(parts) || !parts.iter().any(Part::is_capital)) {
            return None;
        }
        let reason = if is_figure(parts, found.order) && !self.setting.is_of_client(range.start) {
            Some("a public figure")
        } else {
            self.is_a_thing(&range, parts)
        };
        match reason {
            Some(reason) => self.found.reject(Entity::Person, range, rule(parts, found.order), reason),
            None => self.push(range, rule(parts, found.order), score(&found)),
        }
        Some(len)
    }

    /// What the words before a name speak for it.
    fn bonus(&self, first: &Part) -> u8 {
        let topics = self.setting.before(first.range.start);
        if topics & NAME_FIELD != 0 {
            6
        } else if topics & (PERSON | GREETING) != 0 {
            // "Клиент: ..." is also how dialogues are written down.
            if self.setting.follows_colon(first.range.start) { 2 } else { 3 }
        } else {
            u8::from(topics & NAME_KEY != 0)
        }
    }

    /// Whether a word that nobody knows may be the first of a name: not where a sentence begins and goes on.
    fn may_lead(&self, rest: &[Part], bonus: u8) -> bool {
        let Some(first) = rest.first() else { return false };
        if bonus >= 3 || !self.setting.begins_sentence(first.range.start) {
            return true;
        }
        let run = rest.iter().skip(1).take(2).take_while(|part| part.link != part::Link::Break && part.is_capital());
        let end = run.last().map_or(first.range.end, |last| last.range.end);
        !self.setting.goes_on(end)
    }

    /// Words that may all be ordinary ones, where a sentence begins: "Will Rose and Lily ..."
    fn is_beginning(&self, parts: &[Part]) -> bool {
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return false };
        let is_latin = parts.iter().all(|part| part.script == Script::Latin);
        is_latin && self.setting.begins_sentence(first.range.start) && self.setting.goes_on(last.range.end)
    }

    fn with_final_dot(&self, range: Range<usize>, order: &[Slot]) -> Range<usize> {
        let is_dotted = order.last() == Some(&Slot::Initial) && self.text.bytes().get(range.end) == Some(&b'.');
        range.start..range.end + usize::from(is_dotted)
    }

    /// Why something else is meant: a street, a shop, a work of art.
    fn is_a_thing(&self, range: &Range<usize>, parts: &[Part]) -> Option<&'static str> {
        if self.setting.names_partners(range.end) {
            return Some("an organisation");
        }
        let is_titled = parts.last().is_some_and(|last| !last.is(reading::FIRST) && self.setting.is_title(&last.range));
        if is_titled || self.setting.is_titled_behind(range.end) {
            return Some("a work of art, a place or a company");
        }
        let before = self.setting.before(range.start);
        let has_patronymic = parts.iter().any(|part| part.is(reading::PATRONYMIC));
        if before & (NAME_FIELD | PERSON) != 0 {
            return None;
        }
        if before & NAMED_AFTER != 0 {
            return Some("a thing named after a person");
        }
        if self.setting.behind(range.end) & NAMED_AFTER_BEHIND != 0 {
            return Some("a thing named after a person");
        }
        if before & PUBLIC != 0 && !has_patronymic {
            return Some("a person in public");
        }
        if (before & ORGANISATION != 0 && parts.len() < 3) || self.setting.is_in_organisation(range) {
            return Some("an organisation");
        }
        None
    }

    fn push(&mut self, range: Range<usize>, rule: &'static str, score: u8) {
        let word = self.setting.word_beside(&range);
        let strength = if rule == "person/context" { Strength::Context } else { Strength::Shape };
        self.found.push(Candidate::new(Entity::Person, range, strength, rule).scored(score).beside(word));
    }
}

/// Whether the first word is one that nobody knows and the name behind it reaches further without it.
fn is_better_without_first(rest: &[Part], found: Match) -> bool {
    let (Some(first), Some(others)) = (rest.first(), rest.get(1..)) else { return false };
    let may_be_word = first.is(reading::WORD) && !first.is(reading::FIRST);
    let is_unknown = found.order.first().is_none_or(|&slot| sequence::weight(first, slot).unwrap_or_default() == 0);
    let is_better = |other: Match| other.order.len() >= found.order.len();
    (is_unknown || may_be_word) && sequence::best(others, 0, false).is_some_and(is_better)
}

/// Whether it depends on the words around that these are a name.
fn needs_setting(rest: &[Part], found: Match) -> bool {
    let leads = sequence::best(rest, 0, false);
    leads.is_none_or(|other| other.order.len() < found.order.len())
}

/// Whether words that are no name by themselves may be one in the right place.
fn is_worth_asking(rest: &[Part]) -> bool {
    let (initials, names): (Vec<&Part>, Vec<&Part>) = rest.iter().take(2).partition(|part| part.is_initial);
    names.iter().all(|part| part.is_capital()) && initials.iter().all(|part| part.is_dotted) && !names.is_empty()
        || rest.iter().take(2).any(|part| part.is(reading::FIRST | reading::SURNAME | reading::PATRONYMIC))
}

fn is_figure(parts: &[Part], order: &[Slot]) -> bool {
    let slots = || parts.iter().zip(order);
    let firsts = slots().filter(|(_, slot)| matches!(slot, Slot::First | Slot::Surname | Slot::Patronymic));
    // "Михайлов Илья Ильич" is no Илья Ильин: where there is a surname, a patronymic is none.
    let has_surname = order.contains(&Slot::Surname);
    let surnames = firsts.clone().filter(|(_, slot)| !has_surname || **slot != Slot::Patronymic);
    firsts
        .clone()
        .any(|(first, _)| surnames.clone().any(|(surname, _)| LEXICON.is_figure(&first.reading, &surname.reading)))
        || slots().filter(|(_, slot)| **slot == Slot::Surname).any(|(surname, _)| {
            slots()
                .find(|(_, slot)| **slot == Slot::Initial)
                .is_some_and(|(initial, _)| LEXICON.is_figure_with_initial(&surname.reading, initial.reading.initial))
        })
}

fn rule(parts: &[Part], order: &[Slot]) -> &'static str {
    if order.contains(&Slot::Initial) {
        "person/initials"
    } else if parts.iter().all(|part| part.script == Script::Latin) && order.iter().any(|slot| *slot != Slot::First) {
        "person/translit"
    } else if order.contains(&Slot::Patronymic) || order.contains(&Slot::Particle) {
        "person/patronymic"
    } else {
        "person/full-name"
    }
}

fn score(found: &Match) -> u8 {
    (84 + found.evidence).min(98)
}
