//! What is answered below `/v1/messages` has Anthropic's header, and errors its shape, wherever they come from.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::CONTENT_LENGTH;
use http::{HeaderName, HeaderValue};
use shekara_protocol::error::ApiError;
use shekara_protocol::messages::error_json;

use super::RequestId;

const PATH: &str = "/v1/messages";
/// Anthropic's name for the request's id.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

pub(super) async fn messages_shape(request: Request, next: Next) -> Response {
    let rest = request.uri().path().strip_prefix(PATH);
    if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return next.run(request).await;
    }
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
    let mut response = next.run(request).await;
    if let Some(error) = response.extensions().get::<ApiError>() {
        *response.body_mut() = Body::from(error_json(error, id.as_deref()).to_string());
        response.headers_mut().remove(CONTENT_LENGTH);
    }
    if let Some(id) = id.and_then(|id| HeaderValue::from_str(&id).ok()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
