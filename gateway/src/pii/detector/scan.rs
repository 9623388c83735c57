//! The scan of one segment: its view, then the views of what its escapes and blobs decode to, each
//! read by every recogniser. Work is bounded by a budget; what it did not reach is reported.

use std::borrow::Cow;
use std::ops::Range;

use super::budget::Budget;
use super::candidate::{Candidate, Found, Rejected, resolve};
use super::numbers::digit_run::DigitRun;
use super::recognisers::{Derived, Reading, Recognisers};
use super::text::Text;
use super::views::blobs::Blob;
use super::views::normalize::View;
use super::views::{blobs, escapes, invisible};
use crate::pii::placeholder;

/// How often decoded text is decoded again.
const MAX_DEPTH: usize = 2;

/// One segment being scanned.
pub(crate) struct SegmentScan<'d> {
    recognisers: Recognisers<'d>,
    /// The keys under which the text stood.
    keys: Cow<'d, str>,
    budget: Budget,
    /// In positions of the segment's own text.
    candidates: Vec<Candidate>,
    rejected: Option<Vec<Rejected>>,
    run: DigitRun,
}

/// What the scan of one segment found.
#[derive(Debug)]
pub(crate) struct SegmentFindings {
    /// By position.
    pub(crate) candidates: Vec<Candidate>,
    /// Empty unless it was asked for.
    pub(crate) rejected: Vec<Rejected>,
    /// Whether the budget sufficed.
    pub(crate) complete: bool,
}

impl<'d> SegmentScan<'d> {
    pub(crate) fn new(recognisers: Recognisers<'d>, keys: &'d str, text_len: usize) -> Self {
        Self {
            recognisers,
            keys: Cow::Borrowed(keys),
            budget: Budget::for_text(text_len),
            candidates: Vec::new(),
            rejected: None,
            run: DigitRun::default(),
        }
    }

    /// Keeps what was looked at and not taken.
    pub(crate) fn explained(mut self) -> Self {
        self.rejected = Some(Vec::new());
        self
    }

    /// Scans `text` in all its layers.
    pub(crate) fn run(self, text: &str) -> SegmentFindings {
        let recognisers = self.recognisers;
        let nothing = SegmentFindings { candidates: Vec::new(), rejected: Vec::new(), complete: false };
        run_all(recognisers, vec![(self, text)]).pop().unwrap_or(nothing)
    }

    /// `blanked` is the text, if it held placeholders.
    fn finish(mut self, blanked: Option<&str>) -> SegmentFindings {
        if let Some(text) = blanked {
            self.candidates.retain(|found| placeholder::has_text_beside(text, found.range.clone()));
        }
        SegmentFindings {
            candidates: merge_layers(self.candidates),
            rejected: self.rejected.unwrap_or_default(),
            complete: !self.budget.is_exhausted() && !self.recognisers.is_structured,
        }
    }

    /// Units of work that a scan of `text` costs, and whether the budget sufficed.
    #[cfg(test)]
    pub(crate) fn work(mut self, text: &str) -> (usize, bool) {
        let before = self.budget.left();
        self.layer(text, 0, &|range| range);
        (before - self.budget.left(), !self.budget.is_exhausted())
    }

    fn layer(&mut self, text: &str, depth: usize, to_source: &dyn Fn(Range<usize>) -> Range<usize>) {
        if !self.budget.spend(text.len()) {
            return;
        }
        let num_before = self.candidates.len();
        self.view(text, true, to_source);
        self.inner_layers(text, depth, num_before, to_source);
    }

    /// What stands inside a text whose own candidates begin at `num_before`.
    fn inner_layers(
        &mut self,
        text: &str,
        depth: usize,
        num_before: usize,
        to_source: &dyn Fn(Range<usize>) -> Range<usize>,
    ) {
        if depth == MAX_DEPTH || self.recognisers.is_structured {
            return;
        }
        let first = num_before..self.candidates.len();
        self.encoded(text, depth, Some(&first), to_source);
        // What cannot be seen is in nobody's way when an encoding is read.
        if depth == 0
            && let Some(visible) = invisible::without(text)
        {
            self.encoded(&visible.text, depth, None, &|range| to_source(visible.map.source_range(range)));
        }
    }

    /// What the escapes and blobs of a text decode to. `found` are the candidates in the text itself.
    fn encoded(
        &mut self,
        text: &str,
        depth: usize,
        found: Option<&Range<usize>>,
        to_source: &dyn Fn(Range<usize>) -> Range<usize>,
    ) {
        if let Some(decoded) = escapes::decode(text) {
            if depth == 0 && !self.budget.is_exhausted() {
                // Letters and digits of one escape are no value; what they stand for is read next. What only begins
                // with something like an escape is one: "LIKE '%77011234567%'".
                let mut index = 0;
                self.candidates.retain(|candidate| {
                    let is_of_text = found.is_some_and(|found| found.contains(&index));
                    index += 1;
                    !is_of_text || !decoded.map.is_inside_atomic(&candidate.range)
                });
            }
            self.layer(&decoded.text, depth + 1, &|range| to_source(decoded.map.encoded_range(range)));
        }
        blobs::find(text, |blob| self.blob(text, &blob, depth, to_source));
    }

