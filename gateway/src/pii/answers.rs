//! What a model says, looked at on its way to the client: somebody's card out of training data is labelled, replaced or
//! blocked. What the caller's own request had masked are tokens here, which are no findings.
//!
//! What always holds: of a text that comes in pieces nothing goes out before what stands around it was scanned; at most
//! [`MAX_HELD_BYTES`] wait.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::masking::for_each_json_leaf;
use super::{Action, Detector, Entity, Findings, Policy, TextSegment};

/// As much stays behind until more has come: longer than any value that is written in one piece.
const HOLD_BYTES: usize = 160;
/// How much comes between two scans.
const STEP_BYTES: usize = 96;
/// Text before what is scanned, for the words in it.
const CONTEXT_BYTES: usize = 96;
/// A value that is longer is cut.
const MAX_HELD_BYTES: usize = 8 << 10;

/// Why an answer may not be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerBlocked {
    /// It holds what the policy blocks.
    #[error("the answer holds {0}, which the policy of this route blocks")]
    Holds(Entity),
    /// Its scan did not finish, so that nobody knows what it holds.
    #[error("the answer could not be scanned to its end")]
    Unscanned,
}

/// Looks at the texts of one answer.
#[derive(Clone)]
pub struct AnswerGuard {
    detector: Arc<Detector>,
    policy: Arc<Policy>,
}

/// One text of an answer that comes in pieces.
pub struct GuardedStream {
    guard: AnswerGuard,
    context: String,
    held: String,
    /// Length of `held` at the last scan.
    scanned: usize,
}

/// A text as it may be shown, and what was found in it.
#[derive(Default, PartialEq, Eq)]
pub struct Guarded {
    /// With `[CARD]` in place of what the policy masks.
    pub text: String,
    /// How often each entity was found.
    pub counts: BTreeMap<Entity, u32>,
    /// Whether something was replaced.
    pub is_masked: bool,
}

impl AnswerGuard {
    /// `policy` has an action for every entity; `local` counts as `mask`.
    #[must_use]
    pub fn new(detector: Arc<Detector>, policy: Arc<Policy>) -> Self {
        Self { detector, policy }
    }

    /// A whole text.
    ///
    /// # Errors
    /// It holds what the policy blocks.
    pub fn text(&self, text: &str) -> Result<Guarded, AnswerBlocked> {
        self.replaced("", text, text.len())
    }

    /// A whole JSON text, like the arguments of a tool call: only values inside of it are replaced, so that it stays
    /// JSON. What is no JSON is taken as text.
    ///
    /// # Errors
    /// It holds what the policy blocks.
    pub fn json(&self, json: &str) -> Result<Guarded, AnswerBlocked> {
        let mut edits = Vec::new();
        let mut counts = BTreeMap::new();
        let mut blocked = None;
        let is_json = for_each_json_leaf(json, |pointer, range, text, is_number| {
            let findings = self.scan(pointer, text);
            let spans = match self.spans(&findings, 0, text.len(), &mut counts) {
                Ok(spans) => spans,
                Err(error) => return blocked = blocked.or(Some(error)),
            };
            if let Some((entity, _)) = spans.first().filter(|_| is_number) {
                edits.push((range, format!("\"{}\"", mark(*entity))));
            } else if !spans.is_empty() {
                let replaced = splice(text, &spans);
                edits.push((range, serde_json::Value::from(replaced).to_string()));
            }
        });
        if let Some(error) = blocked {
            return Err(error);
        }
        if !is_json {
            return self.text(json);
        }
        let mut text = String::with_capacity(json.len());
        let mut copied = 0;
        for (range, replacement) in &edits {
            text.push_str(json.get(copied..range.start).unwrap_or_default());
            text.push_str(replacement);
            copied = range.end;
        }
        text.push_str(json.get(copied..).unwrap_or_default());
        Ok(Guarded { text, counts, is_masked: !edits.is_empty() })
    }

    /// For a text that comes in pieces.
    #[must_use]
    pub fn stream(&self) -> GuardedStream {
        GuardedStream { guard: self.clone(), context: String::new(), held: String::new(), scanned: 0 }
    }

    fn scan(&self, pointer: &str, text: &str) -> Findings {
        self.detector.scan(&[TextSegment::new(pointer, text)])
    }

