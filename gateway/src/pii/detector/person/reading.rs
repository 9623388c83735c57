//! What a word may be: a set of roles and the base forms that it may be a form of.

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
/// Ends in -ов, -ев, -ова or -ева, as a surname in the nominative.
pub(super) const IN_OV: Roles = 1 << 14;
/// A name without any ending.
pub(super) const WHOLE: Roles = 1 << 15;
/// An ordinary word with the endings of nouns; nothing that a reading says.
pub(super) const NOUN: Roles = 1 << 16;
/// A noun that makes adjectives in -овый; nothing that a reading says.
pub(super) const MAKES_ADJECTIVES: Roles = 1 << 17;
/// An ordinary word that is a place; nothing that a reading says.
pub(super) const PLACE: Roles = 1 << 18;
/// A list of names for words in Latin letters alone; nothing that a reading says.
pub(super) const LATIN: Roles = 1 << 19;

/// Any part of a name but a patronymic that only looks like one.
pub(super) const NAMES: Roles = FIRST | SURNAME | PATRONYMIC | PLAIN_SURNAME | FAMILIAR;
/// What stands in names only, in small letters too.
pub(super) const IN_NAMES: Roles = NAMES | LIKE_PATRONYMIC | PARTICLE | TURKIC;

/// The number of a base form; the same for all spellings that read alike.
pub(super) type LexemeId = u16;

/// What a word may be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reading {
    pub(super) roles: Roles,
    /// The base forms that it may be a form of; 0 is none.
    lexemes: [LexemeId; MAX_LEXEMES],
    /// The first letter of its key.
    pub(super) initial: u8,
    /// Letters of the longest stem of a first name that it may be a form of.
    pub(super) first_len: u8,
}

const MAX_LEXEMES: usize = 6;

impl Reading {
    /// That of a word about which nothing is known but its first letter.
    pub(super) fn unknown(initial: u8) -> Self {
        Self { initial, ..Self::default() }
    }

    /// Whether it may be any of `roles`.
    pub(super) fn is(&self, roles: Roles) -> bool {
        self.roles & roles != 0
    }

    /// Adds what a form of a lexeme is; 0 is no lexeme.
    pub(super) fn add(&mut self, roles: Roles, lexeme: LexemeId) {
        self.roles |= roles;
        if lexeme != 0
            && !self.lexemes.contains(&lexeme)
            && let Some(free) = self.lexemes.iter_mut().find(|id| **id == 0)
        {
            *free = lexeme;
        }
    }

    /// The base forms that it may be a form of.
    pub(super) fn known_lexemes(&self) -> impl Iterator<Item = LexemeId> {
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
