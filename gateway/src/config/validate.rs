//! From what is written to what holds: names resolve, zones agree with addresses, secrets are only pointed at.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::Offset;
use toml::Spanned;

use super::aws::{AwsKeys, bedrock_url, check_aws};
use super::content::{ContentConfig, check_content};
use super::file::{ConfigFile, LocalFile, ProviderFile, ProviderKind, ReadyRule, UnsupportedRule};
use super::preset::Preset;
use super::privacy::{LabelsConfig, Privacy, check_labels, check_privacy};
use super::route::{RouteConfig, check_route};
use crate::secrets::SecretSource;

/// The name under which the engine's models are reached.
pub const LOCAL_PROVIDER: &str = "local";
const MAX_BODY_BYTES: usize = 1 << 30;
const MAX_IN_FLIGHT: usize = 1 << 20;
const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";
const ANTHROPIC_BASE_URL: &str = "https://api.anthropic.com/v1";
const GEMINI_BASE_URL: &str = "https://generativelanguage.googleapis.com/v1beta";
const MISTRAL_BASE_URL: &str = "https://api.mistral.ai/v1";
/// Clouds, whatever their zone is said to be.
const EXTERNAL_KINDS: [(ProviderKind, &str); 6] = [
    (ProviderKind::Openai, "openai"),
    (ProviderKind::Anthropic, "anthropic"),
    (ProviderKind::Bedrock, "bedrock"),
    (ProviderKind::Gemini, "gemini"),
    (ProviderKind::AzureOpenai, "azure-openai"),
    (ProviderKind::Mistral, "mistral"),
];

#[derive(Debug, Clone)]
pub struct Config {
    pub listen: SocketAddr,
    pub max_body_bytes: usize,
    pub max_upload_bytes: usize,
    pub max_in_flight: usize,
    pub grace: Duration,
    pub readyz: ReadyRule,
    /// Of the hours in conditions.
    pub utc_offset: Offset,
    /// The SQLite file; its folder is the data folder.
    pub database: PathBuf,
    pub local: LocalFile,
    pub in_country: Vec<IpNet>,
    pub privacy: Privacy,
    pub labels: LabelsConfig,
    pub content: ContentConfig,
    pub providers: Vec<ProviderConfig>,
    pub routes: Vec<RouteConfig>,
}

/// Where an upstream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Zone {
    Local,
    InCountry,
    External,
}

impl Zone {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::InCountry => "in-country",
            Self::External => "external",
        }
    }
}

#[derive(Debug, Clone)]
pub struct ProviderConfig {
    pub name: String,
    pub kind: ProviderKind,
    pub preset: Option<Preset>,
    /// Without a slash at its end.
    pub base_url: String,
    /// Of Azure's API.
    pub api_version: Option<String>,
    pub api_key: Option<SecretSource>,
    /// What requests to AWS are signed with.
    pub aws: Option<AwsKeys>,
    pub zone: Zone,
    pub connect_timeout: Duration,
    pub on_unsupported: UnsupportedRule,
}

/// A contradiction and the byte at which it stands.
#[derive(Debug)]
pub(super) struct Invalid {
    pub(super) offset: Option<usize>,
    pub(super) message: String,
}

pub(super) fn invalid<T>(at: &Spanned<T>, message: impl Into<String>) -> Invalid {
    Invalid { offset: Some(at.span().start), message: message.into() }
}

