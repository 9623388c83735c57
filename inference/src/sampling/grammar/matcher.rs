//! The state of one sequence: which tokens may come, what a drawn token leads to, and when the text ends.
//!
//! Steering: the matcher keeps a landing, the tokens that would finish the text from here, and takes a drawn token
//! only if a landing from the state after it still fits the budget; else the landing's next token takes its place.
//! While the budget is ample, tokens inside a string that could be closed at any point go unchecked, some in a row;
//! near the end every token is checked. Where no landing is known (a Lark grammar may have none that is found, or the budget was
//! too small from the start), the sequence runs unsteered, still within the grammar.
//!
//! An error of the engine (its limits, never time) ends the sequence: only end tokens stay allowed, and
//! [`GrammarMatcher::error`] says so.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use llguidance::TokenParser;
use llguidance::earley::Parser;
use llguidance::toktrie::{Recognizer, TokTrie};

use super::compiler::{Compiled, Failure, guarded};
use super::decisions::Decisions;
use super::error::GrammarError;
use super::frame::Frame;
use super::landing::{land, may_look};

/// A budget below twice the landing and this is tight: every token is checked.
const TIGHT: usize = 64;
/// Tokens taken unchecked in a row at most; below [`TIGHT`], so that what they use up is still there.
const MAX_UNCHECKED: usize = 32;
/// Items of the parser's tables that one text may make: some tenths of a second.
const MAX_ITEMS: usize = 2_000_000;
/// The valve behind all other limits, far above what a grammar takes that keeps to them: a mask over 150,000 tokens takes
/// about a millisecond.
const MAX_AT_ONCE: Duration = Duration::from_millis(500);
const ALLOWANCE: Duration = Duration::from_secs(2);
const ALLOWANCE_PER_TOKEN: Duration = Duration::from_millis(3);

pub struct GrammarMatcher {
    compiled: Arc<Compiled>,
    parser: TokenParser,
    frame: Option<Frame>,
    decisions: Decisions,
    /// Finishes the text from here; `None` where tokens were taken since it was found.
    landing: Option<VecDeque<u32>>,
    /// Length of the last landing found.
    landing_tokens: usize,
    unchecked: usize,
    tokens: usize,
    finished: bool,
    failed: bool,
    /// Time taken by the engine.
    spent: Duration,
}

impl GrammarMatcher {
    pub(super) fn new(compiled: &Arc<Compiled>) -> Self {
        let parser = compiled.parser.lock().unwrap_or_else(PoisonError::into_inner).deep_clone();
        let landing: Option<VecDeque<u32>> = compiled.shortest.clone().map(Into::into);
        Self {
            parser,
            frame: compiled.form.json.then(|| compiled.form.ground(compiled.environment.tok_trie()).start()),
            decisions: compiled.decisions.clone(),
            landing_tokens: landing.as_ref().map_or(0, VecDeque::len),
            landing,
            unchecked: 0,
            tokens: 0,
            finished: false,
            failed: false,
            spent: Duration::ZERO,
            compiled: compiled.clone(),
        }
    }

    /// Sets logits of tokens that the grammar does not allow here to -inf. End tokens are allowed only where the
    /// text may end. After an error, and once nothing may follow, they alone are allowed.
    pub fn mask(&mut self, logits: &mut [f32]) {
        let mask = if self.is_over() { None } else { self.guard(|parser, _| parser.compute_mask()) };
        let compiled = self.compiled.clone();
        let mask = mask.unwrap_or_else(|| compiled.environment.tok_trie().eos_token_set());
        let words = mask.as_slice();
        for (chunk, index) in logits.chunks_mut(32).zip(0..) {
            let word: u32 = words.get(index).copied().unwrap_or(0);
            if word == u32::MAX {
                continue;
            }
            for (bit, logit) in chunk.iter_mut().enumerate() {
                if word >> bit & 1 == 0 {
                    *logit = f32::NEG_INFINITY;
                }
            }
        }
    }

    /// Takes the drawn token, or the token to use instead where the text could no longer be finished with
    /// `remaining` tokens, this one included. An end token is not counted: the text itself is what must fit, and
    /// only where it is whole already may an end token be returned for another.
    pub fn advance(&mut self, drawn: u32, remaining: usize) -> u32 {
        if self.is_over() {
            return self.end_token();
        }
        let token = self.choose(drawn, remaining);
        if self.failed { self.end_token() } else { token }
    }

