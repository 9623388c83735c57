//! `/admin/v1/keys`: keys of applications and of administrators. A key's text is shown once, when it is made.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use shekara_protocol::error::ApiError;

use super::super::ErrorResponse;
use super::super::passed_on::read_body;
use super::caller::{Caller, not_found, reach, require};
use super::key_fields::{KeyFields, KeyIdentity, shown};
use super::listing::{Part, list, query};
use super::merge_patch::{patched, read_object};
use super::owners::{is_owners_key, leaves_an_owner};
use super::versions::{check_version, updated, versioned};
use super::{MAX_BODY_BYTES, invalid_name, store_failed};
use crate::auth::{KeyRecord, NewKey, Permission, Role, check_name, id_prefix, is_production, mint};
use crate::pipeline::{Authenticated, Gateway, not_permitted};
use crate::store::KeyFilter;

/// While both the old and the new text of a rotated key hold.
const DEFAULT_OVERLAP_S: u64 = 24 * 3600;
const MAX_OVERLAP_S: u64 = 366 * 24 * 3600;

type Id = Result<Path<String>, PathRejection>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    tenant: Option<String>,
    project: Option<String>,
    environment: Option<String>,
    role: Option<Role>,
    owner: Option<String>,
    /// `me`, or by id.
    person: Option<String>,
    prefix: Option<String>,
    limit: Option<String>,
    after: Option<String>,
}

