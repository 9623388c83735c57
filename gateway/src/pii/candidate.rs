//! Possible findings of one view and which of them stand. A candidate falls only when a stronger
//! or equal one covers it wholly; partial overlaps stay, so that no part of a value is uncovered.

use std::ops::Range;

use super::Entity;

/// How sure a candidate is, strongest first. A smaller candidate inside a larger one falls unless
/// it is stronger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
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
}

/// A possible finding, in positions of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) entity: Entity,
    pub(super) range: Range<usize>,
    pub(super) strength: Strength,
}

/// Drops every candidate that a stronger or equal one covers, and every reading that rests on
/// words alone beside a better one of the same entity. The rest comes ordered by position.
pub(super) fn resolve(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
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
    let mut better = Entity::ALL.map(|entity| (entity, Vec::<(usize, usize)>::new()));
    for candidate in candidates.iter() {
        let list = better.iter_mut().find(|(entity, _)| *entity == candidate.entity);
        if let Some((_, list)) = list
            && candidate.strength < Strength::Context
        {
            let reach = list.last().map_or(0, |&(_, reach)| reach);
            list.push((candidate.range.start, reach.max(candidate.range.end)));
        }
    }
    candidates.retain(|candidate| {
        let list = better.iter().find(|(entity, _)| *entity == candidate.entity);
        let overlaps = list.is_some_and(|(_, list)| {
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
        Candidate { entity, range, strength }
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
