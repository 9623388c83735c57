//! Writes of `/admin/v1` under an `Idempotency-Key` are done once and answered alike: one layer for all of them.
//!
//! An act is claimed and done on a task of its own, so that it ends, is recorded and its answer kept also when its client has
//! left.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use http_body::Body as _;
use shekara_protocol::error::ApiError;
use tokio::sync::oneshot;

use crate::api::{ErrorResponse, read_body};
use crate::audit::Outcome;
use crate::pipeline::{
    Act, ActAnswer, Asked, Authenticated, Entrance, Gateway, InFlight, MAX_KEPT_BYTES, RequestContext, enter_act,
    idempotency_name,
};

/// No endpoint takes more; most take less, and say so themselves.
const MAX_BODY_BYTES: usize = 8 << 20;
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Of an answer's headers, those that belong to what was done.
const KEPT_HEADERS: [HeaderName; 2] = [CONTENT_TYPE, ETAG];

pub async fn once(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    let is_write = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH | Method::DELETE);
    let name = match idempotency_name(request.headers()) {
        Ok(Some(name)) if is_write => name,
        Ok(_) => return next.run(request).await,
        Err(error) if is_write => return ErrorResponse(error).into_response(),
        Err(_) => return next.run(request).await,
    };
    let Some(authenticated) = request.extensions().get::<Authenticated>() else {
        return ErrorResponse(ApiError::internal()).into_response();
    };
    let context = authenticated.context().clone();
    let Some(in_flight) = gateway.drain.enter() else {
        return ErrorResponse(ApiError::shutting_down()).into_response();
    };
    let (parts, body) = request.into_parts();
    let body = match read_body(body, MAX_BODY_BYTES).await {
        Ok(body) => body,
        Err(error) => return ErrorResponse(error).into_response(),
    };
    let work = Work { gateway, context, name, in_flight };
    let (sender, receiver) = oneshot::channel();
    tokio::spawn(async move {
        // Whoever asked may be gone.
        let _ = sender.send(work.answer(parts, body, next).await);
    });
    receiver.await.unwrap_or_else(|_| ErrorResponse(ApiError::internal()).into_response())
}

struct Work {
    gateway: Arc<Gateway>,
    context: RequestContext,
    name: Bytes,
    /// Until the answer is kept.
    in_flight: InFlight,
}

impl Work {
    async fn answer(self, parts: Parts, body: Bytes, next: Next) -> Response {
        let Self { gateway, context, name, in_flight } = self;
        let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
        let asked = Asked { method: parts.method.as_str(), path, body: &body };
        let response = match enter_act(&gateway, &context, &name, asked).await {
            Ok(Entrance::First(act)) => {
                let request = Request::from_parts(parts, Body::from(body));
                let response = act.doing(next.run(request)).await;
                kept(&gateway, &context, act, response).await
            }
            Ok(Entrance::Again(answer)) => replayed(answer),
            Err(error) => ErrorResponse(error).into_response(),
        };
        settle(&context, &response);
        drop(in_flight);
        response
    }
}

/// Keeps what was answered, if it may be said again.
async fn kept(gateway: &Gateway, context: &RequestContext, act: Act, response: Response) -> Response {
    if !response.status().is_success() {
        act.refused(gateway).await;
        return response;
    }
    let is_small = response.body().size_hint().exact().is_some_and(|bytes| bytes <= MAX_KEPT_BYTES as u64);
    if !is_small {
        act.done(gateway, None).await;
        return response;
    }
    let (parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, MAX_KEPT_BYTES).await else {
        act.done(gateway, None).await;
        return ErrorResponse(ApiError::internal()).into_response();
    };
    let text = |name: &HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let headers = KEPT_HEADERS.iter().filter_map(|name| Some((name.as_str().to_owned(), text(name)?))).collect();
    let answer = ActAnswer::new(context, parts.status.as_u16(), headers, body.clone());
    act.done(gateway, Some(&answer)).await;
    Response::from_parts(parts, Body::from(body))
}

/// Here and now, for nobody may be left who would see the answer's end. What cannot be recorded is tried again with the
/// answer, and tells there.
fn settle(context: &RequestContext, response: &Response) {
    if let Some(error) = response.extensions().get::<ApiError>() {
        context.settlement.note_error(error.code.as_deref());
    }
    let outcome = if response.status().is_success() { Outcome::Completed } else { Outcome::Failed };
    let _ = context.settlement.settle(outcome, response.status().as_u16());
}

fn replayed(answer: ActAnswer) -> Response {
    let ActAnswer { status, headers, body, .. } = answer;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
