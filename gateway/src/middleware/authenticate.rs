//! Believes the key or the session, hands the request on as [`Authenticated`], and settles what did not settle itself.
//!
//! An answer that is known as a whole is settled here, before its first byte is sent; a stream settles at its own end.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Collected};
use shekara_protocol::error::ApiError;

use super::RequestId;
use super::client_address::client_address;
use crate::api::{ErrorResponse, permissions};
use crate::audit::Outcome;
use crate::auth::{PresentedKey, SessionToken, is_same_origin};
use crate::limits::{HeaderDuration, Standing};
use crate::pipeline::{Door, Draft, Gateway, Knock, Settlement, ShownSession, Visit, audit_unavailable};

pub async fn application(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    authenticate(&gateway, Door::Models, request, next).await
}

pub async fn admin(State(gateway): State<Arc<Gateway>>, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let door = Door::Admin(permissions(request.method(), path));
    authenticate(&gateway, door, request, next).await
}

async fn authenticate(gateway: &Gateway, door: Door, mut request: Request, next: Next) -> Response {
    if gateway.drain.is_draining() {
        return ErrorResponse(ApiError::shutting_down()).into_response();
    }
    let presented = PresentedKey::from_headers(request.headers());
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let path = request.extensions().get::<MatchedPath>().map_or("", |path| path.as_str());
    let endpoint = format!("{} {path}", request.method());
    let address = client_address(&request, &gateway.snapshot().config.trusted_proxies);
    // Whoever shows a key is asked for nothing else.
    let session = if presented.is_none() { session(gateway, door, &request) } else { None };
    let knock = Knock { presented: presented.as_ref(), address, door, request_id: &id, endpoint };
    let authenticated = match session {
        Some(session) => gateway.authenticate_session(session, knock).await,
        None => gateway.authenticate(knock),
    };
    let authenticated = match authenticated {
        Ok(authenticated) => authenticated,
        Err(error) => return ErrorResponse(error).into_response(),
    };
    let settlement = Arc::clone(&authenticated.context().settlement);
    request.extensions_mut().insert(authenticated);
    let response = next.run(request).await;
    let response = if settlement.lacks_answer() { kept(&settlement, response).await } else { response };
    settled(&settlement, response)
}

/// The session that a browser shows. Sessions open no models.
fn session(gateway: &Gateway, door: Door, request: &Request) -> Option<ShownSession> {
    let snapshot = gateway.snapshot();
    let login = snapshot.config.login.as_ref().filter(|_| matches!(door, Door::Admin(_)))?;
    let token = SessionToken::from_headers(request.headers(), login.is_secure())?;
    let is_own = request.method().is_safe() || is_same_origin(request.headers(), &login.origin());
    Some(ShownSession { token, is_own })
}

/// For the few endpoints that need no key: who asks will be known, or not, in the end.
pub async fn visitor(State(gateway): State<Arc<Gateway>>, mut request: Request, next: Next) -> Response {
    if gateway.drain.is_draining() {
        return ErrorResponse(ApiError::shutting_down()).into_response();
    }
    let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let path = request.extensions().get::<MatchedPath>().map_or("", |path| path.as_str());
    let endpoint = format!("{} {path}", request.method());
    request.extensions_mut().insert(Visit { request_id, endpoint });
    next.run(request).await
}

/// An answer that is whole and not settled yet, told to those who must keep it.
async fn kept(settlement: &Settlement, response: Response) -> Response {
    if response.body().size_hint().exact().is_none() {
        return response;
    }
    let (head, body) = response.into_parts();
    // It is all there already, and so cannot fail.
    let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    settlement.keep_answer(&body);
    Response::from_parts(head, Body::from(body))
}

fn settled(settlement: &Settlement, mut response: Response) -> Response {
    let is_whole = response.body().size_hint().exact().is_some();
    if is_whole {
        if let Some(error) = response.extensions().get::<ApiError>() {
            settlement.note_error(error.code.as_deref());
        }
        let outcome = if response.status().is_success() { Outcome::Completed } else { Outcome::Failed };
        if settlement.settle(outcome, response.status().as_u16()).is_err() {
            return ErrorResponse(audit_unavailable()).into_response();
        }
    }
    settlement.looked_at(|draft| describe(draft, response.headers_mut()));
    response
}

/// What is left of the tightest limits, in OpenAI's headers.
fn rate_limits(standing: &Standing, headers: &mut HeaderMap) {
    let gauges = [
        (
            ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
            standing.requests,
        ),
        (["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"], standing.tokens),
    ];
    for ([limit, remaining, reset], gauge) in gauges {
        let Some(gauge) = gauge else { continue };
        headers.insert(limit, HeaderValue::from(gauge.limit));
        headers.insert(remaining, HeaderValue::from(gauge.remaining));
        let reset_after = HeaderDuration { ms: gauge.reset_ms }.to_string();
        if let Ok(value) = HeaderValue::from_str(&reset_after) {
            headers.insert(reset, value);
        }
    }
}

/// `x-shekara-*`: what happened to the request, as far as it came.
fn describe(draft: &Draft, headers: &mut HeaderMap) {
    let record = &draft.record;
    rate_limits(&draft.standing, headers);
    if let Some(value) = draft.budget.as_deref().and_then(|budget| HeaderValue::from_str(budget).ok()) {
        headers.insert("x-shekara-budget", value);
    }
    let Some(route) = &record.route else { return };
    let counts: Vec<String> = record.entities.iter().map(|(entity, count)| format!("{entity}={count}")).collect();
    let counts = counts.join(",");
    let attempts = record.attempts.to_string();
    let mut values = vec![
        ("x-shekara-route", Some(route.as_str())),
        ("x-shekara-cache", draft.cache),
        ("x-shekara-data-class", Some(record.data_class.as_str())),
        ("x-shekara-pii", Some(counts.as_str()).filter(|counts| !counts.is_empty())),
        ("x-shekara-pii-action", Some(record.pii_action.as_str())),
    ];
    // Otherwise the answer's last event says who has answered.
    if !draft.is_late {
        values.extend([
            ("x-shekara-provider", record.provider.as_deref()),
            ("x-shekara-model", record.model.as_deref()),
            ("x-shekara-zone", record.zone.as_deref()),
            ("x-shekara-reason", record.reason.as_deref()),
            ("x-shekara-attempts", Some(attempts.as_str())),
        ]);
    }
    for (name, value) in values {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    }
}
