//! Texts that wait to be scanned together, so that memory stays a fixed part of the body's own, and what was found in
//! those before.

use super::joined::{Place, sources};
use crate::pii::{Detector, Entity, Finding, Findings, Policy, Rejection, TextSegment};

pub(crate) const BATCH_PIECES: usize = 1024;
const BATCH_BYTES: usize = 1 << 20;
/// The number of a text that is no leaf of the body itself.
pub(crate) const NO_LEAF: usize = usize::MAX;

/// An explanation is for people: more than this nobody reads.
const MAX_EXPLAINED: usize = 10_000;

/// Where everything stands, for people.
#[derive(Debug, Default)]
pub(crate) struct Explanation {
    /// JSON pointers and texts of the leaves.
    pub(crate) leaves: Vec<(String, String)>,
    /// As in the texts, and those of joined neighbours at the places where their parts stand.
    pub(crate) findings: Vec<Finding>,
    pub(crate) rejections: Vec<Rejection>,
}

/// A value that stands in several leaves, and where. Masking what is known of one of them must not hide it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Split {
    pub(crate) finding: Finding,
    pub(crate) sources: Vec<(usize, std::ops::Range<usize>)>,
    /// Two speakers, or a new word begins where the leaves meet without a space: they hardly belong together.
    pub(crate) is_doubtful: bool,
}

/// A text that waits.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) pointer: String,
    pub(crate) text: String,
    pub(crate) leaf: usize,
    /// Of joined texts: where their parts come from.
    pub(crate) places: Vec<Place>,
    /// Findings that end before this byte are not this text's.
    pub(crate) from: usize,
    /// Joined texts of two messages.
    pub(crate) is_turn: bool,
    /// Of two speakers.
    pub(crate) is_dialogue: bool,
    /// Of a file's text: the leaf that it is encoded in, and where.
    pub(crate) file: Option<(usize, std::ops::Range<usize>)>,
}

impl Waiting {
    pub(crate) fn new(pointer: &str, text: &str, leaf: usize) -> Self {
        Self {
            pointer: pointer.to_owned(),
            text: text.to_owned(),
            leaf,
            places: Vec::new(),
            from: 0,
            is_turn: false,
            is_dialogue: false,
            file: None,
        }
    }

    /// A value of which only the next message says what it is: "N75758761", "это номер моего паспорта".
    fn is_told_later(&self, finding: &Finding, detector: &Detector) -> bool {
        if !self.is_turn {
            return false;
        }
        let before = self.text.get(..self.from).unwrap_or_default();
        let found = detector.scan(&[TextSegment::new(self.pointer.as_str(), before)]);
        let overlaps = |known: &Finding| known.span.start < finding.span.end && finding.span.start < known.span.end;
        !found.iter().any(|known| known.entity == finding.entity && overlaps(known))
    }

    /// A name that is whole at the end of one message has nothing to do with the capital that begins the next.
    fn is_ended_name(&self, finding: &Finding, detector: &Detector) -> bool {
        let end = self.text.get(..self.from).unwrap_or_default().trim_end().len();
        let goes_on = self.is_turn && finding.entity == Entity::Person && finding.span.start < end;
        if !goes_on {
            return false;
        }
        let before = self.text.get(..end).unwrap_or_default();
        let found = detector.scan(&[TextSegment::new(self.pointer.as_str(), before)]);
        found.iter().any(|name| name.entity == Entity::Person && name.span == (finding.span.start..end))
    }

    /// Whether, at a place inside `span` where parts meet, a capital or another script follows a letter at once.
    fn is_glued(&self, span: &std::ops::Range<usize>) -> bool {
        self.places.iter().filter(|place| span.start < place.at && place.at < span.end).any(|place| {
            let before = self.text.get(..place.at).and_then(|text| text.chars().next_back());
            let after = self.text.get(place.at..).and_then(|text| text.chars().next());
            let (Some(before), Some(after)) = (before, after) else { return false };
            let is_capital = after.is_uppercase() && !before.is_uppercase();
            let is_other_script = before.is_ascii() != after.is_ascii();
            before.is_alphanumeric() && after.is_alphabetic() && (is_capital || is_other_script)
        })
    }

    /// The leaves' own places of a range of this text.
    fn sources(&self, finding: &Finding) -> Vec<(usize, std::ops::Range<usize>)> {
        if let Some(file) = &self.file {
            vec![file.clone()]
        } else if self.leaf == NO_LEAF {
            sources(&self.places, &finding.span)
        } else {
            vec![(self.leaf, finding.span.clone())]
        }
    }
}

