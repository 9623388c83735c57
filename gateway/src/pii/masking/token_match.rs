//! Finds a conversation's tokens in what a model wrote: as they are, in another case, with brackets lost or escaped,
//! with an ending behind them.
//!
//! What always holds: a token is known by name and core, both whole; anything less is left as it is. Whether something
//! is a token depends on a bounded number of characters behind its beginning, and the answer is `More` until all of
//! those that matter are known: so a text in pieces reads like the whole.

use std::collections::{BTreeSet, HashMap};

use super::case_ending;
use super::entries::Entries;
use super::stream_unit::Unit;
use crate::pii::placeholder::{self, CORE_LEN, Core};

/// The tokens of a conversation by core.
pub(crate) struct TokenMap {
    by_core: HashMap<Core, Restored>,
    /// The names in these tokens.
    names: Vec<String>,
    /// By ASCII code: whether a token, or its bracket, begins so.
    beginnings: [bool; 128],
}

/// What a token is replaced with.
struct Restored {
    name: String,
    shown: String,
    /// The form that endings are joined to.
    base: Option<String>,
}

/// Whether something is there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step<T> {
    Yes(T),
    No,
    /// What follows decides.
    More,
}

/// A token in a text, with the ending behind it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TokenMatch {
    pub(crate) num_units: usize,
    pub(crate) replacement: String,
}

/// No form begins another.
const OPENING: [&str; 9] = ["[", "\\[", "\\u005b", "&#91;", "&#x5b;", "&lsqb;", "&lbrack;", "%5b", "［"];
const CLOSING: [&str; 9] = ["]", "\\]", "\\u005d", "&#93;", "&#x5d;", "&rsqb;", "&rbrack;", "%5d", "］"];
/// Between a token and an ending.
const JOINERS: &str = "'’ʼ-\u{2011}";

/// Goes on with what is there; gives the other answers back.
macro_rules! step {
    ($step:expr) => {
        match $step {
            Step::Yes(value) => value,
            Step::No => return Step::No,
            Step::More => return Step::More,
        }
    };
}

impl TokenMap {
    pub(crate) fn new(entries: &Entries) -> Self {
        let mut by_core = HashMap::new();
        let mut names = BTreeSet::new();
        for entry in entries.all() {
            let name = entry.token.name().to_owned();
            names.insert(name.clone());
            let restored = Restored { name, shown: entry.shown().to_owned(), base: entry.base.clone() };
            by_core.insert(entry.token.core(), restored);
        }
        let mut beginnings = [false; 128];
        let capitals = names.iter().filter_map(|name| name.bytes().next());
        for byte in capitals.flat_map(|capital| [capital, capital.to_ascii_lowercase()]).chain(*b"[\\&%") {
            if let Some(begins) = beginnings.get_mut(usize::from(byte)) {
                *begins = true;
            }
        }
        Self { by_core, names: names.into_iter().collect(), beginnings }
    }

    /// Whether a token may begin with this character; most texts are made of others.
    pub(crate) fn may_begin(&self, character: char) -> bool {
        self.beginnings.get(character as usize).copied().unwrap_or(character == '［')
    }

    pub(crate) fn len(&self) -> usize {
        self.by_core.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_core.is_empty()
    }

    /// The token that begins with the first of `units`. `before` is the character before it; `is_end` says that nothing
    /// follows.
    pub(crate) fn match_at(&self, units: &[Unit], before: Option<char>, is_end: bool) -> Step<TokenMatch> {
        let cursor = Cursor { units, at: 0, is_end };
        let Some(first) = units.first().map(|unit| unit.character) else { return Step::No };
        if matches!(first, '[' | '\\' | '&' | '%' | '［') {
            let mut inside = cursor;
            step!(inside.one_of(&OPENING));
            return self.named(inside, true);
        }
        let is_inside_word = before.is_some_and(|before| before.is_ascii_alphanumeric());
        if first.is_ascii_alphabetic() && !is_inside_word { self.named(cursor, false) } else { Step::No }
    }

