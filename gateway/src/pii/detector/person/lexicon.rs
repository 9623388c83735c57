//! Everything known about words in one table: names, surnames, public figures and ordinary words, each under its stem
//! with the endings that it takes. One pass over a word's letters finds all entries that it may be a form of.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::endings::{self, Kinds};
use super::hashing::{DEPTH, Hash, Table};
use super::shapes::{self, ShapeTable};
use super::spelling::{Key, Script};
use super::{figures, names_kazakh, names_russian, names_turkic, names_western, ordinary, surnames};

/// A set of the roles below.
pub(super) type Roles = u32;

/// A first name.
pub(super) const FIRST: Roles = 1;
/// A first name as friends say it.
pub(super) const FAMILIAR: Roles = 1 << 1;
/// A surname that no suffix gives away.
pub(super) const PLAIN_SURNAME: Roles = 1 << 2;
/// A surname: a frequent one, one made of a first name, or one of a telling shape.
pub(super) const SURNAME: Roles = 1 << 3;
/// Ends like a surname.
pub(super) const LIKE_SURNAME: Roles = 1 << 4;
/// Ends like an adjective in -ский.
pub(super) const ADJECTIVE: Roles = 1 << 5;
/// As a surname in the nominative.
pub(super) const NOMINATIVE: Roles = 1 << 6;
/// A patronymic of a known name.
pub(super) const PATRONYMIC: Roles = 1 << 7;
/// Ends like a patronymic.
pub(super) const LIKE_PATRONYMIC: Roles = 1 << 8;
/// "ұлы", "қызы", "оглы": makes a patronymic of the name before it.
pub(super) const PARTICLE: Roles = 1 << 9;
/// Ends like a Turkic name.
pub(super) const TURKIC: Roles = 1 << 10;
/// An ordinary word, or also one.
pub(super) const WORD: Roles = 1 << 11;
/// A single name that is a public figure's.
pub(super) const LONE_FIGURE: Roles = 1 << 12;
/// A Kazakh case ending by itself.
pub(super) const ENDING: Roles = 1 << 13;

/// What stands in names only, in small letters too.
pub(super) const IN_NAMES: Roles = NAMES | LIKE_PATRONYMIC | PARTICLE | TURKIC;

const NAMES: Roles = FIRST | SURNAME | PATRONYMIC | PLAIN_SURNAME | FAMILIAR;

/// A place; only inside this file.
const PLACE: Roles = 1 << 17;
/// Makes adjectives in -овый; only inside this file.
const MAKES_ADJECTIVES: Roles = 1 << 18;
/// Takes the endings of nouns; only inside this file.
const NOUN: Roles = 1 << 14;

/// Ends in -ов, -ев, -ова or -ева, as a surname in the nominative.
pub(super) const IN_OV: Roles = 1 << 15;

/// A name without any ending.
pub(super) const WHOLE: Roles = 1 << 16;

/// The number of a base form; the same for all spellings that read alike.
pub(super) type LexemeId = u16;

/// What a word may be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reading {
    pub(super) roles: Roles,
    /// The base forms that it may be a form of; 0 is none.
    pub(super) lexemes: [LexemeId; MAX_LEXEMES],
    /// The first letter of its key.
    pub(super) initial: u8,
    /// Letters of the longest stem of a first name that it may be a form of.
    pub(super) first_len: u8,
}

const MAX_LEXEMES: usize = 4;

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    roles: Roles,
    endings: Kinds,
    /// Whether it may stand without an ending.
    is_bare: bool,
    /// Only of words in Latin letters.
    is_latin: bool,
    lexeme: LexemeId,
}

/// The table and what goes with it.
#[derive(Debug)]
pub(super) struct Lexicon {
    entries: Table<Entry>,
    endings: Table<Kinds>,
    shapes: ShapeTable,
    /// First name and surname of every public figure, sorted.
    figures: Vec<(LexemeId, LexemeId)>,
    /// Surname and the first letter of the first name of every public figure whose surname alone is known, sorted.
    figure_initials: Vec<(LexemeId, u8)>,
}

