//! Every route on one page.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, post, put};

use crate::pipeline::Gateway;
use crate::{api, middleware};

pub fn router(gateway: Arc<Gateway>) -> Router {
    let models = Router::new()
        .route("/v1/chat/completions", post(api::chat_completions))
        .route("/v1/completions", post(api::completions))
        .route("/v1/responses", post(api::responses))
        .route("/v1/responses/{id}", get(api::show_response).delete(api::delete_response))
        .route("/v1/responses/{id}/input_items", get(api::list_input_items))
        .route("/v1/messages", post(api::messages))
        .route("/v1/messages/count_tokens", post(api::count_tokens))
        .route("/v1/embeddings", post(api::embeddings))
        .route("/v1/rerank", post(api::rerank))
        .route("/v1/moderations", post(api::moderations))
        .route("/v1/images/generations", post(api::images))
        .route("/v1/images/edits", post(api::image_edits))
        .route("/v1/images/variations", post(api::image_variations))
        .route("/v1/audio/speech", post(api::speech))
        .route("/v1/audio/transcriptions", post(api::transcriptions))
        .route("/v1/audio/translations", post(api::translations))
        .route("/v1/files", get(api::list_files).post(api::upload_file))
        .route("/v1/files/{id}", get(api::show_file).delete(api::delete_file))
        .route("/v1/files/{id}/content", get(api::file_content))
        .route("/v1/batches", get(api::list_batches).post(api::create_batch))
        .route("/v1/batches/{id}", get(api::show_batch))
        .route("/v1/batches/{id}/cancel", post(api::cancel_batch))
        .route("/tokenize", post(api::tokenize))
        .route("/detokenize", post(api::detokenize))
        .route("/v1/labels/verify", post(api::verify_label))
        .route("/v1/labels/keys", get(api::label_keys))
        .route("/v1/models", get(api::list_models))
        .route("/v1/models/{*id}", get(api::show_model))
        .route_layer(from_fn_with_state(Arc::clone(&gateway), middleware::application));
    let admin = Router::new()
        .route("/admin/v1/me", get(api::show_me))
        .route("/admin/v1/roles", get(api::list_roles))
        .route("/admin/v1/tenants", get(api::list_tenants).post(api::create_tenant))
        .route("/admin/v1/tenants/{tenant}", get(api::show_tenant).patch(api::change_tenant))
        .route("/admin/v1/departments", get(api::list_departments).post(api::create_department))
        .route("/admin/v1/departments/{tenant}/{id}", get(api::show_department).patch(api::change_department))
        .route("/admin/v1/projects", get(api::list_projects).post(api::create_project))
        .route("/admin/v1/projects/{tenant}/{id}", get(api::show_project).patch(api::change_project))
        .route("/admin/v1/keys", get(api::list_keys).post(api::create_key))
        .route("/admin/v1/keys/{id}", get(api::show_key).patch(api::change_key).delete(api::revoke_key))
        .route("/admin/v1/keys/{id}/rotate", post(api::rotate_key))
        .route("/admin/v1/usage", get(api::usage))
        .route("/admin/v1/usage/forecast", get(api::usage_forecast))
        .route("/admin/v1/rates", get(api::list_rates).post(api::import_rates))
        .route("/admin/v1/switches", get(api::list_switches))
        .route("/admin/v1/switches/{kind}/{*name}", put(api::switch_off).delete(api::switch_on))
        .route("/admin/v1/pii/scan", post(api::scan_pii))
        .route("/admin/v1/models", get(api::list_local_models).post(api::control_local_model))
        .route("/admin/v1/content", delete(api::erase_content))
        .route("/admin/v1/audit", get(api::audit_page))
        .route("/admin/v1/audit/keys", get(api::audit_keys))
        .route_layer(from_fn_with_state(Arc::clone(&gateway), middleware::admin));
    Router::new()
        .route("/healthz", get(api::healthz))
        .route("/readyz", get(api::readyz))
        .route("/metrics", get(api::metrics))
        .route("/openapi.json", get(api::openapi))
        .merge(models)
        .merge(admin)
        .fallback(middleware::not_found)
        .method_not_allowed_fallback(middleware::method_not_allowed)
        .layer(from_fn(middleware::messages_shape))
        .layer(from_fn_with_state(Arc::clone(&gateway), middleware::request_id))
        .with_state(gateway)
}
