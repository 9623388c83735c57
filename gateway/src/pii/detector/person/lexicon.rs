//! Everything known about words in one table: names, surnames, public figures and ordinary words, each under its stem
//! with the endings that it takes. One pass over a word's letters finds all entries that it may be a form of.

use std::sync::LazyLock;

use super::endings::{self, Kinds};
use super::hashing::{DEPTH, Hash, Table};
use super::lexeme::{Builder, Entry, Figures, MIN_STEM};
use super::reading::{
    ADJECTIVE, ENDING, FIRST, IN_OV, LIKE_PATRONYMIC, LIKE_SURNAME, MAKES_ADJECTIVES, NAMES, NOMINATIVE, NOUN, PLACE,
    Reading, Roles, SURNAME, TURKIC, WHOLE, WORD,
};
use super::shapes::{self, ShapeTable};
use super::spelling::Key;

/// The table and what goes with it.
#[derive(Debug)]
pub(super) struct Lexicon {
    entries: Table<Entry>,
    endings: Table<Kinds>,
    shapes: ShapeTable,
    figures: Figures,
}

/// Built when the first text is scanned.
pub(super) static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::new);

/// Longer endings are not set off from their names.
const MAX_ENDING: usize = 5;

impl Lexicon {
    fn new() -> Self {
        let mut builder = Builder::of_all_lists();
        let figures = builder.figures();
        Self { entries: Table::new(&builder.entries), endings: endings::table(), shapes: ShapeTable::new(), figures }
    }

    /// What the word with this key may be.
    pub(super) fn read(&self, key: &Key) -> Reading {
        let letters = key.letters();
        let mut reading = Reading::unknown(letters.first().copied().unwrap_or_default());
        let stems = self.read_stems(key, &mut reading);
        // Ordinary words are not asked for their shapes.
        let is_plain_word = stems.word > 0 && stems.name == 0;
        let shape = if is_plain_word { 0 } else { self.shapes.of(letters) };
        let is_place = stems.is_place && stems.word >= stems.name && !reading.is(FIRST);
        if stems.word > stems.name || is_place {
            // "магазин" is no form of a name.
            let is_surname_too = is_place && is_in_ov(letters);
            reading.roles &= !(NAMES | WHOLE);
            // "Сатпаев" is a town and many people.
            reading.roles |= if is_surname_too { SURNAME } else { 0 };
        }
        if stems.word > 0 && stems.word >= stems.name || shape & shapes::WORD != 0 && stems.name == 0 {
            reading.roles |= WORD;
        }
        reading.roles |= shape_roles(shape);
        if is_in_ov(letters) {
            reading.roles |= IN_OV;
        }
        if letters.len() <= MAX_ENDING && self.ending_kinds(letters) & endings::TURKIC != 0 {
            reading.roles |= ENDING;
        }
        reading
    }

    /// Looks up every beginning of a word and adds what it may be a form of.
    fn read_stems(&self, key: &Key, reading: &mut Reading) -> Stems {
        let letters = key.letters();
        let mut stems = Stems::default();
        let (mut hash, mut beginning) = (Hash::EMPTY, Hash::EMPTY);
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
            let rest = letters.get(stem..).unwrap_or_default();
            let mut kinds = None;
            for entry in self.entries.all(hash).filter(|entry| !entry.excludes(stem, rest, key.script)) {
                let kinds = *kinds.get_or_insert_with(|| self.ending_kinds(rest));
                if let Some((roles, lexeme)) = entry.read(stem, rest.is_empty(), kinds) {
                    reading.add(roles & !(WORD | NOUN | MAKES_ADJECTIVES | PLACE), lexeme);
                    if rest.is_empty() && roles & NAMES != 0 {
                        reading.roles |= WHOLE;
                    }
                    if roles & FIRST != 0 {
                        reading.first_len = u8::try_from(stem).unwrap_or(u8::MAX);
                    }
                    stems.note(stem, roles);
                }
            }
        }
        stems
    }

    fn ending_kinds(&self, rest: &[u8]) -> Kinds {
        if rest.is_empty() { 0 } else { self.endings.all(Hash::of(rest)).next().unwrap_or_default() }
    }

    /// Whether a first name and a surname together are a public figure's.
    pub(super) fn is_figure(&self, first: &Reading, surname: &Reading) -> bool {
        self.figures.have(first, surname)
    }

    /// Whether a surname with an initial is a public figure's.
    pub(super) fn is_figure_with_initial(&self, surname: &Reading, initial: u8) -> bool {
        surname.known_lexemes().any(|surname| self.figures.initials.binary_search(&(surname, initial)).is_ok())
    }
}

/// The longest stems of a word that speak for a name and for an ordinary word.
#[derive(Debug, Default)]
struct Stems {
    name: usize,
    word: usize,
    is_place: bool,
}

impl Stems {
    fn note(&mut self, stem: usize, roles: Roles) {
        if roles & WORD != 0 {
            self.word = stem;
            self.is_place = roles & PLACE != 0;
        }
        if roles & NAMES != 0 {
            self.name = stem;
        }
    }
}

fn is_in_ov(letters: &[u8]) -> bool {
    [&b"ov"[..], b"ev", b"ova", b"eva"].iter().any(|end| letters.ends_with(end) && letters.len() > end.len() + 2)
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
