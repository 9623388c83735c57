//! Thin handlers: HTTP in, pipeline, HTTP out.

mod admin;
mod chat_completions;
mod error;
mod health;
mod labels;
mod local_models;
mod models;
mod pii;

pub use admin::{audit_page, create_key, list_keys, revoke_key};
pub use chat_completions::chat_completions;
pub use error::{ErrorCode, ErrorResponse};
pub use health::{healthz, readyz};
pub use labels::{label_keys, verify_label};
pub use local_models::{control_local_model, list_local_models};
pub use models::{list_models, show_model};
pub use pii::scan_pii;