pub(super) fn validate(file: ConfigFile) -> Result<Config, Invalid> {
    let database = match file.store.url.get_ref().strip_prefix("sqlite:") {
        Some(path) if !path.is_empty() => PathBuf::from(path),
        _ => return Err(invalid(&file.store.url, "[store] url must be 'sqlite:PATH' (nothing else is supported yet)")),
    };
    if !matches!(file.local.device.get_ref().as_str(), "auto" | "cpu") {
        return Err(invalid(&file.local.device, "[local] device must be 'auto' or 'cpu' in this build"));
    }
    if file.local.enabled && !cfg!(feature = "local-engine") {
        let message = "[local] enabled = true, but this binary was built without the engine (feature local-engine)";
        return Err(Invalid { offset: None, message: message.into() });
    }
    #[cfg(feature = "local-engine")]
    if let Err(error) = file.local.engine.get_ref().check() {
        return Err(invalid(&file.local.engine, format!("[local.engine] {error}")));
    }
    #[cfg(feature = "local-engine")]
    if let Err(error) = file.local.loading.get_ref().check() {
        return Err(invalid(&file.local.loading, format!("[local.loading] {error}")));
    }
    let server = &file.server;
    for (name, bytes) in [("max_body_bytes", &server.max_body_bytes), ("max_upload_bytes", &server.max_upload_bytes)] {
        if !(1..=MAX_BODY_BYTES).contains(bytes.get_ref()) {
            return Err(invalid(bytes, format!("{name} must be 1 to {MAX_BODY_BYTES}")));
        }
    }
    if !(1..=MAX_IN_FLIGHT).contains(file.server.max_in_flight.get_ref()) {
        return Err(invalid(&file.server.max_in_flight, format!("max_in_flight must be 1 to {MAX_IN_FLIGHT}")));
    }
    let mut names = HashSet::from([LOCAL_PROVIDER.to_owned()]);
    let mut providers = Vec::with_capacity(file.providers.len());
    for provider in file.providers {
        let offset = provider.name.span().start;
        let provider = check_provider(provider, &file.network.in_country)?;
        if !names.insert(provider.name.clone()) {
            return Err(Invalid {
                offset: Some(offset),
                message: format!("provider '{}' stands twice", provider.name),
            });
        }
        providers.push(provider);
    }
    let mut aliases = HashSet::new();
    let mut routes = Vec::with_capacity(file.routes.len());
    for route in file.routes {
        if !aliases.insert(route.model.get_ref().clone()) {
            return Err(invalid(&route.model, format!("route '{}' stands twice", route.model.get_ref())));
        }
        routes.push(check_route(route, &providers)?);
    }
    Ok(Config {
        listen: file.server.listen,
        max_body_bytes: file.server.max_body_bytes.into_inner(),
        max_upload_bytes: file.server.max_upload_bytes.into_inner(),
        max_in_flight: file.server.max_in_flight.into_inner(),
        grace: Duration::from_secs(file.server.grace_s),
        readyz: file.server.readyz,
        utc_offset: check_offset(&file.server.utc_offset)?,
        database,
        local: file.local,
        in_country: file.network.in_country,
        privacy: check_privacy(file.privacy)?,
        labels: check_labels(&file.labels)?,
        content: check_content(file.content)?,
        providers,
        routes,
    })
}

fn check_provider(file: ProviderFile, in_country: &[IpNet]) -> Result<ProviderConfig, Invalid> {
    let name = file.name.get_ref();
    if name.is_empty() || name.contains('/') || !name.chars().all(|c| c.is_ascii_graphic()) {
        return Err(invalid(&file.name, "a provider's name is made of visible ASCII characters without '/'"));
    }
    if name == LOCAL_PROVIDER {
        return Err(invalid(&file.name, "the name 'local' belongs to the engine's own models"));
    }
    let base_url = match (&file.base_url, file.kind) {
        // As it is shown in two places of the portal.
        (Some(url), ProviderKind::AzureOpenai) => {
            let url = check_url(url)?;
            url.strip_suffix("/openai/v1").or_else(|| url.strip_suffix("/openai")).unwrap_or(&url).to_owned()
        }
        (Some(url), _) => check_url(url)?,
        (None, ProviderKind::Openai) => OPENAI_BASE_URL.to_owned(),
        (None, ProviderKind::Anthropic) => ANTHROPIC_BASE_URL.to_owned(),
        (None, ProviderKind::Bedrock) => bedrock_url(&file)?,
        (None, ProviderKind::Gemini) => GEMINI_BASE_URL.to_owned(),
        (None, ProviderKind::Mistral) => MISTRAL_BASE_URL.to_owned(),
        (None, ProviderKind::AzureOpenai | ProviderKind::OpenaiCompatible) => match &file.preset {
            Some(preset) => preset.get_ref().base_url().to_owned(),
            None => return Err(invalid(&file.name, format!("provider '{name}' needs a base_url"))),
        },
    };
    check_dialect(&file)?;
    let zone = check_zone(&file, &base_url, in_country)?;
    let api_key = match &file.api_key {
        Some(source) => Some(source.get_ref().parse().map_err(|error: crate::secrets::SecretError| {
            invalid(source, format!("api_key of provider '{name}': {error}"))
        })?),
        None => None,
    };
    let aws = check_aws(&file)?;
    Ok(ProviderConfig {
        kind: file.kind,
        preset: file.preset.map(Spanned::into_inner),
        api_version: file.api_version.map(Spanned::into_inner),
        connect_timeout: Duration::from_millis(file.connect_timeout_ms),
        on_unsupported: file.on_unsupported,
        name: file.name.into_inner(),
        base_url,
        api_key,
        aws,
        zone,
    })
}

