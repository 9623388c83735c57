//! A whole request body with tokens in place of values.
//!
//! What always holds: every byte but those of the values stays as it was; a body that is given back holds nothing, by a
//! scan of all of it, whose action is `mask` or stricter. What cannot be masked in place (a number, a value over two
//! parts, one inside an encoding) is therefore never given back.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use shekara_protocol::json::walk;

use super::conversation::{Conversation, Pass};
use super::error::MaskError;
use super::json_leaf::{JsonString, RawLeaf, for_each_leaf};
use super::known_values::KnownValues;
use super::span::{Span, disjoint};
use crate::pii::detector::views::{blobs, escapes};
use crate::pii::screening::{BodyScan, MAX_NESTING, looks_like_json, pointer_end, scan_body, verdict_of};
use crate::pii::{Action, Decision, Detector, Entity, Finding, Findings, Policy, TextSegment, Verdict};

/// A token parts what stood together, so that another value may show beside it: then it is masked too.
const MAX_ROUNDS: usize = 4;

/// A body that may leave as far as its text goes.
pub struct MaskedBody {
    body: Bytes,
    masked: BTreeMap<Entity, u32>,
    found_after: BTreeMap<Entity, u32>,
    has_unreadable_part: bool,
}

/// Masks every finding whose action is `mask`.
///
/// # Errors
/// The body is no JSON, or something in it must stay or cannot be masked.
pub fn mask_body(
    body: &[u8],
    detector: &Detector,
    policy: &Policy,
    conversation: &mut Conversation,
) -> Result<MaskedBody, MaskError> {
    let scan = scan_body(body, detector).map_err(MaskError::Malformed)?;
    mask_scanned(body, scan, (detector, policy), conversation)
}

/// As [`mask_body`], for a body of which the scan is at hand.
///
/// # Errors
/// As [`mask_body`].
pub(crate) fn mask_scanned(
    body: &[u8],
    scan: BodyScan,
    (detector, policy): (&Detector, &Policy),
    conversation: &mut Conversation,
) -> Result<MaskedBody, MaskError> {
    let mut current = body.to_vec();
    let mut masked = BTreeMap::new();
    let mut first = Some(scan);
    for round in 0..MAX_ROUNDS {
        let scan = match first.take() {
            Some(scan) => scan,
            None => scan_body(&current, detector).map_err(|_| MaskError::NotMaskable)?,
        };
        let verdict = verdict_of(&scan, policy);
        let is_clear = verdict.decision == Decision::Clear;
        if verdict.decision > Decision::Mask {
            return Err(MaskError::NotMaskable);
        }
        if !are_covered(&scan, policy) {
            return Err(MaskError::NotMaskable);
        }
        // What was masked before is looked for even where nothing is found.
        if is_clear && (round > 0 || conversation.entries().is_empty()) {
            return Ok(MaskedBody::new(current, masked, (&scan, verdict)));
        }
        // The strict walk has read every string; what stands between strings is ASCII.
        let json = simdutf8::basic::from_utf8(&current).map_err(|_| MaskError::NotMaskable)?;
        let plan = Plan::of(json, (detector, policy), &scan, conversation);
        if plan.edits.is_empty() {
            let rest = if is_clear { Ok(verdict) } else { Err(MaskError::NotMaskable) };
            return rest.map(|verdict| MaskedBody::new(current, masked, (&scan, verdict)));
        }
        current = plan.apply(json, &mut masked)?;
    }
    Err(MaskError::NotMaskable)
}

impl MaskedBody {
    fn new(body: Vec<u8>, masked: BTreeMap<Entity, u32>, (scan, verdict): (&BodyScan, Verdict)) -> Self {
        let has_unreadable_part = scan.has_unreadable_part;
        Self { body: Bytes::from(body), masked, found_after: verdict.counts, has_unreadable_part }
    }

    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// How often a token stands for a value of each entity that was masked now.
    pub fn masked(&self) -> &BTreeMap<Entity, u32> {
        &self.masked
    }

    /// What is still found: entities that may leave.
    pub fn found_after(&self) -> &BTreeMap<Entity, u32> {
        &self.found_after
    }

    /// The body holds an image, a sound or a file, which was not masked and may not leave unless the route says so.
    pub fn has_unreadable_part(&self) -> bool {
        self.has_unreadable_part
    }
}

/// Spans to mask by the place of their leaf in document order.
fn spans_by_leaf(findings: &Findings, policy: &Policy) -> HashMap<usize, Vec<Span>> {
    let mut by_leaf = HashMap::<usize, Vec<Span>>::new();
    for finding in findings.iter().filter(|finding| policy.action(finding.entity) == Action::Mask) {
        let span = Span { entity: finding.entity, range: finding.span.clone() };
        by_leaf.entry(finding.segment).or_default().push(span);
    }
    by_leaf
}

/// As much of a split value may stay as its separators take.
const MAX_BARE_BYTES: usize = 2;

/// Whether every value that is split over leaves is masked in all of them: masked in one alone, what stands in the others
/// would no longer be found. Where it only seems to go on in the next leaf, one of them has it as a whole.
fn are_covered(scan: &BodyScan, policy: &Policy) -> bool {
    let by_leaf = spans_by_leaf(&scan.findings, policy);
    let is_covered = |(leaf, range): &(usize, Range<usize>)| {
        let mut bare_from = range.start;
        let mut spans: Vec<&Range<usize>> = by_leaf.get(leaf).into_iter().flatten().map(|span| &span.range).collect();
        spans.sort_by_key(|span| span.start);
        for span in spans.into_iter().filter(|span| span.end > range.start && span.start < range.end) {
            if span.start > bare_from + MAX_BARE_BYTES {
                return false;
            }
            bare_from = bare_from.max(span.end);
        }
        bare_from + MAX_BARE_BYTES >= range.end
    };
    let must_go = |finding: &Finding| policy.counts(finding) && policy.action(finding.entity) >= Action::Mask;
    scan.split.iter().filter(|split| must_go(&split.finding)).all(|split| {
        let mut sources = split.sources.iter();
        if split.is_doubtful { sources.any(is_covered) } else { sources.all(is_covered) }
    })
}

