//! Runs of digits in a view, with everything that writers and fonts put between and instead of
//! digits: up to three separators in a gap, look-alike letters for 0, 1 and 3. A run keeps where
//! groups begin and end, so that each recogniser can try every alignment to group borders and none
//! inside a longer group.

use std::ops::Range;

use super::digit_group::{Gap, Group, listing_mark, plus_before};
use super::digit_window::Window;
use crate::pii::detector::views::lookalike::{self, digit_at};
use crate::pii::detector::views::normalize::next_digit;

/// What is known about one digit of a run; a set of the bits below.
pub(crate) type Marks = u8;
/// A number may begin here.
const START: Marks = 1;
/// A number may end here.
const END: Marks = 2;
/// First digit after a separator.
pub(crate) const GROUP: Marks = 4;
/// Nothing, or a wide gap, stands before.
pub(crate) const ISOLATED_BEFORE: Marks = 8;
/// Nothing, or a wide gap, stands after.
pub(crate) const ISOLATED_AFTER: Marks = 16;
/// A letter that looks like this digit.
pub(crate) const LOOKALIKE: Marks = 32;
/// First digit after a single dot.
pub(crate) const DOTTED: Marks = 64;
/// A letter that hardly stands for anything but this digit among digits: О, l, З.
const PLAIN: Marks = 128;
/// True digits of a number that is written with such letters else.
const MIN_TRUE_DIGITS: usize = 1;

/// One digit: what it is, what is known about it, where it stands in the view.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Digit {
    pub(crate) value: u8,
    pub(crate) marks: Marks,
    pub(crate) from: usize,
    pub(crate) till: usize,
}

/// One run; its buffers are used again for the next.
#[derive(Debug, Default)]
pub(crate) struct DigitRun {
    digits: Vec<Digit>,
    values: Vec<u8>,
    has_lookalikes: bool,
    plus: Option<usize>,
}

impl DigitRun {
    /// Reads the run that holds the first digit at or after `at` and returns the position behind
    /// it, or `None` when no digit is left.
    pub(crate) fn read(&mut self, view: &[u8], at: usize) -> Option<usize> {
        self.clear();
        let first_digit = next_digit(view, at)?;
        let start = lookalike::leading(view, first_digit, at);
        self.plus = plus_before(view, start);
        let mut isolated_from = 0;
        let mut dotted = false;
        let mut end = first_digit + 1;
        let mut next = Group::read(view, start).or_else(|| Group::read(view, first_digit));
        while let Some(group) = next {
            self.push_group(view, &group, dotted);
            end = end.max(group.till);
            let gap = Gap::read(view, group.till);
            next = gap.as_ref().and_then(|gap| Group::read(view, gap.till));
            dotted = gap.as_ref().is_some_and(|gap| gap.dotted);
            if next.is_some() && gap.is_some_and(|gap| gap.wide) {
                self.mark_isolated(isolated_from);
                isolated_from = self.digits.len();
            }
        }
        self.mark_isolated(isolated_from);
        self.values.extend(self.digits.iter().map(|digit| digit.value));
        Some(end)
    }

    /// Reads the next run at or after `at` whose groups are all parted by one and the same listing mark, and returns
    /// the mark and the position behind it; `None` when there is none.
    pub(crate) fn read_listed(&mut self, view: &[u8], at: usize) -> Option<(u8, usize)> {
        let mut from = at;
        loop {
            let first = next_digit(view, from)?;
            let mut group = Group::read(view, first)?;
            self.clear();
            self.plus = plus_before(view, first);
            self.push_group(view, &group, false);
            let mut mark = None;
            while let Some((found, till)) = listing_mark(view, group.till)
                && mark.is_none_or(|mark| mark == found)
                && let Some(next) = Group::read(view, till)
            {
                mark = Some(found);
                self.push_group(view, &next, false);
                group = next;
            }
            let Some(mark) = mark else {
                from = group.till.max(first + 1);
                continue;
            };
            self.mark_isolated(0);
            self.values.extend(self.digits.iter().map(|digit| digit.value));
            return Some((mark, group.till));
        }
    }