/// What only one kind has is refused for all others.
fn check_dialect(file: &ProviderFile) -> Result<(), Invalid> {
    if let Some(preset) = file.preset.as_ref().filter(|_| file.kind != ProviderKind::OpenaiCompatible) {
        return Err(invalid(preset, "preset is for kind 'openai-compatible'"));
    }
    let Some(version) = &file.api_version else { return Ok(()) };
    if file.kind != ProviderKind::AzureOpenai {
        return Err(invalid(version, "api_version is for kind 'azure-openai'"));
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    if version.get_ref().is_empty() || !version.get_ref().chars().all(is_plain) {
        return Err(invalid(version, "api_version is like 2024-10-21 or 2025-04-01-preview"));
    }
    Ok(())
}

fn check_url(url: &Spanned<String>) -> Result<String, Invalid> {
    let text = url.get_ref().trim_end_matches('/');
    let parsed: http::Uri = text.parse().map_err(|_| invalid(url, "base_url is no URL"))?;
    let http_like = matches!(parsed.scheme_str(), Some("http" | "https"));
    if !http_like || parsed.host().is_none_or(str::is_empty) || parsed.query().is_some() {
        return Err(invalid(url, "base_url must be like https://host/v1, without a query"));
    }
    if parsed.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(invalid(url, "base_url must not hold a user or password: use api_key = \"env:NAME\""));
    }
    Ok(text.to_owned())
}

/// A name (not an address) is checked when it is resolved, at every connection.
fn check_zone(file: &ProviderFile, base_url: &str, in_country: &[IpNet]) -> Result<Zone, Invalid> {
    let Some(zone_text) = &file.zone else { return Ok(Zone::External) };
    let zone = match zone_text.get_ref().as_str() {
        "local" => Zone::Local,
        "in-country" => Zone::InCountry,
        "external" => return Ok(Zone::External),
        _ => return Err(invalid(zone_text, "zone is 'local', 'in-country' or 'external'")),
    };
    if let Some((_, name)) = EXTERNAL_KINDS.iter().find(|(kind, _)| *kind == file.kind) {
        return Err(invalid(zone_text, format!("kind '{name}' is external by its type, whatever zone says")));
    }
    if file.preset.as_ref().is_some_and(|preset| preset.get_ref().is_cloud()) {
        return Err(invalid(zone_text, "the preset is a cloud's: it is external, whatever zone says"));
    }
    // The parser of the client that will connect: it also reads 3221225986 and 0x08.8.8 as addresses.
    let url = url::Url::parse(base_url).map_err(|_| invalid(zone_text, "base_url is no URL"))?;
    let address = match url.host() {
        Some(url::Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(url::Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(url::Host::Domain(_)) => None,
        None => return Err(invalid(zone_text, "base_url has no host")),
    };
    if address.is_some_and(|address| !inside_border(address, in_country)) {
        let message = "zone is inside the border, but the address lies in no [network] in_country range";
        return Err(invalid(zone_text, message));
    }
    Ok(zone)
}

fn check_offset(text: &Spanned<String>) -> Result<Offset, Invalid> {
    let wrong = || invalid(text, "utc_offset is like \"+05:00\"");
    let (sign, rest) = match text.get_ref().split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => return Err(wrong()),
    };
    let (hours, minutes) = rest.split_once(':').ok_or_else(wrong)?;
    let (hours, minutes): (i32, i32) = (hours.parse().map_err(|_| wrong())?, minutes.parse().map_err(|_| wrong())?);
    if !(0..=14).contains(&hours) || !(0..60).contains(&minutes) {
        return Err(wrong());
    }
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).map_err(|_| wrong())
}

/// Loopback is always inside; an IPv4 address mapped into IPv6 counts as what it is.
pub fn inside_border(address: IpAddr, in_country: &[IpNet]) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || in_country.iter().any(|net| net.contains(&address))
}
