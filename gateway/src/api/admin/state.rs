//! `/admin/v1/state`: what the store owns as one document, given out and taken back.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::header::{ACCEPT, CONTENT_TYPE, ETAG, IF_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use shekara_protocol::error::{ApiError, ErrorType};

use super::super::ErrorResponse;
use super::super::passed_on::read_body;
use super::caller::{Caller, not_found, reach};
use super::listing::query;
use super::store_failed;
use crate::jobs::state::{Imported, Order, Seen, StateError, export, import};
use crate::pipeline::{Authenticated, Gateway, not_permitted, record_act};
use crate::state::{Importer, PlanError, Scope, read};

const MAX_STATE_BYTES: usize = 8 << 20;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct What {
    tenant: Option<String>,
    /// `toml` or `json`; else as `Accept` says.
    format: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct How {
    dry_run: Option<String>,
    prune: Option<String>,
}

pub async fn export_state(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    what: Result<Query<What>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ErrorResponse> {
    let what = query(what)?;
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_json = match what.format.as_deref() {
        Some("toml") => false,
        Some("json") => true,
        Some(_) => return Err(ApiError::invalid("format", "'format' is toml or json.").into()),
        None => accepted.contains("application/json") && !accepted.contains("toml"),
    };
    let scope = Scope::new(what.tenant.as_deref().or(reach(&caller).tenant()));
    about(&caller, &scope);
    match scope.tenant() {
        // Another's is told like one that there is not.
        Some(tenant) if !reach(&caller).includes_tenant(tenant) => return Err(not_found("tenant")),
        _ if !importer(&caller).reaches(&scope) => return Err(not_permitted().into()),
        _ => {}
    }
    let exported = export(gateway.store(), &scope).await.map_err(|error| failed(&error))?;
    let response = if is_json {
        Json(json!(exported.document)).into_response()
    } else {
        let kind = HeaderValue::from_static("application/toml; charset=utf-8");
        ([(CONTENT_TYPE, kind)], exported.text).into_response()
    };
    Ok(tagged(response, &exported.version))
}

pub async fn import_state(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    how: Result<Query<How>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorResponse> {
    // A document is of a tenant at least: nothing of it is read for whoever has less.
    if reach(&caller).project().is_some() {
        return Err(not_permitted().into());
    }
    let how = query(how)?;
    let (dry_run, prune) = (flag("dry_run", how.dry_run.as_deref())?, flag("prune", how.prune.as_deref())?);
    let body = read_body(body, MAX_STATE_BYTES).await?;
    let document = read(&body).map_err(|error| failed(&StateError::Unreadable(error)))?;
    about(&caller, &document.scope());
    let by = caller.context().key.name.as_str();
    let (importer, seen) = (importer(&caller), seen(&headers));
    let order = Order { document: &document, importer, by, seen, prune, dry_run };
    let imported = import(gateway.store(), &order, (gateway.key_secret(), &gateway.sources)).await;
    let imported = imported.map_err(|error| failed(&error))?;
    if imported.is_applied && !imported.plan.is_empty() {
        gateway.directory_changed().await;
        record(&gateway, &caller, &imported)?;
    }
    Ok(tagged(Json(told(&imported, dry_run)).into_response(), &imported.version))
}

fn importer(caller: &Authenticated) -> Importer<'_> {
    let key = &caller.context().key;
    key.person().map_or(Importer::Key(key), |person| Importer::Person(key, &person.id))
}

/// Each change as the single act that would have made it.
fn record(gateway: &Gateway, caller: &Authenticated, imported: &Imported) -> Result<(), ApiError> {
    let mut numbered = imported.plan.changes.iter().enumerate();
    numbered
        .try_for_each(|(at, change)| record_act(gateway, caller.context(), at + 1, (change.endpoint(), &change.object)))
}

fn told(imported: &Imported, dry_run: bool) -> Value {
    let mut told = imported.plan.shown();
    if let Some(fields) = told.as_object_mut() {
        fields.insert("object".to_owned(), "state_plan".into());
        fields.insert("dry_run".to_owned(), dry_run.into());
        fields.insert("version".to_owned(), imported.version.clone().into());
        let keys = imported.plan.new_keys.iter().filter(|_| imported.is_applied);
        let keys: Vec<Value> = keys.map(|key| json!({ "id": key.record.id, "key": key.plaintext })).collect();
        fields.insert("new_keys".to_owned(), keys.into());
    }
    told
}

fn seen(headers: &HeaderMap) -> Seen {
    match headers.get(IF_MATCH).map(|value| value.to_str().unwrap_or_default().trim()) {
        None => Seen::Document,
        Some("*") => Seen::Any,
        Some(tag) => Seen::Version(tag.trim_matches('"').to_owned()),
    }
}

fn flag(name: &str, text: Option<&str>) -> Result<bool, ErrorResponse> {
    match text {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(ApiError::invalid(name, format!("'{name}' is true or false.")).into()),
    }
}

fn tagged(mut response: Response, version: &str) -> Response {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

fn about(caller: &Authenticated, scope: &Scope) {
    let object = scope.tenant().map_or_else(|| "state".to_owned(), |tenant| format!("state of tenant {tenant}"));
    caller.context().settlement.note_object(object);
}

fn failed(error: &StateError) -> ErrorResponse {
    let refused = |status, code: &'static str| {
        let error = ApiError::new(status, ErrorType::InvalidRequestError, format!("The state: {error}."));
        error.with_code(code).final_answer().into()
    };
    match error {
        StateError::Store(error) => store_failed(error),
        StateError::Unreadable(_) | StateError::Plan(PlanError::Problems(_)) => {
            refused(StatusCode::BAD_REQUEST, "invalid_state")
        }
        StateError::Plan(PlanError::NotPermitted { item }) => {
            let mut error = not_permitted();
            error.message = format!("{} ({item})", error.message);
            error.into()
        }
        StateError::Plan(PlanError::LastOwner) => refused(StatusCode::CONFLICT, "last_owner"),
        StateError::NoTenant { .. } => not_found("tenant"),
        StateError::Outdated { .. } => refused(StatusCode::PRECONDITION_FAILED, "version_conflict"),
        StateError::Unwritable(_) => refused(StatusCode::CONFLICT, "state_unwritable"),
        StateError::Busy => ApiError::unavailable("state_busy", "Others change the state all the time.", 1).into(),
    }
}
