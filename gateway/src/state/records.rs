//! What the store has, and what may be written to it.

use crate::auth::{Department, KeyRecord, Project, Switch, SwitchKind, Tenant};

/// All of it, as of one generation.
#[derive(Debug, Clone, Default)]
pub struct StateRecords {
    pub tenants: Vec<Tenant>,
    pub departments: Vec<Department>,
    pub projects: Vec<Project>,
    /// Those that were revoked among them.
    pub keys: Vec<KeyRecord>,
    pub switches: Vec<Switch>,
    /// Changes with every change of the others.
    pub generation: i64,
}

/// One of the writes that are done together or not at all. What takes the place of a record has the version that was read.
#[derive(Debug, Clone, PartialEq)]
pub enum StateWrite {
    InsertTenant(Tenant),
    UpdateTenant(Tenant),
    InsertDepartment(Department),
    UpdateDepartment(Department),
    /// Of its version.
    RemoveDepartment(Department),
    InsertProject(Project),
    UpdateProject(Project),
    InsertKey(Box<KeyRecord>),
    UpdateKey(Box<KeyRecord>),
    SwitchOff(Switch),
    SwitchOn(SwitchKind, String),
}
