//! Finds personal data in the text of a request and decides what may happen to it.
//!
//! Pure: no I/O, no clock, no global state. What always holds: a scan looks at every byte of every
//! segment or says that it is not complete; it never errs and never skips; findings carry places,
//! never values; work is linear in the input and bounded by a budget.
//!
//! One segment is folded into a view (`normalize`, `fold`, `offset_map`), read by the recognisers
//! (`digit_run` and its parts feed `iin`, `card`, `phone`, `iban`; `email` and `domain` stand alone; `context`
//! hears both), and read again as what its escapes and blobs decode to (`escapes`, `blobs`).

mod blobs;
mod body_text;
mod budget;
mod calling_codes;
mod candidate;
mod card;
mod checks;
mod context;
mod context_words;
mod digit_group;
mod digit_run;
mod digit_window;
mod domain;
mod email;
mod entity;
mod escapes;
mod fold;
mod iban;
mod iin;
mod joined;
mod lookalike;
mod normalize;
mod offset_map;
mod phone;
mod policy;
mod reading;
mod scan;
mod screened;
#[cfg(test)]
mod tests;
mod unreadable;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

pub use entity::{Entity, UnknownEntity};
pub use policy::{Action, Decision, Policy, Verdict};
pub use screened::{Blocked, Cleared, ConfineReason, Confined, ScanSummary, ScreenError, Screened, screen};

use context::ContextFinder;
use scan::SegmentScan;

/// One piece of text of a request and where it stood.
#[derive(Clone)]
pub struct TextSegment<'a> {
    /// JSON pointer, like `/messages/0/content`. Its last keys count as words beside the text.
    pub pointer: Cow<'a, str>,
    /// The text, with its JSON escapes already taken back.
    pub text: Cow<'a, str>,
}

/// A value that was found: what it is and where, never the value itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was found.
    pub entity: Entity,
    /// Index of the segment among those that were scanned.
    pub segment: usize,
    /// Bytes of the segment's text, on character boundaries. A value inside a blob (base64, hex)
    /// has the span of the blob.
    pub span: Range<usize>,
}

/// Everything that a scan found, ordered by segment and position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    list: Vec<Finding>,
    complete: bool,
}

/// Finds entities in text. Building one compiles the context words; scanning takes `&self` and may
/// run on many threads at once.
pub struct Detector {
    context: ContextFinder,
}

/// Why a detector could not be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DetectorError {
    /// The automaton of the context words.
    #[error("failed to compile the context words")]
    ContextWords {
        /// What the automaton's builder said.
        #[source]
        source: aho_corasick::BuildError,
    },
}

impl<'a> TextSegment<'a> {
    /// A piece of text and the JSON pointer to it.
    pub fn new(pointer: impl Into<Cow<'a, str>>, text: impl Into<Cow<'a, str>>) -> Self {
        Self { pointer: pointer.into(), text: text.into() }
    }

    /// The last two keys of the pointer: `{"client": {"iin": …}}`, `{"phones": ["…"]}`.
    fn keys(&self) -> &str {
        let pointer = self.pointer.as_ref();
        let second = pointer.rmatch_indices('/').nth(1);
        let keys = second.map_or(pointer, |(at, _)| pointer.get(at..).unwrap_or(pointer));
        let is_short = keys.len() <= MAX_KEYS_LEN;
        if is_short { keys } else { "" }
    }
}

/// Longer keys are text of their own, which the caller scans as such.
const MAX_KEYS_LEN: usize = 256;

/// The text stays out of logs.
impl fmt::Debug for TextSegment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextSegment")
            .field("pointer_len", &self.pointer.len())
            .field("text_len", &self.text.len())
            .finish()
    }
}

impl Findings {
    fn new(list: Vec<Finding>, complete: bool) -> Self {
        Self { list, complete }
    }

    /// Adds what a later scan found, before which `num_before` segments stand.
    fn append(&mut self, later: Self, num_before: usize) {
        self.list.extend(later.list.into_iter().map(|mut finding| {
            finding.segment += num_before;
            finding
        }));
        self.complete &= later.complete;
    }

    /// Whether every byte was looked at by every recogniser. If not, the text counts as sensitive.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether nothing was found; says nothing about an incomplete scan.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many findings there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The findings by segment and position.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.list.iter()
    }

    /// How often each entity was found; entities that were not found are absent.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Entity, u32> {
        let mut counts = BTreeMap::new();
        for finding in &self.list {
            let count: &mut u32 = counts.entry(finding.entity).or_default();
            *count = count.saturating_add(1);
        }
        counts
    }
}

impl<'f> IntoIterator for &'f Findings {
    type Item = &'f Finding;
    type IntoIter = std::slice::Iter<'f, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detector").finish_non_exhaustive()
    }
}

impl Detector {
    /// A detector for every [`Entity`].
    ///
    /// # Errors
    /// When the automaton of the context words cannot be built.
    pub fn new() -> Result<Self, DetectorError> {
        let context = ContextFinder::new().map_err(|source| DetectorError::ContextWords { source })?;
        Ok(Self { context })
    }

    /// True if nothing at all is found in a text that stands for itself.
    #[must_use]
    pub fn is_clean(&self, text: &str) -> bool {
        let findings = self.scan(&[TextSegment::new("", text)]);
        findings.is_empty() && findings.is_complete()
    }

    /// Scans every segment. Never fails: what could not be looked at makes the findings incomplete.
    #[must_use]
    pub fn scan(&self, segments: &[TextSegment<'_>]) -> Findings {
        let mut list = Vec::new();
        let mut complete = true;
        for (index, segment) in segments.iter().enumerate() {
            let scan = SegmentScan::new(&self.context, segment.keys(), segment.text.len());
            let (found, finished) = scan.run(&segment.text);
            complete &= finished;
            list.extend(found.into_iter().map(|(entity, span)| Finding { entity, segment: index, span }));
        }
        Findings::new(list, complete)
    }
}
