//! `/admin/v1/switches`: kill switches of routes, providers and models. One that is listed is off.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use shekara_protocol::error::ApiError;

use super::super::ErrorResponse;
use super::super::passed_on::read_body;
use super::caller::{Caller, not_found};
use super::merge_patch::read_object;
use super::{MAX_BODY_BYTES, invalid_name, store_failed};
use crate::auth::{Switch, SwitchKind, check_name};
use crate::pipeline::Gateway;

const MAX_REASON_CHARS: usize = 500;
const MAX_NAME_BYTES: usize = 256;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Why {
    reason: String,
}

type Which = Result<Path<(String, String)>, PathRejection>;

pub async fn list_switches(State(gateway): State<Arc<Gateway>>) -> Result<Json<Value>, ErrorResponse> {
    let switches = gateway.store().tenancy().switches().await.map_err(|error| store_failed(&error))?;
    Ok(Json(json!({ "object": "list", "data": switches, "has_more": false })))
}

pub async fn switch_off(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    which: Which,
    body: Body,
) -> Result<Response, ErrorResponse> {
    let (kind, name) = named(which)?;
    let body = read_body(body, MAX_BODY_BYTES).await?;
    let Why { reason } = if body.is_empty() { Why::default() } else { read_object(&body)? };
    if reason.chars().count() > MAX_REASON_CHARS {
        return Err(ApiError::invalid("reason", "'reason' has at most 500 characters.").into());
    }
    let context = caller.context();
    context.settlement.note_object(format!("{} {name}", kind.as_str()));
    let (by, at_ms) = (context.key.name.clone(), gateway.sources.now().as_millisecond());
    let switch = Switch { kind, name, reason, by, at_ms };
    gateway.store().tenancy().switch_off(switch.clone()).await.map_err(|error| store_failed(&error))?;
    gateway.directory_changed().await;
    Ok(Json(json!(switch)).into_response())
}

pub async fn switch_on(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    which: Which,
) -> Result<Json<Value>, ErrorResponse> {
    let (kind, name) = named(which)?;
    caller.context().settlement.note_object(format!("{} {name}", kind.as_str()));
    let was_off = gateway.store().tenancy().switch_on(kind, name).await.map_err(|error| store_failed(&error))?;
    gateway.directory_changed().await;
    if was_off { Ok(Json(json!({ "switched_on": true }))) } else { Err(not_found("switch")) }
}

fn named(which: Which) -> Result<(SwitchKind, String), ErrorResponse> {
    let (kind, name) = which.map(|Path(which)| which).unwrap_or_default();
    let kind = SwitchKind::parse(&kind).ok_or_else(|| not_found("switch"))?;
    // A model is `provider/model`, each of them as long as a name may be.
    if name.len() > MAX_NAME_BYTES {
        return Err(ApiError::invalid("name", "'name' is too long.").into());
    }
    name.split('/').try_for_each(|part| check_name("name", part)).map_err(|error| invalid_name(&error))?;
    Ok((kind, name))
}