    fn clear(&mut self) {
        self.digits.clear();
        self.values.clear();
        self.has_lookalikes = false;
    }

    pub(crate) fn len(&self) -> usize {
        self.digits.len()
    }

    /// Where a plus sign that is no addition stands before the run.
    pub(crate) fn plus(&self) -> Option<usize> {
        self.plus
    }

    /// Some digits of the run.
    pub(crate) fn digits(&self, indices: Range<usize>) -> &[Digit] {
        self.digits.get(indices).unwrap_or_default()
    }

    /// The values of some digits of the run.
    pub(crate) fn values(&self, indices: Range<usize>) -> &[u8] {
        self.values.get(indices).unwrap_or_default()
    }

    /// Where the run begins: with its look-alikes, and at its first true digit.
    pub(crate) fn starts(&self) -> (usize, usize) {
        let first = self.digits.first().map_or(0, |digit| digit.from);
        let true_first =
            self.digits.iter().find(|digit| digit.marks & LOOKALIKE == 0).map_or(first, |digit| digit.from);
        (first, true_first)
    }

    /// Where the run stands in the view.
    pub(crate) fn range(&self) -> Range<usize> {
        let from = self.digits.first().map_or(0, |digit| digit.from);
        from..self.digits.last().map_or(from, |digit| digit.till)
    }

    pub(crate) fn may_start(&self, first: usize) -> bool {
        self.has(first, START)
    }

    /// The `len` digits from `first` on, if both ends are borders and look-alikes do not dominate.
    pub(crate) fn window(&self, first: usize, len: usize) -> Option<Window<'_>> {
        let last = first + len.checked_sub(1)?;
        if !self.has(last, END) || !self.has(first, START) {
            return None;
        }
        if self.has_lookalikes {
            let digits = self.digits.get(first..=last)?;
            let count = |marks: Marks| digits.iter().filter(|digit| digit.marks & marks != 0).count();
            let lookalikes = count(LOOKALIKE);
            let are_drawn = count(PLAIN) == lookalikes && len - lookalikes >= MIN_TRUE_DIGITS;
            if lookalikes * 3 > len * 2 && !are_drawn {
                return None;
            }
        }
        Some(Window { run: self, first, len })
    }

    pub(crate) fn has(&self, index: usize, marks: Marks) -> bool {
        self.digits.get(index).is_some_and(|digit| digit.marks & marks == marks)
    }

    fn push_group(&mut self, view: &[u8], group: &Group, dotted: bool) {
        let mut position = group.from;
        while position < group.till {
            let Some((value, width)) = digit_at(view, position) else {
                break;
            };
            let mut marks = 0;
            if width != 1 || !view.get(position).is_some_and(u8::is_ascii_digit) {
                marks |= LOOKALIKE | if lookalike::is_plain(view, position) { PLAIN } else { 0 };
                self.has_lookalikes = true;
            }
            if position == group.from {
                marks |= START | GROUP;
                marks |= if dotted { DOTTED } else { 0 };
            }
            if position == group.core.start {
                marks |= START;
            }
            let till = position + width;
            if till == group.core.end || till == group.till {
                marks |= END;
            }
            self.digits.push(Digit { value, marks, from: position, till });
            position = till;
        }
    }

    /// Marks both ends of the digits from `from` on, and the outermost true digits as well: a
    /// look-alike at an end may have been a word.
    fn mark_isolated(&mut self, from: usize) {
        let Some(part) = self.digits.get_mut(from..) else {
            return;
        };
        if let Some(first) = part.first_mut() {
            first.marks |= ISOLATED_BEFORE;
        }
        if let Some(last) = part.last_mut() {
            last.marks |= ISOLATED_AFTER;
        }
        let is_true = |digit: &&mut Digit| digit.marks & LOOKALIKE == 0;
        if let Some(first) = part.iter_mut().find(is_true) {
            first.marks |= ISOLATED_BEFORE;
        }
        if let Some(last) = part.iter_mut().rev().find(is_true) {
            last.marks |= ISOLATED_AFTER;
        }
    }
}
