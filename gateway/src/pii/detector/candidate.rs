//! Possible findings of one view and which of them stand. A candidate falls only when a stronger
//! or equal one covers it wholly; partial overlaps stay, so that no part of a value is uncovered.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::pii::Entity;

/// How sure a candidate is, strongest first. A smaller candidate inside a larger one falls unless
/// it is stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strength {
    /// Date and check digit of a personal number: nothing hides it.
    Identified,
    /// A long check (mod 97) or a unique shape.
    Checked,
    /// Luhn and a known prefix.
    Luhn,
    /// Only the words around it say so.
    Context,
    /// Shape and length.
    Shape,
    /// An organisation's number: it must not hide a person's.
    Organisation,
}

impl Strength {
    const COUNT: usize = Self::Organisation as usize + 1;

    /// How sure such a candidate is, in percent, where its recogniser does not know better.
    const fn score(self) -> u8 {
        match self {
            Self::Identified => 99,
            Self::Checked => 97,
            Self::Luhn => 95,
            Self::Context => 90,
            Self::Shape => 85,
            Self::Organisation => 80,
        }
    }
}

/// A possible finding, in positions of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) entity: Entity,
    pub(crate) range: Range<usize>,
    pub(crate) strength: Strength,
    /// In percent.
    pub(crate) score: u8,
    /// Like `iin/check-digit`.
    pub(crate) rule: &'static str,
    /// The word that spoke for it.
    pub(crate) context: Option<&'static str>,
}

impl Candidate {
    pub(crate) fn new(entity: Entity, range: Range<usize>, strength: Strength, rule: &'static str) -> Self {
        Self { entity, range, strength, score: strength.score(), rule, context: None }
    }

    /// With another score than its strength's own, in percent.
    pub(crate) fn scored(mut self, score: u8) -> Self {
        self.score = score;
        self
    }

    /// With the word that spoke for it.
    pub(crate) fn beside(mut self, word: Option<&'static str>) -> Self {
        self.context = word;
        self
    }
}

/// What looked like an entity and was not taken for one, in positions of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejected {
    pub(crate) entity: Entity,
    pub(crate) range: Range<usize>,
    pub(crate) rule: &'static str,
    pub(crate) reason: &'static str,
}

/// What recognisers hand over. Rejections are only kept where somebody wants them explained.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) rejected: Option<Vec<Rejected>>,
}

impl Found {
    pub(crate) fn push(&mut self, candidate: Candidate) {
        self.candidates.push(candidate);
    }

    pub(crate) fn reject(&mut self, entity: Entity, range: Range<usize>, rule: &'static str, reason: &'static str) {
        if let Some(rejected) = self.rejected.as_mut().filter(|rejected| rejected.len() < MAX_REJECTED) {
            rejected.push(Rejected { entity, range, rule, reason });
        }
    }
}

/// An explanation is for people: more than this nobody reads.
const MAX_REJECTED: usize = 1_000;

/// Drops every candidate that a stronger or equal one covers, and every reading that rests on
/// words alone beside a better one of the same entity. The rest comes ordered by position.
pub(crate) fn resolve(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.sort_unstable_by_key(|candidate| {
        (candidate.range.start, usize::MAX - candidate.range.end, candidate.strength, candidate.entity)
    });
    drop_lesser_readings(&mut candidates);
    // Starts ascend, so a candidate is covered exactly when an end seen so far reaches its own.
    let mut furthest = [0_usize; Strength::COUNT];
    candidates.retain(|candidate| {
        let strength = candidate.strength as usize;
        let covered = furthest.iter().take(strength + 1).any(|&end| end >= candidate.range.end);
        if let Some(end) = furthest.get_mut(strength) {
            *end = (*end).max(candidate.range.end);
        }
        !covered
    });
    candidates
}

/// "карта 4400 4302 1234 5679 12/27": once the number itself is known, no other cut of the same
/// digits is wanted. Expects candidates by ascending start.
fn drop_lesser_readings(candidates: &mut Vec<Candidate>) {
    if candidates.len() < 2 {
        return;
    }
    // Per entity: where better readings begin, and how far those up to there reach.
    let mut better = BTreeMap::<Entity, Vec<(usize, usize)>>::new();
    for candidate in candidates.iter().filter(|candidate| candidate.strength < Strength::Context) {
        let list = better.entry(candidate.entity).or_default();
        let reach = list.last().map_or(0, |&(_, reach)| reach);
        list.push((candidate.range.start, reach.max(candidate.range.end)));
    }
    candidates.retain(|candidate| {
        let overlaps = better.get(&candidate.entity).is_some_and(|list| {
            let before_end = list.partition_point(|&(start, _)| start < candidate.range.end);
            before_end
                .checked_sub(1)
                .and_then(|index| list.get(index))
                .is_some_and(|&(_, reach)| reach > candidate.range.start)
        });
        candidate.strength != Strength::Context || !overlaps
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(entity: Entity, range: Range<usize>, strength: Strength) -> Candidate {
        Candidate::new(entity, range, strength, "test")
    }

    #[test]
    fn covered_candidates_fall_and_partial_overlaps_stay() {
        let iban = candidate(Entity::Iban, 0..20, Strength::Checked);
        let inside = candidate(Entity::Phone, 4..15, Strength::Shape);
        let partial = candidate(Entity::Card, 10..26, Strength::Luhn);
        let same = candidate(Entity::Card, 10..26, Strength::Luhn);
        let kept = resolve(vec![partial.clone(), inside, iban.clone(), same]);
        assert_eq!(kept, vec![iban, partial]);
    }

    #[test]
    fn nothing_hides_a_personal_number() {
        let iban = candidate(Entity::Iban, 0..20, Strength::Checked);
        let iin = candidate(Entity::Iin, 3..15, Strength::Identified);
        assert_eq!(resolve(vec![iin.clone(), iban.clone()]), vec![iban, iin]);
    }

    #[test]
    fn an_organisation_never_hides_a_person() {
        let bin = candidate(Entity::Bin, 0..12, Strength::Organisation);
        let phone = candidate(Entity::Phone, 0..11, Strength::Shape);
        assert_eq!(resolve(vec![phone.clone(), bin.clone()]), vec![bin, phone]);
    }
}
