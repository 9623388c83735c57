//! Soft landing: the shortest text found that ends a document from here, as certified tokens.
//!
//! Random weights never close a string by themselves, and good ones run into token limits. A landing is found by
//! walking a copy of the grammar's state to the end, byte by byte and greedily: what is forced is taken, then the
//! shortest way out of the current lexeme ([`super::lexeme_search`]), and where several ways lead on, the one that
//! was cheapest before ([`super::decisions`]). Nothing in it depends on JSON being what it is except the order of
//! preference, so a wrong guess costs length, never validity: each byte is accepted by the real grammar, and
//! the tokens that the text is cut into decode to exactly it.

use llguidance::earley::Parser;
use llguidance::toktrie::{INVALID_TOKEN, Recognizer, TokTrie, parse_numeric_token};

use super::decisions::{Decisions, Open};
use super::frame::Frame;
use super::json_text::{JsonText, mix};
use super::lexeme_search::{Goal, Way, hash, search};

/// Bytes tried per token of the budget; tokens of a landing are rarely longer on average.
const BYTES_PER_TOKEN: usize = 12;
const MAX_BYTES: usize = 64 * 1024;
const MAX_STEPS: usize = 16 * 1024;
const MAX_PASSES: usize = 4;
/// Learning from the start of a fresh grammar ends here.
const MAX_LEARNING_BYTES: usize = 16 * 1024;

/// Steps of the search that one text may take in all, so that no grammar holds up the others; one that is not steered by
/// then runs on as it will. Those of JSON are cheap; those of other grammars less so, and a Lark grammar's may each be as
/// slow as its text is long.
pub(super) const JSON_WORK: usize = 200_000;
pub(super) const LEXEME_WORK: usize = 20_000;

/// What a landing is cut into, and what leads out of a free text before the document.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    pub trie: &'a TokTrie,
    pub leave: Option<&'a [u8]>,
    pub starts_free: bool,
}

impl Ground<'_> {
    /// Where a text begins.
    pub fn start(self) -> Frame {
        Frame::start(self.leave.is_some(), self.starts_free)
    }
}

/// Whether there is allowance left for looking.
pub(super) fn may_look(decisions: &Decisions) -> bool {
    decisions.work < decisions.allowance
}

/// A text that finishes the document, in tokens. Empty: it is finished.
pub(super) type Landing = Vec<u32>;

/// The shortest landing found; `frame` is where the text stands, for JSON grammars. `None`: none that ends within
/// `budget` tokens.
pub(super) fn land(
    parser: &Parser,
    frame: Option<&Frame>,
    decisions: &mut Decisions,
    budget: usize,
    ground: Ground<'_>,
) -> Option<Landing> {
    let limit = budget.saturating_mul(BYTES_PER_TOKEN).saturating_add(256).min(MAX_BYTES);
    let mut best: Option<Landing> = None;
    for _ in 0..MAX_PASSES {
        decisions.changed = false;
        let landing = walk(parser.clone(), frame, decisions, (limit, ground.leave))
            .and_then(|text| fewest_tokens(&text, ground.trie));
        if let Some(landing) = landing {
            if best.as_ref().is_none_or(|best| landing.len() < best.len()) {
                best = Some(landing);
            }
        }
        let enough = best.as_ref().is_some_and(|best| best.len().saturating_mul(2) <= budget);
        if enough || !decisions.changed || !may_look(decisions) {
            break;
        }
    }
    best.filter(|best| best.len() <= budget)
}

/// Lands from the start again and again until nothing more is learned, or enough has been written.
pub(super) fn learn(parser: &Parser, decisions: &mut Decisions, ground: Ground<'_>) {
    let mut written = 0;
    while written < MAX_LEARNING_BYTES {
        decisions.changed = false;
        let text = walk(parser.clone(), Some(&ground.start()), decisions, (MAX_BYTES, ground.leave));
        written += text.map_or(MAX_LEARNING_BYTES, |text| text.len() + 64);
        if !decisions.changed || !may_look(decisions) {
            break;
        }
    }
}

