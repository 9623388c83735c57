//! Names every request. The id is always our own, since the audit is kept under it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderValue;
use shekara_protocol::headers::REQUEST_ID;

use super::messages_shape::messages_shape;
use crate::pipeline::Gateway;

#[derive(Debug, Clone)]
pub struct RequestId(pub String);

pub async fn request_id(State(gateway): State<Arc<Gateway>>, mut request: Request, next: Next) -> Response {
    let id = gateway.sources.request_id();
    request.extensions_mut().insert(RequestId(id.clone()));
    // A layer of its own would cost every request a copy of all that lies below it.
    let mut response = messages_shape(request, next).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}