    /// `text[..end]` as it may be shown; `context` stands before it.
    fn replaced(&self, context: &str, text: &str, end: usize) -> Result<Guarded, AnswerBlocked> {
        let whole = format!("{context}{text}");
        let findings = self.scan("", &whole);
        let mut counts = BTreeMap::new();
        let spans = self.spans(&findings, context.len(), context.len() + end, &mut counts)?;
        let inside: Vec<_> = spans
            .into_iter()
            .map(|(entity, span)| (entity, span.start.saturating_sub(context.len())..span.end - context.len()))
            .collect();
        let shown = text.get(..end).unwrap_or_default();
        Ok(Guarded { text: splice(shown, &inside), counts, is_masked: !inside.is_empty() })
    }

    /// What is to be replaced between two places, without overlaps; counts everything there.
    fn spans(
        &self,
        findings: &Findings,
        from: usize,
        till: usize,
        counts: &mut BTreeMap<Entity, u32>,
    ) -> Result<Vec<(Entity, Range<usize>)>, AnswerBlocked> {
        if !findings.is_complete() {
            return Err(AnswerBlocked::Unscanned);
        }
        let mut spans: Vec<(Entity, Range<usize>)> = Vec::new();
        for finding in findings.iter().filter(|finding| self.policy.counts(finding)) {
            if finding.span.end <= from || finding.span.start >= till {
                continue;
            }
            let entity = finding.entity;
            *counts.entry(entity).or_default() += 1;
            match self.policy.action(entity) {
                Action::Label => {}
                Action::Block => return Err(AnswerBlocked::Holds(entity)),
                Action::Mask | Action::Local => {
                    let span = finding.span.start.max(from)..finding.span.end.min(till);
                    match spans.last_mut() {
                        Some((_, last)) if last.end > span.start => last.end = last.end.max(span.end),
                        _ => spans.push((entity, span)),
                    }
                }
            }
        }
        Ok(spans)
    }
}

impl GuardedStream {
    /// Takes a piece; gives what can go out now.
    ///
    /// # Errors
    /// The answer holds what the policy blocks.
    pub fn push(&mut self, piece: &str) -> Result<Guarded, AnswerBlocked> {
        self.held.push_str(piece);
        if self.held.len() < HOLD_BYTES + STEP_BYTES || self.held.len() < self.scanned + STEP_BYTES {
            return Ok(Guarded::default());
        }
        self.scanned = self.held.len();
        let whole = format!("{}{}", self.context, self.held);
        let findings = self.guard.scan("", &whole);
        let mut end = self.held.floor_char_boundary(self.held.len() - HOLD_BYTES);
        if self.held.len() <= MAX_HELD_BYTES {
            end = self.border_before(end, &findings);
        }
        self.give(self.held.floor_char_boundary(end))
    }

    /// Nothing follows: gives the rest.
    ///
    /// # Errors
    /// The answer holds what the policy blocks.
    pub fn finish(mut self) -> Result<Guarded, AnswerBlocked> {
        self.give(self.held.len())
    }

    /// The last place up to `end` at which no value and no word is cut.
    fn border_before(&self, end: usize, findings: &Findings) -> usize {
        let mut end = end;
        loop {
            let before = self.held.get(..end).unwrap_or_default();
            let word = before.rfind(char::is_whitespace).map_or(0, |at| self.held.ceil_char_boundary(at + 1));
            let cut = findings.iter().find_map(|finding| {
                let start = finding.span.start.saturating_sub(self.context.len());
                let finding_end = finding.span.end.saturating_sub(self.context.len());
                (start < word && finding_end > word).then_some(start)
            });
            match cut {
                None => return word,
                Some(start) => end = start,
            }
        }
    }

    fn give(&mut self, end: usize) -> Result<Guarded, AnswerBlocked> {
        if end == 0 {
            return Ok(Guarded::default());
        }
        let guarded = self.guard.replaced(&self.context, &self.held, end)?;
        let given: String = self.held.drain(..end).collect();
        self.scanned = self.scanned.saturating_sub(end);
        self.context.push_str(&given);
        let from = self.context.ceil_char_boundary(self.context.len().saturating_sub(CONTEXT_BYTES));
        self.context.drain(..from);
        Ok(guarded)
    }
}

/// What stands in place of a value.
fn mark(entity: Entity) -> String {
    format!("[{}]", entity.as_str().to_ascii_uppercase())
}

fn splice(text: &str, spans: &[(Entity, Range<usize>)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (entity, span) in spans {
        out.push_str(text.get(copied..span.start).unwrap_or_default());
        out.push_str(&mark(*entity));
        copied = span.end;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out
}

/// The texts stay out of logs.
impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("counts", &self.counts).finish_non_exhaustive()
    }
}

