//! All recognisers, in the order in which they read.

use super::budget::Budget;
use super::candidate::Found;
use super::contact::{crypto, email, geo, handle, mac, network, spoken_email};
use super::context::finder::ContextFinder;
use super::numbers::digit_run::DigitRun;
use super::numbers::reader;
use super::text::Text;
use super::views::{comma_groups, dictated, escapes};
use super::{address, custom, person, records, secret};

/// What reads a view.
#[derive(Clone, Copy)]
pub(crate) struct Recognisers<'d> {
    pub(crate) finder: &'d ContextFinder,
    pub(crate) custom: &'d [custom::Compiled],
    /// Values with a structure only; a scan then counts as incomplete.
    pub(crate) is_structured: bool,
}

/// One view while it is read.
pub(super) struct Reading<'r, 'v> {
    pub(super) text: Text<'v>,
    budget: &'r mut Budget,
    pub(super) found: Found,
}

impl<'r, 'v> Reading<'r, 'v> {
    pub(super) fn new(text: Text<'v>, budget: &'r mut Budget, explains: bool) -> Self {
        let found = Found { candidates: Vec::new(), rejected: explains.then(Vec::new) };
        Self { text, budget, found }
    }
}

/// What the words of a view and its lists of digits stand for.
pub(super) type Derived = [Option<escapes::Decoded>; 2];

impl Recognisers<'_> {
    /// Reads several views. Each recogniser reads all of them before the next one does: of their code there is more than
    /// the nearest cache holds, and so it is fetched once.
    pub(super) fn read(&self, readings: &mut [Reading<'_, '_>], run: &mut DigitRun) {
        let mut each = |scan: &mut dyn FnMut(&Text<'_>, &mut Budget, &mut Found)| {
            for reading in &mut *readings {
                scan(&reading.text, reading.budget, &mut reading.found);
            }
        };
        each(&mut email::scan);
        each(&mut |text, budget, found| custom::scan(self.custom, text, budget, found));
        each(&mut |text, budget, found| reader::scan(text, run, budget, found));
        each(&mut records::scan);
        each(&mut secret::scan);
        each(&mut network::scan);
        each(&mut mac::scan);
        each(&mut geo::scan);
        each(&mut crypto::scan);
        each(&mut handle::scan);
        if !self.is_structured {
            each(&mut address::scan);
            each(&mut spoken_email::scan);
            each(&mut person::scan);
        }
    }

    pub(super) fn derived(&self, text: &Text<'_>) -> Derived {
        if self.is_structured {
            return Derived::default();
        }
        [dictated::decode(text.bytes(), text.tokens()), comma_groups::decode(text.bytes())]
    }
}
