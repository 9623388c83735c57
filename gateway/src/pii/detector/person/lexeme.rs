//! The entries of the lexicon: from the base forms of the word lists to stems and the endings that each takes.

use std::collections::{HashMap, HashSet};

use super::endings::{self, Kinds};
use super::reading::{
    FAMILIAR, FIRST, LATIN, LONE_FIGURE, LexemeId, MAKES_ADJECTIVES, NOUN, PARTICLE, PATRONYMIC, PLACE, PLAIN_SURNAME,
    Reading, Roles, SURNAME, WORD,
};
use super::spelling::{Key, Script};
use super::{
    figures, figures_cyrillic, figures_latin, names_kazakh, names_russian, names_turkic, names_western, names_world,
    ordinary, surnames,
};

/// Patronymics and stems that no rule makes.
const IRREGULAR_PATRONYMICS: &str =
    "ильич ильинична лукич лукинична фомич фоминична кузьмич кузьминична никитич никитична
    саввич саввична яковлевич михайлович михайловна гаврилович гавриловна данилович даниловна кириллович львович львовна
    павлович павловна петрович петровна михалыч иваныч петрович палыч николаич сергеич василич алексеич андреич юрьич";
const PARTICLES: &str =
    "ұлы улы uly қызы кызы qyzy kyzy kizi оглы оглу огли ogly ogli oglu угли ugli угилы гызы gyzy gizi
    кызи қизи qizi кизи uulu уулу уул";

/// Beginnings shorter than this are not looked up.
pub(super) const MIN_STEM: usize = 2;
/// First names shorter than this make no surnames or patronymics.
const MIN_PARENT: usize = 3;

/// A stem, the endings that it takes and what it then is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Entry {
    pub(super) roles: Roles,
    pub(super) endings: Kinds,
    /// Whether it may stand without an ending.
    is_bare: bool,
    /// Only of words in Latin letters.
    is_latin: bool,
    lexeme: LexemeId,
}

impl Entry {
    /// Whether a word of this stem with `rest` behind it need not be looked at.
    pub(super) fn excludes(&self, stem: usize, rest: &[u8], script: Script) -> bool {
        // A single letter behind a short stem makes another word.
        let is_loose = stem <= 3 && self.roles & (PLAIN_SURNAME | PARTICLE) != 0 || self.roles & WORD != 0;
        self.endings == 0 && !rest.is_empty()
            || self.is_latin && script != Script::Latin
            || is_loose && rest.len() == 1 && !is_vowel(rest)
    }

    /// What a word of this stem and an ending of `kinds` is, and a form of what; `None` when the stem does not take
    /// the ending. What is only derived of a name is no form of it.
    pub(super) fn read(&self, stem: usize, is_bare: bool, kinds: Kinds) -> Option<(Roles, LexemeId)> {
        if is_bare {
            return self.is_bare.then_some((self.roles, self.lexeme));
        }
        if self.roles & MAKES_ADJECTIVES != 0 && self.endings & kinds & endings::SURNAME != 0 {
            // "файловой" is of a file, not of Фаиль.
            return Some((WORD, 0));
        }
        let is_form = self.endings & kinds & !(endings::SURNAME | endings::SURNAME_IN | endings::PATRONYMIC) != 0;
        if is_form || self.roles & SURNAME != 0 && self.endings & kinds != 0 {
            return Some((self.roles, self.lexeme));
        }
        if self.roles & FIRST == 0 || stem < MIN_PARENT {
            return None;
        }
        let derived = self.endings & kinds;
        if derived & endings::PATRONYMIC != 0 {
            Some((PATRONYMIC, 0))
        } else if derived & endings::SURNAME != 0 || derived & endings::SURNAME_IN != 0 && stem > MIN_PARENT {
            Some((SURNAME, 0))
        } else {
            None
        }
    }
}

/// The public figures.
#[derive(Debug)]
pub(super) struct Figures {
    /// First name and surname of each, sorted.
    pairs: Vec<(LexemeId, LexemeId)>,
    /// Surname and the first letter of the first name of each whose surname alone is known, sorted.
    pub(super) initials: Vec<(LexemeId, u8)>,
    /// By lexeme: whether some pair has it first, and whether some pair has it behind. Most names are in none.
    in_pairs: Vec<(bool, bool)>,
}