    /// Tokens that the grammar forces next, already taken; empty where there is a choice, where they would not
    /// leave enough of `remaining`, and at the end.
    pub fn forced(&mut self, remaining: usize) -> Vec<u32> {
        if self.is_over() {
            return Vec::new();
        }
        let tokens = self.guard(|parser, _| Ok(parser.compute_ff_tokens())).unwrap_or_default();
        if tokens.is_empty() || tokens.len() > remaining {
            return Vec::new();
        }
        let left = remaining - tokens.len();
        if may_look(&self.decisions) && self.is_tight(left) && !self.fits_after(&tokens, left) {
            return Vec::new();
        }
        if self.take(&tokens).is_none() {
            return Vec::new();
        }
        tokens
    }

    /// Whether the text is complete and nothing may follow; also after an error, when nothing more will come.
    pub fn is_finished(&self) -> bool {
        self.is_over()
    }

    /// Whether the text is complete as it stands, though more may follow.
    pub fn may_end(&mut self) -> bool {
        self.finished || (!self.failed && self.guard(|parser, _| Ok(parser.is_accepting())).unwrap_or(false))
    }

    /// What went wrong, where the matcher had to give up.
    pub fn error(&self) -> Option<GrammarError> {
        self.failed.then_some(GrammarError::Stopped { tokens: self.tokens })
    }

    fn is_over(&self) -> bool {
        self.finished || self.failed
    }

    fn end_token(&self) -> u32 {
        self.trie().eos_token()
    }

    fn trie(&self) -> &TokTrie {
        self.compiled.environment.tok_trie()
    }

    fn choose(&mut self, drawn: u32, remaining: usize) -> u32 {
        let ends = self.trie().eos_tokens().contains(&drawn);
        if !self.allows(drawn) {
            return self.replace(drawn, remaining, false);
        }
        let bytes = self.trie().token(drawn);
        if self.frame.as_ref().is_some_and(|frame| !frame.is_free() && frame.json.strains_parsers(bytes)) {
            return self.replace(drawn, remaining, true);
        }
        if ends {
            self.take(&[drawn]);
            return drawn;
        }
        let planned = self.landing.as_ref().and_then(|landing| landing.front()) == Some(&drawn);
        let next = remaining.saturating_sub(1);
        let fits = planned && self.landing_tokens <= remaining;
        let unsteered = !may_look(&self.decisions) && self.landing.is_none();
        if fits || unsteered || (!planned && !self.needs_check(drawn, next)) {
            self.take(&[drawn]);
            return drawn;
        }
        if self.fits_after(&[drawn], next) {
            self.take(&[drawn]);
            return drawn;
        }
        self.replace(drawn, remaining, true)
    }

    fn allows(&mut self, token: u32) -> bool {
        let known = (token as usize) < self.trie().vocab_size();
        known && self.guard(|parser, _| parser.validate_token(token)).unwrap_or(false)
    }

    /// The landing's next token instead of `drawn`; `drawn` itself where no landing fits, if it is `allowed`.
    fn replace(&mut self, drawn: u32, remaining: usize, allowed: bool) -> u32 {
        if self.landing.is_none() {
            let landing = self.find(None, remaining);
            self.remember(landing);
        }
        let next = match &self.landing {
            Some(landing) if landing.is_empty() => self.end_token(),
            Some(landing) if landing.len() <= remaining || !allowed => landing[0],
            _ if allowed => drawn,
            _ => {
                self.failed = true;
                return self.end_token();
            }
        };
        self.take(&[next]);
        next
    }

    fn is_tight(&self, left: usize) -> bool {
        left <= self.landing_tokens.saturating_mul(2).saturating_add(TIGHT)
    }

    /// Whether a token might lengthen the way to the end. Only text in a string that may close before and after it
    /// surely does not: keys, constants and patterns can commit the document to anything.
    fn needs_check(&mut self, token: u32, left: usize) -> bool {
        if self.is_tight(left) || self.unchecked + 1 >= MAX_UNCHECKED {
            return true;
        }
        // What is thought commits the document to nothing.
        if self.frame.as_ref().is_some_and(Frame::is_free) {
            return false;
        }
        let compiled = self.compiled.clone();
        let bytes = compiled.environment.tok_trie().token(token);
        let in_value =
            self.frame.as_ref().is_some_and(|frame| !frame.json.in_key() && frame.json.stays_in_string(bytes));
        !in_value || !self.guard(|parser, _| Ok(closable_around(&mut parser.parser, bytes))).unwrap_or(false)
    }

