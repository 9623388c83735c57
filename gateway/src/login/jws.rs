//! A signed token in its compact form (RFC 7515), and whether a key has signed it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::error::TokenError;
use super::jwks::Key;

const MAX_BYTES: usize = 64 << 10;

/// What a signature may be made with. Nothing else is one, `none` and HMACs least of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Es256,
    EdDsa,
}

/// A token that is not yet believed.
pub(super) struct Jws<'t> {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    signed: &'t [u8],
    payload: Vec<u8>,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    /// What must be understood, which nothing here does.
    #[serde(default)]
    crit: Option<Value>,
}

impl Algorithm {
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

impl<'t> Jws<'t> {
    /// # Errors
    /// It has another form, or an algorithm that is none of ours.
    pub(super) fn parse(text: &'t str) -> Result<Self, TokenError> {
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed);
        let (signed, signature) = text.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        if text.len() > MAX_BYTES || payload.contains('.') {
            return Err(TokenError::Malformed);
        }
        let Header { alg, kid, crit } = serde_json::from_slice(&decode(header)?).map_err(|_| TokenError::Malformed)?;
        if crit.is_some() {
            return Err(TokenError::Malformed);
        }
        let algorithm = Algorithm::parse(&alg).ok_or(TokenError::Algorithm)?;
        let (payload, signature) = (decode(payload)?, decode(signature)?);
        Ok(Self { algorithm, key_id: kid, signed: signed.as_bytes(), payload, signature })
    }

    /// What it says, if `key` has signed it.
    ///
    /// # Errors
    /// The key is for another algorithm, or has signed something else.
    pub(super) fn payload(&self, key: &Key) -> Result<&[u8], TokenError> {
        if key.algorithm() != self.algorithm {
            return Err(TokenError::Algorithm);
        }
        if key.has_signed(self.signed, &self.signature) { Ok(&self.payload) } else { Err(TokenError::Signature) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::jwks::Keys;
    use super::*;

    /// Of RFC 7515, A.2 and A.3, and RFC 8037, A.4.
    const KEYS: &str = r#"{"keys":[
        {"kty":"RSA","kid":"rsa","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"},
        {"kty":"EC","kid":"ec","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
        {"kty":"OKP","kid":"ed","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    const RS256: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    const ES256: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    const EDDSA: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

    fn verified(token: &str, key: &str) -> Result<String, TokenError> {
        let keys = Keys::read(KEYS.as_bytes()).unwrap();
        let jws = Jws::parse(token)?;
        let payload = jws.payload(keys.find(Some(key), jws.algorithm).unwrap_or_else(|| keys.find_any(key)))?;
        Ok(String::from_utf8(payload.to_vec()).unwrap())
    }

    fn with_header(token: &str, header: &str) -> String {
        format!("{}.{}", URL_SAFE_NO_PAD.encode(header), token.split_once('.').unwrap().1)
    }

    #[test]
    fn the_standards_own_examples_are_believed_by_their_keys_alone() {
        for (token, key, begin) in [(RS256, "rsa", "{\"iss\":\"joe\""), (ES256, "ec", "{\"iss\""), (EDDSA, "ed", "Exa")]
        {
            assert!(verified(token, key).unwrap().starts_with(begin), "{key}");
            for other in ["rsa", "ec", "ed"].into_iter().filter(|other| *other != key) {
                assert_eq!(verified(token, other), Err(TokenError::Algorithm), "{key} {other}");
            }
            let (head, signature) = token.rsplit_once('.').unwrap();
            for broken in [format!("{head}x.{signature}"), format!("{head}."), format!("{head}.AAAA")] {
                assert!(verified(&broken, key).is_err(), "{key}");
            }
        }
    }

    #[test]
    fn other_algorithms_and_forms_are_none() {
        for (header, error) in [
            (r#"{"alg":"none"}"#, TokenError::Algorithm),
            (r#"{"alg":"HS256"}"#, TokenError::Algorithm),
            (r#"{"alg":"PS256"}"#, TokenError::Algorithm),
            (r#"{"alg":"rs256"}"#, TokenError::Algorithm),
            (r#"{"alg":"ES256"}"#, TokenError::Algorithm),
            (r#"{"alg":"RS256","crit":["exp"]}"#, TokenError::Malformed),
            (r#"{"alg":"RS256","alg":"none"}"#, TokenError::Malformed),
            ("{}", TokenError::Malformed),
            ("x", TokenError::Malformed),
            (r#"{"alg":"RS256","typ":"x"}"#, TokenError::Signature),
        ] {
            assert_eq!(verified(&with_header(RS256, header), "rsa"), Err(error), "{header}");
        }
        for token in ["", "a", "a.b", "..", "a.b.c.d", "a.b.c.d.e"] {
            assert!(verified(token, "rsa").is_err(), "{token}");
        }
        assert!(Jws::parse(&format!("{}{RS256}", "a".repeat(MAX_BYTES))).is_err());
    }
}
