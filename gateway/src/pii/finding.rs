//! What is scanned and what a scan says: places, rules and scores, never values.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use super::Entity;

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
    /// How sure the detector is, in percent.
    pub score: u8,
    /// The rule that found it, like `iin/check-digit`.
    pub rule: &'static str,
    /// The word beside it that spoke for it, as the word list spells it.
    pub context: Option<&'static str>,
}

/// What looked like an entity and was not taken for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// What it looked like.
    pub entity: Entity,
    /// Index of the segment.
    pub segment: usize,
    /// Bytes of the segment's text.
    pub span: Range<usize>,
    /// The rule that looked at it.
    pub rule: &'static str,
    /// Why it was not taken.
    pub reason: &'static str,
}

/// Everything that a scan found, ordered by segment and position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    list: Vec<Finding>,
    complete: bool,
}

impl<'a> TextSegment<'a> {
    /// A piece of text and the JSON pointer to it.
    pub fn new(pointer: impl Into<Cow<'a, str>>, text: impl Into<Cow<'a, str>>) -> Self {
        Self { pointer: pointer.into(), text: text.into() }
    }

    pub(crate) fn keys(&self) -> &str {
        keys_of(self.pointer.as_ref())
    }
}

/// The last two keys of a pointer: `{"client": {"iin": …}}`, `{"phones": ["…"]}`.
pub(crate) fn keys_of(pointer: &str) -> &str {
    let slash_before = |end: usize| memchr::memrchr(b'/', pointer.as_bytes().get(..end)?);
    let second = slash_before(pointer.len()).and_then(slash_before);
    let keys = second.map_or(pointer, |at| pointer.get(at..).unwrap_or(pointer));
    let is_short = keys.len() <= MAX_KEYS_LEN;
    if is_short { keys } else { "" }
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
    pub(crate) fn new(list: Vec<Finding>, complete: bool) -> Self {
        Self { list, complete }
    }

    /// Adds what a later scan found, whose segments are `numbered` among all.
    pub(crate) fn append(&mut self, later: Self, numbered: impl Fn(usize) -> usize) {
        self.list.extend(later.list.into_iter().map(|mut finding| {
            finding.segment = numbered(finding.segment);
            finding
        }));
        self.complete &= later.complete;
    }

    /// Drops what does not count.
    pub(crate) fn retain(&mut self, counts: impl FnMut(&Finding) -> bool) {
        self.list.retain(counts);
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
