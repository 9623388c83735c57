//! The scan of one segment: its view, then the views of what its escapes and blobs decode to, each
//! read by every recogniser. Work is bounded by a budget; what it did not reach is reported.

use std::borrow::Cow;
use std::ops::Range;

use super::address;
use super::budget::Budget;
use super::candidate::{Candidate, Found, Rejected, resolve};
use super::contact::{crypto, email, geo, handle, mac, network, spoken_email};
use super::context::finder::ContextFinder;
use super::custom;
use super::numbers::digit_run::DigitRun;
use super::numbers::reader;
use super::person;
use super::records;
use super::secret;
use super::text::Text;
use super::views::blobs::Blob;
use super::views::normalize::View;
use super::views::{blobs, comma_groups, dictated, escapes, invisible};
use crate::pii::placeholder;

/// How often decoded text is decoded again.
const MAX_DEPTH: usize = 2;

/// One segment being scanned.
pub(crate) struct SegmentScan<'d> {
    finder: &'d ContextFinder,
    custom: &'d [custom::Compiled],
    /// The keys under which the text stood.
    keys: Cow<'d, str>,
    budget: Budget,
    /// In positions of the segment's own text.
    candidates: Vec<Candidate>,
    rejected: Option<Vec<Rejected>>,
    run: DigitRun,
    is_structured: bool,
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
    pub(crate) fn new(
        finder: &'d ContextFinder,
        custom: &'d [custom::Compiled],
        keys: &'d str,
        text_len: usize,
    ) -> Self {
        Self {
            finder,
            custom,
            keys: Cow::Borrowed(keys),
            budget: Budget::for_text(text_len),
            candidates: Vec::new(),
            rejected: None,
            run: DigitRun::default(),
            is_structured: false,
        }
    }

    /// Keeps what was looked at and not taken.
    pub(crate) fn explained(mut self) -> Self {
        self.rejected = Some(Vec::new());
        self
    }

    /// Looks for values with a structure only; the scan then counts as incomplete.
    pub(crate) fn structured(mut self) -> Self {
        self.is_structured = true;
        self
    }

    /// Scans `text` in all its layers.
    pub(crate) fn run(mut self, text: &str) -> SegmentFindings {
        // What stands for a masked value is no value, whatever the words beside it say.
        let without_placeholders = placeholder::blank(text);
        self.layer(&without_placeholders, 0, &|range| range);
        if matches!(without_placeholders, Cow::Owned(_)) {
            self.candidates.retain(|found| placeholder::has_text_beside(&without_placeholders, found.range.clone()));
        }
        SegmentFindings {
            candidates: merge_layers(self.candidates),
            rejected: self.rejected.unwrap_or_default(),
            complete: !self.budget.is_exhausted() && !self.is_structured,
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
        if depth == MAX_DEPTH || self.is_structured {
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
        let text = Text::new(&view, self.finder, &keys);
        let mut found = Found { candidates: Vec::new(), rejected: self.rejected.take() };
        let num_old = found.rejected.as_ref().map_or(0, Vec::len);
        self.structured_values(&text, &mut found);
        if !self.is_structured {
            address::scan(&text, &mut self.budget, &mut found);
            spoken_email::scan(&text, &mut self.budget, &mut found);
            person::scan(&text, &mut self.budget, &mut found);
        }
        let to_segment = |range| to_source(view.source_range(range));
        for rejected in found.rejected.iter_mut().flat_map(|all| all.iter_mut().skip(num_old)) {
            rejected.range = to_segment(rejected.range.clone());
        }
        self.rejected = found.rejected;
        let derives = as_dictated && !self.is_structured;
        let dictated = if derives { dictated::decode(view.bytes(), text.tokens()) } else { None };
        let cut = if derives { comma_groups::decode(view.bytes()) } else { None };
        drop(text);
        self.keys = keys;
        for mut candidate in resolve(found.candidates) {
            candidate.range = to_segment(candidate.range);
            self.candidates.push(candidate);
        }
        for other in [dictated, cut].into_iter().flatten() {
            if self.budget.spend(other.text.len()) {
                self.view(&other.text, false, &|range| to_segment(other.map.source_range(range)));
            }
        }
    }

    fn structured_values(&mut self, text: &Text<'_>, found: &mut Found) {
        let budget = &mut self.budget;
        email::scan(text, budget, found);
        custom::scan(self.custom, text, budget, found);
        reader::scan(text, &mut self.run, budget, found);
        records::scan(text, budget, found);
        secret::scan(text, budget, found);
        network::scan(text, budget, found);
        mac::scan(text, budget, found);
        geo::scan(text, budget, found);
        crypto::scan(text, budget, found);
        handle::scan(text, budget, found);
    }
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
