//! A second stage behind the rules: a model that reads what no rule can, injected through a trait.
//!
//! It has a budget of time. A classifier that errs, panics (the caller of a scan sees to that) or takes longer makes the
//! scan incomplete, and an incomplete scan is sensitive: a slow second stage costs speed, never privacy.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::pii::{Entity, Finding, TextSegment};

/// What a classifier says about a part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classified {
    /// What it is.
    pub entity: Entity,
    /// Index of the segment.
    pub segment: usize,
    /// Bytes of the segment's text; moved outward to character boundaries where it lies inside one.
    pub span: Range<usize>,
    /// In percent.
    pub score: u8,
}

/// Why a classifier has no answer. Holds nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the classifier failed")]
pub struct ClassifierError;

/// Reads texts after the rules have.
pub trait Classifier: Send + Sync {
    /// Everything it finds in `segments`. `deadline` is when its answer stops being of use.
    ///
    /// # Errors
    /// There is no answer; the texts then count as sensitive.
    fn classify(&self, segments: &[TextSegment<'_>], deadline: Instant) -> Result<Vec<Classified>, ClassifierError>;
}

/// A classifier and how long it may take for one scan.
#[derive(Clone)]
pub struct SecondStage {
    /// The classifier.
    pub classifier: Arc<dyn Classifier>,
    /// Past this a text counts as sensitive.
    pub budget: Duration,
    /// The clock.
    pub now: fn() -> Instant,
}

impl fmt::Debug for SecondStage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecondStage").field("budget", &self.budget).finish_non_exhaustive()
    }
}

impl SecondStage {
    /// What the classifier found in time; `None` makes the scan incomplete.
    pub(crate) fn run(&self, segments: &[TextSegment<'_>]) -> Option<Vec<Finding>> {
        let deadline = (self.now)() + self.budget;
        let classified = self.classifier.classify(segments, deadline).ok()?;
        if (self.now)() > deadline {
            return None;
        }
        classified.iter().map(|one| finding(segments, one)).collect()
    }
}

/// `None` when the classifier speaks of a place that does not exist: then nothing it says is believed.
fn finding(segments: &[TextSegment<'_>], classified: &Classified) -> Option<Finding> {
    let text = segments.get(classified.segment)?.text.as_ref();
    let Range { start, end } = classified.span.clone();
    if start >= end || end > text.len() {
        return None;
    }
    Some(Finding {
        entity: classified.entity,
        segment: classified.segment,
        span: text.floor_char_boundary(start)..text.ceil_char_boundary(end),
        score: classified.score,
        rule: "classifier",
        context: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pii::Detector;

    struct Says(Result<Range<usize>, ClassifierError>);

    impl Classifier for Says {
        fn classify(&self, _: &[TextSegment<'_>], _: Instant) -> Result<Vec<Classified>, ClassifierError> {
            let span = self.0.clone()?;
            Ok(vec![Classified { entity: Entity::Person, segment: 0, span, score: 80 }])
        }
    }

    fn scanned(says: Result<Range<usize>, ClassifierError>, budget: Duration, now: fn() -> Instant) -> (usize, bool) {
        let stage = SecondStage { classifier: Arc::new(Says(says)), budget, now };
        let detector = Detector::with(&[], Some(stage)).unwrap();
        let findings = detector.scan(&[TextSegment::new("", "то да сё")]);
        assert!(findings.iter().all(|finding| finding.rule != "classifier" || finding.span == (0..4)));
        (findings.len(), findings.is_complete())
    }

    /// A clock that is a second later whenever it is asked.
    fn slow_clock() -> Instant {
        use std::sync::OnceLock;
        use std::sync::atomic::{AtomicU64, Ordering};
        static START: OnceLock<Instant> = OnceLock::new();
        static SECONDS: AtomicU64 = AtomicU64::new(0);
        *START.get_or_init(Instant::now) + Duration::from_secs(SECONDS.fetch_add(1, Ordering::Relaxed))
    }

    #[test]
    fn findings_count_and_failures_make_the_scan_incomplete() {
        let hour = Duration::from_hours(1);
        assert_eq!(scanned(Ok(0..3), hour, Instant::now), (1, true));
        assert_eq!(scanned(Err(ClassifierError), hour, Instant::now), (0, false));
        assert_eq!(scanned(Ok(0..99), hour, Instant::now), (0, false));
        assert_eq!(scanned(Ok(0..3), Duration::from_millis(500), slow_clock), (0, false));
    }
}
