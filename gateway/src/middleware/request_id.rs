//! Names every request. The id is always our own, since the audit is kept under it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderValue;
use shekara_protocol::headers::REQUEST_ID;

use crate::pipeline::Gateway;

#[derive(Debug, Clone)]
pub struct RequestId(pub String);

pub async fn request_id(State(gateway): State<Arc<Gateway>>, mut request: Request, next: Next) -> Response {
    let id = gateway.sources.request_id();
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}
