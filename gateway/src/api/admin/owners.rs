//! Somebody must be left who may give everything back: the last owner of the installation stays one.

use http::StatusCode;
use shekara_protocol::error::{ApiError, ErrorType};

use super::super::ErrorResponse;
use super::store_failed;
use crate::auth::{KeyRecord, Person, Role};
use crate::pipeline::Gateway;
use crate::store::KeyFilter;

/// A key that opens everything, now, and that is not lost with a person.
pub(super) fn is_owners_key(gateway: &Gateway, key: &KeyRecord) -> bool {
    key.is_owner_in_force(gateway.sources.now().as_millisecond())
}

/// Somebody who may do everything, has been here, and does not depend on a provider's claims.
pub(super) fn is_owner(gateway: &Gateway, person: &Person) -> bool {
    let is_bound = person.identity.is_some() && gateway.snapshot().config.login.is_some();
    let is_owner = person.role == Role::Owner && person.reach.is_installation();
    is_owner && is_bound && !person.frozen && !person.is_granted
}

/// # Errors
/// 409: besides the key or person of this id nobody is left.
pub(super) async fn leaves_an_owner(gateway: &Gateway, id: &str) -> Result<(), ErrorResponse> {
    let owners = KeyFilter { role: Some(Role::Owner), limit: u32::MAX, ..KeyFilter::default() };
    let owners = gateway.store().tenancy().keys(owners).await.map_err(|error| store_failed(&error))?;
    if owners.iter().any(|key| key.id != id && is_owners_key(gateway, key)) {
        return Ok(());
    }
    let people = gateway.store().people().people().await.map_err(|error| store_failed(&error))?;
    if people.iter().any(|person| person.id != id && is_owner(gateway, person)) {
        return Ok(());
    }
    let message = "This is the last owner, or the last key of one. Make another one first.";
    let error = ApiError::new(StatusCode::CONFLICT, ErrorType::InvalidRequestError, message);
    Err(error.with_code("last_owner").final_answer().into())
}
