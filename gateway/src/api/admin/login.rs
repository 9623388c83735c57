//! `/admin/v1/login` and `/admin/v1/logout`: to the provider, back from it, and out again.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::json;
use shekara_protocol::error::{ApiError, ErrorType};

use super::super::ErrorResponse;
use super::caller::Caller;
use super::listing::query;
use super::store_failed;
use crate::auth::{SessionToken, cookie};
use crate::login::{LoginError, PendingLogin, local_path};
use crate::pipeline::{Gateway, SignInError, Snapshot, Visit, audit_unavailable};

/// What somebody sees who has come for nothing in particular.
const LANDING: &str = "/admin/v1/me";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wish {
    provider: Option<String>,
    return_to: Option<String>,
}

/// What a provider sends back. It may say more than is known here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Outcome {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

pub async fn begin_login(
    State(gateway): State<Arc<Gateway>>,
    wish: Result<Query<Wish>, QueryRejection>,
) -> Result<Response, ErrorResponse> {
    let snapshot = gateway.snapshot();
    let login = snapshot.config.login.as_ref().ok_or_else(not_configured)?;
    let Wish { provider, return_to } = query(wish)?;
    let return_to = local_path(return_to.as_deref().unwrap_or(LANDING), &login.public_url).ok_or_else(|| {
        ApiError::invalid("return_to", "Invalid 'return_to': expected a path of this gateway, beginning with '/'.")
    })?;
    let Some(provider) = snapshot.logins.find(provider.as_deref()) else {
        let message = format!("Invalid 'provider': expected one of {}.", snapshot.logins.names().join(", "));
        return Err(ApiError::invalid("provider", message).into());
    };
    let sources = &gateway.sources;
    let now_ms = sources.now().as_millisecond();
    let random = [sources.random(), sources.random(), sources.random()];
    let pending = PendingLogin::begin(&provider.config().name, return_to, random, now_ms);
    let address = provider.authorization_url(&pending, now_ms).await.map_err(|error| refused(&error))?;
    let sealed = pending.sealed(sealing_key(&gateway), sources.random()).ok_or_else(ApiError::internal)?;
    let mut response = redirect(&address)?;
    let (name, path) = pending_cookie(login.is_secure());
    set_cookie(&mut response, (name, &sealed, path), PendingLogin::TTL_S, login.is_secure());
    Ok(response)
}

pub async fn end_login(
    State(gateway): State<Arc<Gateway>>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    outcome: Result<Query<Outcome>, QueryRejection>,
) -> Result<Response, ErrorResponse> {
    let snapshot = gateway.snapshot();
    let login = snapshot.config.login.as_ref().ok_or_else(not_configured)?;
    let outcome = outcome.map(|Query(outcome)| outcome).unwrap_or_default();
    let (name, path) = pending_cookie(login.is_secure());
    let sealed = cookie(&headers, name).unwrap_or_default();
    let pending = PendingLogin::open(sealed, sealing_key(&gateway), gateway.sources.now().as_millisecond());
    let provider = pending.as_ref().ok().map(|pending| pending.provider.clone());
    let ended = match pending {
        Ok(pending) => signed_in(&gateway, &snapshot, (&pending, outcome), &visit).await,
        Err(error) => Err(error.into()),
    };
    let mut response = match ended {
        Ok((token, return_to)) => {
            let mut response = redirect(&return_to)?;
            let lasts_s = i64::try_from(login.session.as_secs()).unwrap_or(i64::MAX);
            let kept = (SessionToken::cookie_name(login.is_secure()), token.expose(), "/");
            set_cookie(&mut response, kept, lasts_s, login.is_secure());
            response
        }
        Err(SignInError::Login(error)) => {
            gateway.record_failed_login(&visit, &error, provider.as_deref())?;
            refused(&error).into_response()
        }
        Err(SignInError::Store(error)) => store_failed(&error).into_response(),
        Err(SignInError::NotRecorded) => ErrorResponse::from(audit_unavailable()).into_response(),
    };
    // Whatever became of it, it is over.
    set_cookie(&mut response, (name, "", path), 0, login.is_secure());
    Ok(response)
}