/// Built when the first text is scanned.
pub(super) static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::new);

/// Patronymics and stems that no rule makes.
const IRREGULAR_PATRONYMICS: &str =
    "ильич ильинична лукич лукинична фомич фоминична кузьмич кузьминична никитич никитична
    саввич саввична яковлевич михайлович михайловна гаврилович гавриловна данилович даниловна кириллович львович львовна
    павлович павловна петрович петровна михалыч иваныч петрович палыч николаич сергеич василич алексеич андреич юрьич";
const PARTICLES: &str =
    "ұлы улы uly қызы кызы qyzy kyzy kizi оглы оглу огли ogly ogli oglu угли ugli угилы гызы gyzy gizi
    кызи қизи qizi кизи uulu уулу уул";

/// Beginnings shorter than this are not looked up.
const MIN_STEM: usize = 2;
/// First names shorter than this make no surnames or patronymics.
const MIN_PARENT: usize = 3;
/// Longer endings are not set off from their names.
const MAX_ENDING: usize = 5;

impl Lexicon {
    fn new() -> Self {
        let mut builder = Builder::default();
        for (words, roles) in [
            (names_russian::FULL, FIRST),
            (names_western::EUROPEAN_LATIN, FIRST),
            (names_western::EUROPEAN, FIRST),
            (names_western::CAUCASIAN, FIRST),
            (names_kazakh::MEN, FIRST),
            (names_kazakh::WOMEN, FIRST),
            (names_turkic::SOUTHERN, FIRST),
            (names_turkic::KYRGYZ, FIRST),
            (names_turkic::TATAR, FIRST),
            (names_turkic::KOREAN, FIRST),
            (names_russian::FAMILIAR, FAMILIAR),
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
            let is_european = std::ptr::eq(words, names_western::EUROPEAN_LATIN);
            for word in words.split_whitespace() {
                builder.is_latin = is_european || roles & WORD != 0 && word.is_ascii();
                builder.add(word, roles);
            }
            builder.is_latin = false;
        }
        let (figures, figure_initials) = builder.figures();
        Self {
            entries: Table::new(&builder.entries),
            endings: endings::table(),
            shapes: ShapeTable::new(),
            figures,
            figure_initials,
        }
    }

    /// What the word with this key may be.
    pub(super) fn read(&self, key: &Key) -> Reading {
        let letters = key.letters();
        let mut reading = Reading { initial: letters.first().copied().unwrap_or_default(), ..Reading::default() };
        let (mut hash, mut beginning) = (Hash::EMPTY, Hash::EMPTY);
        // The longest stems that speak for a name and for an ordinary word.
        let (mut name_len, mut word_len) = (0, 0);
        let mut is_place = false;
        for (index, &letter) in letters.iter().enumerate() {
            hash = hash.with(letter);
            let stem = index + 1;
            if stem < MIN_STEM {
                continue;
            }
            if stem == DEPTH + 1 && !self.entries.may_go_on(beginning) {
                break;
            }
            if stem == DEPTH {
                beginning = hash;
            }
            let mut kinds = None;
            for entry in self.entries.all(hash) {
                let rest = letters.get(stem..).unwrap_or_default();
                if entry.endings == 0 && !rest.is_empty() {
                    continue;
                }
                if entry.is_latin && key.script != Script::Latin {
                    continue;
                }
                // A single letter behind a short stem makes another word.
                let is_loose = stem <= 3 && entry.roles & (PLAIN_SURNAME | PARTICLE) != 0 || entry.roles & WORD != 0;
                if is_loose && rest.len() == 1 && !is_vowel(rest) {
                    continue;
                }
                let kinds = *kinds.get_or_insert_with(|| self.ending_kinds(rest));
                if let Some((roles, lexeme)) = entry.read(stem, rest.is_empty(), kinds) {
                    reading.add(roles & !WORD, lexeme);
                    if rest.is_empty() && roles & NAMES != 0 {
                        reading.roles |= WHOLE;
                    }
                    if roles & WORD != 0 {
                        word_len = stem;
                        is_place = roles & PLACE != 0;
                    }
                    if roles & FIRST != 0 {
                        reading.first_len = u8::try_from(stem).unwrap_or(u8::MAX);
                    }
                    if roles & NAMES != 0 {
                        name_len = stem;
                    }
                }
            }
        }
        // Ordinary words are not asked for their shapes.
        let is_plain_word = word_len > 0 && name_len == 0;
        let shape = if is_plain_word { 0 } else { self.shapes.of(letters) };
        let is_word_by_shape = shape & shapes::WORD != 0 && name_len == 0;
        if word_len > name_len {
            // "магазин" is no form of a name.
            reading.roles &= !(NAMES | WHOLE);
        }
        if is_place && word_len >= name_len && reading.roles & FIRST == 0 {
            reading.roles &= !(NAMES | WHOLE);
        }
        if word_len > 0 && word_len >= name_len || is_word_by_shape {
            reading.roles |= WORD;
        }
        reading.roles |= shape_roles(shape);
        if [&b"ov"[..], b"ev", b"ova", b"eva"]
            .iter()
            .any(|ending| letters.ends_with(ending) && letters.len() > ending.len() + 2)
        {
            reading.roles |= IN_OV;
        }
        if letters.len() <= MAX_ENDING && self.ending_kinds(letters) & endings::TURKIC != 0 {
            reading.roles |= ENDING;
        }
        reading
    }

