//! Thin handlers: HTTP in, pipeline, HTTP out.

mod admin;
mod batches;
mod content;
mod error;
mod file_upload;
mod files;
mod forms;
mod health;
mod labels;
mod local_models;
mod metrics;
mod models;
mod openapi;
mod page;
mod passed_on;
mod pii;
mod stored_responses;

pub use admin::{audit_page, create_key, list_keys, revoke_key};
pub use batches::{cancel_batch, create_batch, list_batches, show_batch};
pub use content::erase_content;
pub use error::ErrorResponse;
pub use files::{delete_file, file_content, list_files, show_file, upload_file};
pub use forms::{image_edits, image_variations, transcriptions, translations};
pub use health::{healthz, readyz};
pub use labels::{label_keys, verify_label};
pub use local_models::{control_local_model, list_local_models};
pub use metrics::metrics;
pub use models::{list_models, show_model};
pub use openapi::openapi;
pub use passed_on::{
    chat_completions, completions, count_tokens, detokenize, embeddings, images, messages, moderations, rerank,
    responses, speech, tokenize,
};
pub use pii::scan_pii;
pub use stored_responses::{delete_response, list_input_items, show_response};
