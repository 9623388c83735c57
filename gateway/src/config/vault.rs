//! `[vault]`: where secrets lie that are given as `vault:path#field`.

use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;

use super::outward::{Outward, address_of, pem_file};
use super::privacy::secret;
use super::validate::{Invalid, invalid};
use crate::secrets::{VaultLogin, VaultSettings};

const MAX_REFRESH_S: u64 = 24 * 3_600;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultFile {
    pub address: Spanned<String>,
    /// `env:NAME` or `file:/path`. Instead: `role_id` and `secret_id` of an AppRole, given alike.
    pub token: Option<Spanned<String>>,
    pub role_id: Option<Spanned<String>>,
    pub secret_id: Option<Spanned<String>>,
    pub namespace: Option<Spanned<String>>,
    /// Of the key-value store, version 2.
    #[serde(default = "default_mount")]
    pub mount: Spanned<String>,
    /// Trusted beside the machine's own: `file:/path.pem`.
    pub ca: Option<Spanned<String>>,
    /// How old a value may become before it is read again.
    #[serde(default = "default_refresh_s")]
    pub refresh_s: Spanned<u64>,
}

fn default_mount() -> Spanned<String> {
    Spanned::new(0..0, "secret".to_owned())
}

fn default_refresh_s() -> Spanned<u64> {
    Spanned::new(0..0, 300)
}

#[derive(Debug, Clone)]
pub struct VaultConfig {
    pub settings: VaultSettings,
    pub outward: Outward,
}

pub(super) fn check_vault(file: VaultFile, in_country: &[IpNet], outward: &Outward) -> Result<VaultConfig, Invalid> {
    let refresh_s = *file.refresh_s.get_ref();
    if !(1..=MAX_REFRESH_S).contains(&refresh_s) {
        return Err(invalid(&file.refresh_s, format!("refresh_s must be 1 to {MAX_REFRESH_S}")));
    }
    let is_plain = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(is_plain_byte);
    if !file.mount.get_ref().split('/').all(is_plain) {
        return Err(invalid(&file.mount, "mount is the plain name of a key-value store"));
    }
    if let Some(namespace) = file.namespace.as_ref().filter(|name| !name.get_ref().split('/').all(is_plain)) {
        return Err(invalid(namespace, "namespace is like team or org/team"));
    }
    let login = match (&file.token, &file.role_id, &file.secret_id) {
        (Some(token), None, None) => VaultLogin::Token(secret("token", token)?),
        (None, Some(role_id), Some(secret_id)) => {
            VaultLogin::AppRole { role_id: secret("role_id", role_id)?, secret_id: secret("secret_id", secret_id)? }
        }
        _ => return Err(invalid(&file.address, "[vault] needs either token, or role_id and secret_id")),
    };
    let address = check_address(&file.address, in_country)?;
    let mut outward = outward.clone();
    if address_of(&address).is_some_and(|stands| stands.is_inside(in_country)) {
        outward.proxy = None;
    }
    if let Some(ca) = &file.ca {
        outward.ca.push(pem_file("ca", ca)?);
    }
    Ok(VaultConfig {
        settings: VaultSettings {
            address,
            login,
            namespace: file.namespace.map(Spanned::into_inner),
            mount: file.mount.into_inner(),
            refresh: Duration::from_secs(refresh_s),
        },
        outward,
    })
}

fn is_plain_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// Keys travel in the clear without TLS: only within the border, and only to an address that shows that it is there.
fn check_address(address: &Spanned<String>, in_country: &[IpNet]) -> Result<String, Invalid> {
    let wrong = || invalid(address, "[vault] address is like https://vault.example.kz:8200");
    let text = address.get_ref().trim_end_matches('/');
    let url = url::Url::parse(text).map_err(|_| wrong())?;
    let is_bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    if !is_bare || url.host().is_none() || !matches!(url.scheme(), "http" | "https") {
        return Err(wrong());
    }
    let is_inside = address_of(text).is_some_and(|stands| stands.is_inside(in_country));
    if url.scheme() == "http" && !is_inside {
        let message = "[vault] address must be https, or an address of this machine or of [network] in_country";
        return Err(invalid(address, message));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::{Config, parse};

    fn parsed(rest: &str) -> Result<Config, String> {
        let text = format!("[local]\nenabled = false\n[vault]\n{rest}\n");
        parse(&text, "x".as_ref()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_vault_has_an_address_and_one_way_to_log_in() {
        let config =
            parsed("address = \"https://vault.kz:8200/\"\nrole_id = \"env:R\"\nsecret_id = \"file:/s\"").unwrap();
        let settings = config.vault.unwrap().settings;
        assert_eq!((settings.address.as_str(), settings.mount.as_str()), ("https://vault.kz:8200", "secret"));
        for (wrong, line, word) in [
            ("address = \"http://vault.kz\"\ntoken = \"env:T\"", 4, "must be https"),
            ("address = \"https://vault.kz\"", 4, "needs either token"),
            ("address = \"https://vault.kz\"\ntoken = \"hvs.abc\"", 5, "never as its value"),
            ("address = \"https://vault.kz\"\ntoken = \"vault:a#b\"", 5, "Vault is not asked"),
            ("address = \"https://vault.kz\"\ntoken = \"env:T\"\nmount = \"../sys\"", 6, "mount is"),
            ("address = \"https://vault.kz\"\ntoken = \"env:T\"\nrefresh_s = 0", 6, "refresh_s"),
            ("address = \"https://vault.kz\"\ntoken = \"env:T\"\nrole_id = \"env:R\"", 4, "needs either token"),
        ] {
            let error = parsed(wrong).unwrap_err();
            assert!(error.starts_with(&format!("x:{line}: ")) && error.contains(word), "{wrong}: {error}");
            assert!(!error.contains("hvs.abc"), "{error}");
        }
    }
}
