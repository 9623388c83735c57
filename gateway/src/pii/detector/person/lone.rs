//! One name alone: taken where the words around speak of a person, and a first name that is nothing else also in
//! plain narration.

use super::PersonScan;
use super::lexicon::LEXICON;
use super::part::{Link, Part};
use super::reading::{
    ADJECTIVE, FAMILIAR, FIRST, LIKE_SURNAME, LONE_FIGURE, NOMINATIVE, PARTICLE, PATRONYMIC, PLAIN_SURNAME, Roles,
    SURNAME, TURKIC, WHOLE, WORD,
};
use crate::pii::Entity;
use crate::pii::detector::context::topics::{
    GREETING, NAME_FIELD, NAME_KEY, NAMED_AFTER, NAMED_AFTER_BEHIND, ORGANISATION, PERSON, PERSON_BEHIND, PUBLIC,
};
use crate::pii::detector::views::tokens::Case;

/// What a single word may be without being a name of anybody.
const SOME_NAME: Roles = FIRST | FAMILIAR | SURNAME | PLAIN_SURNAME | PATRONYMIC;

impl PersonScan<'_, '_, '_> {
    /// A name of one word at the beginning of `rest`: how many words are done with.
    pub(super) fn lone(&mut self, rest: &[Part]) -> Option<usize> {
        let part = rest.first()?;
        let shaped = part.is_capital() && part.is(LIKE_SURNAME | TURKIC | ADJECTIVE);
        let view = self.text.bytes();
        let touches = part.range.start.checked_sub(1).and_then(|at| view.get(at)) == Some(&b'_')
            || view.get(part.range.end) == Some(&b'_');
        if touches
            || part.is_initial
            || part.len < 2
            || part.is(PARTICLE)
            || !(part.is(SOME_NAME) || part.case == Case::Title || shaped)
        {
            return None;
        }
        // Most words end here, before anything is asked about what stands around.
        if is_low(part) || part.is(WORD) && !part.is(SOME_NAME) {
            return None;
        }
        // "Каныш Сатпаев": a town too, so that no full name was seen.
        let next = rest.get(1).filter(|next| next.link == Link::Space && next.is_capital() && part.is_capital());
        let is_pair = next.is_some_and(|next| LEXICON.is_figure(&part.reading, &next.reading));
        if is_pair && !self.setting.is_of_client(part.range.start) {
            self.found.reject(Entity::Person, part.range.clone(), "person/first-name", "a public figure");
            return Some(2);
        }
        let before = self.setting.before(part.range.start);
        let behind = self.setting.behind(part.range.end);
        let is_certain = part.is(FIRST) && !part.is(WORD) && part.is_capital() && part.reading.first_len >= 4;
        if let Some(reason) = self.lone_thing(rest, before, behind) {
            if part.is(SOME_NAME) && part.is_capital() {
                self.found.reject(Entity::Person, part.range.clone(), "person/first-name", reason);
            }
            return None;
        }
        if self.setting.names_partners(part.range.end) {
            return None;
        }
        let is_known = part.is(SOME_NAME) && !part.is(WORD);
        let is_announced = before & NAME_FIELD != 0 && self.is_announced(part, is_known, before)
            || before & (PERSON | GREETING) != 0 && self.fits_person(part, before)
            || behind & PERSON_BEHIND != 0 && part.is(FIRST | FAMILIAR) && !part.is(WORD) && part.is_capital()
            || behind & (PERSON_BEHIND | NAME_KEY) == PERSON_BEHIND
                && part.is(FIRST)
                && part.is(WHOLE)
                && part.is_capital()
            || before & NAME_KEY != 0
                && part.is_capital()
                && (is_known || part.is(TURKIC) && !part.is(WORD))
                && part.len >= 3
            || behind & PERSON_BEHIND != 0 && part.is(TURKIC) && !part.is(WORD) && part.case == Case::Title;
        if is_announced {
            self.push(part.range.clone(), "person/context", 90);
            return Some(1);
        }
        if self.is_spoken_of(part) {
            self.push(part.range.clone(), "person/surname", 80);
            return Some(1);
        }
        if is_certain && !is_in_doubt(rest) && !self.setting.is_title_or_town(&part.range) {
            self.push(part.range.clone(), "person/first-name", 82);
            return Some(1);
        }
        None
    }

    /// A surname in plain narration: the subject of a sentence, or in a case that streets have no use for.
    fn is_spoken_of(&self, part: &Part) -> bool {
        if part.is(WORD | LONE_FIGURE) || part.case != Case::Title || !part.is(SURNAME | TURKIC) {
            return false;
        }
        let is_subject = part.is(NOMINATIVE | TURKIC)
            && self.setting.is_subject(&part.range)
            && !self.setting.follows_preposition(part.range.start);
        let has_kazakh_case = part.is(SURNAME) && part.has_kazakh_case;
        is_subject || has_kazakh_case || part.is(SURNAME) && self.setting.belongs(part.range.start)
    }

    /// Behind "ФИО:" and "меня зовут" anything that is written like a name is one.
    fn is_announced(&self, part: &Part, is_known: bool, before: u64) -> bool {
        let is_title = part.case == Case::Title && part.len >= 3 && !part.is(WORD);
        let is_close = self.setting.follows_closely(part.range.start) || part.is(FIRST);
        is_known
            && part.len >= 3
            && (part.is_capital() || part.len >= 4 && part.is(FIRST | FAMILIAR | SURNAME) && is_close)
            || is_title && (before & PERSON != 0 && is_close || self.setting.follows_colon(part.range.start))
            || part.is(FIRST | PLAIN_SURNAME) && part.is(WHOLE) && part.case == Case::Title && part.len >= 2
            || part.case == Case::Upper && !part.is(WORD) && part.is(LIKE_SURNAME | TURKIC | ADJECTIVE) && part.len >= 4
    }

    /// Behind "клиент" and "уважаемая" a known name or what is shaped like a surname.
    fn fits_person(&self, part: &Part, before: u64) -> bool {
        let is_known = part.is(SOME_NAME) && !part.is(WORD) && part.len >= 3;
        let is_person = before & PERSON != 0;
        if !part.is_capital() {
            let is_greeted = before & GREETING != 0 && part.is(FIRST) && part.is(WHOLE) && part.len >= 5;
            return is_known && (part.is(FIRST | SURNAME) && is_person && part.len >= 4 || is_greeted);
        }
        // "Клиент: ..." is also how dialogues are written down.
        let is_close = self.setting.follows_closely(part.range.start);
        if is_known && (is_close || part.is(FIRST) || !self.setting.goes_on(part.range.end)) {
            return true;
        }
        if part.case != Case::Title {
            return false;
        }
        let is_whole = part.is(WHOLE) && part.len >= 2;
        if is_person && is_close {
            let is_first = part.is(FIRST) && part.reading.first_len >= 4;
            let is_shaped = !part.is(WORD) && part.is(LIKE_SURNAME | TURKIC) && part.len >= 4;
            return is_first || is_shaped || is_whole && part.is(SOME_NAME);
        }
        before & GREETING != 0 && part.is(FIRST) && is_whole && (is_close || self.ends_letter(part))
    }

    /// Whether a name stands by itself on its line, as under a letter.
    fn ends_letter(&self, part: &Part) -> bool {
        let view = self.text.bytes();
        let before = view.get(..part.range.start).unwrap_or_default();
        let behind = view.get(part.range.end..).unwrap_or_default();
        before.trim_ascii_end().len() < before.len()
            && before.ends_with(b"\n")
            && matches!(behind.first(), None | Some(b'\n' | b'.' | b','))
    }

    /// Why a single name is something else.
    fn lone_thing(&self, rest: &[Part], before: u64, behind: u64) -> Option<&'static str> {
        let part = rest.first()?;
        let next = rest.get(1).filter(|next| next.link == Link::Space);
        if before & (NAMED_AFTER | ORGANISATION) != 0 && before & (NAME_FIELD | PERSON) == 0
            || behind & NAMED_AFTER_BEHIND != 0
        {
            return Some("a thing named after a person");
        }
        if before & PUBLIC != 0 {
            return Some("a person in public");
        }
        if self.setting.is_discussed(part.range.end) {
            return Some("a name spoken of as a word");
        }
        let is_field = before & (NAME_FIELD | NAME_KEY | PERSON) != 0;
        if self.setting.is_in_organisation(&part.range) || !is_field && self.setting.is_quoted(&part.range) {
            return Some("a name in quotation marks");
        }
        // "Айман-Шолпан" is one word here; Сатпаев is a town, too.
        let is_figure = next.is_some_and(|next| LEXICON.is_figure(&part.reading, &next.reading));
        if is_figure || LEXICON.is_figure(&part.reading, &part.reading) {
            return Some("a public figure");
        }
        ((part.is(LONE_FIGURE) || self.setting.has_epithet(part.range.end)) && before & (NAME_FIELD | PERSON) == 0)
            .then_some("a public figure")
    }
}

/// Whether a word is no name by itself, for it is written small and not known as one that is nothing else.
pub(super) fn is_low(part: &Part) -> bool {
    !part.is_capital() && (part.is(WORD) || part.len < 4 || !part.is(FIRST | FAMILIAR | SURNAME))
}

/// Whether a first name beside this neighbour is rather part of something bigger.
fn is_in_doubt(rest: &[Part]) -> bool {
    let Some(part) = rest.first() else { return true };
    let next = rest.get(1).filter(|next| next.link == Link::Space && next.is_capital());
    let is_foreign = next.is_some_and(|next| next.script != part.script || next.case == Case::Upper);
    part.case != Case::Title || is_foreign || part.is(LIKE_SURNAME) && !part.is(NOMINATIVE)
}
