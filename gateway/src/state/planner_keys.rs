//! Keys: known by their ids. One that is not in the store is made under its id, with a new secret that is shown once; whose
//! a key is and what it opens never changes; one that was revoked does not come back.

use std::collections::{HashMap, HashSet};

use super::super::entries::KeyEntry;
use super::super::{PlanError, StateRecords, StateWrite};
use super::{Kind, Minting, Plan, Planner, Step};
use crate::auth::{KeyRecord, Role, mint_named};

impl Planner<'_> {
    pub(super) fn keys(&mut self, minting: &Minting<'_>) {
        let (document, records) = (self.intent.document, self.records);
        let old: HashMap<_, _> = records.keys.iter().map(|own| (own.id.as_str(), own)).collect();
        self.once_each(document.keys.iter().map(|entry| entry.id.as_str()), |id| format!("key {id}"));
        for entry in &document.keys {
            let item = format!("key {}", entry.id);
            self.named(&item, entry.new_key().check());
            match old.get(entry.id.as_str()).copied() {
                None => self.makes_key(entry, minting),
                Some(old) if !self.scope.includes(&old.tenant) => {
                    self.problem(item, "there is such a key already, and it is somebody else's".to_owned());
                }
                Some(old) if old.revoked => {
                    self.problem(item, "it was revoked; a key in its place needs an id of its own".to_owned());
                }
                Some(old) if old.settings.person.is_some() => self.problem(item, "it is a person's own".to_owned()),
                Some(old) => self.changes_key(old, entry),
            }
        }
        let mut named: HashSet<_> = document.keys.iter().map(|entry| entry.id.as_str()).collect();
        // Whoever names a key means those that took its place.
        for _ in 0..records.keys.len() {
            let heirs = records.keys.iter().filter(|own| named.contains(own.id.as_str()));
            let heirs: Vec<_> = heirs.filter_map(|own| own.settings.replaced_by.as_deref()).collect();
            let num_named = named.len();
            named.extend(heirs);
            if named.len() == num_named {
                break;
            }
        }
        let is_left_out = |own: &KeyRecord| {
            !named.contains(own.id.as_str()) && !own.frozen && !own.revoked && own.settings.person.is_none()
        };
        for own in self.left_out(&records.keys, |own| (&own.tenant, is_left_out(own))) {
            // Whoever prunes does not cut off the branch that they sit on.
            if self.intent.importer.is(own) {
                self.plan.kept.push(format!("{}: the import is made with it", object_of(own)));
                continue;
            }
            let mut new = own.clone();
            new.frozen = true;
            self.key_step(Some(own), new);
        }
    }

    fn makes_key(&mut self, entry: &KeyEntry, minting: &Minting<'_>) {
        let item = format!("key {}", entry.id);
        if !self.names.projects.contains(&(entry.tenant.as_str(), entry.project.as_str())) {
            let message =
                format!("its project '{}/{}' is neither in the document nor kept", entry.tenant, entry.project);
            self.problem(item.clone(), message);
        }
        let (new, random) = (entry.new_key(), (minting.random)());
        let Some(mut minted) = mint_named(&entry.id, new, minting.secret, random, self.intent.now_ms) else {
            let message = "the id of a new key has 10 characters of 0 to 9 and a to z without i, l, o and u";
            return self.problem(item, message.to_owned());
        };
        minted.record.frozen = entry.frozen;
        if minted.record.role != Role::Application {
            // What somebody leaves behind must not outlive their leave.
            minted.record.settings.person = self.intent.importer.person().map(str::to_owned);
        }
        self.key_step(None, minted.record.clone());
        self.plan.new_keys.push(minted);
    }

    fn changes_key(&mut self, old: &KeyRecord, entry: &KeyEntry) {
        let wanted = entry.new_key();
        let replaced_by = wanted.settings.replaced_by.clone();
        let fixed = [
            ("role", old.role == wanted.role),
            ("tenant", old.tenant == wanted.tenant),
            ("project", old.project == wanted.project),
            ("environment", old.environment == wanted.environment),
            ("reach", old.settings.reach == wanted.settings.reach),
            ("replaced_by", replaced_by.is_none() || replaced_by == old.settings.replaced_by),
        ];
        for (field, _) in fixed.into_iter().filter(|(_, is_same)| !is_same) {
            self.problem(format!("key {}", entry.id), format!("its '{field}' never changes"));
        }
        let mut new = old.clone();
        new.name = wanted.name;
        (new.data_class, new.expires_at_ms, new.frozen) = (wanted.data_class, wanted.expires_at_ms, entry.frozen);
        if old.settings.replaced_by.is_some() {
            // Its text gives way to another's: no file gives it back the time that a rotation took.
            new.expires_at_ms = [old.expires_at_ms, new.expires_at_ms].into_iter().flatten().min();
        }
        new.settings = wanted.settings;
        new.settings.replaced_by.clone_from(&old.settings.replaced_by);
        self.key_step(Some(old), new);
    }

    fn key_step(&mut self, old: Option<&KeyRecord>, new: KeyRecord) {
        let is_permitted = self.intent.importer.may_write_key(&new);
        let (from, to) = (old.map(KeyEntry::from), KeyEntry::from(&new));
        let (id, object) = (new.id.clone(), object_of(&new));
        let write = match old {
            None => StateWrite::InsertKey(Box::new(new)),
            Some(_) => StateWrite::UpdateKey(Box::new(new)),
        };
        self.step(Step { kind: Kind::Key, id, object, old: from.as_ref(), new: &to, write }, is_permitted);
    }
}

fn object_of(key: &KeyRecord) -> String {
    format!("key {} of {}/{}", key.id, key.tenant, key.project)
}

/// Where somebody may give everything back, somebody still may afterwards.
pub(super) fn leaves_an_owner(records: &StateRecords, plan: &Plan, now_ms: i64) -> Result<(), PlanError> {
    let mut keys: HashMap<&str, &KeyRecord> = records.keys.iter().map(|key| (key.id.as_str(), key)).collect();
    let is_owned = |keys: &HashMap<&str, &KeyRecord>| keys.values().any(|key| key.is_owner_in_force(now_ms));
    if !is_owned(&keys) {
        return Ok(());
    }
    for change in &plan.changes {
        if let StateWrite::InsertKey(key) | StateWrite::UpdateKey(key) = &change.write {
            keys.insert(&key.id, key);
        }
    }
    if is_owned(&keys) { Ok(()) } else { Err(PlanError::LastOwner) }
}
