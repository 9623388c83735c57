//! Where names may stand: stretches of words from one that may be in a name to the last that belongs to it. Most words of a
//! text are in none, and what they are is not asked.
//!
//! What always holds: a name found in a stretch is one found among all words, and every such name lies in a stretch, with all
//! that says how far it reaches.

use std::cell::RefCell;

use super::known::{WORDS, Words};
use super::lone::is_low;
use super::part::{Added, Link, Part, add, is_single, may_join, part, weigh};
use super::sequence::MAX_PARTS;
use super::setting::Setting;
use crate::pii::detector::context::topics::NAME_FIELD;
use crate::pii::detector::quiet_words::QuietWords;
use crate::pii::detector::text::Text;
use crate::pii::detector::views::tokens::{Case, Token};

thread_local! {
    /// What is known of words written small.
    static SMALL: RefCell<SmallWords> = const { RefCell::new(SmallWords { quiet: QuietWords::new(), low: QuietWords::new() }) };
}

struct SmallWords {
    /// Those that are in no name.
    quiet: QuietWords,
    /// Those that are no name by themselves.
    low: QuietWords,
}

/// The longest name, begun one word later, and the word behind it.
const REACH: usize = MAX_PARTS + 2;

/// The stretches of one text, in turn.
pub(super) struct Stretches<'t, 'v> {
    text: &'t Text<'v>,
    /// The first word of no stretch so far.
    at: usize,
    parts: Vec<Part>,
}

impl<'t, 'v> Stretches<'t, 'v> {
    pub(super) fn of(text: &'t Text<'v>) -> Self {
        Self { text, at: 0, parts: Vec::new() }
    }

    /// The parts of the next stretch.
    pub(super) fn next(&mut self, setting: &Setting<'_, '_>) -> Option<&[Part]> {
        self.parts.clear();
        let (text, tokens) = (self.text, self.text.tokens());
        let is_any = SMALL.with_borrow_mut(|small| {
            WORDS.with_borrow_mut(|words| {
                let mut reader = Reader { text, tokens, words, small };
                let Some(first) = (self.at..tokens.len()).find(|&index| reader.begins(index, setting)) else {
                    return false;
                };
                let joined = (self.at..first).rev().take_while(|&before| may_join(reader.gap_behind(before))).count();
                self.at = reader.read(first - joined, &mut self.parts);
                true
            })
        });
        weigh(&mut self.parts);
        is_any.then_some(&*self.parts)
    }
}

struct Reader<'r, 't> {
    text: &'r Text<'t>,
    tokens: &'r [Token],
    words: &'r mut Words,
    small: &'r mut SmallWords,
}

/// What a word may be by itself.
enum Like {
    /// In no name.
    Nothing,
    /// In names, but none by itself.
    Low,
    Name(Part),
}

impl<'r> Reader<'r, '_> {
    /// Whether a stretch begins with a word: one that may be in a name, and is not by itself and none.
    #[inline]
    fn begins(&mut self, index: usize, setting: &Setting<'_, '_>) -> bool {
        match self.like(index) {
            Like::Nothing => false,
            Like::Low => !self.is_alone(index),
            Like::Name(part) => !(self.is_alone(index) && self.is_stranger(index, &part, setting)),
        }
    }

    #[inline]
    fn like(&mut self, index: usize) -> Like {
        let (view, Some(token)) = (self.text.bytes(), self.tokens.get(index)) else { return Like::Nothing };
        if token.case == Case::Lower {
            if self.small.quiet.holds(view, &token.range) {
                return Like::Nothing;
            }
            if self.small.low.holds(view, &token.range) {
                return Like::Low;
            }
        }
        self.read_alone(view, token)
    }

    fn read_alone(&mut self, view: &[u8], token: &Token) -> Like {
        let Some(part) = part(view, token, self.words) else { return Like::Nothing };
        // A letter may be an initial elsewhere.
        let is_small = token.case == Case::Lower && !is_single(view.get(token.range.clone()).unwrap_or_default(), true);
        if !part.is_like_name() {
            if is_small {
                self.small.quiet.add(view, &token.range);
            }
            return Like::Nothing;
        }
        if is_small && is_low(&part) {
            self.small.low.add(view, &token.range);
            return Like::Low;
        }
        if part.is_initial { Like::Low } else { Like::Name(part) }
    }

    /// Whether nothing beside a word may be in a name with it.
    fn is_alone(&mut self, index: usize) -> bool {
        // What is joined to the next word may make more of that.
        let is_joined = (index.saturating_sub(1)..=index + 1).any(|before| may_join(self.gap_behind(before)));
        !is_joined && matches!(self.like(index + 1), Like::Nothing)
    }

    /// A word that nobody knows, before one in small letters: nothing comes of it where no field for a name is before it.
    fn is_stranger(&self, index: usize, part: &Part, setting: &Setting<'_, '_>) -> bool {
        let is_pair = self.tokens.get(index + 1).is_some_and(|next| next.case != Case::Lower);
        part.reading.roles == 0
            && !is_pair
            && (part.case != Case::Title || setting.before(part.range.start) & NAME_FIELD == 0)
    }

    /// Reads on from a word until nothing further belongs to a name that may begin so far: the word behind the last.
    fn read(&mut self, start: usize, parts: &mut Vec<Part>) -> usize {
        let view = self.text.bytes();
        // So many parts are to be read; whether the last but one and the last may be in names.
        let (mut wanted, mut likes) = (0, [false; 2]);
        for index in start..self.tokens.len() {
            let gap = if index == start { &b"\n"[..] } else { self.gap_behind(index - 1) };
            if index > start && parts.len() >= wanted && !may_join(gap) {
                return index;
            }
            let word = self.tokens.get(index).and_then(|token| part(view, token, self.words));
            let Some(word) = word else {
                // What comes behind it hangs together with nothing before it.
                (wanted, likes) = (parts.len(), [false; 2]);
                continue;
            };
            let is_like = word.is_like_name();
            match add(self.text, parts, gap, word) {
                Added::Joined => likes[1] |= is_like,
                Added::Next(Link::Break) => (wanted, likes) = (parts.len(), [false, is_like]),
                Added::Next(_) => likes = [likes[1], is_like],
            }
            // A name of one word is told by its neighbour, one of several by two that may be in it.
            let behind = match likes {
                [true, true] => REACH - 2,
                [false, true] => 1,
                _ => 0,
            };
            wanted = wanted.max(parts.len() + behind);
        }
        self.tokens.len()
    }

    /// What stands between a word and the next.
    fn gap_behind(&self, index: usize) -> &'r [u8] {
        let end_and_start = self.tokens.get(index).zip(self.tokens.get(index + 1));
        let gap = end_and_start.map(|(before, next)| before.range.end..next.range.start);
        gap.and_then(|gap| self.text.bytes().get(gap)).unwrap_or_default()
    }
}