pub async fn list_keys(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Value>, ErrorResponse> {
    let which = query(which)?;
    let part = Part { limit: which.limit, after: which.after };
    let limit = part.limit()?;
    let reach = reach(&caller);
    let within = |asked: Option<String>, own: Option<&str>| match (asked, own) {
        (Some(asked), Some(own)) if asked != own => Err(()),
        (asked, own) => Ok(own.map(str::to_owned).or(asked)),
    };
    let (Ok(tenant), Ok(project)) = (within(which.tenant, reach.tenant()), within(which.project, reach.project()))
    else {
        return Ok(Json(list(Vec::new(), limit, &["id"])));
    };
    let own = caller.context().key.person().map(|person| person.id.clone());
    let person = match which.person.as_deref() {
        Some("me") if own.is_none() => return Ok(Json(list(Vec::new(), limit, &["id"]))),
        Some("me") => own.clone(),
        _ => which.person,
    };
    // Administrators' keys are people's.
    let sees_people = caller.context().key.may(Permission::ReadPeople) || person.is_some() && person == own;
    let role = match (which.role, sees_people) {
        (role, true) => role,
        (None | Some(Role::Application), false) => Some(Role::Application),
        (Some(_), false) => return Ok(Json(list(Vec::new(), limit, &["id"]))),
    };
    let filter = KeyFilter {
        tenant,
        project,
        environment: which.environment,
        role,
        owner: which.owner,
        person,
        prefix: which.prefix.map(|prefix| id_prefix(&prefix).to_owned()),
        after: part.after.unwrap_or_default(),
        limit: u32::try_from(limit + 1).unwrap_or(u32::MAX),
    };
    let keys = gateway.store().tenancy().keys(filter).await.map_err(|error| store_failed(&error))?;
    Ok(Json(list(keys.iter().map(shown).collect(), limit, &["id"])))
}

pub async fn create_key(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    body: Body,
) -> Result<Response, ErrorResponse> {
    let body = read_body(body, MAX_BODY_BYTES).await?;
    let (identity, fields) = KeyIdentity::read(&body)?;
    let frozen = fields.frozen;
    let mut new = fields.new_key(identity);
    mark(&mut new, &caller);
    new.check().map_err(|error| invalid_name(&error))?;
    let mut minted = mint(new, gateway.key_secret(), gateway.sources.random(), gateway.sources.now().as_millisecond());
    minted.record.frozen = frozen;
    about(&caller, &minted.record);
    may_write(&caller, &minted.record)?;
    has_home(&gateway, &caller, &minted.record).await?;
    gateway.store().tenancy().insert_key(minted.record.clone()).await.map_err(|error| store_failed(&error))?;
    gateway.directory_changed().await;
    Ok(made(&minted.record, &minted.plaintext))
}

/// What somebody who is logged in makes is theirs to answer for. A key for `/admin/v1` is theirs altogether: it goes where they
/// go.
fn mark(new: &mut NewKey, caller: &Authenticated) {
    let Some(person) = caller.context().key.person() else { return };
    if new.settings.owner.is_none() && check_name("owner", &person.email).is_ok() {
        new.settings.owner = Some(person.email.clone());
    }
    if new.role != Role::Application {
        new.settings.person = Some(person.id.clone());
    }
}

fn made(record: &KeyRecord, plaintext: &str) -> Response {
    versioned(StatusCode::CREATED, json!({ "key": plaintext, "record": shown(record) }), record.version)
}

pub async fn show_key(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    id: Id,
) -> Result<Response, ErrorResponse> {
    let key = found(&gateway, &caller, id).await?;
    Ok(versioned(StatusCode::OK, shown(&key), key.version))
}

pub async fn change_key(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    id: Id,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    let body = read_body(body, MAX_BODY_BYTES).await?;
    let mut key = found(&gateway, &caller, id).await?;
    about(&caller, &key);
    check_version(&headers, key.version)?;
    let old = KeyFields::of(&key);
    let new: KeyFields = patched(&old, &body)?;
    may_change(&caller, &key, (&old, &new))?;
    let was_in_force = is_owners_key(&gateway, &key);
    new.clone().put_into(&mut key);
    if was_in_force && !is_owners_key(&gateway, &key) {
        leaves_an_owner(&gateway, &key.id).await?;
    }
    key.settings.check().map_err(|error| invalid_name(&error))?;
    check_name("name", &key.name).map_err(|error| invalid_name(&error))?;
    let written = gateway.store().tenancy().update_key(key.clone()).await.map_err(|error| store_failed(&error))?;
    updated(written, "key")?;
    gateway.directory_changed().await;
    key.version += 1;
    Ok(versioned(StatusCode::OK, shown(&key), key.version))
}

pub async fn revoke_key(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    id: Id,
) -> Result<Response, ErrorResponse> {
    let mut key = found(&gateway, &caller, id).await?;
    about(&caller, &key);
    may_write(&caller, &key)?;
    if key.revoked {
        return Err(not_found("key"));
    }
    if is_owners_key(&gateway, &key) {
        leaves_an_owner(&gateway, &key.id).await?;
    }
    key.revoked = true;
    let written = gateway.store().tenancy().update_key(key).await.map_err(|error| store_failed(&error))?;
    updated(written, "key")?;
    gateway.directory_changed().await;
    Ok(Json(json!({ "revoked": true })).into_response())
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Rotation {
    overlap_s: Option<u64>,
}

/// A new text for the same key: the old one holds a while longer.
pub async fn rotate_key(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    id: Id,
    body: Body,
) -> Result<Response, ErrorResponse> {
    let body = read_body(body, MAX_BODY_BYTES).await?;
    let Rotation { overlap_s } = if body.is_empty() { Rotation::default() } else { read_object(&body)? };
    let overlap_s = overlap_s.unwrap_or(DEFAULT_OVERLAP_S);
    if overlap_s > MAX_OVERLAP_S {
        return Err(ApiError::invalid("overlap_s", format!("'overlap_s' is at most {MAX_OVERLAP_S}.")).into());
    }
    let mut old = found(&gateway, &caller, id).await?;
    about(&caller, &old);
    may_write(&caller, &old)?;
    let now_ms = gateway.sources.now().as_millisecond();
    if old.revoked || old.expires_at_ms.is_some_and(|until_ms| until_ms <= now_ms) {
        return Err(not_found("key"));
    }
    if let Some(successor) = &old.settings.replaced_by {
        let message = format!("This key was rotated already: {successor} has taken its place.");
        return Err(ApiError::invalid("id", message).with_code("key_rotated").into());
    }
    let identity = KeyIdentity::of(&old);
    let mut new = KeyFields::of(&old).new_key(identity);
    new.settings.person.clone_from(&old.settings.person);
    let mut minted = mint(new, gateway.key_secret(), gateway.sources.random(), now_ms);
    minted.record.frozen = old.frozen;
    let until_ms = now_ms.saturating_add_unsigned(overlap_s * 1_000);
    old.expires_at_ms = Some(old.expires_at_ms.map_or(until_ms, |expires_at_ms| expires_at_ms.min(until_ms)));
    old.settings.replaced_by = Some(minted.record.id.clone());
    let rotated = gateway.store().tenancy().rotate_key(old, minted.record.clone()).await;
    updated(rotated.map_err(|error| store_failed(&error))?, "key")?;
    gateway.directory_changed().await;
    Ok(made(&minted.record, &minted.plaintext))
}

async fn found(gateway: &Gateway, caller: &Authenticated, id: Id) -> Result<KeyRecord, ErrorResponse> {
    let id = id.map(|Path(id)| id).unwrap_or_default();
    let key = gateway.store().tenancy().key(id).await.map_err(|error| store_failed(&error))?;
    let sees_people = caller.context().key.may(Permission::ReadPeople);
    let is_seen = |key: &KeyRecord| {
        let is_kind_seen = sees_people || key.role == Role::Application || is_own(caller, key);
        is_kind_seen && reach(caller).includes_project(&key.tenant, &key.project)
    };
    key.filter(is_seen).ok_or_else(|| not_found("key"))
}

/// A key makes its project, and that its tenant, only for whoever might make them anyway.
async fn has_home(gateway: &Gateway, caller: &Authenticated, key: &KeyRecord) -> Result<(), ErrorResponse> {
    let may_make = caller.context().key.may(Permission::WriteTenants);
    if may_make && reach(caller).includes_all_of_tenant(&key.tenant) {
        return Ok(());
    }
    let projects = gateway.store().tenancy().projects(Some(key.tenant.clone())).await;
    let projects = projects.map_err(|error| store_failed(&error))?;
    if projects.iter().any(|project| project.id == key.project) { Ok(()) } else { Err(not_found("project")) }
}

/// Whoever gives a key away must have all that it opens.
fn may_write(caller: &Authenticated, key: &KeyRecord) -> Result<(), ErrorResponse> {
    let own = &caller.context().key;
    if !own.reach().includes_project(&key.tenant, &key.project) {
        return Err(not_found("project"));
    }
    if key.role == Role::Application {
        let needs: &[Permission] = if is_production(&key.environment) {
            &[Permission::WriteKeys]
        } else {
            &[Permission::WriteKeys, Permission::WriteTestKeys]
        };
        return require(caller, needs);
    }
    if !is_own(caller, key) {
        require(caller, &[Permission::WritePeople])?;
        if key.role == Role::Owner {
            require(caller, &[Permission::WriteOwners])?;
        }
    }
    if own.role.covers(key.role) && own.reach().includes(&key.reach()) { Ok(()) } else { Err(not_permitted().into()) }
}

/// A key of the very person who asks.
fn is_own(caller: &Authenticated, key: &KeyRecord) -> bool {
    let person = caller.context().key.person();
    person.is_some_and(|person| key.settings.person.as_ref() == Some(&person.id))
}

/// An operator may freeze what they may not write, and whoever keeps the budgets may set them.
fn may_change(
    caller: &Authenticated,
    key: &KeyRecord,
    (old, new): (&KeyFields, &KeyFields),
) -> Result<(), ErrorResponse> {
    let only_frozen = KeyFields { frozen: new.frozen, ..old.clone() };
    let is_application = key.role == Role::Application;
    if is_application && *new == only_frozen && require(caller, &[Permission::WriteSwitches]).is_ok() {
        return Ok(());
    }
    let mut only_budgets = old.clone();
    only_budgets.limits.budgets = new.limits.budgets.clone();
    if is_application && *new == only_budgets && require(caller, &[Permission::WriteBudgets]).is_ok() {
        return Ok(());
    }
    may_write(caller, key)
}

fn about(caller: &Authenticated, key: &KeyRecord) {
    caller.context().settlement.note_object(format!("key {} of {}/{}", key.id, key.tenant, key.project));
}
