//! AWS' Signature Version 4 in a request's headers, for services that are asked without a query. Whatever the path holds
//! is encoded once more for the signature, as every service but S3 wants it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const DATE: &str = "x-amz-date";
const TOKEN: &str = "x-amz-security-token";

/// Who signs.
pub(super) struct Keys<'k> {
    pub(super) access_key_id: &'k str,
    pub(super) secret_access_key: &'k str,
    pub(super) session_token: Option<&'k str>,
}

/// What is signed. `path` is as it is sent; `headers` are further ones, in lower case.
pub(super) struct Request<'r> {
    pub(super) method: &'r str,
    pub(super) host: &'r str,
    pub(super) path: &'r str,
    pub(super) headers: &'r [(&'r str, &'r str)],
    pub(super) body: &'r [u8],
}

/// What a signature holds for.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    pub(super) region: &'s str,
    pub(super) service: &'s str,
    pub(super) at: Timestamp,
}

/// The headers to send beside those of the request.
pub(super) fn signed(request: &Request<'_>, keys: &Keys<'_>, scope: Scope<'_>) -> Vec<(&'static str, String)> {
    let date = scope.at.strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut headers: BTreeMap<&str, &str> = request.headers.iter().copied().collect();
    headers.extend([("host", request.host), (DATE, &date)]);
    headers.extend(keys.session_token.map(|token| (TOKEN, token)));
    let names = headers.keys().copied().collect::<Vec<_>>().join(";");
    let mut canonical = format!("{}\n{}\n\n", request.method, encoded(request.path, "/"));
    for (name, value) in &headers {
        canonical.extend([name, ":", value.trim(), "\n"]);
    }
    let _ = write!(canonical, "\n{names}\n{}", hex(&Sha256::digest(request.body)));
    let day = scope.at.strftime("%Y%m%d").to_string();
    let place = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let to_sign = format!("{ALGORITHM}\n{date}\n{place}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
    let first = format!("AWS4{}", keys.secret_access_key);
    let key = [day.as_str(), scope.region, scope.service, "aws4_request"]
        .into_iter()
        .fold(first.into_bytes(), |key, part| keyed(&key, part));
    let signature = hex(&keyed(&key, &to_sign));
    let id = keys.access_key_id;
    let authorization = format!("{ALGORITHM} Credential={id}/{place}, SignedHeaders={names}, Signature={signature}");
    let mut signed = vec![("authorization", authorization), (DATE, date)];
    signed.extend(keys.session_token.map(|token| (TOKEN, token.to_owned())));
    signed
}

/// Percent-encoded but for letters, digits, `-._~` and `kept`.
pub(super) fn encoded(text: &str, kept: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let character = char::from(byte);
        if byte.is_ascii_alphanumeric() || "-._~".contains(character) || kept.contains(character) && byte.is_ascii() {
            out.push(character);
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    // A key of any length is one.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of AWS' signing test suite; its secret is in two pieces, lest it looks like one.
    const SECRET: [&str; 2] = ["wJalrXUtnFEMI/K7MDENG", "+bPxRfiCYEXAMPLEKEY"];
    const SESSION: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRq\
         TflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6f\
         E8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/\
         oLxBA==";

    fn authorization(method: &str, headers: &[(&str, &str)], body: &str, session_token: Option<&str>) -> String {
        let secret = SECRET.concat();
        let keys = Keys { access_key_id: "AKIDEXAMPLE", secret_access_key: &secret, session_token };
        let request = Request { method, host: "example.amazonaws.com", path: "/", headers, body: body.as_bytes() };
        let at = "2015-08-30T12:36:00Z".parse().unwrap();
        let signed = signed(&request, &keys, Scope { region: "us-east-1", service: "service", at });
        assert_eq!(signed[1], ("x-amz-date", "20150830T123600Z".to_owned()));
        assert_eq!(signed.get(2).map(|(_, token)| token.as_str()), session_token);
        signed[0].1.clone()
    }

    #[test]
    fn signatures_are_those_of_the_published_vectors() {
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let cases = [
            (("GET", &[][..], "", None), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (("POST", &[], "", None), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            (
                ("POST", &[("my-header1", "VALUE1")], "", None),
                "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
            ),
            (("POST", &[], "", Some(SESSION)), "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"),
            (
                ("POST", &form, "Param1=value1", None),
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
        ];
        for ((method, headers, body, token), signature) in cases {
            let authorization = authorization(method, headers, body, token);
            let begin =
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=";
            assert!(authorization.starts_with(begin), "{authorization}");
            assert!(
                authorization.ends_with(&format!(", Signature={signature}")),
                "{method} {headers:?}: {authorization}"
            );
        }
    }

    #[test]
    fn a_path_is_encoded_and_encoded_again_for_the_signature() {
        let model = encoded("us.anthropic.claude-x-v1:0", "");
        assert_eq!(model, "us.anthropic.claude-x-v1%3A0");
        assert_eq!(encoded(&format!("/model/{model}/converse"), "/"), "/model/us.anthropic.claude-x-v1%253A0/converse");
        assert_eq!(encoded("arn:aws:b/ә", ""), "arn%3Aaws%3Ab%2F%D3%99");
    }
}
