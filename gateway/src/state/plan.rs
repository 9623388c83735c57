//! What an import does, for people and programs to read before it is done. No secret stands in it but the texts of new keys,
//! which are given out of it once.

use std::fmt;

use serde::Serialize;
use serde_json::{Value, json};

use super::StateWrite;
use super::fields::FieldChange;
use crate::auth::MintedKey;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Create,
    Change,
    Freeze,
    Remove,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Tenant,
    Department,
    Project,
    Key,
    Switch,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub action: Action,
    pub kind: Kind,
    /// With the tenant's in front where it belongs to one.
    pub id: String,
    pub fields: Vec<FieldChange>,
    /// What the audit calls it.
    pub object: String,
    pub(super) write: StateWrite,
}

/// Changes in the order in which they are written.
#[derive(Default)]
pub struct Plan {
    pub changes: Vec<Change>,
    /// Their texts are shown once.
    pub new_keys: Vec<MintedKey>,
    /// What is not in the document and stays all the same.
    pub kept: Vec<String>,
    /// Of the records that it was made of.
    pub generation: i64,
}

impl Action {
    pub const ALL: [Self; 4] = [Self::Create, Self::Change, Self::Freeze, Self::Remove];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Freeze => "freeze",
            Self::Remove => "remove",
        }
    }
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Department => "department",
            Self::Project => "project",
            Self::Key => "key",
            Self::Switch => "switch",
        }
    }
}

impl Change {
    /// The single act that does the same.
    pub fn endpoint(&self) -> &'static str {
        match self.write {
            StateWrite::InsertTenant(_) => "POST /admin/v1/tenants",
            StateWrite::UpdateTenant(_) => "PATCH /admin/v1/tenants/{tenant}",
            StateWrite::InsertDepartment(_) => "POST /admin/v1/departments",
            StateWrite::UpdateDepartment(_) => "PATCH /admin/v1/departments/{tenant}/{id}",
            StateWrite::RemoveDepartment(_) => "DELETE /admin/v1/departments/{tenant}/{id}",
            StateWrite::InsertProject(_) => "POST /admin/v1/projects",
            StateWrite::UpdateProject(_) => "PATCH /admin/v1/projects/{tenant}/{id}",
            StateWrite::InsertKey(_) => "POST /admin/v1/keys",
            StateWrite::UpdateKey(_) => "PATCH /admin/v1/keys/{id}",
            StateWrite::SwitchOff(_) => "PUT /admin/v1/switches/{kind}/{*name}",
            StateWrite::SwitchOn(..) => "DELETE /admin/v1/switches/{kind}/{*name}",
        }
    }
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub fn writes(&self) -> Vec<StateWrite> {
        self.changes.iter().map(|change| change.write.clone()).collect()
    }

    pub fn count(&self, action: Action) -> usize {
        self.changes.iter().filter(|change| change.action == action).count()
    }

    /// Without the texts of new keys.
    pub fn shown(&self) -> Value {
        let change = |change: &Change| {
            let Change { action, kind, id, fields, .. } = change;
            json!({ "action": action, "kind": kind, "id": id, "fields": fields })
        };
        let counts = Action::ALL.map(|action| (action.as_str().to_owned(), Value::from(self.count(action))));
        json!({
            "changes": self.changes.iter().map(change).collect::<Vec<_>>(),
            "counts": Value::Object(counts.into_iter().collect()),
            "kept": self.kept,
        })
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("changes", &self.changes).field("kept", &self.kept).finish_non_exhaustive()
    }
}
