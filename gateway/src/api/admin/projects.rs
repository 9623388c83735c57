//! `/admin/v1/projects`: what keys belong to.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::{Extension, Json};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::ErrorResponse;
use super::super::passed_on::read_body;
use super::caller::{Caller, not_found, reach, require};
use super::listing::{OfTenant, query};
use super::merge_patch::{patched, read_object};
use super::versions::{check_version, inserted, updated, versioned};
use super::{MAX_BODY_BYTES, invalid_name, store_failed};
use crate::auth::{Permission, Project, ProjectSettings};
use crate::pipeline::{Authenticated, Gateway, not_permitted};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewProject {
    tenant: String,
    id: String,
    name: Option<String>,
    department: Option<String>,
    #[serde(default)]
    frozen: bool,
    #[serde(default)]
    settings: ProjectSettings,
}

/// What may be changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProjectFields {
    name: String,
    #[serde(default)]
    department: Option<String>,
    #[serde(default)]
    frozen: bool,
    #[serde(default)]
    settings: ProjectSettings,
}

type Ids = Result<Path<(String, String)>, PathRejection>;

pub async fn list_projects(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    of: Result<Query<OfTenant>, QueryRejection>,
) -> Result<Json<Value>, ErrorResponse> {
    let of = query(of)?;
    let reach = reach(&caller);
    let all = gateway.store().tenancy().projects(of.tenant.clone()).await.map_err(|error| store_failed(&error))?;
    let seen = all.iter().filter(|project| reach.includes_project(&project.tenant, &project.id));
    Ok(Json(of.part().of(seen.map(|project| json!(project)).collect(), &["tenant", "id"])?))
}

pub async fn create_project(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    body: Body,
) -> Result<Response, ErrorResponse> {
    let body = read_body(body, MAX_BODY_BYTES).await?;
    let NewProject { tenant, id, name, department, frozen, settings } = read_object(&body)?;
    let name = name.unwrap_or_else(|| id.clone());
    let created_at_ms = gateway.sources.now().as_millisecond();
    let project = Project { tenant, id, name, department, settings, frozen, created_at_ms, version: 1 };
    project.check().map_err(|error| invalid_name(&error))?;
    if !reach(&caller).includes_all_of_tenant(&project.tenant) {
        return Err(not_permitted().into());
    }
    about(&caller, &project);
    let written = gateway.store().tenancy().insert_project(project.clone()).await;
    let belongs_to = if project.department.is_some() { "department" } else { "tenant" };
    inserted(written.map_err(|error| store_failed(&error))?, "project", belongs_to)?;
    gateway.directory_changed().await;
    Ok(versioned(StatusCode::CREATED, json!(project), 1))
}

pub async fn show_project(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    ids: Ids,
) -> Result<Response, ErrorResponse> {
    let project = found(&gateway, &caller, ids).await?;
    Ok(versioned(StatusCode::OK, json!(project), project.version))
}

pub async fn change_project(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    ids: Ids,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    let body = read_body(body, MAX_BODY_BYTES).await?;
    let mut project = found(&gateway, &caller, ids).await?;
    about(&caller, &project);
    check_version(&headers, project.version)?;
    let old = ProjectFields {
        name: project.name,
        department: project.department,
        frozen: project.frozen,
        settings: project.settings,
    };
    let new: ProjectFields = patched(&old, &body)?;
    may_change(&caller, &project.tenant, (&old, &new))?;
    let moved_to = new.department.clone();
    (project.name, project.department, project.frozen, project.settings) =
        (new.name, new.department, new.frozen, new.settings);
    project.check().map_err(|error| invalid_name(&error))?;
    let written = gateway.store().tenancy().update_project(project.clone()).await;
    updated(written.map_err(|error| store_failed(&error))?, if moved_to.is_some() { "department" } else { "project" })?;
    gateway.directory_changed().await;
    project.version += 1;
    Ok(versioned(StatusCode::OK, json!(project), project.version))
}

/// An operator may freeze what they may not write.
fn may_change(
    caller: &Authenticated,
    tenant: &str,
    (old, new): (&ProjectFields, &ProjectFields),
) -> Result<(), ErrorResponse> {
    let only_frozen = ProjectFields { frozen: new.frozen, ..old.clone() };
    if *new == only_frozen && require(caller, &[Permission::WriteSwitches]).is_ok() {
        return Ok(());
    }
    if !reach(caller).includes_all_of_tenant(tenant) {
        return Err(not_permitted().into());
    }
    let mut only_budgets = old.clone();
    only_budgets.settings.limits.budgets = new.settings.limits.budgets.clone();
    if *new == only_budgets && require(caller, &[Permission::WriteBudgets]).is_ok() {
        return Ok(());
    }
    require(caller, &[Permission::WriteTenants])
}

async fn found(gateway: &Gateway, caller: &Authenticated, ids: Ids) -> Result<Project, ErrorResponse> {
    let (tenant, id) = ids.map(|Path(ids)| ids).unwrap_or_default();
    let all = gateway.store().tenancy().projects(Some(tenant)).await.map_err(|error| store_failed(&error))?;
    let is_it = |project: &Project| project.id == id && reach(caller).includes_project(&project.tenant, &id);
    all.into_iter().find(is_it).ok_or_else(|| not_found("project"))
}

fn about(caller: &Authenticated, project: &Project) {
    caller.context().settlement.note_object(format!("project {}/{}", project.tenant, project.id));
}
