//! What is done about a finding. A policy gives each entity an action and turns the findings of one
//! request into one verdict: the strictest action wins, and a scan that did not finish confines.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Entity, Findings};

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

/// One action for every entity. In configuration it is a table from entity to action; entities
/// that the table leaves out keep their default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<Entity, Action>", into = "BTreeMap<Entity, Action>")]
pub struct Policy {
    actions: BTreeMap<Entity, Action>,
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

    /// The same policy with another action for `entity`.
    #[must_use]
    pub fn with(mut self, entity: Entity, action: Action) -> Self {
        self.actions.insert(entity, action);
        self
    }

    /// What this policy does about `entity`.
    #[must_use]
    pub fn action(&self, entity: Entity) -> Action {
        self.actions.get(&entity).copied().unwrap_or_else(|| Self::default_action(entity))
    }

    /// The verdict over all findings of one request.
    #[must_use]
    pub fn decide(&self, findings: &Findings) -> Verdict {
        let counts = findings.counts();
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

impl Default for Policy {
    fn default() -> Self {
        Self::from(BTreeMap::new())
    }
}

impl From<BTreeMap<Entity, Action>> for Policy {
    fn from(overrides: BTreeMap<Entity, Action>) -> Self {
        let mut actions: BTreeMap<Entity, Action> =
            Entity::BUILT_IN.into_iter().map(|entity| (entity, Self::default_action(entity))).collect();
        actions.extend(overrides);
        Self { actions }
    }
}

impl From<Policy> for BTreeMap<Entity, Action> {
    fn from(policy: Policy) -> Self {
        policy.actions
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
    fn masking_is_asked_for_and_what_must_stay_overrides_it() {
        let policy = Policy::default().with(Entity::Phone, Action::Mask);
        let decision = |entities: &[Entity], complete| policy.decide(&findings(entities, complete)).decision;
        assert_eq!(decision(&[Entity::Phone, Entity::Bin], true), Decision::Mask);
        assert_eq!(decision(&[Entity::Phone, Entity::Iin], true), Decision::Confine);
        assert_eq!(decision(&[Entity::Phone, Entity::Secret], true), Decision::Block);
        assert_eq!(decision(&[Entity::Phone], false), Decision::Confine);
        let parsed: Result<Policy, _> = serde_json::from_str(r#"{"phone":"mask"}"#);
        assert_eq!(parsed.ok(), Some(policy));
        assert!(Entity::BUILT_IN.into_iter().all(|entity| Policy::default_action(entity) != Action::Mask));
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
    fn configuration_overrides_defaults_and_rejects_unknown_names() {
        let parsed: Result<Policy, _> = serde_json::from_str(r#"{"phone":"label","email":"block"}"#);
        let policy = parsed.unwrap_or_default();
        assert_eq!(policy.action(Entity::Phone), Action::Label);
        assert_eq!(policy.action(Entity::Email), Action::Block);
        assert_eq!(policy.action(Entity::Iin), Action::Local);
        assert!(serde_json::from_str::<Policy>(r#"{"fax":"local"}"#).is_err());
        assert!(serde_json::from_str::<Policy>(r#"{"iin":"ignore"}"#).is_err());
    }
}