/// Walks to the end in at most `limit` bytes, out of a free text by `leave` where that is allowed.
fn walk(
    mut parser: Parser,
    frame: Option<&Frame>,
    decisions: &mut Decisions,
    (limit, leave): (usize, Option<&[u8]>),
) -> Option<Vec<u8>> {
    let mut walk =
        Walk { json: frame.map(|frame| frame.json.clone()), text: Vec::new(), open: Open::default(), seen: Vec::new() };
    let mut leave = leave.filter(|_| frame.is_some_and(Frame::is_free));
    for _ in 0..MAX_STEPS {
        decisions.work += 1;
        if !may_look(decisions) {
            return None;
        }
        if let Some(bytes) = leave.take().filter(|bytes| accepts(&mut parser, bytes)) {
            parser.apply_token(bytes, INVALID_TOKEN).ok()?;
            walk.text.extend_from_slice(bytes);
        }
        let forced = parser.force_bytes().to_vec();
        if !forced.is_empty() {
            parser.apply_token(&forced, INVALID_TOKEN).ok()?;
            walk.extend(&forced, decisions);
        }
        if parser.get_error().is_some() || walk.text.len() > limit {
            return None;
        }
        if parser.is_accepting() {
            decisions.close(&mut walk.open, None, walk.text.len());
            return Some(walk.text);
        }
        let bytes = walk.next(&mut parser, decisions)?;
        parser.apply_token(&bytes, INVALID_TOKEN).ok()?;
        walk.extend(&bytes, decisions);
    }
    None
}

/// Whether a text may go on with `bytes`.
fn accepts(parser: &mut Parser, bytes: &[u8]) -> bool {
    parser.with_recognizer(|recognizer| {
        recognizer.trie_started("leave");
        let pushed = bytes.iter().take_while(|byte| recognizer.try_push_byte(**byte)).count();
        recognizer.pop_bytes(pushed);
        recognizer.trie_finished();
        pushed == bytes.len()
    })
}

struct Walk {
    json: Option<JsonText>,
    text: Vec<u8>,
    open: Open,
    /// States met by grammars other than JSON, which are steered towards new ones.
    seen: Vec<u64>,
}

impl Walk {
    fn extend(&mut self, bytes: &[u8], decisions: &mut Decisions) {
        for &byte in bytes {
            self.text.push(byte);
            if let Some(json) = &mut self.json {
                json.push(&[byte]);
                // Containers may close and open again within what is forced at once.
                decisions.close(&mut self.open, Some(json.depth()), self.text.len());
            }
        }
    }

    fn next(&mut self, parser: &mut Parser, decisions: &mut Decisions) -> Option<Vec<u8>> {
        match &self.json {
            None => self.next_text(parser, decisions),
            Some(json) => {
                let found = search(parser, Goal::Json(json));
                decisions.work += found.expanded;
                let place = mix(json.place(), found.state);
                let depth = json.depth();
                let mut ways = found.ways;
                if ways.len() > 1 {
                    let measured: Vec<(u64, usize)> = ways.iter().map(|way| (hash(way), guess(way))).collect();
                    let best = decisions.cheapest(place, &measured, &self.open);
                    self.open.push(place, measured[best].0, self.text.len(), depth);
                    ways.swap(0, best);
                }
                ways.into_iter().next().map(|way| way.bytes)
            }
        }
    }

    fn next_text(&mut self, parser: &mut Parser, decisions: &mut Decisions) -> Option<Vec<u8>> {
        let found = search(parser, Goal::Text);
        decisions.work += found.expanded;
        let mut ways = found.ways;
        let seen = |way: &Way| self.seen.iter().filter(|&&state| state == way.state).count();
        let best = (0..ways.len()).min_by_key(|&index| (seen(&ways[index]), index))?;
        let way = ways.swap_remove(best);
        self.seen.push(way.state);
        Some(way.bytes)
    }
}

/// What an untried way costs at least.
fn guess(way: &Way) -> usize {
    way.bytes.len() + if way.ends { 0 } else { 1024 }
}

/// Cuts a text into as few tokens as can be.
fn fewest_tokens(text: &[u8], trie: &TokTrie) -> Option<Landing> {
    // `best[at]`: tokens needed for the text from `at` on, and the first of them with its length.
    let mut best: Vec<Option<(usize, u32, usize)>> = vec![None; text.len() + 1];
    best[text.len()] = Some((0, INVALID_TOKEN, 0));
    for at in (0..text.len()).rev() {
        if text[at] == TokTrie::SPECIAL_TOKEN_MARKER {
            // Forced special tokens appear as their number, the way the grammar writes them.
            let (length, token) = parse_numeric_token(&text[at + 1..])?;
            best[at] = best.get(at + 1 + length).copied().flatten().map(|(rest, ..)| (rest + 1, token, length + 1));
            continue;
        }
        for token in trie.all_prefixes(&text[at..]) {
            let length = trie.token_len(token);
            let rest = best.get(at + length).copied().flatten();
            if let Some((rest, ..)) = rest.filter(|(rest, ..)| best[at].is_none_or(|(known, ..)| rest + 1 < known)) {
                best[at] = Some((rest + 1, token, length));
            }
        }
    }
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let (_, token, length) = best[at]?;
        tokens.push(token);
        at += length;
    }
    Some(tokens)
}
