//! What a provider says of itself (OpenID Connect Discovery 1.0).

use ipnet::IpNet;
use serde::Deserialize;
use url::Url;

use super::LoginError;
use crate::config::is_guarded;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Metadata {
    pub(super) authorization: Url,
    pub(super) token: Url,
    pub(super) keys: Url,
    pub(super) userinfo: Option<Url>,
    /// The client's secret goes into the body, and not into a header.
    pub(super) secret_in_body: bool,
    /// Answers say which provider they come from (RFC 9207).
    pub(super) names_itself: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    userinfo_endpoint: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Where a provider says it.
pub(super) fn place_of(issuer: &str) -> String {
    format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'))
}

impl Metadata {
    /// # Errors
    /// It is another's, incomplete, or leads to where nothing may be sent.
    pub(super) fn read(bytes: &[u8], issuer: &str, in_country: &[IpNet]) -> Result<Self, LoginError> {
        let unusable = |what| LoginError::Unusable { what };
        let document: Document =
            serde_json::from_slice(bytes).map_err(|_| unusable("its configuration cannot be read"))?;
        if document.issuer != issuer {
            return Err(unusable("its configuration names another issuer"));
        }
        let endpoint = |text: &str| {
            let url = Url::parse(text).ok().filter(|url| is_guarded(url, in_country) && url.fragment().is_none());
            url.ok_or_else(|| unusable("one of its endpoints is no https address"))
        };
        // Nothing said means that a provider does not know of it, and nobody could redeem a code for its login.
        let has_pkce = document.code_challenge_methods_supported;
        if has_pkce.is_some_and(|methods| !methods.iter().any(|method| method == "S256")) {
            return Err(unusable("it does not support PKCE with S256"));
        }
        let methods = document.token_endpoint_auth_methods_supported;
        let has = |name: &str| methods.as_ref().is_some_and(|all| all.iter().any(|method| method == name));
        Ok(Self {
            authorization: endpoint(&document.authorization_endpoint)?,
            token: endpoint(&document.token_endpoint)?,
            keys: endpoint(&document.jwks_uri)?,
            userinfo: document.userinfo_endpoint.as_deref().map(endpoint).transpose()?,
            secret_in_body: has("client_secret_post") && !has("client_secret_basic"),
            names_itself: document.authorization_response_iss_parameter_supported,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(change: impl Fn(&mut Value)) -> Result<Metadata, LoginError> {
        let mut document = json!({ "issuer": "https://sso.kz/x", "authorization_endpoint": "https://sso.kz/a?b=c",
            "token_endpoint": "https://sso.kz/t", "jwks_uri": "https://keys.kz/k", "more": [1] });
        change(&mut document);
        Metadata::read(document.to_string().as_bytes(), "https://sso.kz/x", &["10.0.0.0/8".parse().unwrap()])
    }

    #[test]
    fn endpoints_are_guarded_and_the_issuers_own() {
        let metadata = read(|_| ()).unwrap();
        assert_eq!(
            (metadata.keys.as_str(), metadata.secret_in_body, metadata.userinfo),
            ("https://keys.kz/k", false, None)
        );
        assert!(read(|document| document["token_endpoint"] = json!("http://10.1.1.1/t")).is_ok());
        for (name, wrong) in [
            ("issuer", json!("https://sso.kz/x/")),
            ("token_endpoint", json!("http://sso.kz/t")),
            ("token_endpoint", json!("file:///etc/passwd")),
            ("authorization_endpoint", json!("javascript:alert(1)")),
            ("jwks_uri", json!(null)),
            ("userinfo_endpoint", json!("http://sso.kz/u")),
            ("code_challenge_methods_supported", json!(["plain"])),
        ] {
            assert!(read(|document| document[name] = wrong.clone()).is_err(), "{name} {wrong}");
        }
        let methods = |methods: Value| {
            read(|document| document["token_endpoint_auth_methods_supported"] = methods.clone()).unwrap().secret_in_body
        };
        assert!(
            methods(json!(["client_secret_post"])) && !methods(json!(["client_secret_post", "client_secret_basic"]))
        );
        assert_eq!(place_of("https://sso.kz/x/"), "https://sso.kz/x/.well-known/openid-configuration");
    }
}
