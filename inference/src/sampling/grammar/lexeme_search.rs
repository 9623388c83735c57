//! The shortest ways to the end of the current lexeme: the closing quote of a string with a pattern, the end of a
//! number or a name, the next bracket.
//!
//! A breadth-first search over the states of the grammar's lexer, which are finitely many; each byte is tried on
//! the real grammar, so every way found is one that it allows. Bounded by the number of states expanded.

use std::collections::HashSet;

use llguidance::earley::{Parser, ParserRecognizer};
use llguidance::toktrie::Recognizer;

use super::json_text::{JsonText, mix};

const MAX_EXPANDED: usize = 192;
/// Further states looked at for other ways once the first is found.
const MAX_AFTER_FIRST: usize = 48;
const MAX_WAYS: usize = 64;

/// What ends a lexeme.
#[derive(Clone, Copy)]
pub(super) enum Goal<'a> {
    /// JSON: a bracket, comma, colon or quote outside a string, the closing quote within one.
    Json(&'a JsonText),
    /// Other grammars: wherever the lexer could stop.
    Text,
}

/// One way to go on.
pub(super) struct Way {
    pub bytes: Vec<u8>,
    /// Identifies what the grammar expects after it.
    pub state: u64,
    /// Whether the lexeme ends there; if not, the search gave up at its bound and this is as far as it came.
    pub ends: bool,
}

/// What there is to choose from, and a number that tells this state of the grammar from others.
pub(super) struct Crossroads {
    pub ways: Vec<Way>,
    pub state: u64,
    /// States looked at.
    pub expanded: usize,
}

pub(super) fn search(parser: &mut Parser, goal: Goal) -> Crossroads {
    parser.with_recognizer(|recognizer| {
        recognizer.trie_started("landing");
        let mut search =
            Search { recognizer, pushed: Vec::new(), seen: HashSet::new(), nodes: Vec::new(), ways: Vec::new() };
        let ways = search.run(goal);
        let pushed = search.pushed.len();
        recognizer.pop_bytes(pushed);
        recognizer.trie_finished();
        ways
    })
}

struct Node {
    bytes: Vec<u8>,
    /// Inside an escape of a string.
    escaped: bool,
}

struct Search<'a, 'p> {
    recognizer: &'a mut ParserRecognizer<'p>,
    /// Bytes now on the recognizer's stack.
    pushed: Vec<u8>,
    seen: HashSet<u32>,
    nodes: Vec<Node>,
    ways: Vec<Way>,
}

impl Search<'_, '_> {
    fn run(&mut self, goal: Goal) -> Crossroads {
        let state = self.recognizer.lexer_state().as_u32();
        self.seen.insert(state);
        let escaped = matches!(goal, Goal::Json(text) if text.escaped());
        self.nodes.push(Node { bytes: Vec::new(), escaped });
        let mut next = 0;
        let mut bound = MAX_EXPANDED;
        while next < self.nodes.len().min(bound) && self.ways.len() < MAX_WAYS {
            self.expand(next, goal);
            next += 1;
            if !self.ways.is_empty() {
                bound = bound.min(next + MAX_AFTER_FIRST);
            }
            // Nothing is shorter than closing at once.
            if next == 1 && self.ways.first().is_some_and(|way| closes(&way.bytes, goal)) {
                self.ways.truncate(1);
                break;
            }
        }
        if self.ways.is_empty() && self.nodes.len() > 1 {
            if let Some(farthest) = self.nodes.pop() {
                self.ways.push(Way { bytes: farthest.bytes, state: 0, ends: false });
            }
        }
        Crossroads { ways: std::mem::take(&mut self.ways), state: u64::from(state), expanded: next }
    }

