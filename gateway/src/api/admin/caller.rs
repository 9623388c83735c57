//! Who calls `/admin/v1`, and what of others' things there is for them.

use axum::Extension;
use shekara_protocol::error::{ApiError, ErrorType};

use super::super::ErrorResponse;
use crate::auth::{Permission, Reach};
use crate::pipeline::{Authenticated, not_permitted};

/// The key of an administrator, as handlers get it.
pub type Caller = Extension<Authenticated>;

/// What the caller may see.
pub(super) fn reach(caller: &Authenticated) -> Reach {
    caller.context().key.reach()
}

/// # Errors
/// 403: none of the permissions is the caller's.
pub(super) fn require(caller: &Authenticated, any_of: &[Permission]) -> Result<(), ErrorResponse> {
    let key = &caller.context().key;
    if any_of.iter().any(|permission| key.may(*permission)) { Ok(()) } else { Err(not_permitted().into()) }
}

/// What is the same for all tenants is no customer's to change.
///
/// # Errors
/// 403: the caller reaches a part of the installation only.
pub(super) fn only_supplier(caller: &Authenticated) -> Result<(), ErrorResponse> {
    if reach(caller).is_installation() { Ok(()) } else { Err(not_permitted().into()) }
}

/// What there is not for this caller is told like what there is not at all.
pub(super) fn not_found(what: &str) -> ErrorResponse {
    let message = format!("There is no such {what}.");
    let error = ApiError::new(http::StatusCode::NOT_FOUND, ErrorType::InvalidRequestError, message);
    error.with_code(format!("{what}_not_found")).into()
}
