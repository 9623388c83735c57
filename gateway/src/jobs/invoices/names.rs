//! What people call what the ledger has by id.

use std::collections::HashMap;

use super::error::InvoiceError;
use crate::store::{KeyFilter, Store};

#[derive(Debug, Default)]
pub(super) struct Names {
    projects: HashMap<String, String>,
    departments: HashMap<String, String>,
    keys: HashMap<String, String>,
}

impl Names {
    pub(super) async fn of(store: &dyn Store, tenant: &str) -> Result<Self, InvoiceError> {
        let own = || Some(tenant.to_owned());
        let projects = store.tenancy().projects(own()).await?;
        let departments = store.tenancy().departments(own()).await?;
        let keys = store.tenancy().keys(KeyFilter { tenant: own(), limit: u32::MAX, ..KeyFilter::default() }).await?;
        Ok(Self {
            projects: projects.into_iter().map(|project| (project.id, project.name)).collect(),
            departments: departments.into_iter().map(|department| (department.id, department.name)).collect(),
            keys: keys.into_iter().map(|key| (key.id, key.name)).collect(),
        })
    }

    pub(super) fn project<'a>(&'a self, id: &'a str) -> &'a str {
        known(&self.projects, id)
    }

    pub(super) fn department<'a>(&'a self, id: &'a str) -> &'a str {
        known(&self.departments, id)
    }

    pub(super) fn key<'a>(&'a self, id: &'a str) -> &'a str {
        known(&self.keys, id)
    }
}

/// What is gone or was never named is called by its id.
fn known<'a>(names: &'a HashMap<String, String>, id: &'a str) -> &'a str {
    match names.get(id).map(String::as_str).map(str::trim) {
        Some(name) if !name.is_empty() => name,
        _ if id.trim().is_empty() => "–",
        _ => id,
    }
}
