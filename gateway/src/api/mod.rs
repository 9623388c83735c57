//! Thin handlers: HTTP in, pipeline, HTTP out.

mod admin;
mod error;
mod health;
mod labels;
mod local_models;
mod models;
mod passed_on;
mod pii;
mod transcriptions;

pub use admin::{audit_page, create_key, list_keys, revoke_key};
pub use error::ErrorResponse;
pub use health::{healthz, readyz};
pub use labels::{label_keys, verify_label};
pub use local_models::{control_local_model, list_local_models};
pub use models::{list_models, show_model};
pub use passed_on::{chat_completions, count_tokens, embeddings, messages, rerank, responses};
pub use pii::scan_pii;
pub use transcriptions::{transcriptions, translations};
