//! `/admin/v1/departments`: parts of a tenant that projects belong to.

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
use super::caller::{Caller, not_found, reach};
use super::listing::{OfTenant, query};
use super::merge_patch::{patched, read_object};
use super::versions::{check_version, inserted, updated, versioned};
use super::{MAX_BODY_BYTES, invalid_name, store_failed};
use crate::auth::Department;
use crate::pipeline::{Authenticated, Gateway, not_permitted};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewDepartment {
    tenant: String,
    id: String,
    name: Option<String>,
}

/// What may be changed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DepartmentFields {
    name: String,
}

type Ids = Result<Path<(String, String)>, PathRejection>;

pub async fn list_departments(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    of: Result<Query<OfTenant>, QueryRejection>,
) -> Result<Json<Value>, ErrorResponse> {
    let of = query(of)?;
    let reach = reach(&caller);
    let all = gateway.store().tenancy().departments(of.tenant.clone()).await.map_err(|error| store_failed(&error))?;
    let seen = all.iter().filter(|department| reach.includes_tenant(&department.tenant));
    Ok(Json(of.part().of(seen.map(|department| json!(department)).collect(), &["tenant", "id"])?))
}

pub async fn create_department(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    body: Body,
) -> Result<Response, ErrorResponse> {
    let body = read_body(body, MAX_BODY_BYTES).await?;
    let NewDepartment { tenant, id, name } = read_object(&body)?;
    let name = name.unwrap_or_else(|| id.clone());
    let created_at_ms = gateway.sources.now().as_millisecond();
    let department = Department { tenant, id, name, created_at_ms, version: 1 };
    department.check().map_err(|error| invalid_name(&error))?;
    may_write(&caller, &department)?;
    let written = gateway.store().tenancy().insert_department(department.clone()).await;
    inserted(written.map_err(|error| store_failed(&error))?, "department", "tenant")?;
    Ok(versioned(StatusCode::CREATED, json!(department), 1))
}

pub async fn show_department(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    ids: Ids,
) -> Result<Response, ErrorResponse> {
    let department = found(&gateway, &caller, ids).await?;
    Ok(versioned(StatusCode::OK, json!(department), department.version))
}

pub async fn change_department(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    ids: Ids,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    let body = read_body(body, MAX_BODY_BYTES).await?;
    let mut department = found(&gateway, &caller, ids).await?;
    may_write(&caller, &department)?;
    check_version(&headers, department.version)?;
    let DepartmentFields { name } = patched(&DepartmentFields { name: department.name }, &body)?;
    department.name = name;
    department.check().map_err(|error| invalid_name(&error))?;
    let written = gateway.store().tenancy().update_department(department.clone()).await;
    updated(written.map_err(|error| store_failed(&error))?, "department")?;
    department.version += 1;
    Ok(versioned(StatusCode::OK, json!(department), department.version))
}

fn may_write(caller: &Authenticated, department: &Department) -> Result<(), ErrorResponse> {
    let Department { tenant, id, .. } = department;
    caller.context().settlement.note_object(format!("department {tenant}/{id}"));
    if reach(caller).includes_all_of_tenant(tenant) { Ok(()) } else { Err(not_permitted().into()) }
}

async fn found(gateway: &Gateway, caller: &Authenticated, ids: Ids) -> Result<Department, ErrorResponse> {
    let (tenant, id) = ids.map(|Path(ids)| ids).unwrap_or_default();
    let all = gateway.store().tenancy().departments(Some(tenant)).await.map_err(|error| store_failed(&error))?;
    let is_it = |department: &Department| department.id == id && reach(caller).includes_tenant(&department.tenant);
    all.into_iter().find(is_it).ok_or_else(|| not_found("department"))
}
