//! A login that is under way at the provider. The browser keeps it, sealed, in a cookie: nothing of it takes place here, any
//! gateway that has the installation's secret can go on with it, and nobody else's browser can.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use url::Url;

use super::LoginError;

/// How long somebody may take at the provider.
const TTL_MS: i64 = 10 * 60 * 1_000;
const MAX_PATH_BYTES: usize = 512;
const BOUND_TO: &[u8] = b"shekara login v1";
const PART: usize = 32;

/// `Debug` shows nothing that would let somebody else go on with it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingLogin {
    pub provider: String,
    /// A local path.
    pub return_to: String,
    /// Comes back in the address.
    pub(super) state: String,
    /// Comes back in the token.
    pub(super) nonce: String,
    /// Without it the code is of no use.
    pub(super) verifier: String,
    expires_at_ms: i64,
}

impl fmt::Debug for PendingLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingLogin").field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl PendingLogin {
    pub const TTL_S: i64 = TTL_MS / 1_000;

    pub fn begin(provider: &str, return_to: String, random: [[u8; PART]; 3], now_ms: i64) -> Self {
        let [state, nonce, verifier] = random.map(|part| URL_SAFE_NO_PAD.encode(part));
        Self { provider: provider.to_owned(), return_to, state, nonce, verifier, expires_at_ms: now_ms + TTL_MS }
    }

    /// What the provider learns of the verifier (RFC 7636, S256).
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(&self.verifier))
    }

    /// For the cookie. `random` is fresh; `None`: the cipher refuses, which is not known to happen.
    pub fn sealed(&self, key: [u8; 32], random: [u8; NONCE_LEN]) -> Option<String> {
        let mut text = serde_json::to_vec(self).ok()?;
        let nonce = Nonce::assume_unique_for_key(random);
        cipher(key)?.seal_in_place_append_tag(nonce, Aad::from(BOUND_TO), &mut text).ok()?;
        Some(URL_SAFE_NO_PAD.encode([&random[..], &text].concat()))
    }

    /// # Errors
    /// It is not what was sealed here, or too old.
    pub fn open(text: &str, key: [u8; 32], now_ms: i64) -> Result<Self, LoginError> {
        let opened = || {
            let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
            let (random, rest) = sealed.split_first_chunk::<NONCE_LEN>()?;
            let mut rest = rest.to_vec();
            let nonce = Nonce::assume_unique_for_key(*random);
            let plain = cipher(key)?.open_in_place(nonce, Aad::from(BOUND_TO), &mut rest).ok()?;
            serde_json::from_slice::<Self>(plain).ok()
        };
        let pending = opened().ok_or(LoginError::NotBegun)?;
        if now_ms < pending.expires_at_ms { Ok(pending) } else { Err(LoginError::TooLate) }
    }

    /// Whether an answer is that to this login.
    pub fn has_state(&self, state: &str) -> bool {
        bool::from(self.state.as_bytes().ct_eq(state.as_bytes()))
    }
}

fn cipher(key: [u8; 32]) -> Option<LessSafeKey> {
    Some(LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &key).ok()?))
}

/// A path of this gateway as browsers will read it, or `None` for whatever could lead elsewhere.
pub fn local_path(text: &str, own: &Url) -> Option<String> {
    let is_path = text.starts_with('/') && !text.starts_with("//") && text.len() <= MAX_PATH_BYTES;
    let is_odd = |c: char| c == '\\' || c.is_control() || c.is_whitespace();
    if !is_path || text.contains(is_odd) {
        return None;
    }
    let url = own.join(text).ok()?;
    let path = &url[url::Position::BeforePath..];
    (url.origin() == own.origin() && !path.starts_with("//")).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending() -> PendingLogin {
        PendingLogin::begin("sso", "/x".into(), [[1; 32], [2; 32], [3; 32]], 1_000)
    }

    #[test]
    fn only_what_was_sealed_here_is_opened_and_only_in_time() {
        let sealed = pending().sealed([7; 32], [9; NONCE_LEN]).unwrap();
        assert_eq!(PendingLogin::open(&sealed, [7; 32], 1_000 + TTL_MS - 1).unwrap(), pending());
        let error = |text: &str, key: u8, now_ms: i64| PendingLogin::open(text, [key; 32], now_ms).unwrap_err().code();
        assert_eq!(error(&sealed, 7, 1_000 + TTL_MS), "login_expired");
        assert_eq!(error(&sealed, 8, 1_000), "login_not_begun");
        for text in ["", "AAAA", &sealed[1..], &sealed[..sealed.len() - 2]] {
            assert_eq!(error(text, 7, 1_000), "login_not_begun", "{text}");
        }
        assert!(sealed.len() < 2_000 && !sealed.contains(&pending().verifier));
        assert!(!format!("{:?}", pending()).contains(&pending().state));
        assert!(
            pending().has_state(&pending().state) && !pending().has_state("") && !pending().has_state(&pending().nonce)
        );
    }

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        let login = PendingLogin { verifier, ..pending() };
        assert_eq!(login.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn paths_lead_nowhere_else() {
        let own: Url = "https://a.kz".parse().unwrap();
        for (text, path) in
            [("/", "/"), ("/console/", "/console/"), ("/x?y=//b.kz#z", "/x?y=//b.kz#z"), ("/%2f/b.kz", "/%2f/b.kz")]
        {
            assert_eq!(local_path(text, &own).as_deref(), Some(path), "{text}");
        }
        let long = format!("/{}", "a".repeat(MAX_PATH_BYTES));
        for text in [
            "",
            "x",
            "//b.kz",
            "///b.kz",
            "/\\b.kz",
            "\\\\b.kz",
            "https://b.kz",
            "https:/b.kz",
            "javascript:1",
            "/\t/b.kz",
            "/\n/b.kz",
            " /x",
            "/x y",
            "/.//b.kz",
            "/..//b.kz",
            "/x/..//b.kz",
            &long,
        ] {
            assert_eq!(local_path(text, &own), None, "{text}");
        }
    }
}