    /// What is inside a blob. The words around it speak for that, and so do the keys under which it stands.
    fn blob(&mut self, text: &str, blob: &Blob, depth: usize, to_source: &dyn Fn(Range<usize>) -> Range<usize>) {
        let (before, after) = words_around(text, &blob.range);
        let around = [&self.keys, " ; ", before, " ; ", after].concat();
        let outer = std::mem::replace(&mut self.keys, Cow::Owned(around));
        self.layer(&blob.text, depth + 1, &|_| to_source(blob.range.clone()));
        self.keys = outer;
    }

    fn view(&mut self, source: &str, as_dictated: bool, to_source: &dyn Fn(Range<usize>) -> Range<usize>) {
        let view = View::new(source);
        let keys = std::mem::take(&mut self.keys);
        let text = Text::new(&view, self.recognisers.finder, &keys);
        let mut reading = Reading::new(text, &mut self.budget, self.rejected.is_some());
        self.recognisers.read(std::slice::from_mut(&mut reading), &mut self.run);
        let Reading { text, found, .. } = reading;
        let to_segment = |range| to_source(view.source_range(range));
        self.take(found, &to_segment);
        let derived = if as_dictated { self.recognisers.derived(&text) } else { Derived::default() };
        drop(text);
        self.keys = keys;
        self.derived(derived, &to_segment);
    }

    /// Takes what was found in a view.
    fn take(&mut self, found: Found, to_segment: &dyn Fn(Range<usize>) -> Range<usize>) {
        if let (Some(all), Some(rejected)) = (&mut self.rejected, found.rejected) {
            all.extend(rejected.into_iter().map(|it| Rejected { range: to_segment(it.range), ..it }));
        }
        let candidates = resolve(found.candidates).into_iter();
        self.candidates.extend(candidates.map(|it| Candidate { range: to_segment(it.range), ..it }));
    }

    fn derived(&mut self, derived: Derived, to_segment: &dyn Fn(Range<usize>) -> Range<usize>) {
        for other in derived.into_iter().flatten() {
            if self.budget.spend(other.text.len()) {
                self.view(&other.text, false, &|range| to_segment(other.map.source_range(range)));
            }
        }
    }
}

/// Scans segments that wait together, all of one detector.
pub(crate) fn run_all(recognisers: Recognisers<'_>, segments: Vec<(SegmentScan<'_>, &str)>) -> Vec<SegmentFindings> {
    let (mut scans, texts): (Vec<_>, Vec<_>) = segments.into_iter().unzip();
    // What stands for a masked value is no value, whatever the words beside it say.
    let texts: Vec<_> = texts.into_iter().map(placeholder::blank).collect();
    let views: Vec<_> = texts.iter().map(|text| View::new(text)).collect();
    let keys: Vec<_> = scans.iter_mut().map(|scan| std::mem::take(&mut scan.keys)).collect();
    let mut readings = Vec::with_capacity(scans.len());
    for ((scan, text), (view, keys)) in scans.iter_mut().zip(&texts).zip(views.iter().zip(&keys)) {
        scan.budget.spend(text.len());
        let text = Text::new(view, recognisers.finder, keys);
        readings.push(Reading::new(text, &mut scan.budget, scan.rejected.is_some()));
    }
    recognisers.read(&mut readings, &mut DigitRun::default());
    let read = readings.into_iter().map(|reading| (recognisers.derived(&reading.text), reading.found));
    let read: Vec<_> = read.collect();
    let of_segments = scans.into_iter().zip(keys).zip(texts.iter().zip(&views)).zip(read);
    let finished = of_segments.map(|(((scan, keys), (text, view)), (derived, found))| {
        let mut scan = SegmentScan { keys, ..scan };
        let to_segment = |range| view.source_range(range);
        scan.take(found, &to_segment);
        scan.derived(derived, &to_segment);
        scan.inner_layers(text, 0, 0, &|range| range);
        scan.finish(if let Cow::Owned(text) = text { Some(text) } else { None })
    });
    finished.collect()
}

/// As much of the text before and behind a blob as can speak for it.
fn words_around<'t>(text: &'t str, blob: &Range<usize>) -> (&'t str, &'t str) {
    const BEFORE: usize = 64;
    const AFTER: usize = 32;
    let before = text.get(text.ceil_char_boundary(blob.start.saturating_sub(BEFORE))..blob.start).unwrap_or_default();
    let end = text.floor_char_boundary(text.len().min(blob.end + AFTER));
    let after = text.get(blob.end..end).unwrap_or_default();
    (before, after)
}

/// The same value may be found in several layers: it is reported once, at its widest.
fn merge_layers(mut found: Vec<Candidate>) -> Vec<Candidate> {
    found.sort_by_key(|candidate| (candidate.entity, candidate.range.start, usize::MAX - candidate.range.end));
    let mut last = None;
    found.retain(|candidate| {
        let covered = last.is_some_and(|(other, end)| other == candidate.entity && end >= candidate.range.end);
        if !covered {
            last = Some((candidate.entity, candidate.range.end));
        }
        !covered
    });
    found.sort_by_key(|candidate| (candidate.range.start, candidate.range.end, candidate.entity));
    found
}
