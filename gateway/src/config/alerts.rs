//! `[alerts]`: where an operator is told of what must not be overlooked.

use std::collections::BTreeSet;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;

use super::outward::{NO_PROXY, Outward, address_of, check_proxy, pem_file};
use super::privacy::secret;
use super::validate::{Invalid, invalid};
use crate::alerts::{Event, Facility};
use crate::secrets::SecretSource;

const MAX_REPEAT_S: u64 = 7 * 24 * 3_600;
/// Syslog's own, where the address has none.
const SYSLOG_PORT: u16 = 514;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertsFile {
    pub webhook: Option<WebhookFile>,
    pub syslog: Option<SyslogFile>,
    /// The same event about the same thing is not told again within this time.
    pub repeat_s: Spanned<u64>,
    /// Those that are sent; unset: all.
    pub events: Option<Spanned<BTreeSet<Event>>>,
}

impl Default for AlertsFile {
    fn default() -> Self {
        Self { webhook: None, syslog: None, repeat_s: Spanned::new(0..0, 600), events: None }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookFile {
    pub url: Spanned<String>,
    /// `env:NAME` or `file:/path` of what is signed with: `whsec_` and base64, or any text of 24 bytes or more.
    pub secret: Spanned<String>,
    /// Trusted beside the machine's own: `file:/path.pem`.
    pub ca: Option<Spanned<String>>,
    /// Instead of `[network]`'s: `none`, or a URL.
    pub proxy: Option<Spanned<String>>,
    pub proxy_password: Option<Spanned<String>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyslogFile {
    /// `udp://host:514` or `tcp://host:514`.
    pub address: Spanned<String>,
    #[serde(default = "default_facility")]
    pub facility: Spanned<String>,
}

fn default_facility() -> Spanned<String> {
    Spanned::new(0..0, "local0".to_owned())
}

/// By default alerts are in the log only.
#[derive(Debug, Clone, Default)]
pub struct AlertsConfig {
    pub webhook: Option<WebhookConfig>,
    pub syslog: Option<SyslogConfig>,
    pub repeat: Duration,
    pub events: Option<BTreeSet<Event>>,
}

#[derive(Debug, Clone)]
pub struct WebhookConfig {
    pub url: String,
    pub secret: SecretSource,
    pub outward: Outward,
}

#[derive(Debug, Clone)]
pub struct SyslogConfig {
    pub transport: SyslogTransport,
    /// A name or an address, without brackets.
    pub host: String,
    pub port: u16,
    pub facility: Facility,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyslogTransport {
    Udp,
    Tcp,
}

pub(super) fn check_alerts(file: AlertsFile, in_country: &[IpNet], outward: &Outward) -> Result<AlertsConfig, Invalid> {
    let repeat_s = *file.repeat_s.get_ref();
    if repeat_s > MAX_REPEAT_S {
        return Err(invalid(&file.repeat_s, format!("repeat_s must be 0 to {MAX_REPEAT_S}")));
    }
    if let Some(events) = file.events.as_ref().filter(|events| events.get_ref().is_empty()) {
        return Err(invalid(events, "events names those that are sent; without it all are"));
    }
    Ok(AlertsConfig {
        webhook: file.webhook.map(|webhook| check_webhook(&webhook, in_country, outward)).transpose()?,
        syslog: file.syslog.map(|syslog| check_syslog(&syslog)).transpose()?,
        repeat: Duration::from_secs(repeat_s),
        events: file.events.map(Spanned::into_inner),
    })
}

pub(super) fn check_webhook(
    file: &WebhookFile,
    in_country: &[IpNet],
    outward: &Outward,
) -> Result<WebhookConfig, Invalid> {
    let wrong = || invalid(&file.url, "url is like https://alerts.example.kz/shekara");
    let text = file.url.get_ref();
    let url = url::Url::parse(text).map_err(|_| wrong())?;
    let is_bare = url.fragment().is_none() && url.username().is_empty() && url.password().is_none();
    if !is_bare || url.host().is_none() || !matches!(url.scheme(), "http" | "https") {
        return Err(wrong());
    }
    let is_inside = address_of(text).is_some_and(|stands| stands.is_inside(in_country));
    if url.scheme() == "http" && !is_inside {
        let message = "url must be https, or an address of this machine or of [network] in_country";
        return Err(invalid(&file.url, message));
    }
    Ok(WebhookConfig {
        url: url.to_string(),
        secret: secret("secret", &file.secret)?,
        outward: webhook_outward(file, is_inside, outward)?,
    })
}

/// `[network]`'s way with what the webhook has for itself. Inside the border it does not get `[network]`'s proxy.
fn webhook_outward(file: &WebhookFile, is_inside: bool, outward: &Outward) -> Result<Outward, Invalid> {
    let mut outward = outward.clone();
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

pub(super) fn check_syslog(file: &SyslogFile) -> Result<SyslogConfig, Invalid> {
    let wrong = || invalid(&file.address, "address is like udp://127.0.0.1:514 or tcp://log.example.kz:514");
    let url = url::Url::parse(file.address.get_ref()).map_err(|_| wrong())?;
    let transport = match url.scheme() {
        "udp" => SyslogTransport::Udp,
        "tcp" => SyslogTransport::Tcp,
        _ => return Err(wrong()),
    };
    let is_bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    if !is_bare || !matches!(url.path(), "" | "/") || host.is_empty() || url.port() == Some(0) {
        return Err(wrong());
    }
    let facility = file.facility.get_ref().parse().map_err(|()| {
        invalid(&file.facility, "facility is one of syslog's: daemon, auth, audit, local0 to local7 and the like")
    })?;
    Ok(SyslogConfig { transport, host: host.to_owned(), port: url.port().unwrap_or(SYSLOG_PORT), facility })
}

#[cfg(test)]
mod tests {
    use super::super::{Config, parse};
    use super::*;

    fn parsed(rest: &str) -> Result<Config, String> {
        let network = "[network]\nproxy = \"http://gate.kz:3128\"\nin_country = [\"10.0.0.0/8\"]\n";
        let text = format!("[local]\nenabled = false\n{network}[alerts]\n{rest}\n");
        parse(&text, "x".as_ref()).map_err(|error| error.to_string())
    }

    fn webhook(rest: &str) -> Result<WebhookConfig, String> {
        parsed(&format!("webhook = {{ {rest} }}")).map(|config| config.alerts.webhook.unwrap())
    }

    #[test]
    fn without_a_table_nothing_is_sent() {
        let alerts = parse("", "x".as_ref()).unwrap().alerts;
        assert!(alerts.webhook.is_none() && alerts.syslog.is_none());
        assert_eq!(alerts.repeat, Duration::from_mins(10));
    }

    #[test]
    fn a_webhook_goes_out_as_other_things_do() {
        let outside = webhook("url = \"https://a.kz/x?y=1\", secret = \"env:S\", ca = \"file:/c.pem\"").unwrap();
        assert_eq!((outside.url.as_str(), outside.outward.ca.len()), ("https://a.kz/x?y=1", 1));
        assert_eq!(outside.outward.proxy.unwrap().url, "http://gate.kz:3128/");
        let none = webhook("url = \"https://a.kz\", secret = \"env:S\", proxy = \"none\"").unwrap();
        let inside = webhook("url = \"http://10.1.1.1/x\", secret = \"env:S\"").unwrap();
        assert_eq!((none.outward.proxy, inside.outward.proxy), (None, None));
    }

    #[test]
    fn a_syslog_address_has_a_way_a_host_and_a_port() {
        let syslog = |rest: &str| parsed(&format!("syslog = {{ {rest} }}")).unwrap().alerts.syslog.unwrap();
        let six = syslog("address = \"tcp://[::1]\", facility = \"auth\"");
        assert_eq!((six.transport, six.host.as_str(), six.port), (SyslogTransport::Tcp, "::1", 514));
        let four = syslog("address = \"udp://127.0.0.1:5514\"");
        assert_eq!((four.transport, four.host.as_str(), four.port), (SyslogTransport::Udp, "127.0.0.1", 5_514));
        assert_eq!(four.facility, "local0".parse().unwrap());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (wrong, word) in [
            ("webhook = { url = \"http://a.kz\", secret = \"env:S\" }", "must be https"),
            ("webhook = { url = \"https://me@a.kz\", secret = \"env:S\" }", "url is like"),
            ("webhook = { url = \"https://a.kz\", secret = \"whsec_abc\" }", "never as its value"),
            ("webhook = { url = \"https://a.kz\", secret = \"vault:a#b\" }", "Vault is not asked"),
            ("webhook = { url = \"https://a.kz\" }", "secret"),
            ("webhook = { url = \"https://a.kz\", secret = \"env:S\", key = \"x\" }", "key"),
            ("syslog = { address = \"127.0.0.1:514\" }", "address is like"),
            ("syslog = { address = \"tls://a.kz\" }", "address is like"),
            ("syslog = { address = \"udp://a.kz/x\" }", "address is like"),
            ("syslog = { address = \"udp://a.kz\", facility = \"local8\" }", "facility is one"),
            ("repeat_s = 999999999", "repeat_s must be"),
            ("events = []", "events names"),
            ("events = [\"tripwires\"]", "tripwires"),
            ("events = [\"test\"]", "test"),
        ] {
            let error = parsed(wrong).unwrap_err();
            assert!(error.starts_with("x:7: ") && error.contains(word), "{wrong}: {error}");
            assert!(!error.contains("whsec_abc"), "{error}");
        }
    }
}
