//! Rows of tenants, departments, projects, keys and switches, read as what they mean. A row that says what this version
//! does not know is refused: a restriction must not get lost.

use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::StoreError;
use crate::auth::{Department, KeyRecord, Project, Role, Switch, SwitchKind, Tenant};

pub(super) fn tenant_from(row: &AnyRow) -> Result<Tenant, StoreError> {
    Ok(Tenant {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        settings: settings(row, "tenants")?,
        frozen: flag(row, "frozen")?,
        created_at_ms: row.try_get("created_at_ms")?,
        version: row.try_get("version")?,
    })
}

pub(super) fn department_from(row: &AnyRow) -> Result<Department, StoreError> {
    Ok(Department {
        tenant: row.try_get("tenant")?,
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        created_at_ms: row.try_get("created_at_ms")?,
        version: row.try_get("version")?,
    })
}

pub(super) fn project_from(row: &AnyRow) -> Result<Project, StoreError> {
    Ok(Project {
        tenant: row.try_get("tenant")?,
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        department: row.try_get("department")?,
        settings: settings(row, "projects")?,
        frozen: flag(row, "frozen")?,
        created_at_ms: row.try_get("created_at_ms")?,
        version: row.try_get("version")?,
    })
}

pub(super) fn key_from(row: &AnyRow) -> Result<KeyRecord, StoreError> {
    let unknown = |column| StoreError::UnknownValue { table: "keys", column };
    Ok(KeyRecord {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        role: Role::parse(row.try_get("role")?).ok_or_else(|| unknown("role"))?,
        tenant: row.try_get("tenant")?,
        project: row.try_get("project")?,
        environment: row.try_get("environment")?,
        data_class: row.try_get::<&str, _>("data_class")?.parse().map_err(|_| unknown("data_class"))?,
        settings: settings(row, "keys")?,
        hash: row.try_get::<&[u8], _>("hash")?.try_into().map_err(|_| unknown("hash"))?,
        created_at_ms: row.try_get("created_at_ms")?,
        expires_at_ms: row.try_get("expires_at_ms")?,
        frozen: flag(row, "frozen")?,
        revoked: flag(row, "revoked")?,
        version: row.try_get("version")?,
    })
}

pub(super) fn switch_from(row: &AnyRow) -> Result<Switch, StoreError> {
    let unknown = StoreError::UnknownValue { table: "switches", column: "kind" };
    Ok(Switch {
        kind: SwitchKind::parse(row.try_get("kind")?).ok_or(unknown)?,
        name: row.try_get("name")?,
        reason: row.try_get("reason")?,
        by: row.try_get("by_key")?,
        at_ms: row.try_get("at_ms")?,
    })
}

pub(super) fn flag(row: &AnyRow, column: &'static str) -> Result<bool, StoreError> {
    Ok(row.try_get::<i64, _>(column)? != 0)
}

fn settings<T: DeserializeOwned>(row: &AnyRow, table: &'static str) -> Result<T, StoreError> {
    let text: &str = row.try_get("settings")?;
    serde_json::from_str(text).map_err(|_| StoreError::UnknownValue { table, column: "settings" })
}
