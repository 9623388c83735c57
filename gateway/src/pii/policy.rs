//! What is done about a finding. A policy gives each entity an action and turns the findings of one
//! request into one verdict: the strictest action wins, and a scan that did not finish confines.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Entity, Finding, Findings};

/// What happens to a request that holds an entity, from the mildest to the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Reported in headers and audit; the request may leave.
    Label,
    /// A token stands for the value outside and is put back in the answer. Nothing has this action unless a
    /// configuration asks for it.
    Mask,
    /// The whole request is answered by a local model.
    Local,
    /// The request is refused.
    Block,
}

/// The strictest consequence of all findings of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Nothing stands against an external provider.
    Clear,
    /// Once every value that was found is masked, nothing stands against an external provider.
    Mask,
    /// Only a local model may see the request.
    Confine,
    /// Nobody may see the request.
    Block,
}

/// A decision and the reasons for it, free of any value that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What may happen to the request.
    pub decision: Decision,
    /// How often each entity was found; entities that were not found are absent.
    pub counts: BTreeMap<Entity, u32>,
    /// False when the scan ran out of its work budget: then the decision is at least `Confine`,
    /// whatever was found.
    pub complete: bool,
}

impl Verdict {
    /// Of two looks at the same text: the stricter decision, and the larger count of each entity.
    #[must_use]
    pub fn or_stricter(mut self, other: Self) -> Self {
        self.decision = self.decision.max(other.decision);
        self.complete &= other.complete;
        for (entity, count) in other.counts {
            let own = self.counts.entry(entity).or_default();
            *own = (*own).max(count);
        }
        self
    }

    /// The counts as in the header `x-shekara-pii`: `iin=1,phone=2`; empty when nothing was found.
    #[must_use]
    pub fn summary(&self) -> String {
        let parts: Vec<String> = self.counts.iter().map(|(entity, count)| format!("{entity}={count}")).collect();
        parts.join(",")
    }
}

/// Below this score a finding does not count, in percent, where no threshold is set.
pub const DEFAULT_THRESHOLD: u8 = 50;

/// What a configuration says about entities: for all routes, for one, or for one caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyOverrides {
    /// Entities whose action differs.
    pub actions: BTreeMap<Entity, Action>,
    /// Entities whose findings count from another score on, in percent.
    pub thresholds: BTreeMap<Entity, u8>,
}

/// One action and one threshold for every entity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    overrides: PolicyOverrides,
    /// The route opted in to masking: what can be masked is, unless an override says otherwise.
    is_masking: bool,
    /// What no one may lower.
    floors: BTreeMap<Entity, Action>,
}

impl Policy {
    /// The action of an entity that no configuration mentions: what identifies a person stays.
    #[must_use]
    pub const fn default_action(entity: Entity) -> Action {
        match entity {
            Entity::Bin | Entity::Swift => Action::Label,
            Entity::Secret => Action::Block,
            _ => Action::Local,
        }
    }

    /// The action on a route that opted in to masking, where no configuration mentions the entity.
    #[must_use]
    pub const fn default_action_when_masking(entity: Entity) -> Action {
        match entity {
            Entity::Phone
            | Entity::Plate
            | Entity::Address
            | Entity::Person
            | Entity::RuInn
            | Entity::Snils
            | Entity::RuPassport
            | Entity::UzPinfl
            | Entity::KgPin
            | Entity::Email
            | Entity::Ip
            | Entity::Mac
            | Entity::Geo
            | Entity::Crypto
            | Entity::Handle
            | Entity::UsSsn => Action::Mask,
            other => Self::default_action(other),
        }
    }

    /// The same policy on a route that opted in to masking.
    #[must_use]
    pub fn masking(mut self) -> Self {
        self.is_masking = true;
        self
    }

    /// The same policy with another action for `entity`.
    #[must_use]
    pub fn with(mut self, entity: Entity, action: Action) -> Self {
        self.overrides.actions.insert(entity, action);
        self
    }

    /// The same policy where `overrides` say otherwise.
    #[must_use]
    pub fn overridden(mut self, overrides: &PolicyOverrides) -> Self {
        self.overrides.actions.extend(&overrides.actions);
        self.overrides.thresholds.extend(&overrides.thresholds);
        self
    }

    /// The same policy, stricter where `raised` is: an action is only taken if it is stricter, a threshold only if it
    /// is lower.
    #[must_use]
    pub fn raised(mut self, raised: &PolicyOverrides) -> Self {
        for (&entity, &action) in &raised.actions {
            let floor = self.floors.entry(entity).or_insert(action);
            *floor = (*floor).max(action);
        }
        for (&entity, &threshold) in &raised.thresholds {
            let lower = self.threshold(entity).min(threshold);
            self.overrides.thresholds.insert(entity, lower);
        }
        self
    }

    /// What this policy does about `entity`.
    #[must_use]
    pub fn action(&self, entity: Entity) -> Action {
        let default = || {
            if self.is_masking { Self::default_action_when_masking(entity) } else { Self::default_action(entity) }
        };
        let own = self.overrides.actions.get(&entity).copied().unwrap_or_else(default);
        self.floors.get(&entity).map_or(own, |floor| own.max(*floor))
    }

    /// From which score on a finding of `entity` counts, in percent.
    #[must_use]
    pub fn threshold(&self, entity: Entity) -> u8 {
        self.overrides.thresholds.get(&entity).copied().unwrap_or(DEFAULT_THRESHOLD)
    }

    /// Whether a finding is sure enough to count.
    #[must_use]
    pub fn counts(&self, finding: &Finding) -> bool {
        finding.score >= self.threshold(finding.entity)
    }