    fn ending_kinds(&self, rest: &[u8]) -> Kinds {
        if rest.is_empty() { 0 } else { self.endings.all(Hash::of(rest)).next().unwrap_or_default() }
    }

    /// Whether a first name and a surname together are a public figure's.
    pub(super) fn is_figure(&self, first: &Reading, surname: &Reading) -> bool {
        first
            .known_lexemes()
            .any(|first| surname.known_lexemes().any(|surname| self.figures.binary_search(&(first, surname)).is_ok()))
    }

    /// Whether a surname with an initial is a public figure's.
    pub(super) fn is_figure_with_initial(&self, surname: &Reading, initial: u8) -> bool {
        surname.known_lexemes().any(|surname| self.figure_initials.binary_search(&(surname, initial)).is_ok())
    }
}

fn is_vowel(rest: &[u8]) -> bool {
    matches!(rest, b"a" | b"e" | b"i" | b"u")
}

fn shape_roles(shape: shapes::Shapes) -> Roles {
    let mut roles = 0;
    for (bit, role) in [
        (shapes::SURNAME, LIKE_SURNAME),
        (shapes::NOMINATIVE, NOMINATIVE),
        (shapes::TELLING, SURNAME),
        (shapes::ADJECTIVE, ADJECTIVE),
        (shapes::PATRONYMIC, LIKE_PATRONYMIC),
        (shapes::TURKIC, TURKIC),
    ] {
        if shape & bit != 0 {
            roles |= role;
        }
    }
    roles
}

impl Reading {
    /// Whether it may be any of `roles`.
    pub(super) fn is(&self, roles: Roles) -> bool {
        self.roles & roles != 0
    }

    fn add(&mut self, roles: Roles, lexeme: LexemeId) {
        self.roles |= roles;
        if lexeme != 0
            && !self.lexemes.contains(&lexeme)
            && let Some(free) = self.lexemes.iter_mut().find(|id| **id == 0)
        {
            *free = lexeme;
        }
    }

    fn known_lexemes(&self) -> impl Iterator<Item = LexemeId> {
        self.lexemes.into_iter().filter(|&id| id != 0)
    }

    /// Both readings at once, for words that belong together.
    pub(super) fn with(mut self, other: &Self) -> Self {
        other.known_lexemes().for_each(|lexeme| self.add(0, lexeme));
        self.roles |= other.roles;
        self.first_len = self.first_len.max(other.first_len);
        self
    }
}

