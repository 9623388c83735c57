//! What a provider says of somebody, and whether it says it to us, of this login and for now (OpenID Connect Core, 3.1.3.7).

use std::fmt;

use serde_json::{Map, Value};

use super::error::TokenError;
use crate::auth::{Identity, email_of};
use crate::config::Grant;

/// Clocks differ.
const LEEWAY_S: f64 = 60.0;
/// A token is made for the login that it is asked for.
const MAX_AGE_S: f64 = 600.0;
const MAX_SUBJECT_BYTES: usize = 255;
const MAX_NAME_CHARS: usize = 64;

/// What a token must say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'e> {
    pub(super) issuer: &'e str,
    pub(super) client_id: &'e str,
    pub(super) nonce: &'e str,
    /// Unix seconds.
    pub(super) now_s: i64,
}

/// Claims that are believed. Their `Debug` shows nothing of them.
#[derive(Clone)]
pub struct Claims {
    identity: Identity,
    all: Map<String, Value>,
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Claims(…)")
    }
}

impl Claims {
    /// Of a token whose signature is right.
    ///
    /// # Errors
    /// It is not for us, not of this login, or not for now.
    pub(super) fn checked(payload: &[u8], expected: Expected<'_>) -> Result<Self, TokenError> {
        let all: Map<String, Value> = serde_json::from_slice(payload).map_err(|_| TokenError::Malformed)?;
        let text = |name: &str| all.get(name).and_then(Value::as_str);
        if text("iss") != Some(expected.issuer) {
            return Err(TokenError::Issuer);
        }
        check_audience(&all, expected.client_id)?;
        check_times(&all, expected.now_s)?;
        if text("nonce") != Some(expected.nonce) {
            return Err(TokenError::Nonce);
        }
        let subject = text("sub").filter(|subject| (1..=MAX_SUBJECT_BYTES).contains(&subject.len()));
        let subject = subject.ok_or(TokenError::Subject)?.to_owned();
        Ok(Self { identity: Identity { issuer: expected.issuer.to_owned(), subject }, all })
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The address, if the provider says that it is theirs.
    pub fn verified_email(&self) -> Option<String> {
        let is_verified = match self.all.get("email_verified") {
            Some(Value::Bool(is_verified)) => *is_verified,
            // As some providers write it.
            Some(Value::String(text)) => text == "true",
            _ => false,
        };
        let email = self.all.get("email").and_then(Value::as_str).and_then(email_of);
        email.filter(|_| is_verified)
    }

    pub fn name(&self) -> Option<String> {
        let name = self.all.get("name").and_then(Value::as_str)?;
        let name: String = name.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect();
        let name = name.trim();
        (!name.is_empty()).then(|| name.to_owned())
    }

    /// Whether this is what a grant is for.
    pub fn fits(&self, grant: &Grant) -> bool {
        match self.claim(&grant.claim) {
            Some(Value::String(text)) => *text == grant.value,
            Some(Value::Array(values)) => values.iter().any(|value| value.as_str() == Some(&grant.value)),
            _ => false,
        }
    }

    /// Whether all is said that decides, so that nobody need be asked for more.
    pub(super) fn is_enough<'g>(&self, mut grants: impl Iterator<Item = &'g Grant>) -> bool {
        self.all.contains_key("email") && grants.all(|grant| self.claim(&grant.claim).is_some())
    }

    /// Takes what the provider says besides, of the same person and where nothing is said yet.
    ///
    /// # Errors
    /// It is said of somebody else.
    pub(super) fn add(&mut self, others: Map<String, Value>) -> Result<(), TokenError> {
        if others.get("sub").and_then(Value::as_str) != Some(&self.identity.subject) {
            return Err(TokenError::Subject);
        }
        // An address and whether it is verified belong together.
        let has_email = self.all.contains_key("email");
        if !has_email {
            self.all.remove("email_verified");
        }
        for (name, value) in others {
            if !(has_email && name == "email_verified") {
                self.all.entry(name).or_insert(value);
            }
        }
        Ok(())
    }

    /// A claim by its name, or by its way through others.
    fn claim(&self, name: &str) -> Option<&Value> {
        if let Some(value) = self.all.get(name) {
            return Some(value);
        }
        let mut parts = name.split('.');
        let first = self.all.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    }
}

fn check_audience(all: &Map<String, Value>, client_id: &str) -> Result<(), TokenError> {
    let (is_ours, is_shared) = match all.get("aud") {
        Some(Value::String(one)) => (one == client_id, false),
        Some(Value::Array(several)) => (several.iter().any(|one| one.as_str() == Some(client_id)), several.len() > 1),
        _ => (false, false),
    };
    // Who it was made for, where that can be somebody else.
    let is_for_us = match all.get("azp") {
        None => !is_shared,
        Some(party) => party.as_str() == Some(client_id),
    };
    if is_ours && is_for_us { Ok(()) } else { Err(TokenError::Audience) }
}

