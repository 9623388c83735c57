//! Thin handlers: HTTP in, pipeline, HTTP out.

mod admin;
mod batches;
mod error;
mod file_upload;
mod files;
mod forms;
mod health;
mod labels;
mod metrics;
mod models;
mod openapi;
mod page;
mod passed_on;
mod stored_responses;

pub use admin::{
    PERMISSIONS, audit_content, audit_export, audit_keys, audit_page, begin_login, change_department, change_key,
    change_person, change_project, change_tenant, close_invoices, control_local_model, create_department, create_key,
    create_person, create_project, create_tenant, credit_invoice, end_login, erase_content, export_state, import_rates,
    import_state, list_corrections, list_departments, list_invoices, list_keys, list_local_models, list_people,
    list_projects, list_rates, list_roles, list_switches, list_tenants, log_out, permissions, price_usage,
    reconcile_usage, remove_person, revoke_key, rotate_key, scan_pii, show_department, show_invoice, show_key, show_me,
    show_person, show_project, show_tenant, switch_off, switch_on, usage, usage_forecast,
};
pub use batches::{cancel_batch, create_batch, list_batches, show_batch};
pub use error::ErrorResponse;
pub use files::{delete_file, file_content, list_files, show_file, upload_file};
pub use forms::{image_edits, image_variations, transcriptions, translations};
pub use health::{healthz, readyz};
pub use labels::{label_keys, verify_label};
pub use metrics::metrics;
pub use models::{list_models, show_model};
pub use openapi::openapi;
pub(crate) use passed_on::read_body;
pub use passed_on::{
    chat_completions, completions, count_tokens, detokenize, embeddings, images, messages, moderations, rerank,
    responses, speech, tokenize,
};
pub use stored_responses::{delete_response, list_input_items, show_response};
