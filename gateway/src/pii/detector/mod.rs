//! Reads texts and says where in them personal data stands.
//!
//! One segment is folded into a view (`views`), read by the recognisers (`numbers`, `contact`, `records`; `context` hears what the
//! words around say), and read again as what its escapes and blobs decode to. `candidate` decides between readings of the
//! same place, `scan` is the order of all this.

mod address;
mod budget;
mod candidate;
mod classifier;
mod contact;
mod context;
mod custom;
pub(crate) mod memo;
mod numbers;
mod person;
mod quiet_words;
mod recognisers;
mod records;
mod scan;
mod secret;
mod seen;
#[cfg(test)]
mod tests;
mod text;
pub(crate) mod views;
mod word_list;

use std::fmt;

pub use classifier::{Classified, Classifier, ClassifierError, SecondStage};
pub use custom::{CustomCheck, CustomRecognizer, CustomRecognizerError, check_recognizer};

use context::finder::ContextFinder;
use recognisers::Recognisers;
use scan::{SegmentFindings, SegmentScan, run_all};
use seen::{Place, Seen};

use super::{Entity, Finding, Findings, Policy, Rejection, TextSegment};

/// Segments that are read together, and bytes of them after which no further one joins: their views, words and findings
/// are to stay in the caches.
const MAX_TOGETHER: usize = 32;
const MAX_BYTES_TOGETHER: usize = 8 << 10;

/// Finds entities in text. Building one compiles the context words; scanning takes `&self` and may
/// run on many threads at once.
pub struct Detector {
    context: ContextFinder,
    custom: Vec<custom::Compiled>,
    seen: Seen,
    second_stage: Option<SecondStage>,
    /// Only values with a structure are looked for.
    is_structured: bool,
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
    /// A recogniser of the configuration.
    #[error(transparent)]
    Custom(#[from] CustomRecognizerError),
}

impl fmt::Debug for Detector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Detector").finish_non_exhaustive()
    }
}

impl Detector {
    /// A detector for every built-in [`Entity`](super::Entity).
    ///
    /// # Errors
    /// When the automaton of the context words cannot be built.
    pub fn new() -> Result<Self, DetectorError> {
        Self::with(&[], None)
    }

    /// A detector that also knows the entities of a configuration, and asks a second stage.
    ///
    /// # Errors
    /// As [`Self::new`], and when a recogniser cannot be used.
    pub fn with(custom: &[CustomRecognizer], second_stage: Option<SecondStage>) -> Result<Self, DetectorError> {
        let context = ContextFinder::new().map_err(|source| DetectorError::ContextWords { source })?;
        Ok(Self { context, custom: custom::compile(custom)?, seen: Seen::new(), second_stage, is_structured: false })
    }

    /// The same without names, addresses and what is dictated or encoded: for measuring what each part costs. Its
    /// findings are never complete, so that nothing is cleared by them.
    #[must_use]
    pub fn structured(&self) -> Self {
        let (context, custom) = (self.context.clone(), self.custom.clone());
        Self { context, custom, seen: Seen::new(), second_stage: None, is_structured: true }
    }

    /// Whether a scan asks a second stage, which may take its time.
    #[must_use]
    pub fn has_second_stage(&self) -> bool {
        self.second_stage.is_some()
    }

    /// True if the rules find nothing at all in a text that stands for itself, like a name; no second stage is asked.
    #[must_use]
    pub fn is_clean(&self, text: &str) -> bool {
        let place = if self.custom.is_empty() { self.seen.place("", text) } else { None };
        if place.as_ref().is_some_and(Place::is_clean) {
            return true;
        }
        let found = self.segment(&TextSegment::new("", text)).run(text);
        let is_clean = found.complete && findings(found, 0).next().is_none();
        if let Some(place) = place.filter(|_| is_clean) {
            place.remember();
        }
        is_clean
    }

    /// True for a short text of which a scan is known to find nothing, since it found nothing before: it need not be
    /// handed over at all. Never true where a second stage wants to see every text.
    pub(crate) fn is_known_clean(&self, keys: &str, text: &str) -> bool {
        let asks_nobody = self.custom.is_empty() && self.second_stage.is_none();
        asks_nobody && self.seen.place(keys, text).is_some_and(|place| place.is_clean())
    }

