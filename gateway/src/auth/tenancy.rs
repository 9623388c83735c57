//! Who belongs to whom: a tenant (the customer, who gets the invoice) has departments, and projects that have keys.
//!
//! A record's `version` counts its changes, so that nobody writes over what they have not seen. Freezing is a kill switch:
//! nothing below it is served, and nothing is lost.

use serde::{Deserialize, Serialize};

use super::InvalidName;
use super::buyer::BuyerDetails;
use super::names::check_name;
use crate::limits::Limits;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    pub id: String,
    pub name: String,
    pub settings: TenantSettings,
    pub frozen: bool,
    /// Unix milliseconds.
    pub created_at_ms: i64,
    pub version: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Department {
    pub tenant: String,
    pub id: String,
    pub name: String,
    pub created_at_ms: i64,
    pub version: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    pub tenant: String,
    pub id: String,
    pub name: String,
    /// Of the same tenant.
    pub department: Option<String>,
    pub settings: ProjectSettings,
    pub frozen: bool,
    pub created_at_ms: i64,
    pub version: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TenantSettings {
    #[serde(skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// Who the invoices are for; without it there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing: Option<BuyerDetails>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProjectSettings {
    #[serde(skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
}

impl Tenant {
    /// One that nothing else is known of.
    pub fn named(id: &str, now_ms: i64) -> Self {
        let settings = TenantSettings::default();
        Self { id: id.to_owned(), name: id.to_owned(), settings, frozen: false, created_at_ms: now_ms, version: 1 }
    }

    /// # Errors
    /// A name is empty, too long or has control characters.
    pub fn check(&self) -> Result<(), InvalidName> {
        check_name("id", &self.id)?;
        check_name("name", &self.name)
    }
}

impl Department {
    /// # Errors
    /// As [`Tenant::check`].
    pub fn check(&self) -> Result<(), InvalidName> {
        check_name("tenant", &self.tenant)?;
        check_name("id", &self.id)?;
        check_name("name", &self.name)
    }
}

impl Project {
    /// One that nothing else is known of.
    pub fn named(tenant: &str, id: &str, now_ms: i64) -> Self {
        Self {
            tenant: tenant.to_owned(),
            id: id.to_owned(),
            name: id.to_owned(),
            department: None,
            settings: ProjectSettings::default(),
            frozen: false,
            created_at_ms: now_ms,
            version: 1,
        }
    }

    /// # Errors
    /// As [`Tenant::check`].
    pub fn check(&self) -> Result<(), InvalidName> {
        check_name("tenant", &self.tenant)?;
        check_name("id", &self.id)?;
        self.department.iter().try_for_each(|department| check_name("department", department))?;
        check_name("name", &self.name)
    }
}
