//! `/v1/batches`: many requests, answered when there is time and at the lowest price, in OpenAI's shape.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use http::HeaderMap;
use serde_json::{Map, Value};
use shekara_protocol::error::ApiError;
use shekara_protocol::json::walk;

use super::ErrorResponse;
use super::file_upload::ttl_s;
use super::page::{Page, malformed, page};
use super::passed_on::read_body;
use crate::jobs::batches::{self, Batch, Order};
use crate::pipeline::{Authenticated, Gateway, declared_class, idempotency_name, owner_of};

const KNOWN: [&str; 5] = ["input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after"];
const MAX_ORDER_BYTES: usize = 64 << 10;
const DEFAULT_PAGE: usize = 20;
const MAX_PAGE: usize = 100;

type Id = Result<Path<String>, PathRejection>;

pub async fn create_batch(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, ErrorResponse> {
    let _places = gateway.enter()?;
    let body = read_body(body, MAX_ORDER_BYTES).await?;
    let mut order = read_order(&body)?;
    let class = declared_class(&headers)?;
    order.data_class = Some(class.as_str().to_owned());
    order.name = idempotency_name(&headers)?;
    let batch = batches::create(&gateway, &owner_of(&authenticated.context().key), order).await?;
    Ok(Json(batch.to_json()))
}

fn read_order(body: &[u8]) -> Result<Order, ApiError> {
    walk(body, |_, _| {})?;
    let written: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|_| ApiError::invalid_request("Expected an object as the body.").with_code("invalid_json"))?;
    if let Some(unknown) = written.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        let message = format!("Unknown parameter: '{unknown}'.");
        return Err(ApiError::invalid(unknown, message).with_code("unknown_parameter"));
    }
    let text = |name: &str| match written.get(name) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        None | Some(Value::Null) => Err(ApiError::missing(name)),
        Some(_) => Err(ApiError::invalid(name, format!("Invalid '{name}': expected a text."))),
    };
    let metadata = match written.get("metadata") {
        None | Some(Value::Null) => None,
        Some(Value::Object(metadata)) => Some(metadata.clone()),
        Some(_) => return Err(ApiError::invalid("metadata", "Invalid 'metadata': expected an object of texts.")),
    };
    let output_ttl_s = match written.get("output_expires_after") {
        None | Some(Value::Null) => None,
        Some(Value::Object(after)) if after.get("anchor").is_some_and(|anchor| anchor == "created_at") => {
            Some(ttl_s(after.get("seconds").and_then(Value::as_u64), "output_expires_after.seconds")?)
        }
        Some(_) => {
            let message = "Invalid 'output_expires_after': expected the anchor created_at and seconds.";
            return Err(ApiError::invalid("output_expires_after", message));
        }
    };
    Ok(Order {
        input_file_id: text("input_file_id")?,
        endpoint: text("endpoint")?,
        completion_window: text("completion_window")?,
        metadata,
        output_ttl_s,
        data_class: None,
        name: None,
    })
}

pub async fn list_batches(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    query: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Value>, ErrorResponse> {
    let Ok(Query(asked)) = query else { return Err(malformed().into()) };
    let _places = gateway.enter()?;
    let listed = batches::list(&gateway, &owner_of(&authenticated.context().key)).await?;
    Ok(Json(page(listed.iter().map(Batch::to_json).collect(), &asked, (DEFAULT_PAGE, MAX_PAGE))?))
}

pub async fn show_batch(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    id: Id,
) -> Result<Json<Value>, ErrorResponse> {
    let batch = batches::show(&gateway, &owner_of(&authenticated.context().key), &text(id)).await?;
    Ok(Json(batch.to_json()))
}

pub async fn cancel_batch(
    State(gateway): State<Arc<Gateway>>,
    Extension(authenticated): Extension<Authenticated>,
    id: Id,
) -> Result<Json<Value>, ErrorResponse> {
    let batch = batches::cancel(&gateway, &owner_of(&authenticated.context().key), &text(id)).await?;
    Ok(Json(batch.to_json()))
}

fn text(id: Id) -> String {
    id.map(|Path(id)| id).unwrap_or_default()
}