impl fmt::Debug for AnswerGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerGuard").finish_non_exhaustive()
    }
}

impl fmt::Debug for GuardedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedStream").field("num_held", &self.held.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;
    use crate::pii::{Classified, Classifier, ClassifierError, SecondStage};

    fn guard(action: Action) -> AnswerGuard {
        let policy = Entity::BUILT_IN.into_iter().fold(Policy::default(), |policy, entity| {
            policy.with(entity, if entity == Entity::Card { action } else { Action::Label })
        });
        AnswerGuard::new(Arc::new(Detector::new().unwrap()), Arc::new(policy))
    }

    fn streamed(guard: &AnswerGuard, pieces: &[&str]) -> Result<(String, BTreeMap<Entity, u32>), AnswerBlocked> {
        let mut stream = guard.stream();
        let mut text = String::new();
        let mut counts = BTreeMap::<Entity, u32>::new();
        let mut add = |guarded: Guarded| {
            text.push_str(&guarded.text);
            guarded.counts.into_iter().for_each(|(entity, count)| *counts.entry(entity).or_default() += count);
        };
        for piece in pieces {
            add(stream.push(piece)?);
        }
        add(stream.finish()?);
        Ok((text, counts))
    }

    #[test]
    fn cards_are_replaced_in_text_and_in_json() {
        let guard = guard(Action::Mask);
        let guarded = guard.text("Карта 4400 4302 1234 5679, ИИН 901123300258").unwrap();
        assert_eq!(guarded.text, "Карта [CARD], ИИН 901123300258");
        assert_eq!(guarded.counts, BTreeMap::from([(Entity::Card, 1), (Entity::Iin, 1)]));
        let json = r#"{"a": "4400430212345679 \"x\"", "card": 4400430212345679, "b": [1]}"#;
        let guarded = guard.json(json).unwrap();
        assert_eq!(guarded.text, r#"{"a": "[CARD] \"x\"", "card": "[CARD]", "b": [1]}"#);
        assert_eq!(guard.json("card 4400430212345679 {").unwrap().text, "card [CARD] {");
    }

    #[test]
    fn an_answer_whose_scan_did_not_finish_is_not_shown() {
        struct Fails;
        impl Classifier for Fails {
            fn classify(&self, _: &[TextSegment<'_>], _: Instant) -> Result<Vec<Classified>, ClassifierError> {
                Err(ClassifierError)
            }
        }
        let stage = SecondStage { classifier: Arc::new(Fails), budget: Duration::from_hours(1), now: Instant::now };
        let detector = Detector::with(&[], Some(stage)).unwrap();
        let guard = AnswerGuard::new(Arc::new(detector), Arc::new(Policy::default()));
        assert_eq!(guard.text("hello"), Err(AnswerBlocked::Unscanned));
        assert_eq!(guard.json(r#"{"a":"hello"}"#), Err(AnswerBlocked::Unscanned));
        assert_eq!(streamed(&guard, &["hello"]), Err(AnswerBlocked::Unscanned));
    }

    #[test]
    fn what_is_blocked_ends_the_answer() {
        let guard = guard(Action::Block);
        assert_eq!(guard.text("4400430212345679"), Err(AnswerBlocked::Holds(Entity::Card)));
        assert!(guard.json(r#"{"x":"4400430212345679"}"#).is_err());
        assert!(streamed(&guard, &["карта 4400 43", "02 1234 5679", " вот"]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn a_stream_shows_what_the_whole_would_show(cuts in prop::collection::vec(1_usize..60, 1..60), before in 0_usize..400) {
            let guard = guard(Action::Mask);
            let text = format!("{}моя карта 4400 4302 1234 5679 и ещё 5555 5555 5555 4444 {}", "слово ".repeat(before / 11), "конец ".repeat(40));
            let mut rest = text.as_str();
            let mut pieces = Vec::new();
            let mut cuts = cuts.iter().cycle();
            while !rest.is_empty() {
                let at = rest.floor_char_boundary((*cuts.next().unwrap()).max(2).min(rest.len()));
                let (piece, after) = rest.split_at(at);
                pieces.push(piece);
                rest = after;
            }
            let (shown, counts) = streamed(&guard, &pieces).unwrap();
            prop_assert_eq!(shown, guard.text(&text).unwrap().text);
            prop_assert_eq!(counts.get(&Entity::Card), Some(&2));
        }
    }
}
