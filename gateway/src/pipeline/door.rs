//! Where a request knocks, and whether its key opens there.

use std::net::IpAddr;

use shekara_protocol::error::ApiError;

use super::refusal;
use crate::auth::{KeyRecord, Permission, PresentedKey, Role};

/// What a request shows before it is believed.
#[derive(Debug)]
pub struct Knock<'k> {
    pub presented: Option<&'k PresentedKey>,
    /// Where it comes from, as far as that is known.
    pub address: Option<IpAddr>,
    pub door: Door,
    pub request_id: &'k str,
    /// What the audit record will name.
    pub endpoint: String,
}

/// What a key has to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Everything that applications call.
    Models,
    /// An endpoint of `/admin/v1` that needs one of these permissions.
    Admin(&'static [Permission]),
}

impl Door {
    pub(super) fn opens_for(self, key: &KeyRecord) -> Result<(), ApiError> {
        match (self, key.role) {
            (Self::Models, Role::Application) => Ok(()),
            (Self::Models, _) | (Self::Admin(_), Role::Application) => Err(refusal::wrong_role(key.role)),
            (Self::Admin(any_of), _) => {
                if any_of.iter().any(|permission| key.may(*permission)) {
                    Ok(())
                } else {
                    Err(refusal::not_permitted())
                }
            }
        }
    }
}
