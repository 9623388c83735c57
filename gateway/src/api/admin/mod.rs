//! `/admin/v1`: for the operator and everybody else who has a role. What of it a key opens says [`permissions`].

mod audit;
mod audit_content;
mod audit_export;
mod caller;
mod content;
mod corrections;
mod departments;
mod forecast;
mod invoices;
mod key_fields;
mod keys;
mod listing;
mod local_models;
mod login;
mod me;
mod merge_patch;
mod owners;
mod people;
mod permissions;
mod person_fields;
mod pii;
mod projects;
mod rates;
mod reconcile;
mod state;
mod switches;
mod tenants;
mod usage;
mod versions;

pub use audit::{audit_keys, audit_page};
pub use audit_content::audit_content;
pub use audit_export::audit_export;
pub use content::erase_content;
pub use corrections::{list_corrections, price_usage};
pub use departments::{change_department, create_department, list_departments, show_department};
pub use forecast::usage_forecast;
pub use invoices::{close_invoices, credit_invoice, list_invoices, show_invoice};
pub use keys::{change_key, create_key, list_keys, revoke_key, rotate_key, show_key};
pub use local_models::{control_local_model, list_local_models};
pub use login::{begin_login, end_login, log_out};
pub use me::{list_roles, show_me};
pub use people::{change_person, create_person, list_people, remove_person, show_person};
pub use permissions::{TABLE as PERMISSIONS, permissions};
pub use pii::scan_pii;
pub use projects::{change_project, create_project, list_projects, show_project};
pub use rates::{import_rates, list_rates};
pub use reconcile::reconcile_usage;
pub use state::{export_state, import_state};
pub use switches::{list_switches, switch_off, switch_on};
pub use tenants::{change_tenant, create_tenant, list_tenants, show_tenant};
pub use usage::usage;

use shekara_protocol::error::ApiError;

use super::ErrorResponse;
use crate::auth::InvalidName;
use crate::store::StoreError;

const MAX_BODY_BYTES: usize = 256 << 10;

fn invalid_name(error: &InvalidName) -> ErrorResponse {
    ApiError::invalid(error.field, format!("{error}.")).into()
}

fn store_failed(error: &StoreError) -> ErrorResponse {
    tracing::error!(%error, "the database could not be used");
    ApiError::unavailable("store_unavailable", "The database could not be used.", 5).into()
}
