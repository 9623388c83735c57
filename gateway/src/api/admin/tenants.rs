//! `/admin/v1/tenants`: customers, who get the invoices.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::{Extension, Json};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shekara_protocol::error::ApiError;

use super::super::ErrorResponse;
use super::super::passed_on::read_body;
use super::caller::{Caller, not_found, only_supplier, reach, require};
use super::listing::{Part, query};
use super::merge_patch::{patched, read_object};
use super::versions::{check_version, inserted, updated, versioned};
use super::{MAX_BODY_BYTES, invalid_name, store_failed};
use crate::auth::{BuyerDetails, Permission, Tenant, TenantSettings};
use crate::pipeline::{Authenticated, Gateway};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTenant {
    id: String,
    name: Option<String>,
    #[serde(default)]
    frozen: bool,
    #[serde(default)]
    settings: TenantSettings,
}

/// What may be changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TenantFields {
    name: String,
    #[serde(default)]
    frozen: bool,
    #[serde(default)]
    settings: TenantSettings,
}

type Id = Result<Path<String>, PathRejection>;

pub async fn list_tenants(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Json<Value>, ErrorResponse> {
    let part = query(part)?;
    let reach = reach(&caller);
    let tenants = gateway.store().tenancy().tenants().await.map_err(|error| store_failed(&error))?;
    let seen = tenants.iter().filter(|tenant| reach.includes_tenant(&tenant.id));
    Ok(Json(part.of(seen.map(|tenant| json!(tenant)).collect(), &["id"])?))
}

pub async fn create_tenant(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    body: Body,
) -> Result<Response, ErrorResponse> {
    let body = read_body(body, MAX_BODY_BYTES).await?;
    let NewTenant { id, name, frozen, settings } = read_object(&body)?;
    let name = name.unwrap_or_else(|| id.clone());
    let created_at_ms = gateway.sources.now().as_millisecond();
    let tenant = Tenant { id, name, settings, frozen, created_at_ms, version: 1 };
    tenant.check().map_err(|error| invalid_name(&error))?;
    check_billing(&tenant.settings)?;
    if !reach(&caller).is_installation() {
        return Err(crate::pipeline::not_permitted().into());
    }
    about(&caller, &tenant.id);
    let written = gateway.store().tenancy().insert_tenant(tenant.clone()).await;
    inserted(written.map_err(|error| store_failed(&error))?, "tenant", "tenant")?;
    gateway.directory_changed().await;
    Ok(versioned(StatusCode::CREATED, json!(tenant), 1))
}

pub async fn show_tenant(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    id: Id,
) -> Result<Response, ErrorResponse> {
    let tenant = found(&gateway, &caller, id).await?;
    Ok(versioned(StatusCode::OK, json!(tenant), tenant.version))
}

pub async fn change_tenant(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    id: Id,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    let body = read_body(body, MAX_BODY_BYTES).await?;
    let mut tenant = found(&gateway, &caller, id).await?;
    about(&caller, &tenant.id);
    check_version(&headers, tenant.version)?;
    let old = TenantFields { name: tenant.name, frozen: tenant.frozen, settings: tenant.settings };
    let new: TenantFields = patched(&old, &body)?;
    may_change(&caller, &tenant.id, (&old, &new))?;
    (tenant.name, tenant.frozen, tenant.settings) = (new.name, new.frozen, new.settings);
    tenant.check().map_err(|error| invalid_name(&error))?;
    check_billing(&tenant.settings)?;
    let written = gateway.store().tenancy().update_tenant(tenant.clone()).await;
    updated(written.map_err(|error| store_failed(&error))?, "tenant")?;
    gateway.directory_changed().await;
    tenant.version += 1;
    Ok(versioned(StatusCode::OK, json!(tenant), tenant.version))
}

/// An operator may freeze what they may not write.
fn may_change(
    caller: &Authenticated,
    id: &str,
    (old, new): (&TenantFields, &TenantFields),
) -> Result<(), ErrorResponse> {
    if !reach(caller).includes_all_of_tenant(id) {
        return Err(crate::pipeline::not_permitted().into());
    }
    // What the supplier has stopped or bounded, the customer does not free.
    let is_freed = old.frozen && !new.frozen || old.settings.limits != new.settings.limits;
    if is_freed {
        only_supplier(caller)?;
    }
    let only_frozen = TenantFields { frozen: new.frozen, ..old.clone() };
    if *new == only_frozen && require(caller, &[Permission::WriteSwitches]).is_ok() {
        return Ok(());
    }
    let mut only_budgets = old.clone();
    only_budgets.settings.limits.budgets = new.settings.limits.budgets.clone();
    only_budgets.settings.billing.clone_from(&new.settings.billing);
    if *new == only_budgets && require(caller, &[Permission::WriteBudgets]).is_ok() {
        return Ok(());
    }
    require(caller, &[Permission::WriteTenants])
}

/// A bad account number is found out now, and not when the month is closed.
fn check_billing(settings: &TenantSettings) -> Result<(), ErrorResponse> {
    let Some(Err(bad)) = settings.billing.as_ref().map(BuyerDetails::check) else { return Ok(()) };
    let field = format!("settings.billing.{}", bad.field);
    Err(ApiError::invalid(&field, format!("Invalid '{field}': {}.", bad.problem)).into())
}

async fn found(gateway: &Gateway, caller: &Authenticated, id: Id) -> Result<Tenant, ErrorResponse> {
    let id = id.map(|Path(id)| id).unwrap_or_default();
    let tenants = gateway.store().tenancy().tenants().await.map_err(|error| store_failed(&error))?;
    let own = tenants.into_iter().find(|tenant| tenant.id == id && reach(caller).includes_tenant(&id));
    own.ok_or_else(|| not_found("tenant"))
}

fn about(caller: &Authenticated, id: &str) {
    caller.context().settlement.note_object(format!("tenant {id}"));
}
