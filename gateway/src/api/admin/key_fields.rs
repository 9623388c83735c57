//! A key as the operator sees it, and what of it may be written: never its text, never its hash.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shekara_protocol::error::ApiError;

use super::merge_patch::{object, read};
use crate::auth::{AllowedZone, DataClass, KEY_PREFIX, KeyRecord, KeySettings, NewKey, ReachLevel, Role};
use crate::limits::Limits;

/// What is said when a key is made and never changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyIdentity {
    #[serde(default = "application")]
    role: Role,
    #[serde(default = "default_name")]
    tenant: String,
    #[serde(default = "default_name")]
    project: String,
    #[serde(default = "production")]
    environment: String,
    #[serde(default)]
    reach: ReachLevel,
}

/// What may be changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyFields {
    pub(super) name: String,
    #[serde(default)]
    pub(super) data_class: DataClass,
    #[serde(default)]
    pub(super) expires_at_ms: Option<i64>,
    #[serde(default)]
    pub(super) frozen: bool,
    #[serde(default)]
    pub(super) scenario: Option<String>,
    #[serde(default)]
    pub(super) owner: Option<String>,
    #[serde(default)]
    pub(super) allowed_routes: Vec<String>,
    #[serde(default)]
    pub(super) allowed_models: Vec<String>,
    #[serde(default)]
    pub(super) allowed_zones: Vec<AllowedZone>,
    #[serde(default)]
    pub(super) allowed_ips: Vec<IpNet>,
    #[serde(default)]
    pub(super) limits: Limits,
}

fn application() -> Role {
    Role::Application
}

fn default_name() -> String {
    "default".to_owned()
}

fn production() -> String {
    "prod".to_owned()
}

impl KeyIdentity {
    const FIELDS: [&str; 5] = ["role", "tenant", "project", "environment", "reach"];

    /// What is asked for when a key is made.
    ///
    /// # Errors
    /// 400: it is no JSON object, lacks a name, or has a field that is not known or is something else.
    pub(super) fn read(body: &[u8]) -> Result<(Self, KeyFields), ApiError> {
        let all = object(body)?;
        let (identity, fields): (Map<_, _>, Map<_, _>) =
            all.into_iter().partition(|(name, _)| Self::FIELDS.contains(&name.as_str()));
        Ok((read(Value::Object(identity))?, read(Value::Object(fields))?))
    }

    pub(super) fn of(key: &KeyRecord) -> Self {
        Self {
            role: key.role,
            tenant: key.tenant.clone(),
            project: key.project.clone(),
            environment: key.environment.clone(),
            reach: key.settings.reach,
        }
    }
}

impl KeyFields {
    pub(super) fn of(key: &KeyRecord) -> Self {
        let settings = key.settings.clone();
        Self {
            name: key.name.clone(),
            data_class: key.data_class,
            expires_at_ms: key.expires_at_ms,
            frozen: key.frozen,
            scenario: settings.scenario,
            owner: settings.owner,
            allowed_routes: settings.allowed_routes,
            allowed_models: settings.allowed_models,
            allowed_zones: settings.allowed_zones,
            allowed_ips: settings.allowed_ips,
            limits: settings.limits,
        }
    }

    pub(super) fn new_key(self, identity: KeyIdentity) -> NewKey {
        let KeyIdentity { role, tenant, project, environment, reach } = identity;
        let (name, data_class, expires_at_ms) = (self.name.clone(), self.data_class, self.expires_at_ms);
        let settings = KeySettings { reach, ..self.settings() };
        NewKey { name, role, tenant, project, environment, data_class, settings, expires_at_ms }
    }

    pub(super) fn put_into(self, key: &mut KeyRecord) {
        key.name.clone_from(&self.name);
        (key.data_class, key.expires_at_ms, key.frozen) = (self.data_class, self.expires_at_ms, self.frozen);
        let (reach, replaced_by) = (key.settings.reach, key.settings.replaced_by.take());
        let person = key.settings.person.take();
        key.settings = KeySettings { reach, person, replaced_by, ..self.settings() };
    }

    fn settings(self) -> KeySettings {
        KeySettings {
            scenario: self.scenario,
            owner: self.owner,
            allowed_routes: self.allowed_routes,
            allowed_models: self.allowed_models,
            allowed_zones: self.allowed_zones,
            allowed_ips: self.allowed_ips,
            limits: self.limits,
            ..KeySettings::default()
        }
    }
}

/// As the operator sees it.
pub(super) fn shown(key: &KeyRecord) -> Value {
    let object = |value: Result<Value, serde_json::Error>| match value {
        Ok(Value::Object(fields)) => fields,
        // Names and numbers always have a JSON form.
        _ => Map::new(),
    };
    let mut fields = Map::new();
    fields.insert("id".to_owned(), key.id.clone().into());
    fields.insert("prefix".to_owned(), format!("{KEY_PREFIX}{}", key.id).into());
    fields.extend(object(serde_json::to_value(KeyIdentity::of(key))));
    fields.extend(object(serde_json::to_value(KeyFields::of(key))));
    fields.insert("person".to_owned(), key.settings.person.clone().into());
    fields.insert("replaced_by".to_owned(), key.settings.replaced_by.clone().into());
    fields.insert("created_at_ms".to_owned(), key.created_at_ms.into());
    fields.insert("revoked".to_owned(), key.revoked.into());
    fields.insert("version".to_owned(), key.version.into());
    Value::Object(fields)
}
