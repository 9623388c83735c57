//! `/admin/v1`: keys and the audit, for the operator.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shekara_protocol::error::{ApiError, ErrorType};

use super::ErrorResponse;
use super::passed_on::read_body;
use crate::auth::{DataClass, KeyRecord, KeyRole, NewKey, mint};
use crate::pipeline::Gateway;
use crate::store::StoreError;

const MAX_ADMIN_BODY_BYTES: usize = 64 << 10;
const MAX_AUDIT_PAGE: u32 = 1_000;

/// A key as the operator sees it: never its text, never its hash.
#[derive(Debug, Serialize)]
struct KeyView {
    id: String,
    prefix: String,
    name: String,
    role: KeyRole,
    tenant: String,
    project: String,
    environment: String,
    data_class: DataClass,
    created_at_ms: i64,
    revoked: bool,
}

impl From<KeyRecord> for KeyView {
    fn from(key: KeyRecord) -> Self {
        Self {
            prefix: format!("{}{}", crate::auth::KEY_PREFIX, key.id),
            id: key.id,
            name: key.name,
            role: key.role,
            tenant: key.tenant,
            project: key.project,
            environment: key.environment,
            data_class: key.data_class,
            created_at_ms: key.created_at_ms,
            revoked: key.revoked,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateKey {
    name: String,
    #[serde(default = "application")]
    role: KeyRole,
    #[serde(default = "default_name")]
    tenant: String,
    #[serde(default = "default_name")]
    project: String,
    #[serde(default = "production")]
    environment: String,
    #[serde(default)]
    data_class: DataClass,
}

fn application() -> KeyRole {
    KeyRole::Application
}

fn default_name() -> String {
    "default".to_owned()
}

fn production() -> String {
    "prod".to_owned()
}

pub async fn list_keys(State(gateway): State<Arc<Gateway>>) -> Result<Response, ErrorResponse> {
    let keys: Vec<KeyView> =
        gateway.store().keys().await.map_err(|error| store_failed(&error))?.into_iter().map(Into::into).collect();
    Ok(Json(json!({ "object": "list", "data": keys })).into_response())
}

pub async fn create_key(State(gateway): State<Arc<Gateway>>, body: Body) -> Result<Response, ErrorResponse> {
    let body = read_body(body, MAX_ADMIN_BODY_BYTES).await?;
    let asked: CreateKey = serde_json::from_slice(&body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let fields = "name, role, tenant, project, environment and data_class";
        ApiError::invalid_request(format!("The body is no request for a key ({fields}): line {line}, column {column}."))
    })?;
    let new = NewKey {
        name: asked.name,
        role: asked.role,
        tenant: asked.tenant,
        project: asked.project,
        environment: asked.environment,
        data_class: asked.data_class,
    };
    new.check().map_err(|error| ApiError::invalid(error.field, error.to_string()))?;
    let minted = mint(new, gateway.key_secret(), gateway.sources.random(), gateway.sources.now().as_millisecond());
    gateway.store().insert_key(minted.record.clone()).await.map_err(|error| store_failed(&error))?;
    gateway.reload_keys().await.map_err(|error| store_failed(&error))?;
    let view = KeyView::from(minted.record);
    Ok((StatusCode::CREATED, Json(json!({ "key": minted.plaintext, "record": view }))).into_response())
}

pub async fn revoke_key(
    State(gateway): State<Arc<Gateway>>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, ErrorResponse> {
    let id = id.map(|Path(id)| id).unwrap_or_default();
    if !gateway.store().revoke_key(id).await.map_err(|error| store_failed(&error))? {
        let message = "There is no key in force with this id.";
        let error = ApiError::new(StatusCode::NOT_FOUND, ErrorType::InvalidRequestError, message);
        return Err(error.with_code("key_not_found").into());
    }
    gateway.reload_keys().await.map_err(|error| store_failed(&error))?;
    Ok(Json(json!({ "revoked": true })).into_response())
}

#[derive(Debug, Deserialize)]
pub struct AuditQuery {
    #[serde(default)]
    after: i64,
    #[serde(default = "default_page")]
    limit: u32,
}

fn default_page() -> u32 {
    100
}

pub async fn audit_page(
    State(gateway): State<Arc<Gateway>>,
    query: Result<Query<AuditQuery>, QueryRejection>,
) -> Result<Response, ErrorResponse> {
    let Ok(Query(query)) = query else {
        return Err(ApiError::invalid_request("'after' and 'limit' must be whole numbers, 'limit' above 0.").into());
    };
    let limit = query.limit.clamp(1, MAX_AUDIT_PAGE);
    let rows = gateway.store().audit_page(query.after, limit).await.map_err(|error| store_failed(&error))?;
    let has_more = rows.len() == limit as usize;
    Ok(Json(json!({ "object": "list", "data": rows, "has_more": has_more })).into_response())
}

pub(super) fn store_failed(error: &StoreError) -> ErrorResponse {
    tracing::error!(%error, "the database could not be used");
    ApiError::unavailable("store_unavailable", "The database could not be used.", 5).into()
}
