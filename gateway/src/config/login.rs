//! `[login]`: where people log in who are to use `/admin/v1` without a key.

use std::collections::HashSet;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;

use super::outward::{NO_PROXY, Outward, address_of, check_proxy, pem_file};
use super::provider::Surroundings;
use super::validate::{Invalid, invalid};
use crate::auth::{Reach, Role};
use crate::secrets::{SecretError, SecretSource};

const MAX_SESSION_S: u64 = 30 * 24 * 3_600;
const MAX_ENTRIES: usize = 256;
const MAX_SCOPES: usize = 32;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginFile {
    /// Where browsers reach this gateway: `https://shekara.example.kz`.
    pub public_url: Spanned<String>,
    /// A login ends after this long, whatever is done.
    #[serde(default = "default_session_s")]
    pub session_s: Spanned<u64>,
    /// And after this long without a request.
    #[serde(default = "default_idle_s")]
    pub idle_s: Spanned<u64>,
    pub oidc: Spanned<Vec<OidcFile>>,
    #[serde(default)]
    pub grants: Vec<Spanned<GrantFile>>,
}

fn default_session_s() -> Spanned<u64> {
    Spanned::new(0..0, 12 * 3_600)
}

fn default_idle_s() -> Spanned<u64> {
    Spanned::new(0..0, 3_600)
}

/// A provider of OpenID Connect.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcFile {
    pub name: Spanned<String>,
    /// As the provider writes it, to the letter.
    pub issuer: Spanned<String>,
    pub client_id: Spanned<String>,
    /// `env:NAME`, `file:/path` or `vault:path#field`. Unset: the client is a public one.
    pub client_secret: Option<Spanned<String>>,
    #[serde(default = "default_scopes")]
    pub scopes: Spanned<Vec<String>>,
    /// Whose addresses may log in; empty: all.
    #[serde(default)]
    pub domains: Vec<Spanned<String>>,
    /// Trusted beside the machine's own: `file:/path.pem`.
    pub ca: Option<Spanned<String>>,
    /// Instead of `[network]`'s: `none`, or a URL.
    pub proxy: Option<Spanned<String>>,
    pub proxy_password: Option<Spanned<String>>,
}

fn default_scopes() -> Spanned<Vec<String>> {
    Spanned::new(0..0, ["openid", "email", "profile"].map(str::to_owned).to_vec())
}

/// What a claim of a provider gives.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantFile {
    /// Of which provider; unset: of any.
    pub provider: Option<String>,
    /// `groups`, or `realm_access.roles` for one inside another.
    pub claim: String,
    /// What it must be, or have among its values.
    pub value: String,
    pub role: Role,
    /// All of a tenant, or with `project` that project alone; unset: everything.
    pub tenant: Option<String>,
    pub project: Option<String>,
}

#[derive(Debug, Clone)]
pub struct LoginConfig {
    /// Without a path.
    pub public_url: url::Url,
    pub session: Duration,
    pub idle: Duration,
    pub providers: Vec<OidcConfig>,
    /// The first that fits counts.
    pub grants: Vec<Grant>,
}

#[derive(Debug, Clone)]
pub struct OidcConfig {
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    pub client_secret: Option<SecretSource>,
    pub scopes: Vec<String>,
    /// In small letters.
    pub domains: Vec<String>,
    pub outward: Outward,
}

#[derive(Debug, Clone)]
pub struct Grant {
    pub provider: Option<String>,
    pub claim: String,
    pub value: String,
    pub role: Role,
    pub reach: Reach,
}

impl LoginConfig {
    /// What browsers call this gateway: scheme, host and port.
    pub fn origin(&self) -> String {
        self.public_url.origin().ascii_serialization()
    }

