//! Who may use `/admin/v1`: whoever has the key; without a key only programs on this machine; unless said, nobody.

use std::sync::Arc;

use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use sha2::{Digest, Sha256};
use shekara_protocol::error::{ApiError, ErrorType};
use subtle::ConstantTimeEq;

/// Who may use the endpoints for operators.
#[derive(Clone, Debug, Default)]
pub enum AdminAccess {
    /// Nobody.
    #[default]
    Closed,
    /// Whoever reaches the server, which listens on this machine alone or sits behind somebody who checks. Browsers
    /// are turned away: a page from anywhere can make them send requests here.
    Local,
    /// Whoever has this key.
    Key(AdminKey),
}

/// A key, of which only a hash is kept.
#[derive(Clone)]
pub struct AdminKey(Arc<[u8; 32]>);

impl AdminKey {
    /// `None` for a text too short to be a secret.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (text.len() >= MIN_KEY_LENGTH).then(|| Self(Arc::new(Sha256::digest(text).into())))
    }

    fn is(&self, text: &str) -> bool {
        let presented: [u8; 32] = Sha256::digest(text).into();
        self.0.ct_eq(&presented).into()
    }
}

impl std::fmt::Debug for AdminKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("AdminKey(..)")
    }
}

const MIN_KEY_LENGTH: usize = 16;

impl AdminAccess {
    /// # Errors
    /// 401 for a wrong key or none, 403 where nobody may.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        match self {
            Self::Closed => Err(forbidden("Set an admin key to use this endpoint on a server that others can reach.")),
            Self::Local if headers.contains_key(ORIGIN) || !names_this_machine(headers) => {
                Err(forbidden("Without an admin key this endpoint is for programs on this machine."))
            }
            Self::Local => Ok(()),
            Self::Key(key) if presented(headers).is_some_and(|text| key.is(text)) => Ok(()),
            Self::Key(_) => Err(ApiError::invalid_api_key("This endpoint needs the admin key.")),
        }
    }
}

fn presented(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    bearer.or_else(|| text("x-api-key")).or_else(|| text("api-key")).map(str::trim)
}

/// A name that leads here from elsewhere is how a page reaches a server that only listens on this machine.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST) else { return true };
    let host = host.to_str().unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

fn forbidden(message: &str) -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, ErrorType::PermissionError, message).with_code("admin_closed").final_answer()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (axum::http::HeaderName::from_static(name), value.parse().expect("a value")))
            .collect()
    }

    fn status(access: &AdminAccess, pairs: &[(&'static str, &str)]) -> u16 {
        access.check(&headers(pairs)).map_or_else(|error| error.status.as_u16(), |()| 200)
    }

    #[test]
    fn nobody_may_unless_it_is_said() {
        assert_eq!(status(&AdminAccess::default(), &[]), 403);
        assert_eq!(status(&AdminAccess::default(), &[("host", "localhost")]), 403);
    }

    #[test]
    fn without_a_key_only_programs_on_this_machine_may() {
        for host in ["localhost", "LOCALHOST:8081", "127.0.0.1:8081", "127.0.0.1", "[::1]:8081", "[::1]"] {
            assert_eq!(status(&AdminAccess::Local, &[("host", host)]), 200, "{host}");
            assert_eq!(status(&AdminAccess::Local, &[("host", host), ("origin", "null")]), 403, "{host}");
        }
        assert_eq!(status(&AdminAccess::Local, &[]), 200);
        for host in ["evil.kz", "evil.kz:8081", "10.0.0.1:8081", "localhost.evil.kz", ""] {
            assert_eq!(status(&AdminAccess::Local, &[("host", host)]), 403, "{host}");
        }
    }

    #[test]
    fn with_a_key_only_the_key_counts() {
        assert!(AdminKey::new("short").is_none());
        let access = AdminAccess::Key(AdminKey::new("0123456789abcdef\n").expect("long enough"));
        assert_eq!(status(&access, &[("host", "localhost")]), 401);
        assert_eq!(status(&access, &[("authorization", "Bearer 0123456789abcdef"), ("origin", "https://a.kz")]), 200);
        assert_eq!(status(&access, &[("x-api-key", "0123456789abcdef")]), 200);
        assert_eq!(status(&access, &[("api-key", "0123456789abcdef")]), 200);
        assert_eq!(status(&access, &[("authorization", "Bearer 0123456789abcdeF")]), 401);
        assert!(!format!("{access:?}").contains("0123"));
    }
}