impl Entry {
    /// What a word of this stem and an ending of `kinds` is, and a form of what; `None` when the stem does not take
    /// the ending. What is only derived of a name is no form of it.
    fn read(&self, stem: usize, is_bare: bool, kinds: Kinds) -> Option<(Roles, LexemeId)> {
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

/// Collects the entries.
#[derive(Default)]
struct Builder {
    entries: Vec<(Vec<u8>, Entry)>,
    ids: HashMap<Vec<u8>, LexemeId>,
    is_latin: bool,
}

impl Builder {
    /// Adds every stem of a word; a hyphenated one by its parts.
    fn add(&mut self, word: &str, roles: Roles) -> Vec<(LexemeId, u8)> {
        word.split('-').filter_map(|part| self.add_part(part, roles)).collect()
    }

    fn add_part(&mut self, word: &str, roles: Roles) -> Option<(LexemeId, u8)> {
        let key = Key::of(word.as_bytes())?;
        let letters = key.letters();
        let is_latin = self.is_latin;
        let next = LexemeId::try_from(self.ids.len() + 1).ok()?;
        let lexeme = *self.ids.entry(letters.to_vec()).or_insert(next);
        // Short words have too many look-alikes to be taken with endings.
        let full = match (letters.len(), roles & WORD != 0) {
            (0..=3, true) => 0,
            (_, true) if roles & NOUN != 0 => endings::HARD | endings::PLURAL | endings::TURKIC | endings::SURNAME,
            (_, true) if letters.last().is_some_and(|&last| is_vowel(&[last]) || last == b'o') => endings::TURKIC,
            (_, true) => endings::HARD | endings::TURKIC,
            _ => endings::HARD | endings::TURKIC | endings::SURNAME | endings::PATRONYMIC,
        };
        self.push(letters, Entry { roles, endings: full, is_bare: true, is_latin, lexeme });
        let stem = |len: usize| letters.get(..letters.len().checked_sub(len)?).filter(|stem| stem.len() >= MIN_STEM);
        let derived = if roles & FIRST != 0 { endings::SURNAME_IN | endings::PATRONYMIC } else { 0 };
        let inflected = |endings: Kinds| Entry { roles, endings, is_bare: false, is_latin, lexeme };
        if letters.len() < 4 && roles & WORD != 0 {
            return Some((lexeme, *letters.first()?));
        }
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
        Some((lexeme, *letters.first()?))
    }

    fn push_stem(&mut self, stem: Option<&[u8]>, entry: Entry) {
        if let Some(stem) = stem {
            self.push(stem, entry);
        }
    }

    fn push(&mut self, stem: &[u8], entry: Entry) {
        self.entries.push((stem.to_vec(), entry));
    }

    /// Pairs of first name and surname, and of surname and initial.
    fn figures(&mut self) -> (Vec<(LexemeId, LexemeId)>, Vec<(LexemeId, u8)>) {
        let (mut pairs, mut initials) = (Vec::new(), Vec::new());
        let lone: HashSet<LexemeId> =
            figures::LONE.split_whitespace().flat_map(|name| self.add(name, 0)).map(|(id, _)| id).collect();
        for figure in figures::FULL.split(',') {
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
        (pairs, initials)
    }
}

#[cfg(test)]
mod probe {
    use super::*;
    #[test]
    fn probe() {
        for word in std::env::var("PROBE").unwrap_or_default().split_whitespace() {
            let Some(key) = Key::of(word.as_bytes()) else { continue };
            let r = LEXICON.read(&key);
            let names = [
                "FIRST",
                "FAMILIAR",
                "PLAIN",
                "SURNAME",
                "LIKE_SURNAME",
                "ADJ",
                "NOM",
                "PATR",
                "LIKE_PATR",
                "PARTICLE",
                "TURKIC",
                "WORD",
                "LONE",
                "ENDING",
                "NOUN",
                "IN_OV",
                "WHOLE",
            ];
            let l: Vec<_> = names.iter().enumerate().filter(|(i, _)| r.roles >> i & 1 == 1).map(|(_, n)| *n).collect();
            println!(
                "{word} {} {l:?} first_len {} {:?}",
                String::from_utf8_lossy(key.letters()),
                r.first_len,
                r.lexemes
            );
        }
    }
}