    /// Cookies are for TLS alone.
    pub fn is_secure(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}

/// Whether what goes to this address may go there: over TLS, or in the clear to this machine and within the border.
pub fn is_guarded(url: &url::Url, in_country: &[IpNet]) -> bool {
    match url.scheme() {
        "https" => url.host().is_some(),
        "http" => address_of(url.as_str()).is_some_and(|stands| stands.is_inside(in_country)),
        _ => false,
    }
}

pub(super) fn check_login(file: LoginFile, around: Surroundings<'_>) -> Result<LoginConfig, Invalid> {
    for (name, seconds) in [("session_s", &file.session_s), ("idle_s", &file.idle_s)] {
        if !(60..=MAX_SESSION_S).contains(seconds.get_ref()) {
            return Err(invalid(seconds, format!("{name} must be 60 to {MAX_SESSION_S}")));
        }
    }
    let public_url = check_public_url(&file.public_url)?;
    if file.oidc.get_ref().is_empty() || file.oidc.get_ref().len() > MAX_ENTRIES {
        return Err(invalid(&file.oidc, "[login] needs at least one [[login.oidc]]"));
    }
    let mut names = HashSet::new();
    let mut providers = Vec::with_capacity(file.oidc.get_ref().len());
    for provider in file.oidc.into_inner() {
        if !names.insert(provider.name.get_ref().clone()) {
            return Err(invalid(&provider.name, format!("login.oidc '{}' stands twice", provider.name.get_ref())));
        }
        providers.push(check_provider(provider, around)?);
    }
    check_domains(&providers).map_err(|message| invalid(&file.session_s, message))?;
    let grants = file.grants.iter().map(|grant| check_grant(grant, &names)).collect::<Result<_, _>>()?;
    Ok(LoginConfig {
        public_url,
        session: Duration::from_secs(*file.session_s.get_ref()),
        idle: Duration::from_secs(*file.idle_s.get_ref()),
        providers,
        grants,
    })
}

/// Of several providers each vouches for addresses of its own, so that none names another's people.
fn check_domains(providers: &[OidcConfig]) -> Result<(), String> {
    let mut known = HashSet::new();
    for provider in providers.iter().filter(|_| providers.len() > 1) {
        if provider.domains.is_empty() {
            return Err(format!("of several [[login.oidc]], each needs 'domains': '{}' has none", provider.name));
        }
        if let Some(domain) = provider.domains.iter().find(|domain| !known.insert(*domain)) {
            return Err(format!("addresses of '{domain}' belong to one [[login.oidc]] alone"));
        }
    }
    Ok(())
}

fn check_public_url(text: &Spanned<String>) -> Result<url::Url, Invalid> {
    let url = url::Url::parse(text.get_ref()).ok().filter(|url| {
        let is_bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        is_bare && url.path() == "/" && url.host().is_some() && matches!(url.scheme(), "http" | "https")
    });
    url.ok_or_else(|| invalid(text, "public_url is like https://shekara.example.kz, without a path"))
}

fn check_provider(file: OidcFile, around: Surroundings<'_>) -> Result<OidcConfig, Invalid> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    let name = file.name.get_ref();
    if name.is_empty() || name.len() > 64 || !name.bytes().all(is_plain) {
        return Err(invalid(&file.name, "name is small letters, digits, '-' and '_'"));
    }
    if file.client_id.get_ref().is_empty() {
        return Err(invalid(&file.client_id, "client_id is what the provider knows this gateway by"));
    }
    let scopes = file.scopes.get_ref();
    let is_scope = |scope: &String| !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic());
    if !scopes.iter().any(|scope| scope == "openid") || scopes.len() > MAX_SCOPES || !scopes.iter().all(is_scope) {
        return Err(invalid(&file.scopes, "scopes are words, 'openid' among them"));
    }
    let domains = file.domains.iter().map(|domain| {
        let text = domain.get_ref().to_ascii_lowercase();
        let fits = !text.is_empty() && !text.contains(['@', ' ', '/', '*']) && !text.starts_with('.');
        if fits { Ok(text) } else { Err(invalid(domain, "domains are like bank.kz")) }
    });
    let domains = domains.collect::<Result<_, _>>()?;
    let issuer = check_issuer(&file.issuer, around.in_country)?;
    Ok(OidcConfig {
        outward: outward_of(&file, &issuer, around)?,
        client_secret: file.client_secret.as_ref().map(|source| check_secret(source, around)).transpose()?,
        issuer,
        name: file.name.into_inner(),
        client_id: file.client_id.into_inner(),
        scopes: file.scopes.into_inner(),
        domains,
    })
}

fn check_issuer(text: &Spanned<String>, in_country: &[IpNet]) -> Result<String, Invalid> {
    let url = url::Url::parse(text.get_ref()).ok().filter(|url| {
        url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.host().is_some()
    });
    let url = url.ok_or_else(|| invalid(text, "issuer is like https://sso.example.kz/realms/bank"))?;
    if !is_guarded(&url, in_country) {
        let message = "issuer must be https, or an address of this machine or of [network] in_country";
        return Err(invalid(text, message));
    }
    Ok(text.get_ref().clone())
}

/// `[network]`'s way with what the provider has for itself. Inside the border it does not get `[network]`'s proxy.
fn outward_of(file: &OidcFile, issuer: &str, around: Surroundings<'_>) -> Result<Outward, Invalid> {
    let mut outward = around.outward.clone();
    let is_inside = address_of(issuer).is_some_and(|stands| stands.is_inside(around.in_country));
    match &file.proxy {
        Some(proxy) if proxy.get_ref() == NO_PROXY => outward.proxy = None,
        Some(proxy) => outward.proxy = Some(check_proxy(proxy, file.proxy_password.as_ref(), Vec::new())?),
        None if is_inside => outward.proxy = None,
        None => {}
    }
    if let Some(ca) = &file.ca {
        outward.ca.push(pem_file("ca", ca)?);
    }
    Ok(outward)
}