    /// Every entity that this policy mentions, and all built-in ones.
    pub fn entities(&self) -> impl Iterator<Item = Entity> {
        let custom = self.overrides.actions.keys().chain(self.floors.keys()).copied();
        let custom: BTreeSet<Entity> = custom.filter(|entity| matches!(entity, Entity::Custom(_))).collect();
        Entity::BUILT_IN.into_iter().chain(custom)
    }

    /// Whether these findings decide alone: names and addresses, which a second stage could add, would make the decision
    /// no stricter.
    #[must_use]
    pub fn is_decided_by(&self, findings: &Findings) -> bool {
        let blocks = |entity| self.action(entity) == Action::Block;
        match self.decide(findings).decision {
            Decision::Block => true,
            Decision::Confine => ![Entity::Person, Entity::Address].into_iter().any(blocks),
            Decision::Clear | Decision::Mask => false,
        }
    }

    /// The verdict over all findings of one request.
    #[must_use]
    pub fn decide(&self, findings: &Findings) -> Verdict {
        let mut counts = BTreeMap::new();
        for finding in findings.iter().filter(|finding| self.counts(finding)) {
            let count: &mut u32 = counts.entry(finding.entity).or_default();
            *count = count.saturating_add(1);
        }
        let strictest = counts.keys().map(|&entity| self.action(entity)).max();
        let found = match strictest {
            None | Some(Action::Label) => Decision::Clear,
            Some(Action::Mask) => Decision::Mask,
            Some(Action::Local) => Decision::Confine,
            Some(Action::Block) => Decision::Block,
        };
        let complete = findings.is_complete();
        let floor = if complete { Decision::Clear } else { Decision::Confine };
        Verdict { decision: found.max(floor), counts, complete }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Finding;
    use super::*;

    fn findings(entities: &[Entity], complete: bool) -> Findings {
        let list = entities
            .iter()
            .map(|&entity| Finding { entity, segment: 0, span: 0..12, score: 90, rule: "test", context: None })
            .collect();
        Findings::new(list, complete)
    }

    #[test]
    fn personal_entities_confine_by_default_and_bin_does_not() {
        let policy = Policy::default();
        for entity in Entity::BUILT_IN {
            let expected = match entity {
                Entity::Bin | Entity::Swift => Decision::Clear,
                Entity::Secret => Decision::Block,
                _ => Decision::Confine,
            };
            let verdict = policy.decide(&findings(&[entity], true));
            assert_eq!(verdict.decision, expected, "{entity}");
        }
    }

    #[test]
    fn the_strictest_action_wins_and_counts_are_kept() {
        let policy = Policy::default().with(Entity::Card, Action::Block);
        let found = findings(&[Entity::Iin, Entity::Card, Entity::Iin, Entity::Bin], true);
        let verdict = policy.decide(&found);
        assert_eq!(verdict.decision, Decision::Block);
        assert_eq!(verdict.summary(), "iin=2,bin=1,card=1");
    }

    #[test]
    fn an_unfinished_scan_never_clears() {
        let policy = Policy::default();
        assert_eq!(policy.decide(&findings(&[], true)).decision, Decision::Clear);
        let unfinished = policy.decide(&findings(&[Entity::Bin], false));
        assert_eq!(unfinished.decision, Decision::Confine);
        assert!(!unfinished.complete);
    }

    #[test]
    fn masking_is_asked_for_and_what_must_stay_overrides_it() {
        let policy = Policy::default().with(Entity::Phone, Action::Mask);
        let decision = |entities: &[Entity], complete| policy.decide(&findings(entities, complete)).decision;
        assert_eq!(decision(&[Entity::Phone, Entity::Bin], true), Decision::Mask);
        assert_eq!(decision(&[Entity::Phone, Entity::Iin], true), Decision::Confine);
        assert_eq!(decision(&[Entity::Phone, Entity::Secret], true), Decision::Block);
        assert_eq!(decision(&[Entity::Phone], false), Decision::Confine);
        assert!(Entity::BUILT_IN.into_iter().all(|entity| Policy::default_action(entity) != Action::Mask));
        let masking = Policy::default().masking();
        assert_eq!((masking.action(Entity::Person), masking.action(Entity::Iin)), (Action::Mask, Action::Local));
    }

    #[test]
    fn callers_only_raise() {
        let raised = |entity, action| PolicyOverrides {
            actions: BTreeMap::from([(entity, action)]),
            thresholds: BTreeMap::from([(entity, 80)]),
        };
        let policy = Policy::default().raised(&raised(Entity::Iin, Action::Label));
        assert_eq!((policy.action(Entity::Iin), policy.threshold(Entity::Iin)), (Action::Local, 50));
        let policy = Policy::default().masking().raised(&raised(Entity::Phone, Action::Block));
        assert_eq!(policy.action(Entity::Phone), Action::Block);
        let policy = policy.raised(&raised(Entity::Phone, Action::Local));
        assert_eq!(policy.action(Entity::Phone), Action::Block);
    }

    #[test]
    fn findings_below_the_threshold_do_not_count() {
        let thresholds = BTreeMap::from([(Entity::Phone, 95)]);
        let policy = Policy::default().overridden(&PolicyOverrides { thresholds, ..PolicyOverrides::default() });
        assert_eq!(policy.decide(&findings(&[Entity::Phone], true)).decision, Decision::Clear);
        assert_eq!(policy.decide(&findings(&[Entity::Iin], true)).decision, Decision::Confine);
    }
}