    /// A name and what must follow it.
    fn named(&self, cursor: Cursor<'_>, is_bracketed: bool) -> Step<TokenMatch> {
        for name in &self.names {
            let mut behind = cursor;
            match behind.name(name) {
                Step::Yes(()) => match self.with_core(behind, name, is_bracketed) {
                    Step::No => {}
                    decided => return decided,
                },
                Step::No => {}
                Step::More => return Step::More,
            }
        }
        Step::No
    }

    fn with_core(&self, mut cursor: Cursor<'_>, name: &str, is_bracketed: bool) -> Step<TokenMatch> {
        step!(cursor.underscore());
        let core = step!(cursor.core());
        let Some(restored) = self.by_core.get(&core).filter(|restored| restored.name == name) else {
            return Step::No;
        };
        if is_bracketed {
            step!(cursor.one_of(&CLOSING));
        } else if matches!(step!(cursor.peek()), Some(next) if next.is_ascii_alphanumeric()) {
            return Step::No;
        }
        let mut behind = cursor;
        Step::Yes(match behind.ending(restored) {
            Step::Yes(replacement) => TokenMatch { num_units: behind.at, replacement },
            Step::No => TokenMatch { num_units: cursor.at, replacement: restored.shown.clone() },
            Step::More => return Step::More,
        })
    }
}

#[derive(Clone, Copy)]
struct Cursor<'u> {
    units: &'u [Unit],
    at: usize,
    is_end: bool,
}

impl Cursor<'_> {
    /// The next character; none at the end of the text.
    fn peek(&self) -> Step<Option<char>> {
        match self.units.get(self.at) {
            Some(unit) => Step::Yes(Some(unit.character)),
            None if self.is_end => Step::Yes(None),
            None => Step::More,
        }
    }

    fn literal(&mut self, literal: &str) -> Step<()> {
        for expected in literal.chars() {
            match step!(self.peek()) {
                Some(next) if next.eq_ignore_ascii_case(&expected) => self.at += 1,
                _ => return Step::No,
            }
        }
        Step::Yes(())
    }

    fn one_of(&mut self, forms: &[&str]) -> Step<()> {
        let mut answer = Step::No;
        for form in forms {
            let mut behind = *self;
            match behind.literal(form) {
                Step::Yes(()) => {
                    *self = behind;
                    return Step::Yes(());
                }
                Step::No => {}
                Step::More => answer = Step::More,
            }
        }
        answer
    }

    fn underscore(&mut self) -> Step<()> {
        self.one_of(&["_", "\\_"])
    }

    fn name(&mut self, name: &str) -> Step<()> {
        for expected in name.chars() {
            if expected == '_' {
                step!(self.underscore());
                continue;
            }
            match step!(self.peek()) {
                Some(next) if next.eq_ignore_ascii_case(&expected) => self.at += 1,
                _ => return Step::No,
            }
        }
        Step::Yes(())
    }

    fn core(&mut self) -> Step<Core> {
        let mut core = [0; CORE_LEN];
        for slot in &mut core {
            match step!(self.peek()) {
                Some(next) if next.is_ascii_alphanumeric() => *slot = next as u8,
                _ => return Step::No,
            }
            self.at += 1;
        }
        placeholder::core_of(&core).map_or(Step::No, Step::Yes)
    }

    /// The value with the ending that follows.
    fn ending(&mut self, restored: &Restored) -> Step<String> {
        let Some(base) = &restored.base else { return Step::No };
        let joiner = step!(self.peek()).filter(|next| JOINERS.contains(*next));
        self.at += usize::from(joiner.is_some());
        let mut letters = String::new();
        while let Some(next) = step!(self.peek()).filter(|next| next.is_alphabetic()) {
            if letters.chars().count() == case_ending::MAX_LETTERS {
                return Step::No;
            }
            letters.extend(next.to_lowercase());
            self.at += 1;
        }
        let joined = match (joiner, letters.as_str()) {
            (_, "") => None,
            (Some(joiner @ ('\'' | '’' | 'ʼ')), "s") => Some(format!("{base}{joiner}s")),
            _ => case_ending::joined(base, &letters),
        };
        joined.map_or(Step::No, Step::Yes)
    }
}
