//! The key as a client shows it: `Authorization: Bearer`, `x-api-key` or `api-key`.

use std::fmt;

use http::HeaderMap;
use http::header::AUTHORIZATION;

/// A key that was presented and is not yet believed. Its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct PresentedKey(String);

impl PresentedKey {
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let bearer = text(AUTHORIZATION.as_str()).and_then(|value| match value.split_once(' ') {
            Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Some(key.trim()),
            _ => None,
        });
        bearer.or_else(|| text("x-api-key")).or_else(|| text("api-key")).filter(|key| !key.is_empty()).map(Self::new)
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PresentedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_taken_from_any_of_the_three_headers() {
        for (name, value) in [("authorization", "bearer  k1"), ("x-api-key", "k1"), ("api-key", " k1 ")] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            assert_eq!(PresentedKey::from_headers(&headers).unwrap().expose(), "k1");
        }
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Basic abc".parse().unwrap());
        assert!(PresentedKey::from_headers(&headers).is_none());
    }
}
