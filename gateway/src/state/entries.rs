//! The tables of a document. What is not written has its default; names that nobody knows are refused.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::auth::{
    AllowedZone, DataClass, Department, KeyRecord, KeySettings, NewKey, Project, ProjectSettings, ReachLevel, Role,
    Switch, SwitchKind, Tenant, TenantSettings,
};
use crate::limits::Limits;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantEntry {
    pub id: String,
    /// Its id, where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub frozen: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub settings: TenantSettings,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepartmentEntry {
    pub tenant: String,
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectEntry {
    pub tenant: String,
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub frozen: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    pub settings: ProjectSettings,
}

/// A key without what proves it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    pub id: String,
    pub name: String,
    pub tenant: String,
    pub project: String,
    #[serde(default = "application")]
    pub role: Role,
    #[serde(default = "production")]
    pub environment: String,
    /// Of keys for `/admin/v1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<ReachLevel>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub data_class: DataClass,
    #[serde(default, skip_serializing_if = "is_default")]
    pub frozen: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_routes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_models: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_zones: Vec<AllowedZone>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_ips: Vec<IpNet>,
    /// Never changes, but for a rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<String>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub limits: Limits,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchEntry {
    pub kind: SwitchKind,
    pub name: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn application() -> Role {
    Role::Application
}

fn production() -> String {
    "prod".to_owned()
}

impl From<&Tenant> for TenantEntry {
    fn from(tenant: &Tenant) -> Self {
        let Tenant { id, name, settings, frozen, .. } = tenant.clone();
        Self { id, name: Some(name), frozen, settings }
    }
}

impl From<&Department> for DepartmentEntry {
    fn from(department: &Department) -> Self {
        let Department { tenant, id, name, .. } = department.clone();
        Self { tenant, id, name: Some(name) }
    }
}

impl From<&Project> for ProjectEntry {
    fn from(project: &Project) -> Self {
        let Project { tenant, id, name, department, settings, frozen, .. } = project.clone();
        Self { tenant, id, name: Some(name), department, frozen, settings }
    }
}

impl From<&KeyRecord> for KeyEntry {
    fn from(key: &KeyRecord) -> Self {
        let KeyRecord { id, name, role, tenant, project, environment, data_class, expires_at_ms, frozen, .. } =
            key.clone();
        let settings = key.settings.clone();
        let says_reach = role != Role::Application || settings.reach != ReachLevel::default();
        Self {
            id,
            name,
            tenant,
            project,
            role,
            environment,
            reach: says_reach.then_some(settings.reach),
            data_class,
            frozen,
            expires_at_ms,
            scenario: settings.scenario,
            owner: settings.owner,
            allowed_routes: settings.allowed_routes,
            allowed_models: settings.allowed_models,
            allowed_zones: settings.allowed_zones,
            allowed_ips: settings.allowed_ips,
            replaced_by: settings.replaced_by,
            limits: settings.limits,
        }
    }
}

impl From<&Switch> for SwitchEntry {
    fn from(switch: &Switch) -> Self {
        Self { kind: switch.kind, name: switch.name.clone(), reason: switch.reason.clone() }
    }
}

impl TenantEntry {
    pub(super) fn record(&self, now_ms: i64) -> Tenant {
        let name = self.name.clone().unwrap_or_else(|| self.id.clone());
        let (settings, frozen) = (self.settings.clone(), self.frozen);
        Tenant { name, settings, frozen, ..Tenant::named(&self.id, now_ms) }
    }
}

impl DepartmentEntry {
    pub(super) fn record(&self, now_ms: i64) -> Department {
        let name = self.name.clone().unwrap_or_else(|| self.id.clone());
        Department { tenant: self.tenant.clone(), id: self.id.clone(), name, created_at_ms: now_ms, version: 1 }
    }
}

impl ProjectEntry {
    pub(super) fn record(&self, now_ms: i64) -> Project {
        let name = self.name.clone().unwrap_or_else(|| self.id.clone());
        let (department, settings, frozen) = (self.department.clone(), self.settings.clone(), self.frozen);
        Project { name, department, settings, frozen, ..Project::named(&self.tenant, &self.id, now_ms) }
    }
}

impl KeyEntry {
    pub(super) fn settings(&self) -> KeySettings {
        let own = self.clone();
        KeySettings {
            scenario: own.scenario,
            owner: own.owner,
            allowed_routes: own.allowed_routes,
            allowed_models: own.allowed_models,
            allowed_zones: own.allowed_zones,
            allowed_ips: own.allowed_ips,
            reach: own.reach.unwrap_or_default(),
            limits: own.limits,
            replaced_by: own.replaced_by,
            person: None,
        }
    }

    pub(super) fn new_key(&self) -> NewKey {
        NewKey {
            name: self.name.clone(),
            role: self.role,
            tenant: self.tenant.clone(),
            project: self.project.clone(),
            environment: self.environment.clone(),
            data_class: self.data_class,
            settings: self.settings(),
            expires_at_ms: self.expires_at_ms,
        }
    }
}
