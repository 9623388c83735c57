//! `DELETE /admin/v1/content`: erases what is kept about a tenant, a key, a user or a conversation.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use shekara_protocol::error::ApiError;

use super::super::ErrorResponse;
use super::caller::{Caller, reach};
use super::store_failed;
use crate::content::{Kind, Subject};
use crate::pipeline::{Gateway, not_permitted};

/// All that is given must fit. Users and conversations have their names from their tenant's requests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whose {
    tenant: Option<String>,
    key: Option<String>,
    user: Option<String>,
    conversation: Option<String>,
}

pub async fn erase_content(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    query: Result<Query<Whose>, QueryRejection>,
) -> Result<Json<Value>, ErrorResponse> {
    let Ok(Query(whose)) = query else {
        return Err(ApiError::invalid_request("Whose content? Name 'tenant', 'key', 'user' or 'conversation'.").into());
    };
    if whose.tenant.is_none() && (whose.key.is_none() || whose.user.is_some() || whose.conversation.is_some()) {
        return Err(ApiError::missing("tenant").into());
    }
    // A key without its tenant may be anybody's.
    let is_within = match &whose.tenant {
        Some(tenant) => reach(&caller).includes_all_of_tenant(tenant),
        None => reach(&caller).is_installation(),
    };
    if !is_within {
        return Err(not_permitted().into());
    }
    let tenant = whose.tenant.clone().unwrap_or_default();
    let key = whose.key.as_deref().unwrap_or_default();
    // Names of users are the customer's own texts, and stay out.
    caller.context().settlement.note_object(format!("content of tenant {tenant} {key}").trim_end().to_owned());
    let keys = gateway.shelf.keys();
    let subject = Subject {
        user: whose.user.map(|user| keys.user(&tenant, &user)),
        conversation: whose.conversation.map(|conversation| keys.conversation(&tenant, &conversation)),
        tenant: whose.tenant,
        key_id: whose.key,
    };
    let erased = gateway.shelf.erase(subject).await.map_err(|error| store_failed(&error))?;
    let count = |kind: Kind| erased.items.get(&kind).copied().unwrap_or_default();
    Ok(Json(json!({
        "deleted": {
            "files": count(Kind::File), "batches": count(Kind::Batch), "responses": count(Kind::Response), "replays": count(Kind::Replay), "cached": count(Kind::Cache), "audit": count(Kind::AuditContent),
        },
        "bytes": erased.bytes,
    })))
}
