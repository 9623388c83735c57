//! `/admin/v1/people`: who may log in, and what they may do then. Nobody gives more than they have.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::ErrorResponse;
use super::super::passed_on::read_body;
use super::caller::{Caller, not_found, only_supplier, reach, require};
use super::listing::{Part, query};
use super::merge_patch::{patched, read_object};
use super::owners::{is_owner, leaves_an_owner};
use super::person_fields::{PersonFields, shown};
use super::versions::{check_version, inserted, updated, versioned};
use super::{MAX_BODY_BYTES, store_failed};
use crate::auth::{Permission, Person, Reach, Role, email_of, person_id};
use crate::pipeline::{Authenticated, Gateway, not_permitted};
use crate::store::Written;

type Id = Result<Path<String>, PathRejection>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Which {
    email: Option<String>,
    role: Option<Role>,
    tenant: Option<String>,
    limit: Option<String>,
    after: Option<String>,
}

pub async fn list_people(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Value>, ErrorResponse> {
    let Which { email, role, tenant, limit, after } = query(which)?;
    let email = email.map(|email| email_of(&email).unwrap_or_default());
    let own = reach(&caller);
    let people = gateway.store().people().people().await.map_err(|error| store_failed(&error))?;
    let is_asked_for = |person: &&Person| {
        own.includes(&person.reach)
            && email.as_ref().is_none_or(|email| *email == person.email)
            && role.is_none_or(|role| role == person.role)
            && tenant.as_ref().is_none_or(|tenant| person.reach.tenant() == Some(tenant))
    };
    let seen = people.iter().filter(is_asked_for).map(shown).collect();
    Ok(Json(Part { limit, after }.of(seen, &["id"])?))
}

pub async fn create_person(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    body: Body,
) -> Result<Response, ErrorResponse> {
    let body = read_body(body, MAX_BODY_BYTES).await?;
    let fields: PersonFields = read_object(&body)?;
    let now_ms = gateway.sources.now().as_millisecond();
    let mut person = Person {
        id: person_id(gateway.sources.random()),
        email: String::new(),
        name: None,
        role: fields.role,
        reach: Reach::Installation,
        frozen: false,
        identity: None,
        is_granted: false,
        created_at_ms: now_ms,
        changed_at_ms: now_ms,
        version: 1,
    };
    fields.put_into(&mut person)?;
    about(&caller, &person);
    may_write(&caller, &person)?;
    // An address is somebody's everywhere: no tenant takes another's people.
    only_supplier(&caller)?;
    let written = gateway.store().people().insert_person(person.clone()).await.map_err(|error| store_failed(&error))?;
    inserted(written, "person", home_of(&person))?;
    gateway.directory_changed().await;
    Ok(versioned(StatusCode::CREATED, shown(&person), 1))
}

pub async fn show_person(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    id: Id,
) -> Result<Response, ErrorResponse> {
    let person = found(&gateway, &caller, id).await?;
    Ok(versioned(StatusCode::OK, shown(&person), person.version))
}

pub async fn change_person(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    id: Id,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    let body = read_body(body, MAX_BODY_BYTES).await?;
    let old = found(&gateway, &caller, id).await?;
    about(&caller, &old);
    check_version(&headers, old.version)?;
    let fields: PersonFields = patched(&PersonFields::of(&old), &body)?;
    let mut new = old.clone();
    fields.put_into(&mut new)?;
    // Neither may somebody be changed who has more, nor be given more.
    may_write(&caller, &old)?;
    may_write(&caller, &new)?;
    if new.email != old.email {
        only_supplier(&caller)?;
    }
    if is_owner(&gateway, &old) && !is_owner(&gateway, &new) {
        leaves_an_owner(&gateway, &old.id).await?;
    }
    let people = gateway.store().people();
    let namesake = people.person_by_email(new.email.clone()).await.map_err(|error| store_failed(&error))?;
    if namesake.is_some_and(|other| other.id != new.id) {
        inserted(Written::Conflict, "person", "person")?;
    }
    new.changed_at_ms = gateway.sources.now().as_millisecond();
    let written = people.update_person(new.clone()).await.map_err(|error| store_failed(&error))?;
    updated(written, home_of(&new))?;
    gateway.directory_changed().await;
    new.version += 1;
    Ok(versioned(StatusCode::OK, shown(&new), new.version))
}

pub async fn remove_person(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    id: Id,
    headers: HeaderMap,
) -> Result<Response, ErrorResponse> {
    let person = found(&gateway, &caller, id).await?;
    about(&caller, &person);
    check_version(&headers, person.version)?;
    may_write(&caller, &person)?;
    if is_owner(&gateway, &person) {
        leaves_an_owner(&gateway, &person.id).await?;
    }
    let written = gateway.store().people().delete_person(person.id, person.version).await;
    updated(written.map_err(|error| store_failed(&error))?, "person")?;
    gateway.directory_changed().await;
    Ok(Json(json!({ "deleted": true })).into_response())
}

async fn found(gateway: &Gateway, caller: &Authenticated, id: Id) -> Result<Person, ErrorResponse> {
    let id = id.map(|Path(id)| id).unwrap_or_default();
    let person = gateway.store().people().person(id).await.map_err(|error| store_failed(&error))?;
    person.filter(|person| reach(caller).includes(&person.reach)).ok_or_else(|| not_found("person"))
}

/// Whoever gives somebody a role and a reach must have all of both.
fn may_write(caller: &Authenticated, person: &Person) -> Result<(), ErrorResponse> {
    let own = &caller.context().key;
    require(caller, &[Permission::WritePeople])?;
    if person.role == Role::Owner {
        require(caller, &[Permission::WriteOwners])?;
    }
    if own.role.may_appoint(person.role) && own.reach().includes(&person.reach) {
        Ok(())
    } else {
        Err(not_permitted().into())
    }
}

/// What must be there for somebody to reach it.
fn home_of(person: &Person) -> &'static str {
    match person.reach {
        Reach::Installation => "person",
        Reach::Tenant { .. } => "tenant",
        Reach::Project { .. } => "project",
    }
}

fn about(caller: &Authenticated, person: &Person) {
    caller.context().settlement.note_object(format!("person {}", person.id));
}
