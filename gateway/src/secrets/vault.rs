//! The words of Vault's and OpenBao's API: logging in, renewing a token, reading a secret of the key-value store, version 2.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Secret, SecretError, SecretSource};

pub type WireFuture<'w> = Pin<Box<dyn Future<Output = Result<http::Response<Bytes>, VaultError>> + Send + 'w>>;

/// What carries a request to Vault: this module opens no connections.
pub trait Wire: Send + Sync {
    fn exchange(&self, request: http::Request<Bytes>) -> WireFuture<'_>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultSettings {
    /// Without a slash at its end.
    pub address: String,
    pub login: VaultLogin,
    pub namespace: Option<String>,
    pub mount: String,
    /// Values older than this are read again.
    pub refresh: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultLogin {
    Token(SecretSource),
    AppRole { role_id: SecretSource, secret_id: SecretSource },
}

#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("failed to reach Vault: {reason}")]
    Away { reason: String },
    #[error("failed to use Vault: it answered with status {status}")]
    Refused { status: StatusCode },
    #[error("failed to read Vault's answer")]
    Unreadable,
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("failed to write the request to Vault: the token or the namespace has characters that no header can carry")]
    Unwritable,
}

impl VaultError {
    pub(super) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused { status } if matches!(*status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED))
    }

    /// Whether it is Vault as a whole that cannot be used now, and not one secret.
    pub(super) fn is_outage(&self) -> bool {
        match self {
            Self::Away { .. } => true,
            Self::Refused { status } => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            _ => false,
        }
    }
}

/// A token, and how long it holds; without a lease it holds until it is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) value: Secret,
    pub(super) lease: Option<Duration>,
    pub(super) is_renewable: bool,
}

#[derive(Deserialize)]
struct AuthAnswer {
    auth: Auth,
}

#[derive(Deserialize)]
struct Auth {
    client_token: String,
    #[serde(default)]
    lease_duration: u64,
    #[serde(default)]
    renewable: bool,
}

#[derive(Deserialize)]
struct Enveloped<T> {
    data: T,
}

/// Of a secret: once for the answer, and once for its version.
type Fields = Enveloped<Enveloped<serde_json::Map<String, Value>>>;

#[derive(Deserialize)]
struct OwnToken {
    #[serde(default)]
    ttl: u64,
    #[serde(default)]
    renewable: bool,
}

/// One Vault as one of its clients sees it.
pub(super) struct Client<'c> {
    pub(super) settings: &'c VaultSettings,
    pub(super) wire: &'c dyn Wire,
}

impl Client<'_> {
    /// A token as the settings say: the configured one, or a fresh one for the role.
    pub(super) async fn log_in(&self) -> Result<Token, VaultError> {
        match &self.settings.login {
            VaultLogin::Token(source) => self.own_token(source.resolve()?).await,
            VaultLogin::AppRole { role_id, secret_id } => {
                let (role, secret) = (role_id.resolve()?, secret_id.resolve()?);
                let body = json!({ "role_id": role.expose(), "secret_id": secret.expose() });
                self.token_from(Method::POST, "auth/approle/login", None, Some(body)).await
            }
        }
    }

    pub(super) async fn renew(&self, token: &Secret) -> Result<Token, VaultError> {
        self.token_from(Method::POST, "auth/token/renew-self", Some(token), Some(json!({}))).await
    }

    /// All fields of the secret's newest version that are texts.
    pub(super) async fn read(&self, token: &Secret, path: &str) -> Result<HashMap<String, Secret>, VaultError> {
        let place = format!("{}/data/{path}", self.settings.mount);
        let answer = self.ask(Method::GET, &place, Some(token), None).await?;
        let fields: Fields = serde_json::from_slice(&answer).map_err(|_| VaultError::Unreadable)?;
        let texts = fields.data.data.into_iter();
        Ok(texts.filter_map(|(field, value)| Some((field, Secret::read(value.as_str()?)?))).collect())
    }

    /// How long a configured token holds. One that may not ask is taken as it is.
    async fn own_token(&self, value: Secret) -> Result<Token, VaultError> {
        let answer = match self.ask(Method::GET, "auth/token/lookup-self", Some(&value), None).await {
            Ok(answer) => answer,
            Err(error) if error.is_forbidden() => return Ok(Token { value, lease: None, is_renewable: false }),
            Err(error) => return Err(error),
        };
        let own: Enveloped<OwnToken> = serde_json::from_slice(&answer).map_err(|_| VaultError::Unreadable)?;
        Ok(Token { value, lease: lease(own.data.ttl), is_renewable: own.data.renewable })
    }

    async fn token_from(
        &self,
        method: Method,
        place: &str,
        token: Option<&Secret>,
        body: Option<Value>,
    ) -> Result<Token, VaultError> {
        let answer = self.ask(method, place, token, body).await?;
        let AuthAnswer { auth } = serde_json::from_slice(&answer).map_err(|_| VaultError::Unreadable)?;
        let value = Secret::read(&auth.client_token).ok_or(VaultError::Unreadable)?;
        Ok(Token { value, lease: lease(auth.lease_duration), is_renewable: auth.renewable })
    }

    async fn ask(
        &self,
        method: Method,
        place: &str,
        token: Option<&Secret>,
        body: Option<Value>,
    ) -> Result<Bytes, VaultError> {
        let header = |text: &str| {
            let mut value = HeaderValue::from_str(text).map_err(|_| VaultError::Unwritable)?;
            value.set_sensitive(true);
            Ok::<_, VaultError>(value)
        };
        // Vault's agents refuse requests without this header, which no browser can be made to send.
        let mut request = http::Request::builder().method(method).header("x-vault-request", "true");
        if let Some(namespace) = &self.settings.namespace {
            request = request.header("x-vault-namespace", header(namespace)?);
        }
        if let Some(token) = token {
            request = request.header("x-vault-token", header(token.expose())?);
        }
        let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        if !body.is_empty() {
            request = request.header(http::header::CONTENT_TYPE, "application/json");
        }
        let request = request.uri(format!("{}/v1/{place}", self.settings.address)).body(body);
        let answer = self.wire.exchange(request.map_err(|_| VaultError::Unwritable)?).await?;
        if answer.status().is_success() {
            Ok(answer.into_body())
        } else {
            Err(VaultError::Refused { status: answer.status() })
        }
    }
}

fn lease(seconds: u64) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds))
}
