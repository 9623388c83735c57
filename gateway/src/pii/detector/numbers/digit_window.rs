//! A part of a digit run that may be one number, and how it is written.

use std::ops::Range;

use super::digit_run::{DOTTED, DigitRun, GROUP, ISOLATED_AFTER, ISOLATED_BEFORE, LOOKALIKE};

/// Consecutive digits of a run that begin and end at borders.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'r> {
    pub(crate) run: &'r DigitRun,
    pub(crate) first: usize,
    pub(crate) len: usize,
}

impl<'r> Window<'r> {
    /// The digits as values 0–9.
    pub(crate) fn digits(&self) -> &'r [u8] {
        self.run.values(self.indices())
    }

    /// Where the window stands in the view, with its plus sign.
    pub(crate) fn range(&self) -> Range<usize> {
        let digits = self.run.digits(self.indices());
        let first = digits.first().map_or(0, |digit| digit.from);
        let end = digits.last().map_or(first, |digit| digit.till);
        self.plus().unwrap_or(first)..end
    }

    pub(crate) fn has_plus(&self) -> bool {
        self.plus().is_some()
    }

    fn plus(&self) -> Option<usize> {
        self.run.plus().filter(|_| self.first == 0)
    }

    fn indices(&self) -> Range<usize> {
        self.first..self.first + self.len
    }

    /// Lengths of the groups that separators make of the window; at most 20 are told apart.
    pub(crate) fn groups(&self) -> Groups {
        let mut groups = Groups::default();
        for (index, digit) in self.run.digits(self.indices()).iter().enumerate() {
            if index == 0 || digit.marks & GROUP != 0 {
                groups.count = (groups.count + 1).min(groups.lens.len());
            }
            if let Some(len) = groups.lens.get_mut(groups.count.saturating_sub(1)) {
                *len += 1;
            }
        }
        groups
    }

    /// Two groups with a dot between: a number with decimals.
    pub(crate) fn is_decimal(&self) -> bool {
        match self.groups().lens() {
            [whole, _] => self.run.has(self.first + usize::from(*whole), DOTTED),
            _ => false,
        }
    }

    /// No separator inside.
    pub(crate) fn is_contiguous(&self) -> bool {
        self.run.digits(self.indices()).iter().skip(1).all(|digit| digit.marks & GROUP == 0)
    }

    /// Four numbers up to 255 with a dot between any two: a network address.
    pub(crate) fn is_like_ip(&self) -> bool {
        let groups = self.groups();
        let mut digits = self.digits().iter();
        let octets = groups.lens().iter().map(|&len| {
            digits.by_ref().take(usize::from(len)).fold(0_u64, |number, &digit| number * 10 + u64::from(digit))
        });
        let lens_fit = groups.lens().len() == 4 && octets.into_iter().all(|octet| octet <= 255);
        let mut begins = self.run.digits(self.indices()).iter().skip(1).filter(|digit| digit.marks & GROUP != 0);
        lens_fit && begins.all(|digit| digit.marks & DOTTED != 0)
    }

    pub(crate) fn starts_isolated(&self) -> bool {
        self.run.has(self.first, ISOLATED_BEFORE)
    }

    pub(crate) fn ends_isolated(&self) -> bool {
        self.run.has(self.first + self.len - 1, ISOLATED_AFTER)
    }

    /// The run is this window and nothing else, look-alikes at its ends aside.
    pub(crate) fn fills_run(&self) -> bool {
        let rest = [0..self.first, self.first + self.len..self.run.len()];
        rest.into_iter().all(|indices| {
            let mut digits = self.run.digits(indices).iter();
            digits.all(|digit| digit.marks & LOOKALIKE != 0)
        })
    }

    /// A contiguous window that is the decimals of a number below one.
    pub(crate) fn is_fraction(&self) -> bool {
        let whole = self.first.checked_sub(1).map(|before| before..self.first);
        self.is_contiguous()
            && self.run.has(self.first, DOTTED)
            && whole.is_some_and(|index| self.run.values(index.clone()) == [0] && self.run.has(index.start, GROUP))
    }

    /// A contiguous window that may be the decimals of a small number: "5.8699756706".
    pub(crate) fn may_be_decimals(&self) -> bool {
        let before = self.first.checked_sub(1);
        self.is_contiguous()
            && self.run.has(self.first, DOTTED)
            && before.is_some_and(|index| (index.saturating_sub(2)..=index).any(|at| self.run.has(at, GROUP)))
    }

    /// "08.06.2022 — 14.08": the first groups are a date, so the others belong to another one.
    pub(crate) fn begins_with_date(&self) -> bool {
        let digits = self.digits();
        let number = |range: Range<usize>| {
            digits.get(range).unwrap_or_default().iter().fold(0_u32, |number, &digit| number * 10 + u32::from(digit))
        };
        let (day, month, year) = match self.groups().lens() {
            [2, 2, 4, _, ..] => (number(0..2), number(2..4), number(4..8)),
            [4, 2, 2, _, ..] => (number(6..8), number(4..6), number(0..4)),
            _ => return false,
        };
        (1..=31).contains(&day) && (1..=12).contains(&month) && (1900..=2100).contains(&year)
    }

    /// Every digit stands alone, and what stands beside the window is written otherwise.
    pub(crate) fn is_spelled(&self) -> bool {
        let run = self.run;
        let after = self.first + self.len;
        let single = |index: usize| run.has(index, GROUP) && (run.has(index + 1, GROUP) || index + 1 == run.len());
        (self.first..after).all(single)
            && (self.starts_isolated() || !self.first.checked_sub(1).is_some_and(single))
            && (self.ends_isolated() || !single(after))
    }
}

/// Lengths of the groups of a window.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    lens: [u8; 20],
    count: usize,
}

impl Groups {
    pub(crate) fn lens(&self) -> &[u8] {
        self.lens.get(..self.count).unwrap_or_default()
    }
}