    /// Whether a landing from the state after `tokens` takes no more than `left`; it is kept if so.
    fn fits_after(&mut self, tokens: &[u32], left: usize) -> bool {
        match self.find(Some(tokens), left) {
            None => false,
            Some(landing) => {
                // Tokens first, then the way on: taking the tokens leaves exactly this landing.
                self.remember(Some([tokens, &landing].concat()));
                true
            }
        }
    }

    fn remember(&mut self, landing: Option<Vec<u32>>) {
        self.landing = landing.map(VecDeque::from);
        if let Some(landing) = &self.landing {
            self.landing_tokens = landing.len();
            self.unchecked = 0;
        }
    }

    /// Looks for a landing within `budget`, from here or after `tokens`.
    fn find(&mut self, tokens: Option<&[u32]>, budget: usize) -> Option<Vec<u32>> {
        let mut frame = self.frame.clone();
        let compiled = self.compiled.clone();
        let trie = compiled.environment.tok_trie();
        self.guard(|parser, decisions| {
            let mut parser: Parser = parser.parser.clone();
            for &token in tokens.unwrap_or_default() {
                let bytes = trie.decode_raw(&[token]);
                anyhow::ensure!(parser.apply_token(&bytes, token)? == 0, "the grammar steps back");
                if let Some(frame) = &mut frame {
                    frame.push(&bytes, compiled.form.leave.as_deref());
                }
            }
            Ok(land(&parser, frame.as_ref(), decisions, budget, compiled.form.ground(trie)))
        })
        .flatten()
    }

    /// Takes tokens for good.
    fn take(&mut self, tokens: &[u32]) -> Option<()> {
        let compiled = self.compiled.clone();
        let trie = compiled.environment.tok_trie();
        for &token in tokens {
            let stopped = self.guard(|parser, _| {
                anyhow::ensure!(parser.consume_token(token)? == 0, "the grammar steps back");
                parser.check_stop()
            })?;
            self.tokens += 1;
            self.finished |= stopped;
            if let Some(frame) = &mut self.frame {
                frame.push(&trie.decode_raw(&[token]), compiled.form.leave.as_deref());
            }
            if self.landing.as_ref().and_then(|landing| landing.front()) == Some(&token) {
                self.landing.as_mut().map(VecDeque::pop_front);
                self.landing_tokens = self.landing_tokens.saturating_sub(1);
                self.unchecked = 0;
            } else {
                self.landing = None;
                self.unchecked += 1;
            }
        }
        Some(())
    }

    /// Whether one text takes more of the engine than any sensible one does: an ambiguous grammar grows with the square
    /// of its text and worse, and others wait for every step. It ends in an error, never in another text.
    fn is_exhausted(&mut self, took: Duration) -> bool {
        self.spent += took;
        let tokens = u32::try_from(self.tokens).unwrap_or(u32::MAX);
        let allowance = ALLOWANCE.saturating_add(ALLOWANCE_PER_TOKEN.saturating_mul(tokens));
        took > MAX_AT_ONCE || self.spent > allowance || self.parser.parser_stats().all_items > MAX_ITEMS
    }

    /// Runs the engine; an error or panic of it ends the sequence.
    fn guard<T>(&mut self, run: impl FnOnce(&mut TokenParser, &mut Decisions) -> Result<T, Failure>) -> Option<T> {
        let begun = Instant::now();
        let result = guarded(|| run(&mut self.parser, &mut self.decisions));
        self.failed |= self.is_exhausted(begun.elapsed()) || result.is_err();
        result.ok()
    }
}

/// Whether the string that the text is in may be closed before and after `bytes`.
fn closable_around(parser: &mut Parser, bytes: &[u8]) -> bool {
    if !parser.currently_forced_bytes().is_empty() {
        return false;
    }
    parser.with_recognizer(|recognizer| {
        recognizer.trie_started("string");
        let mut closable = recognizer.byte_allowed(b'"');
        let mut pushed = 0;
        for &byte in bytes {
            closable = closable && recognizer.try_push_byte(byte);
            pushed += usize::from(closable);
        }
        closable = closable && recognizer.byte_allowed(b'"');
        recognizer.pop_bytes(pushed);
        recognizer.trie_finished();
        closable
    })
}
