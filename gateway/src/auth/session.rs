//! Where somebody is logged in: a random text that only their browser has. What is kept of it is a keyed hash.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderMap;
use http::header::COOKIE;

use super::KeySecret;

const TOKEN_CHARS: usize = 43;

/// A browser's proof of a login. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(String);

/// What is kept of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub hash: [u8; 32],
    /// By id.
    pub person: String,
    /// Unix milliseconds, as all times here.
    pub created_at_ms: i64,
    /// Of the last request, to the minute.
    pub seen_at_ms: i64,
    /// The end, whatever is done until then.
    pub expires_at_ms: i64,
}

impl SessionToken {
    pub fn new(random: [u8; 32]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(random))
    }

    /// Of a request's cookies; `None` where none has the form of one.
    pub fn from_headers(headers: &HeaderMap, is_secure: bool) -> Option<Self> {
        let text = cookie(headers, Self::cookie_name(is_secure))?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        (text.len() == TOKEN_CHARS && text.bytes().all(fits)).then(|| Self(text.to_owned()))
    }

    /// Browsers take a cookie of the longer name only over TLS, from this host and for all of it.
    pub fn cookie_name(is_secure: bool) -> &'static str {
        if is_secure { "__Host-shekara_session" } else { "shekara_session" }
    }

    /// For the one cookie that carries it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Under which it is kept.
    pub fn hash(&self, secret: &KeySecret) -> [u8; 32] {
        // No key begins so.
        secret.hash(&format!("session:{}", self.0))
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(…)")
    }
}

impl Session {
    pub fn holds(&self, idle_ms: i64, now_ms: i64) -> bool {
        now_ms < self.expires_at_ms && now_ms < self.seen_at_ms.saturating_add(idle_ms)
    }
}

/// The first cookie of this name.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(own, _)| *own == name).map(|(_, value)| value)
}

/// Whether a request that changes something was made by a page of this gateway: every browser says so, in `Sec-Fetch-Site`
/// or at least in `Origin`, and no page can make it say something else. Without either the answer is no.
pub fn is_same_origin(headers: &HeaderMap, own_origin: &str) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (text("sec-fetch-site"), text("origin")) {
        (None, None) => false,
        (site, origin) => {
            site.is_none_or(|site| site == "same-origin") && origin.is_none_or(|origin| origin == own_origin)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_token_comes_out_of_its_own_cookie_alone() {
        let token = SessionToken::new([7; 32]);
        let line = format!("a=b; shekara_session={}; c=d", token.expose());
        assert_eq!(SessionToken::from_headers(&headers(&[("cookie", &line)]), false), Some(token.clone()));
        assert_eq!(SessionToken::from_headers(&headers(&[("cookie", &line)]), true), None);
        for none in ["", "shekara_session=", "shekara_session=abc", "xshekara_session=abc"] {
            assert_eq!(SessionToken::from_headers(&headers(&[("cookie", none)]), false), None, "{none}");
        }
        assert!(!format!("{token:?}").contains(token.expose()));
        let hashes = [1, 2].map(|secret| token.hash(&KeySecret::new([secret; 32])));
        assert_ne!(hashes[0], hashes[1]);
    }

    #[test]
    fn a_session_ends_after_its_time_and_when_nobody_uses_it() {
        let session =
            Session { hash: [0; 32], person: "p".into(), created_at_ms: 0, seen_at_ms: 50, expires_at_ms: 100 };
        assert!(session.holds(20, 69) && !session.holds(20, 70));
        assert!(session.holds(1_000, 99) && !session.holds(1_000, 100));
    }

    #[test]
    fn other_sites_are_told_apart() {
        for (pairs, is_own) in [
            (vec![("sec-fetch-site", "same-origin")], true),
            (vec![("origin", "https://a.kz")], true),
            (vec![("sec-fetch-site", "same-origin"), ("origin", "https://a.kz")], true),
            (vec![("sec-fetch-site", "same-origin"), ("origin", "https://b.kz")], false),
            (vec![("sec-fetch-site", "same-site"), ("origin", "https://a.kz")], false),
            (vec![("sec-fetch-site", "cross-site")], false),
            (vec![("sec-fetch-site", "none")], false),
            (vec![("origin", "null")], false),
            (vec![("origin", "https://a.kz.evil.kz")], false),
            (vec![("origin", "http://a.kz")], false),
            (vec![("referer", "https://a.kz/")], false),
            (vec![], false),
        ] {
            assert_eq!(is_same_origin(&headers(&pairs), "https://a.kz"), is_own, "{pairs:?}");
        }
    }
}