impl Figures {
    /// Whether these are first name and surname of one of them.
    pub(super) fn have(&self, first: &Reading, surname: &Reading) -> bool {
        let sides = |id: LexemeId| self.in_pairs.get(usize::from(id)).copied().unwrap_or_default();
        first.known_lexemes().filter(|&id| sides(id).0).any(|first| {
            let mut surnames = surname.known_lexemes().filter(|&id| sides(id).1);
            surnames.any(|surname| self.pairs.binary_search(&(first, surname)).is_ok())
        })
    }
}

/// Collects the entries.
#[derive(Default)]
pub(super) struct Builder {
    pub(super) entries: Vec<(Vec<u8>, Entry)>,
    ids: HashMap<Vec<u8>, LexemeId>,
    is_latin: bool,
}

impl Builder {
    /// With the words of every list.
    pub(super) fn of_all_lists() -> Self {
        let mut builder = Builder::default();
        for (words, roles) in [
            (names_russian::FULL, FIRST),
            (names_western::EUROPEAN_LATIN, FIRST | LATIN),
            (names_western::EUROPEAN, FIRST),
            (names_western::CAUCASIAN, FIRST),
            (names_kazakh::MEN, FIRST),
            (names_kazakh::WOMEN, FIRST),
            (names_turkic::SOUTHERN, FIRST),
            (names_turkic::KYRGYZ, FIRST),
            (names_turkic::TATAR, FIRST),
            (names_turkic::KOREAN, FIRST),
            (names_world::TURKISH, FIRST),
            (names_world::ARABIC, FIRST),
            (names_world::INDIAN, FIRST),
            (names_world::AFRICAN, FIRST),
            (names_world::EAST_ASIAN, FIRST),
            (names_russian::FAMILIAR, FAMILIAR),
            (surnames::LATIN, PLAIN_SURNAME | LATIN),
            (surnames::PLAIN, PLAIN_SURNAME),
            (surnames::FREQUENT, SURNAME),
            (figures::LONE, LONE_FIGURE),
            (ordinary::NAMES_TOO, WORD),
            (ordinary::NOUNS, WORD | NOUN | MAKES_ADJECTIVES),
            (ordinary::LIKE_SURNAMES, WORD | NOUN),
            (ordinary::PLACES, WORD | PLACE),
            (ordinary::BESIDE_NAMES, WORD),
            (IRREGULAR_PATRONYMICS, PATRONYMIC),
            (PARTICLES, PARTICLE),
        ] {
            for word in words.split_whitespace() {
                builder.is_latin = roles & LATIN != 0 || roles & WORD != 0 && word.is_ascii();
                builder.add(word, roles & !LATIN);
            }
            builder.is_latin = false;
        }
        builder
    }

    /// Adds every stem of a word; a hyphenated one by its parts.
    fn add(&mut self, word: &str, roles: Roles) -> Vec<(LexemeId, u8)> {
        word.split('-').filter_map(|part| self.add_part(part, roles)).collect()
    }

    fn add_part(&mut self, word: &str, roles: Roles) -> Option<(LexemeId, u8)> {
        let key = Key::of(word.as_bytes())?;
        let letters = key.letters();
        let initial = *letters.first()?;
        let is_latin = self.is_latin;
        let next = LexemeId::try_from(self.ids.len() + 1).ok()?;
        let lexeme = *self.ids.entry(letters.to_vec()).or_insert(next);
        self.push(letters, Entry { roles, endings: full_endings(letters, roles), is_bare: true, is_latin, lexeme });
        if letters.len() >= 4 || roles & WORD == 0 {
            self.stems(letters, Entry { roles, endings: 0, is_bare: false, is_latin, lexeme });
        }
        Some((lexeme, initial))
    }

