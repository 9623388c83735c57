//! What an importer may change: what the same key may with single acts, and no more.

use crate::auth::{KeyRecord, Permission, Project, Role, Tenant, is_production};

use super::Scope;

/// Who imports.
#[derive(Debug, Clone, Copy)]
pub enum Importer<'a> {
    /// Whoever has the database itself.
    Operator,
    /// An administrator's key.
    Key(&'a KeyRecord),
    /// Somebody who is logged in, or whose own key it is; by the person's id.
    Person(&'a KeyRecord, &'a str),
}

impl<'a> Importer<'a> {
    /// Whether a document of this scope is for this importer at all.
    pub fn reaches(self, scope: &Scope) -> bool {
        self.is_supplier()
            || self.key().is_some_and(|key| match scope {
                Scope::Installation => false,
                Scope::Tenant(tenant) => key.reach().includes_all_of_tenant(tenant),
            })
    }

    /// Reaches all of the installation.
    pub(super) fn is_supplier(self) -> bool {
        self.key().is_none_or(|key| key.reach().is_installation())
    }

    /// Whose keys for `/admin/v1` they are that this importer makes.
    pub(super) fn person(self) -> Option<&'a str> {
        match self {
            Self::Operator | Self::Key(_) => None,
            Self::Person(_, person) => Some(person),
        }
    }

    pub(super) fn is(self, other: &KeyRecord) -> bool {
        self.key().is_some_and(|key| key.id == other.id)
    }

    pub(super) fn may_change_tenant(self, old: Option<&Tenant>, new: &Tenant) -> bool {
        // What the supplier has stopped or bounded, the customer does not free.
        let is_freed = old.is_none_or(|old| old.frozen && !new.frozen || old.settings.limits != new.settings.limits);
        self.may_write_in(&new.id) && (!is_freed || self.is_supplier())
    }

    pub(super) fn may_change_project(self, project: &Project) -> bool {
        self.may_write_in(&project.tenant)
    }

    /// Departments and the like.
    pub(super) fn may_write_in(self, tenant: &str) -> bool {
        self.may(Permission::WriteTenants) && self.key().is_none_or(|key| key.reach().includes_all_of_tenant(tenant))
    }

    /// Whoever gives a key away must have all that it opens.
    pub(super) fn may_write_key(self, key: &KeyRecord) -> bool {
        let Some(own) = self.key() else { return true };
        if !own.reach().includes_project(&key.tenant, &key.project) {
            return false;
        }
        if key.role == Role::Application {
            return own.may(Permission::WriteKeys)
                || (own.may(Permission::WriteTestKeys) && !is_production(&key.environment));
        }
        let may_owner = key.role != Role::Owner || own.may(Permission::WriteOwners);
        own.may(Permission::WritePeople) && may_owner && own.role.covers(key.role) && own.reach().includes(&key.reach())
    }

    pub(super) fn may_switch(self) -> bool {
        self.may(Permission::WriteSwitches) && self.is_supplier()
    }

    fn may(self, permission: Permission) -> bool {
        self.key().is_none_or(|key| key.may(permission))
    }

    fn key(self) -> Option<&'a KeyRecord> {
        match self {
            Self::Operator => None,
            Self::Key(key) | Self::Person(key, _) => Some(key),
        }
    }
}