    /// Scans every segment. Never fails: what could not be looked at makes the findings incomplete.
    #[must_use]
    pub fn scan(&self, segments: &[TextSegment<'_>]) -> Findings {
        self.scan_for(segments, None, |_| true)
    }

    /// As [`Self::scan`], but without asking the second stage where what the rules found decides alone, as far as it
    /// `counts`.
    #[must_use]
    pub fn scan_for(
        &self,
        segments: &[TextSegment<'_>],
        policy: Option<&Policy>,
        counts: impl Fn(&Finding) -> bool,
    ) -> Findings {
        let mut list = Vec::new();
        let mut complete = true;
        let mut from = 0;
        while from < segments.len() {
            let (found, behind) = self.some(segments, from);
            for (index, found) in found {
                complete &= found.complete;
                list.extend(findings(found, index));
            }
            from = behind;
        }
        if self.second_stage.is_some()
            && let Some(policy) = policy
        {
            // A name at the end of one message and the beginning of the next may turn out to be none.
            let lasts = |finding: &&Finding| finding.entity != Entity::Person && counts(finding);
            let lasting = list.iter().filter(lasts).cloned().collect();
            if policy.is_decided_by(&Findings::new(lasting, complete)) {
                return Findings::new(list, complete);
            }
        }
        self.classified(segments, list, complete)
    }

    /// What stands in a few segments, and the place behind them.
    fn some(&self, segments: &[TextSegment<'_>], from: usize) -> (Vec<(usize, SegmentFindings)>, usize) {
        let mut scans = Vec::new();
        let mut places = Vec::new();
        let mut bytes = 0;
        let mut at = from;
        while let Some(segment) = segments.get(at).filter(|_| scans.len() < MAX_TOGETHER && bytes < MAX_BYTES_TOGETHER)
        {
            // To a recogniser of the configuration an index may say something.
            let place = if self.custom.is_empty() { self.seen.place(segment.keys(), &segment.text) } else { None };
            if !place.as_ref().is_some_and(Place::is_clean) {
                bytes += segment.text.len();
                scans.push((self.segment(segment), &*segment.text));
                places.push((at, place));
            }
            at += 1;
        }
        let found = run_all(self.recognisers(), scans).into_iter().zip(places).map(|(found, (index, place))| {
            if let Some(place) = place.filter(|_| found.complete && found.candidates.is_empty()) {
                place.remember();
            }
            (index, found)
        });
        (found.collect(), at)
    }

    /// As [`Self::scan`], and what looked like an entity and was not taken for one.
    #[must_use]
    pub fn explain(&self, segments: &[TextSegment<'_>]) -> (Findings, Vec<Rejection>) {
        let mut list = Vec::new();
        let mut rejections = Vec::new();
        let mut complete = true;
        for (index, segment) in segments.iter().enumerate() {
            let mut found = self.segment(segment).explained().run(&segment.text);
            complete &= found.complete;
            rejections.extend(std::mem::take(&mut found.rejected).into_iter().map(|rejected| Rejection {
                entity: rejected.entity,
                segment: index,
                span: rejected.range,
                rule: rejected.rule,
                reason: rejected.reason,
            }));
            list.extend(findings(found, index));
        }
        (self.classified(segments, list, complete), rejections)
    }

    /// Adds what the second stage finds.
    fn classified(&self, segments: &[TextSegment<'_>], mut list: Vec<Finding>, mut complete: bool) -> Findings {
        if let Some(stage) = &self.second_stage {
            match stage.run(segments) {
                Some(found) => list.extend(found),
                None => complete = false,
            }
            list.sort_by_key(|finding| (finding.segment, finding.span.start, finding.span.end));
        }
        Findings::new(list, complete)
    }

    fn segment<'s>(&'s self, segment: &'s TextSegment<'_>) -> SegmentScan<'s> {
        SegmentScan::new(self.recognisers(), segment.keys(), segment.text.len())
    }

    fn recognisers(&self) -> Recognisers<'_> {
        Recognisers { finder: &self.context, custom: &self.custom, is_structured: self.is_structured }
    }
}

fn findings(found: SegmentFindings, segment: usize) -> impl Iterator<Item = Finding> {
    found.candidates.into_iter().map(move |candidate| Finding {
        entity: candidate.entity,
        segment,
        span: candidate.range,
        score: candidate.score,
        rule: candidate.rule,
        context: candidate.context,
    })
}
