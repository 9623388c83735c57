//! The scan of one segment: its view, then the views of what its escapes and blobs decode to, each
//! read by every recogniser. Work is bounded by a budget; what it did not reach is reported.

use std::ops::Range;

use super::budget::Budget;
use super::candidate::resolve;
use super::context::ContextFinder;
use super::digit_run::DigitRun;
use super::normalize::View;
use super::reading::Reading;
use super::{Entity, blobs, escapes};

/// How often decoded text is decoded again.
const MAX_DEPTH: usize = 2;

/// One segment being scanned.
pub(super) struct SegmentScan<'d> {
    finder: &'d ContextFinder,
    /// The keys under which the text stood.
    keys: &'d str,
    budget: Budget,
    found: Vec<(Entity, Range<usize>)>,
    run: DigitRun,
}

impl<'d> SegmentScan<'d> {
    pub(super) fn new(finder: &'d ContextFinder, keys: &'d str, text_len: usize) -> Self {
        Self { finder, keys, budget: Budget::for_text(text_len), found: Vec::new(), run: DigitRun::default() }
    }

    /// Scans `text` in all its layers and returns what was found, by position, and whether the
    /// budget sufficed.
    pub(super) fn run(mut self, text: &str) -> (Vec<(Entity, Range<usize>)>, bool) {
        self.layer(text, 0, &|range| range);
        let complete = !self.budget.is_exhausted();
        (merge_layers(self.found), complete)
    }

    /// Units of work that a scan of `text` costs, and whether the budget sufficed.
    #[cfg(test)]
    pub(super) fn work(mut self, text: &str) -> (usize, bool) {
        let before = self.budget.left();
        self.layer(text, 0, &|range| range);
        (before - self.budget.left(), !self.budget.is_exhausted())
    }

    fn layer(&mut self, text: &str, depth: usize, to_source: &dyn Fn(Range<usize>) -> Range<usize>) {
        if !self.budget.spend(text.len()) {
            return;
        }
        self.view(text, to_source);
        if depth == MAX_DEPTH {
            return;
        }
        if let Some(decoded) = escapes::decode(text) {
            self.layer(&decoded.text, depth + 1, &|range| to_source(decoded.map.source_range(range)));
        }
        blobs::find(text, |blob| {
            self.layer(&blob.text, depth + 1, &|_| to_source(blob.range.clone()));
        });
    }

    fn view(&mut self, text: &str, to_source: &dyn Fn(Range<usize>) -> Range<usize>) {
        let view = View::new(text);
        let reading = Reading::new(&view, self.finder, self.keys);
        let candidates = reading.candidates(&mut self.run, &mut self.budget);
        for candidate in resolve(candidates) {
            let range = to_source(view.source_range(candidate.range));
            self.found.push((candidate.entity, range));
        }
    }
}

/// The same value may be found in several layers: it is reported once, at its widest.
fn merge_layers(mut found: Vec<(Entity, Range<usize>)>) -> Vec<(Entity, Range<usize>)> {
    found.sort_unstable_by_key(|(entity, range)| (*entity, range.start, usize::MAX - range.end));
    let mut last: Option<(Entity, usize)> = None;
    found.retain(|(entity, range)| {
        let covered = last.is_some_and(|(other, end)| other == *entity && end >= range.end);
        if !covered {
            last = Some((*entity, range.end));
        }
        !covered
    });
    found.sort_unstable_by_key(|(entity, range)| (range.start, range.end, *entity));
    found
}