    /// Adds what is left of a base form before its inflected endings.
    fn stems(&mut self, letters: &[u8], entry: Entry) {
        let roles = entry.roles;
        let stem = |len: usize| letters.get(..letters.len().checked_sub(len)?).filter(|stem| stem.len() >= MIN_STEM);
        let derived = if roles & FIRST != 0 { endings::SURNAME_IN | endings::PATRONYMIC } else { 0 };
        let inflected = |endings: Kinds| Entry { endings, ..entry };
        match letters {
            [.., b'o' | b'e', b'v'] if roles & SURNAME != 0 => self.push_stem(stem(2), inflected(endings::SURNAME)),
            [.., b'i', b'n'] if roles & SURNAME != 0 => self.push_stem(stem(2), inflected(endings::SURNAME_IN)),
            [.., b'i', b'a'] => {
                self.push_stem(stem(1), Entry { is_bare: letters.len() > 4, ..inflected(endings::IN_IA | derived) });
                if letters.len() > 3 {
                    self.push_stem(stem(2), inflected(endings::IN_IA | derived));
                }
            }
            [.., b'a'] => self.push_stem(stem(1), inflected(endings::IN_A | derived)),
            [.., b's' | b'c', b'k', b'i'] | [.., b'o', b'i'] => {
                self.push_stem(stem(1), inflected(endings::ADJECTIVE));
                if letters.ends_with(b"oi") {
                    self.push_stem(stem(2), inflected(endings::ADJECTIVE));
                }
            }
            [.., b'i'] => {
                let parent = if derived == 0 { 0 } else { endings::SURNAME | endings::PATRONYMIC };
                self.push_stem(stem(1), inflected(endings::IN_I | parent));
            }
            _ => {}
        }
    }

    fn push_stem(&mut self, stem: Option<&[u8]>, entry: Entry) {
        if let Some(stem) = stem {
            self.push(stem, entry);
        }
    }

    fn push(&mut self, stem: &[u8], entry: Entry) {
        self.entries.push((stem.to_vec(), entry));
    }

    /// Of the public figures: pairs of first name and surname, and of surname and initial.
    pub(super) fn figures(&mut self) -> Figures {
        let (mut pairs, mut initials) = (Vec::new(), Vec::new());
        let lone: HashSet<LexemeId> =
            figures::LONE.split_whitespace().flat_map(|name| self.add(name, 0)).map(|(id, _)| id).collect();
        let lists = [figures::FULL, figures_cyrillic::CYRILLIC, figures_latin::LATIN];
        for figure in lists.iter().flat_map(|list| list.split(',')) {
            let mut words = figure.split_whitespace();
            let Some(first) = words.next() else { continue };
            let firsts = self.add(first, 0);
            for surname in words {
                for (surname, _) in self.add(surname, 0) {
                    pairs.extend(firsts.iter().map(|&(first, _)| (first, surname)));
                    if lone.contains(&surname) {
                        initials.extend(firsts.iter().map(|&(_, letter)| (surname, letter)));
                    }
                }
            }
        }
        pairs.sort_unstable();
        initials.sort_unstable();
        let num_lexemes = pairs.iter().map(|&(first, surname)| first.max(surname)).max().unwrap_or_default();
        let mut in_pairs = vec![(false, false); usize::from(num_lexemes) + 1];
        for &(first, surname) in &pairs {
            if let Some(sides) = in_pairs.get_mut(usize::from(first)) {
                sides.0 = true;
            }
            if let Some(sides) = in_pairs.get_mut(usize::from(surname)) {
                sides.1 = true;
            }
        }
        Figures { pairs, initials, in_pairs }
    }
}

/// The endings of a base form itself.
fn full_endings(letters: &[u8], roles: Roles) -> Kinds {
    let ends_in_vowel = letters.last().is_some_and(|&last| is_vowel(&[last]) || last == b'o');
    match (letters.len(), roles & WORD != 0) {
        // Short words have too many look-alikes to be taken with endings.
        (0..=3, true) => 0,
        (_, true) if roles & NOUN != 0 => endings::HARD | endings::PLURAL | endings::TURKIC | endings::SURNAME,
        (_, true) if ends_in_vowel => endings::TURKIC,
        (_, true) => endings::HARD | endings::TURKIC,
        _ => endings::HARD | endings::TURKIC | endings::SURNAME | endings::PATRONYMIC,
    }
}

fn is_vowel(rest: &[u8]) -> bool {
    matches!(rest, b"a" | b"e" | b"i" | b"u")
}