/// A stretch of the body to be replaced, and the value in it.
struct Edit {
    range: Range<usize>,
    entity: Entity,
    value: String,
}

struct Plan<'p> {
    detector: &'p Detector,
    policy: &'p Policy,
    pass: Pass<'p>,
    known: Option<KnownValues>,
    edits: Vec<Edit>,
}

/// Members whose values are words of the API.
const API_WORDS: [&str; 8] =
    ["/role", "/type", "/model", "/object", "/id", "/tool_call_id", "/finish_reason", "/format"];

impl<'p> Plan<'p> {
    fn of(
        json: &str,
        (detector, policy): (&'p Detector, &'p Policy),
        scan: &BodyScan,
        conversation: &'p mut Conversation,
    ) -> Self {
        let found = spans_by_leaf(&scan.findings, policy);
        let mut plan = Plan { detector, policy, pass: Pass::new(conversation), known: None, edits: Vec::new() };
        plan.read(json, 0, Some(&found), &|range| range);
        // What was found once is a value wherever it stands, also where no word beside it says so.
        plan.known = Some(plan.known_values());
        plan.edits.clear();
        plan.read(json, 0, Some(&found), &|range| range);
        plan
    }

    fn known_values(&self) -> KnownValues {
        let before = self.pass.values().filter(|(entity, _)| self.policy.action(*entity) == Action::Mask);
        KnownValues::new(before.chain(self.edits.iter().map(|edit| (edit.entity, edit.value.as_str()))))
    }

    /// Finds the edits of a JSON text. `found` has the spans of its leaves if it was scanned; `to_body` leads from its
    /// bytes to the body's.
    fn read(
        &mut self,
        json: &str,
        depth: usize,
        found: Option<&HashMap<usize, Vec<Span>>>,
        to_body: &dyn Fn(Range<usize>) -> Range<usize>,
    ) {
        let mut index = 0;
        for_each_leaf(json, |pointer, leaf| {
            let own_index = index;
            index += 1;
            let is_key = matches!(leaf, RawLeaf::Key(_));
            let (RawLeaf::Key(range) | RawLeaf::Text(range)) = leaf else { return };
            let string = JsonString::read(json.get(range.clone()).unwrap_or_default());
            let to_body = |inner: Range<usize>| {
                let raw = string.raw_range(inner);
                to_body(range.start + raw.start..range.start + raw.end)
            };
            let text = string.text.as_ref();
            if self.known.is_none() {
                self.pass.see_text(text);
            }
            if depth < MAX_NESTING && looks_like_json(text) && walk(text.as_bytes(), |_, _| {}).is_ok() {
                return self.read(text, depth + 1, None, &to_body);
            }
            let mut spans = match found {
                Some(by_leaf) => by_leaf.get(&own_index).cloned().unwrap_or_default(),
                None => self.scanned(pointer, text),
            };
            if let Some(known) = self.known.as_ref().filter(|_| !is_key && !is_api_word(pointer)) {
                spans.extend(known.spans(text));
            }
            for span in disjoint(text, spans) {
                let value = text.get(span.range.clone()).unwrap_or_default();
                if !self.is_encoded(span.entity, value) {
                    self.pass.see_value(span.entity, value);
                    let range = to_body(span.range);
                    self.edits.push(Edit { range, entity: span.entity, value: value.to_owned() });
                }
            }
        });
    }

    fn scanned(&self, pointer: &str, text: &str) -> Vec<Span> {
        let findings = self.detector.scan(&[TextSegment::new(pointer_end(pointer), text)]);
        spans_by_leaf(&findings, self.policy).remove(&0).unwrap_or_default()
    }

    /// Whether the value is written in some encoding, so that what stands there is not the value itself. Many a number
    /// would do as base64: only what it decodes to tells.
    fn is_encoded(&self, entity: Entity, value: &str) -> bool {
        let mut is_blob = false;
        blobs::find(value, |blob| {
            let findings = self.detector.scan(&[TextSegment::new("", blob.text.as_str())]);
            is_blob |= blob.range == (0..value.len()) && findings.iter().any(|finding| finding.entity == entity);
        });
        is_blob || escapes::decode(value).is_some()
    }

    fn apply(mut self, json: &str, masked: &mut BTreeMap<Entity, u32>) -> Result<Vec<u8>, MaskError> {
        let mut body = String::with_capacity(json.len() + 8 * self.edits.len());
        let mut copied = 0;
        for edit in &self.edits {
            let token = self.pass.token(edit.entity, &edit.value)?;
            body.push_str(json.get(copied..edit.range.start).ok_or(MaskError::NotMaskable)?);
            // A token is made of characters that no string of JSON escapes, however deep.
            body.push_str(token.as_str());
            copied = edit.range.end;
            let count: &mut u32 = masked.entry(edit.entity).or_default();
            *count = count.saturating_add(1);
        }
        body.push_str(json.get(copied..).ok_or(MaskError::NotMaskable)?);
        Ok(body.into_bytes())
    }
}

fn is_api_word(pointer: &str) -> bool {
    API_WORDS.iter().any(|member| pointer.ends_with(member))
}

/// The body stays out of logs.
impl fmt::Debug for MaskedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MaskedBody").field("masked", &self.masked).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;