    fn expand(&mut self, index: usize, goal: Goal) {
        let bytes = self.nodes[index].bytes.clone();
        let escaped = self.nodes[index].escaped;
        self.stand_at(&bytes);
        let in_string = matches!(goal, Goal::Json(text) if text.in_string());
        let before = self.nodes.len() + self.ways.len();
        for tier in tiers(goal) {
            for &byte in *tier {
                let ends = match goal {
                    Goal::Json(_) if in_string => byte == b'"' && !escaped,
                    Goal::Json(_) => STRUCTURE.contains(&byte),
                    Goal::Text => false,
                };
                self.try_byte(&bytes, byte, ends, (goal, in_string && !escaped));
            }
            if self.nodes.len() + self.ways.len() > before {
                break;
            }
        }
    }

    fn try_byte(&mut self, bytes: &[u8], byte: u8, ends: bool, (goal, plain): (Goal, bool)) {
        if !self.recognizer.try_push_byte(byte) {
            return;
        }
        let id = self.recognizer.lexer_state();
        let state = id.as_u32();
        let stops = matches!(goal, Goal::Text) && !self.recognizer.lexer_mut().try_lexeme_end(id).is_error();
        self.recognizer.pop_bytes(1);
        let grown = || [bytes, &[byte]].concat();
        if ends || stops {
            // Ways from different states may mean different things even where the lexer expects the same next.
            if self.ways.len() < MAX_WAYS {
                self.ways.push(Way { bytes: grown(), state: u64::from(state), ends: true });
            }
        } else if self.seen.insert(state) {
            self.nodes.push(Node { bytes: grown(), escaped: plain && byte == b'\\' });
        }
    }

    fn stand_at(&mut self, bytes: &[u8]) {
        let common = self.pushed.iter().zip(bytes).take_while(|(left, right)| left == right).count();
        self.recognizer.pop_bytes(self.pushed.len() - common);
        self.pushed.truncate(common);
        for &byte in &bytes[common..] {
            if !self.recognizer.try_push_byte(byte) {
                break;
            }
            self.pushed.push(byte);
        }
    }
}

/// Tells ways at one place apart.
pub(super) fn hash(way: &Way) -> u64 {
    way.bytes.iter().fold(way.state, |hash, &byte| mix(hash, u64::from(byte)))
}

fn closes(bytes: &[u8], goal: Goal) -> bool {
    match (goal, bytes) {
        (Goal::Json(text), [byte]) => {
            if text.in_string() {
                *byte == b'"'
            } else {
                matches!(byte, b'}' | b']')
            }
        }
        _ => false,
    }
}

const STRUCTURE: &[u8] = b"}],:\"[{";

/// Bytes to try, the plain ones first; the next tier only where the one before offers nothing.
fn tiers(goal: Goal<'_>) -> &'static [&'static [u8]] {
    match goal {
        Goal::Json(text) if text.in_string() => &[PRINTABLE, ESCAPE, REST],
        // The frame around a template's documents has other texts.
        Goal::Json(_) => &[JSON, PRINTABLE_TEXT],
        Goal::Text => &[PRINTABLE_TEXT, REST],
    }
}

const JSON: &[u8] = b"}]\"0123456789tfnruealsE.-,:+[{ \n";
const PRINTABLE: &[u8] =
    b"\"a0A-@.:/_ ,bcdefghijklmnopqrstuvwxyz123456789BCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'()*+;<=>?[]^`{|}~";
const PRINTABLE_TEXT: &[u8] =
    b")]}>\"';.a0A-@:/_ ,\nbcdefghijklmnopqrstuvwxyz123456789BCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&(*+<=?[\\^`{|~\t\r";
const ESCAPE: &[u8] = b"\\";
const REST: &[u8] = &{
    let mut bytes = [0_u8; 160];
    let mut index = 0;
    while index < 32 {
        bytes[index] = index as u8;
        index += 1;
    }
    while index < 159 {
        bytes[index] = (index + 96) as u8;
        index += 1;
    }
    // 0xFF marks special tokens and is never text; DEL takes its place.
    bytes[159] = 127;
    bytes
};