fn check_secret(text: &Spanned<String>, around: Surroundings<'_>) -> Result<SecretSource, Invalid> {
    let source: SecretSource =
        text.get_ref().parse().map_err(|error: SecretError| invalid(text, format!("client_secret: {error}")))?;
    if matches!(source, SecretSource::Vault(_)) && !around.has_vault {
        return Err(invalid(text, "client_secret lies in Vault, and there is no [vault]"));
    }
    Ok(source)
}

fn check_grant(spanned: &Spanned<GrantFile>, providers: &HashSet<String>) -> Result<Grant, Invalid> {
    let file = spanned.get_ref().clone();
    if let Some(provider) = file.provider.as_ref().filter(|provider| !providers.contains(*provider)) {
        return Err(invalid(spanned, format!("there is no [[login.oidc]] '{provider}'")));
    }
    if file.claim.is_empty() || file.value.is_empty() {
        return Err(invalid(spanned, "claim and value of a grant are not empty"));
    }
    if file.role == Role::Application {
        return Err(invalid(spanned, "people have any role but application"));
    }
    let reach = match (file.tenant, file.project) {
        (None, None) => Reach::Installation,
        (Some(tenant), None) => Reach::Tenant { tenant },
        (Some(tenant), Some(project)) => Reach::Project { tenant, project },
        (None, Some(_)) => return Err(invalid(spanned, "the project of a grant is one of a tenant")),
    };
    Ok(Grant { provider: file.provider, claim: file.claim, value: file.value, role: file.role, reach })
}

#[cfg(test)]
mod tests {
    use super::super::{Config, parse};
    use super::*;

    const PROVIDER: &str =
        "[[login.oidc]]\nname = \"sso\"\nissuer = \"https://sso.kz/realms/bank\"\nclient_id = \"shekara\"\n";

    fn parsed(rest: &str) -> Result<Config, String> {
        let text = format!("[local]\nenabled = false\n[login]\npublic_url = \"https://a.kz\"\n{rest}\n");
        parse(&text, "x".as_ref()).map_err(|error| error.to_string())
    }

    #[test]
    fn without_a_table_nobody_logs_in() {
        assert!(parse("", "x".as_ref()).unwrap().login.is_none());
    }

    #[test]
    fn a_provider_and_grants_are_read() {
        let grants =
            "[[login.grants]]\nclaim = \"groups\"\nvalue = \"auditors\"\nrole = \"auditor\"\ntenant = \"bank\"\n";
        let rest = format!("{PROVIDER}client_secret = \"env:S\"\ndomains = [\"Bank.kz\"]\n{grants}");
        let login = parsed(&rest).unwrap().login.unwrap();
        assert_eq!((login.origin().as_str(), login.is_secure()), ("https://a.kz", true));
        assert_eq!((login.session.as_secs(), login.idle.as_secs()), (43_200, 3_600));
        let own = &login.providers[0];
        assert_eq!((own.domains[0].as_str(), own.scopes.len()), ("bank.kz", 3));
        assert_eq!(login.grants[0].reach, Reach::Tenant { tenant: "bank".into() });
    }

    #[test]
    fn what_is_wrong_is_named() {
        let with = |extra: &str| format!("{PROVIDER}{extra}");
        let grant = |extra: &str| format!("{PROVIDER}[[login.grants]]\nclaim = \"g\"\nvalue = \"v\"\n{extra}");
        let twice = format!("{PROVIDER}{PROVIDER}");
        for (wrong, word) in [
            (String::new(), "oidc"),
            ("oidc = []".to_owned(), "at least one"),
            (format!("idle_s = 1\n{PROVIDER}"), "idle_s must be"),
            (twice, "stands twice"),
            (PROVIDER.replace("https://", "http://"), "must be https"),
            (PROVIDER.replace("https://sso.kz", "sso"), "issuer is like"),
            (PROVIDER.replace("\"sso\"", "\"S S\""), "name is small"),
            (with("client_secret = \"abcdef\""), "never as its value"),
            (with("client_secret = \"vault:a#b\""), "no [vault]"),
            (with("scopes = [\"email\"]"), "'openid'"),
            (with("domains = [\"@bank.kz\"]"), "domains are"),
            (grant("role = \"application\""), "any role but"),
            (grant("role = \"chief\""), "chief"),
            (grant("role = \"auditor\"\nproject = \"x\""), "of a tenant"),
            (grant("role = \"auditor\"\nprovider = \"y\""), "no [[login.oidc]] 'y'"),
        ] {
            let error = parsed(&wrong).unwrap_err();
            assert!(error.starts_with("x:") && error.contains(word), "{wrong}: {error}");
            assert!(!error.contains("abcdef"), "{error}");
        }
        for url in ["a.kz", "https://a.kz/path", "https://a.kz?x=1", "ftp://a.kz", "https://me@a.kz"] {
            let text = format!("[login]\npublic_url = \"{url}\"\n{PROVIDER}");
            assert!(parse(&text, "x".as_ref()).unwrap_err().to_string().contains("public_url is like"), "{url}");
        }
    }
}