/// Pointers and texts that wait, and what was found in those before.
#[derive(Debug)]
pub(crate) struct Batch<'p> {
    /// What decides about the findings, where that is known.
    policy: Option<&'p Policy>,
    waiting: Vec<Waiting>,
    waiting_bytes: usize,
    num_scanned: usize,
    findings: Findings,
    split: Vec<Split>,
}

impl<'p> Batch<'p> {
    pub(crate) fn new(policy: Option<&'p Policy>) -> Self {
        let findings = Findings::new(Vec::new(), true);
        Self { policy, waiting: Vec::new(), waiting_bytes: 0, num_scanned: 0, findings, split: Vec::new() }
    }

    pub(crate) fn push(&mut self, waiting: Waiting, detector: &Detector, explanation: &mut Option<Explanation>) {
        self.waiting_bytes += waiting.text.len();
        self.waiting.push(waiting);
        if self.waiting.len() >= BATCH_PIECES || self.waiting_bytes >= BATCH_BYTES {
            self.flush(detector, explanation);
        }
    }

    fn flush(&mut self, detector: &Detector, explanation: &mut Option<Explanation>) {
        let segments: Vec<_> =
            self.waiting.iter().map(|one| TextSegment::new(one.pointer.as_str(), one.text.as_str())).collect();
        let (mut found, rejections) = match explanation {
            Some(_) => detector.explain(&segments),
            None => (detector.scan_for(&segments, self.policy, |finding| self.is_new(finding)), Vec::new()),
        };
        found.retain(|finding| {
            let waiting = self.waiting.get(finding.segment);
            waiting.is_some_and(|one| {
                let is_new = self.is_new(finding) || one.is_told_later(finding, detector);
                is_new && !one.is_ended_name(finding, detector)
            })
        });
        for finding in &found {
            let Some(joined) = self.waiting.get(finding.segment).filter(|one| !one.places.is_empty()) else { continue };
            let sources = joined.sources(finding);
            if sources.len() > 1 {
                // Of other values than words a capital or another script may stand in the middle.
                let is_of_words = matches!(finding.entity, Entity::Person | Entity::Address);
                let is_doubtful = joined.is_dialogue || is_of_words && joined.is_glued(&finding.span);
                self.split.push(Split { finding: finding.clone(), sources, is_doubtful });
            }
        }
        if let Some(explanation) = explanation {
            self.explain(&found, rejections, explanation);
        }
        let waiting = &self.waiting;
        let numbered = |segment: usize| {
            let leaf = waiting.get(segment).map_or(NO_LEAF, |one| one.leaf);
            if leaf == NO_LEAF { self.num_scanned + segment } else { leaf }
        };
        self.findings.append(found, numbered);
        self.num_scanned += segments.len();
        self.waiting.clear();
        self.waiting_bytes = 0;
    }

    /// Whether a finding ends in what its text has beyond the one before.
    fn is_new(&self, finding: &Finding) -> bool {
        self.waiting.get(finding.segment).is_some_and(|one| finding.span.end > one.from)
    }

    fn explain(&self, found: &Findings, rejections: Vec<Rejection>, explanation: &mut Explanation) {
        for finding in found {
            let Some(waiting) = self.waiting.get(finding.segment) else { continue };
            for (leaf, span) in waiting.sources(finding).into_iter().filter(|(leaf, _)| *leaf != NO_LEAF) {
                let is_known = |known: &Finding| {
                    let overlaps = known.span.start < span.end && span.start < known.span.end;
                    known.segment == leaf && overlaps && (waiting.file.is_none() || known.entity == finding.entity)
                };
                let is_new = waiting.leaf != NO_LEAF || !explanation.findings.iter().any(is_known);
                if is_new && explanation.findings.len() < MAX_EXPLAINED {
                    explanation.findings.push(Finding { segment: leaf, span, ..finding.clone() });
                }
            }
        }
        for rejection in rejections {
            let leaf = self.waiting.get(rejection.segment).map_or(NO_LEAF, |one| one.leaf);
            if leaf != NO_LEAF {
                explanation.rejections.push(Rejection { segment: leaf, ..rejection });
            }
        }
    }

    /// What was found, and which of it stands in several leaves.
    pub(crate) fn finish(
        mut self,
        detector: &Detector,
        explanation: &mut Option<Explanation>,
    ) -> (Findings, Vec<Split>) {
        self.flush(detector, explanation);
        (self.findings, self.split)
    }
}
