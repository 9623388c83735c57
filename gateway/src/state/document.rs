//! The document: one table for each kind of thing, sorted.

use serde::{Deserialize, Serialize};

use super::StateRecords;
use super::entries::{DepartmentEntry, KeyEntry, ProjectEntry, SwitchEntry, TenantEntry};
use crate::auth::KeyRecord;

/// Of documents that this version reads and writes.
pub(super) const FORMAT: u32 = 1;

/// What a document is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    Installation,
    /// What belongs to this one, and no switches.
    Tenant(String),
}

/// Tables of other things that the store owns belong here, each with its own entries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    pub format: u32,
    /// Of the state that it was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The only tenant that it is of; otherwise it is of the installation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tenants: Vec<TenantEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub departments: Vec<DepartmentEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<ProjectEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<KeyEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub switches: Vec<SwitchEntry>,
}

impl Document {
    /// Of what there is, without people and their own keys, and without keys that were revoked: they open nothing and never will.
    pub fn of(records: &StateRecords, scope: &Scope) -> Self {
        let is_in = |tenant: &str| scope.includes(tenant);
        let is_told = |own: &&KeyRecord| is_in(&own.tenant) && !own.revoked && own.settings.person.is_none();
        let mut document = Self {
            format: FORMAT,
            version: None,
            tenant: scope.tenant().map(str::to_owned),
            tenants: records.tenants.iter().filter(|own| is_in(&own.id)).map(TenantEntry::from).collect(),
            departments: records.departments.iter().filter(|own| is_in(&own.tenant)).map(Into::into).collect(),
            projects: records.projects.iter().filter(|own| is_in(&own.tenant)).map(Into::into).collect(),
            keys: records.keys.iter().filter(is_told).map(Into::into).collect(),
            switches: match scope {
                Scope::Installation => records.switches.iter().map(Into::into).collect(),
                Scope::Tenant(_) => Vec::new(),
            },
        };
        document.sort();
        document
    }

    pub fn scope(&self) -> Scope {
        self.tenant.clone().map_or(Scope::Installation, Scope::Tenant)
    }

    /// By bytes: databases sort in ways of their own.
    fn sort(&mut self) {
        self.tenants.sort_by(|a, b| a.id.cmp(&b.id));
        self.departments.sort_by(|a, b| (&a.tenant, &a.id).cmp(&(&b.tenant, &b.id)));
        self.projects.sort_by(|a, b| (&a.tenant, &a.id).cmp(&(&b.tenant, &b.id)));
        self.keys.sort_by(|a, b| (&a.tenant, &a.project, &a.id).cmp(&(&b.tenant, &b.project, &b.id)));
        self.switches.sort_by(|a, b| (a.kind.as_str(), &a.name).cmp(&(b.kind.as_str(), &b.name)));
    }
}

impl Scope {
    pub fn new(tenant: Option<&str>) -> Self {
        tenant.map_or(Self::Installation, |tenant| Self::Tenant(tenant.to_owned()))
    }

    pub fn tenant(&self) -> Option<&str> {
        match self {
            Self::Installation => None,
            Self::Tenant(tenant) => Some(tenant),
        }
    }

    pub(super) fn includes(&self, tenant: &str) -> bool {
        self.tenant().is_none_or(|own| own == tenant)
    }
}
