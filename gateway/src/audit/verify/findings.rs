//! The problems found so far, in the order of the trail; counted all, kept up to a bound.

use std::collections::BTreeMap;

use super::super::WriterId;
use super::problem::{Place, Problem, ProblemKind};
use super::report::ChainReport;

const MAX_PROBLEMS: usize = 100;
const MAX_CHAINS: usize = 1000;

#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The line that is being looked at.
    pub(super) line: Option<u64>,
    /// Lines and other things looked at so far.
    step: u64,
    num_problems: u64,
    /// Sorted by step.
    problems: Vec<(u64, Problem)>,
    chains: BTreeMap<(String, WriterId), u64>,
}

/// A moment of the verification: what is only known later is still listed where it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    step: u64,
    line: Option<u64>,
}

/// Where findings about one chain go.
#[derive(Debug)]
pub(super) struct Notes<'a> {
    pub(super) findings: &'a mut Findings,
    pub(super) tenant: &'a str,
    pub(super) writer: WriterId,
}

impl Findings {
    pub(super) fn next(&mut self, line: Option<u64>) {
        self.line = line;
        self.step += 1;
    }

    pub(super) fn now(&self) -> Moment {
        Moment { step: self.step, line: self.line }
    }

    pub(super) fn num_problems(&self) -> u64 {
        self.num_problems
    }

    /// Adds a problem of the line that is being looked at.
    pub(super) fn add(&mut self, place: Place, kind: ProblemKind) {
        self.add_at(self.now(), place, kind);
    }

    fn add_at(&mut self, moment: Moment, place: Place, kind: ProblemKind) {
        self.num_problems += 1;
        if let (Some(tenant), Some(writer)) = (&place.tenant, place.writer) {
            let key = (tenant.clone(), writer);
            if self.chains.len() < MAX_CHAINS || self.chains.contains_key(&key) {
                *self.chains.entry(key).or_default() += 1;
            }
        }
        let at = self.problems.partition_point(|(step, _)| *step <= moment.step);
        if at < MAX_PROBLEMS {
            self.problems.insert(at, (moment.step, Problem { place: Place { line: moment.line, ..place }, kind }));
            self.problems.truncate(MAX_PROBLEMS);
        }
    }

    pub(super) fn into_lists(self) -> (Vec<Problem>, Vec<ChainReport>) {
        let problems = self.problems.into_iter().map(|(_, problem)| problem).collect();
        let chains = self.chains.into_iter();
        let chains = chains.map(|((tenant, writer), num_problems)| ChainReport { tenant, writer, num_problems });
        (problems, chains.collect())
    }
}

impl Notes<'_> {
    pub(super) fn now(&self) -> Moment {
        self.findings.now()
    }

    pub(super) fn add(&mut self, sequence: u64, kind: ProblemKind) {
        self.add_at(self.now(), sequence, kind);
    }

    pub(super) fn add_at(&mut self, moment: Moment, sequence: u64, kind: ProblemKind) {
        let place = Place { sequence: Some(sequence), ..self.place() };
        self.findings.add_at(moment, place, kind);
    }

    /// The chain as a whole.
    pub(super) fn place(&self) -> Place {
        Place { tenant: Some(self.tenant.to_owned()), writer: Some(self.writer), ..Place::default() }
    }

    /// About a head of a checkpoint.
    pub(super) fn add_head(&mut self, sequence: u64, checkpoint: u64, kind: ProblemKind) {
        self.add_head_at(self.now(), sequence, checkpoint, kind);
    }

    pub(super) fn add_head_at(&mut self, moment: Moment, sequence: u64, checkpoint: u64, kind: ProblemKind) {
        let place = Place { sequence: Some(sequence), checkpoint: Some(checkpoint), ..self.place() };
        self.findings.add_at(moment, place, kind);
    }
}