async fn signed_in(
    gateway: &Gateway,
    snapshot: &Snapshot,
    (pending, outcome): (&PendingLogin, Outcome),
    visit: &Visit,
) -> Result<(SessionToken, String), SignInError> {
    // Before anything else: another's answer says nothing of this login.
    if !outcome.state.is_some_and(|state| pending.has_state(&state)) {
        return Err(LoginError::OtherState.into());
    }
    let provider = snapshot.logins.find(Some(&pending.provider)).ok_or(LoginError::NotBegun)?;
    let code = match (outcome.error, outcome.code) {
        (None, Some(code)) if !code.is_empty() => code,
        _ => return Err(LoginError::Denied.into()),
    };
    let secret = match &provider.config().client_secret {
        Some(source) => {
            let secret = snapshot.providers.secrets().resolve(source);
            Some(secret.map_err(|error| {
                tracing::error!(%error, provider = pending.provider, "the secret of a login provider cannot be read");
                LoginError::NoSecret
            })?)
        }
        None => None,
    };
    let now_ms = gateway.sources.now().as_millisecond();
    let came = (code.as_str(), outcome.iss.as_deref());
    let claims = provider.redeem(came, pending, secret.as_ref(), now_ms).await?;
    let token = gateway.sign_in(provider, &claims, visit).await?;
    Ok((token, pending.return_to.clone()))
}

/// Ends the session that the request shows.
pub async fn log_out(
    State(gateway): State<Arc<Gateway>>,
    Extension(caller): Caller,
    headers: HeaderMap,
) -> Result<Response, ErrorResponse> {
    let snapshot = gateway.snapshot();
    let login = snapshot.config.login.as_ref().filter(|_| caller.context().key.is_login());
    let session = login.and_then(|login| SessionToken::from_headers(&headers, login.is_secure()));
    let (Some(login), Some(session)) = (login, session) else {
        let message = "A key is not logged in. DELETE /admin/v1/keys/ID revokes it.";
        return Err(ApiError::invalid_request(message).with_code("no_session").into());
    };
    caller.context().settlement.note_object(format!("person {}", caller.context().key.id));
    let ended = gateway.store().people().delete_session(session.hash(gateway.key_secret())).await;
    ended.map_err(|error| store_failed(&error))?;
    let mut response = Json(json!({ "logged_out": true })).into_response();
    let name = SessionToken::cookie_name(login.is_secure());
    set_cookie(&mut response, (name, "", "/"), 0, login.is_secure());
    Ok(response)
}

/// Of a login that is under way: its name and path. Over TLS no neighbouring host can put another in its place.
fn pending_cookie(is_secure: bool) -> (&'static str, &'static str) {
    if is_secure { ("__Host-shekara_login", "/") } else { ("shekara_login", "/admin/v1/login") }
}

fn sealing_key(gateway: &Gateway) -> [u8; 32] {
    gateway.key_secret().derived("logins under way")
}

fn not_configured() -> ErrorResponse {
    let message = "Nobody logs in here: [login] is not set. Use a key.";
    let error = ApiError::new(StatusCode::NOT_FOUND, ErrorType::InvalidRequestError, message);
    error.with_code("login_not_configured").into()
}

/// What the browser's user may know of it: the reason, and nothing that the provider wrote.
fn refused(error: &LoginError) -> ErrorResponse {
    let status = error.status();
    let kind = match status {
        StatusCode::FORBIDDEN => ErrorType::PermissionError,
        status if status.is_server_error() => ErrorType::ServerError,
        _ => ErrorType::InvalidRequestError,
    };
    let message = match error {
        LoginError::Away { .. } => "The login provider cannot be reached. Keys work as before.".to_owned(),
        LoginError::Token(_) => "What the login provider said could not be believed.".to_owned(),
        other => sentence(&other.to_string()),
    };
    if status.is_server_error() {
        tracing::error!(%error, "a login provider cannot be used");
    }
    let api = ApiError::new(status, kind, message).with_code(error.code());
    let api = if status == StatusCode::SERVICE_UNAVAILABLE { api.with_retry_after(5) } else { api.final_answer() };
    api.into()
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).chain(['.']).collect()
}

fn redirect(address: &str) -> Result<Response, ErrorResponse> {
    let address = HeaderValue::from_str(address).map_err(|_| ErrorResponse(ApiError::internal()))?;
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(LOCATION, address);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

/// No page reads it, and no other site sends it along with a change.
fn set_cookie(response: &mut Response, (name, value, path): (&str, &str, &str), max_age_s: i64, is_secure: bool) {
    let secure = if is_secure { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path={path}; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}");
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}
