//! Every answer carries the request's id: the caller's, or one made here.

use std::time::Instant;

use axum::extract::Request;
use axum::http::{Extensions, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use shekara_protocol::headers::REQUEST_ID;
use uuid::Uuid;

const MAX_LENGTH: usize = 128;

/// The id of a request, for handlers that name it in their answers.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub HeaderValue);

impl RequestId {
    /// Of a request that went through [`attach`].
    pub(super) fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

pub(super) async fn attach(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request.headers().get(REQUEST_ID).filter(|id| is_plain(id)).cloned();
    let id = id.unwrap_or_else(made);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    tracing::debug!(
        request_id = id.to_str().unwrap_or_default(),
        %method,
        path,
        status = response.status().as_u16(),
        elapsed_ms = started.elapsed().as_millis(),
        "answered"
    );
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

fn is_plain(id: &HeaderValue) -> bool {
    (1..=MAX_LENGTH).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
}

fn made() -> HeaderValue {
    let text = format!("req_{}", Uuid::now_v7().simple());
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("req_unknown"))
}