fn check_times(all: &Map<String, Value>, now_s: i64) -> Result<(), TokenError> {
    let now = now_s as f64;
    let time = |name: &str| all.get(name).and_then(Value::as_f64);
    if time("exp").is_none_or(|end| end <= now - LEEWAY_S) {
        return Err(TokenError::Expired);
    }
    let is_fresh = |made: f64| made <= now + LEEWAY_S && made >= now - MAX_AGE_S;
    let is_begun = match all.get("nbf") {
        None => true,
        Some(begin) => begin.as_f64().is_some_and(|begin| begin <= now + LEEWAY_S),
    };
    if time("iat").is_some_and(is_fresh) && is_begun { Ok(()) } else { Err(TokenError::IssuedAt) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::auth::{Reach, Role};

    const NOW_S: i64 = 1_800_000_000;

    fn token() -> Value {
        json!({ "iss": "https://sso.kz", "sub": "7", "aud": "shekara", "exp": NOW_S + 300, "iat": NOW_S, "nonce": "n",
            "email": "A@Bank.kz", "email_verified": true, "name": "Айгүл\n", "groups": ["x", "auditors"],
            "realm_access": { "roles": ["chief"] }, "one": "value", "a.b": "c" })
    }

    fn checked(token: &Value) -> Result<Claims, TokenError> {
        let expected = Expected { issuer: "https://sso.kz", client_id: "shekara", nonce: "n", now_s: NOW_S };
        Claims::checked(token.to_string().as_bytes(), expected)
    }

    fn with(name: &str, value: Value) -> Value {
        let mut token = token();
        token[name] = value;
        token
    }

    fn without(name: &str) -> Value {
        let mut token = token();
        token.as_object_mut().unwrap().remove(name);
        token
    }

    #[test]
    fn what_is_not_for_us_for_now_is_not_believed() {
        assert_eq!(checked(&token()).unwrap().identity().subject, "7");
        let shared = |azp: Value| {
            let mut token = with("aud", json!(["other", "shekara"]));
            token["azp"] = azp;
            token
        };
        for fine in [
            with("aud", json!(["shekara"])),
            shared(json!("shekara")),
            with("exp", json!(NOW_S - 59)),
            with("exp", json!(NOW_S as f64 + 0.5)),
            with("iat", json!(NOW_S - 600)),
            with("nbf", json!(NOW_S + 60)),
        ] {
            assert!(checked(&fine).is_ok(), "{fine}");
        }
        for (wrong, error) in [
            (with("iss", json!("https://sso.kz/")), TokenError::Issuer),
            (without("iss"), TokenError::Issuer),
            (with("aud", json!("other")), TokenError::Audience),
            (with("aud", json!(["other"])), TokenError::Audience),
            (with("aud", json!(["other", "shekara"])), TokenError::Audience),
            (with("aud", json!(["shekara", "shekara"])), TokenError::Audience),
            (with("aud", json!([])), TokenError::Audience),
            (without("aud"), TokenError::Audience),
            (shared(json!("other")), TokenError::Audience),
            (shared(json!(7)), TokenError::Audience),
            (with("azp", json!("other")), TokenError::Audience),
            (with("exp", json!(NOW_S - 60)), TokenError::Expired),
            (with("exp", json!("2100")), TokenError::Expired),
            (without("exp"), TokenError::Expired),
            (without("iat"), TokenError::IssuedAt),
            (with("iat", json!(NOW_S + 61)), TokenError::IssuedAt),
            (with("iat", json!(NOW_S - 601)), TokenError::IssuedAt),
            (with("nbf", json!(NOW_S + 61)), TokenError::IssuedAt),
            (with("nbf", json!("now")), TokenError::IssuedAt),
            (with("nonce", json!("m")), TokenError::Nonce),
            (without("nonce"), TokenError::Nonce),
            (with("sub", json!("")), TokenError::Subject),
            (with("sub", json!(7)), TokenError::Subject),
            (without("sub"), TokenError::Subject),
            (json!([]), TokenError::Malformed),
        ] {
            assert_eq!(checked(&wrong).unwrap_err(), error, "{wrong}");
        }
    }

    #[test]
    fn an_address_counts_if_it_is_verified() {
        let email = |token: Value| checked(&token).unwrap().verified_email();
        assert_eq!(email(token()).as_deref(), Some("a@bank.kz"));
        assert_eq!(email(with("email_verified", json!("true"))).as_deref(), Some("a@bank.kz"));
        for none in [json!(false), json!("false"), json!(1), json!(null)] {
            assert_eq!(email(with("email_verified", none)), None);
        }
        assert_eq!(email(without("email_verified")), None);
        assert_eq!(email(with("email", json!("nobody"))), None);
        assert_eq!(checked(&token()).unwrap().name().as_deref(), Some("Айгүл"));
        assert!(!format!("{:?}", checked(&token()).unwrap()).contains("Bank"));
    }

    #[test]
    fn a_grant_is_for_a_value_of_a_claim() {
        let fits = |claim: &str, value: &str| {
            let (claim, value) = (claim.to_owned(), value.to_owned());
            let grant = Grant { provider: None, claim, value, role: Role::Auditor, reach: Reach::Installation };
            checked(&token()).unwrap().fits(&grant)
        };
        for (claim, value) in [("groups", "auditors"), ("realm_access.roles", "chief"), ("one", "value"), ("a.b", "c")]
        {
            assert!(fits(claim, value), "{claim}");
        }
        for (claim, value) in [
            ("groups", "auditor"),
            ("groups", ""),
            ("roles", "chief"),
            ("realm_access", "roles"),
            ("exp", "1800000300"),
        ] {
            assert!(!fits(claim, value), "{claim}");
        }
    }

    #[test]
    fn more_is_taken_of_the_same_person_alone() {
        let others = |sub: &str| {
            let others =
                json!({ "sub": sub, "email": "b@bank.kz", "email_verified": true, "groups": ["owners"], "z": 1 });
            others.as_object().unwrap().clone()
        };
        let mut claims = checked(&without("email")).unwrap();
        assert_eq!(claims.add(others("8")), Err(TokenError::Subject));
        claims.add(others("7")).unwrap();
        assert_eq!(claims.verified_email().as_deref(), Some("b@bank.kz"));
        assert_eq!(claims.all["groups"], json!(["x", "auditors"]));
        // Verified was another one.
        let mut claims = checked(&without("email_verified")).unwrap();
        claims.add(others("7")).unwrap();
        assert_eq!(claims.verified_email(), None);
    }
}
