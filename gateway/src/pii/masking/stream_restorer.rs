//! Restores a text that comes in pieces.
//!
//! What always holds: put together, what comes out is what restoring the whole text gives, however it was cut; only a
//! tail that may yet become a token, or a token whose ending may yet follow, is held back.

use std::fmt;
use std::sync::Arc;

use super::stream_unit::{Lexer, Unit, escaped};
use super::token_match::{Step, TokenMap};

/// What the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    Plain,
    /// Arguments of a tool call, structured output: values are escaped as the strings around them need it.
    Json,
}

/// One text being restored.
pub struct StreamRestorer {
    map: Arc<TokenMap>,
    lexer: Lexer,
    /// What is held back: as it came, and as it reads.
    raw: String,
    units: Vec<Unit>,
    /// The character before it.
    before: Option<char>,
}

impl StreamRestorer {
    pub(crate) fn new(map: Arc<TokenMap>, kind: TextKind) -> Self {
        let lexer = match kind {
            TextKind::Plain => Lexer::plain(),
            TextKind::Json => Lexer::json(),
        };
        Self { map, lexer, raw: String::new(), units: Vec::new(), before: None }
    }

    /// Takes a piece; gives what can go out now.
    pub fn push(&mut self, piece: &str) -> String {
        if self.map.is_empty() {
            return piece.to_owned();
        }
        self.raw.push_str(piece);
        self.units.extend(piece.chars().filter_map(|character| self.lexer.feed(character)));
        self.decided(false)
    }

    /// Nothing follows: gives the rest.
    pub fn finish(mut self) -> String {
        self.units.extend(self.lexer.end());
        self.decided(true)
    }

    /// Bytes that are held back.
    pub fn num_held(&self) -> usize {
        self.raw.len()
    }

    fn decided(&mut self, is_end: bool) -> String {
        let mut out = String::with_capacity(self.raw.len());
        let (mut at, mut raw_at) = (0, 0);
        while let Some((unit, ahead)) = self.units.get(at..).and_then(|ahead| ahead.first().map(|unit| (*unit, ahead)))
        {
            let may_begin = self.map.may_begin(unit.character);
            let found = if may_begin { self.map.match_at(ahead, self.before, is_end) } else { Step::No };
            let num_units = match found {
                Step::More => break,
                Step::Yes(token) => {
                    out.push_str(&escaped(&token.replacement, unit.num_strings));
                    token.num_units
                }
                Step::No => {
                    out.push_str(self.raw.get(raw_at..raw_at + unit.raw_bytes).unwrap_or_default());
                    1
                }
            };
            let taken = ahead.get(..num_units).unwrap_or_default();
            raw_at += taken.iter().map(|unit| unit.raw_bytes).sum::<usize>();
            self.before = taken.last().map(|unit| unit.character);
            at += num_units;
        }
        self.units.drain(..at);
        self.raw.drain(..raw_at);
        out
    }
}

impl fmt::Debug for StreamRestorer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamRestorer").field("num_held", &self.num_held()).finish_non_exhaustive()
    }
}
