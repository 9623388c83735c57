//! From what is written to what holds: names resolve, zones agree with addresses, secrets are only pointed at.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use toml::Spanned;

use super::content::{CacheConfig, ContentConfig, check_cache, check_content};
use super::file::{
    ConfigFile, EntityActions, LocalFile, ProviderFile, ProviderKind, ReadyRule, RouteFile, TargetFile, TimeoutsFile,
    UnreadableRule, UnsupportedRule,
};
use super::privacy::{LabelsConfig, Privacy, check_labels, check_privacy};
use crate::auth::DataClass;
use crate::pii::{Action, PolicyOverrides};
use crate::secrets::SecretSource;

/// The name under which the engine's models are reached.
pub const LOCAL_PROVIDER: &str = "local";
const MAX_BODY_BYTES: usize = 1 << 30;
const MAX_IN_FLIGHT: usize = 1 << 20;
const OPENAI_BASE_URL: &str = "https://api.openai.com/v1";
const ANTHROPIC_BASE_URL: &str = "https://api.anthropic.com/v1";

#[derive(Debug, Clone)]
pub struct Config {
    pub listen: SocketAddr,
    pub max_body_bytes: usize,
    pub max_upload_bytes: usize,
    pub max_in_flight: usize,
    pub grace: Duration,
    pub readyz: ReadyRule,
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
    /// Without a slash at its end.
    pub base_url: String,
    pub api_key: Option<SecretSource>,
    pub zone: Zone,
    pub connect_timeout: Duration,
    pub on_unsupported: UnsupportedRule,
}

#[derive(Debug, Clone)]
pub struct RouteConfig {
    pub alias: String,
    pub targets: Vec<TargetConfig>,
    pub fallback: Vec<TargetConfig>,
    pub sensitive: Vec<TargetConfig>,
    pub timeouts: Timeouts,
    pub retries: Retries,
    pub max_output_tokens: Option<u32>,
    pub overrides: PolicyOverrides,
    pub mask: bool,
    pub unreadable: UnreadableRule,
    pub data_class: DataClass,
    pub sticky: bool,
    /// What happens to entities in answers.
    pub answers: Option<EntityActions>,
    pub cache: Option<CacheConfig>,
}

#[derive(Debug, Clone)]
pub struct TargetConfig {
    pub provider: String,
    pub model: String,
    pub weight: u32,
}

#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    pub first_token: Duration,
    pub between_tokens: Duration,
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self::from(TimeoutsFile::default())
    }
}

impl From<TimeoutsFile> for Timeouts {
    fn from(file: TimeoutsFile) -> Self {
        Self {
            first_token: Duration::from_millis(file.first_token_ms.unwrap_or(60_000)),
            between_tokens: Duration::from_millis(file.between_tokens_ms.unwrap_or(60_000)),
            total: Duration::from_millis(file.total_ms.unwrap_or(600_000)),
        }
    }
}

/// Further tries on the same target.
#[derive(Debug, Clone, Copy)]
pub struct Retries {
    pub connect: u32,
    pub timeout: u32,
}

impl Default for Retries {
    fn default() -> Self {
        Self { connect: 1, timeout: 1 }
    }
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
        (Some(url), _) => check_url(url)?,
        (None, ProviderKind::Openai) => OPENAI_BASE_URL.to_owned(),
        (None, ProviderKind::Anthropic) => ANTHROPIC_BASE_URL.to_owned(),
        (None, ProviderKind::OpenaiCompatible) => {
            return Err(invalid(&file.name, format!("provider '{name}' needs a base_url")));
        }
    };
    let zone = check_zone(&file, &base_url, in_country)?;
    let api_key = match &file.api_key {
        Some(source) => Some(source.get_ref().parse().map_err(|error: crate::secrets::SecretError| {
            invalid(source, format!("api_key of provider '{name}': {error}"))
        })?),
        None => None,
    };
    Ok(ProviderConfig {
        kind: file.kind,
        connect_timeout: Duration::from_millis(file.connect_timeout_ms),
        on_unsupported: file.on_unsupported,
        name: file.name.into_inner(),
        base_url,
        api_key,
        zone,
    })
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
    let external = [(ProviderKind::Openai, "openai"), (ProviderKind::Anthropic, "anthropic")];
    if let Some((_, name)) = external.iter().find(|(kind, _)| *kind == file.kind) {
        return Err(invalid(zone_text, format!("kind '{name}' is external by its type, whatever zone says")));
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

/// Loopback is always inside; an IPv4 address mapped into IPv6 counts as what it is.
pub fn inside_border(address: IpAddr, in_country: &[IpNet]) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || in_country.iter().any(|net| net.contains(&address))
}

fn check_route(file: RouteFile, providers: &[ProviderConfig]) -> Result<RouteConfig, Invalid> {
    let alias = file.model.get_ref();
    if alias.is_empty() || alias.len() > 200 || !alias.chars().all(|c| c.is_ascii_graphic()) {
        return Err(invalid(&file.model, "a route's model is 1 to 200 visible ASCII characters"));
    }
    if file.targets.get_ref().is_empty() {
        return Err(invalid(&file.targets, format!("route '{alias}' needs at least one target")));
    }
    let span = file.targets.span().start;
    let targets = check_targets(file.targets.into_inner(), providers)?;
    if targets.iter().all(|target| target.weight == 0) {
        return Err(Invalid { offset: Some(span), message: format!("route '{alias}': every weight is 0") });
    }
    for target in &file.sensitive {
        let name = target.provider.get_ref();
        if providers.iter().any(|provider| provider.name == *name && provider.zone == Zone::External) {
            let message =
                format!("route '{alias}': sensitive targets must stay inside the border, '{name}' is external");
            return Err(invalid(&target.provider, message));
        }
    }
    Ok(RouteConfig {
        targets,
        fallback: check_targets(file.fallback, providers)?,
        sensitive: check_targets(file.sensitive, providers)?,
        timeouts: file.timeouts.into(),
        retries: Retries { connect: file.retries.connect.min(5), timeout: file.retries.timeout.min(5) },
        max_output_tokens: file.max_output_tokens,
        overrides: PolicyOverrides { actions: file.entities, thresholds: file.thresholds },
        mask: file.mask,
        unreadable: file.unreadable,
        data_class: file.data_class,
        sticky: file.sticky,
        answers: check_answers(file.answers)?,
        cache: check_cache(file.cache)?,
        alias: file.model.into_inner(),
    })
}

/// An answer that was generated cannot be generated elsewhere instead.
fn check_answers(file: Option<Spanned<EntityActions>>) -> Result<Option<EntityActions>, Invalid> {
    if let Some(actions) = &file
        && let Some((entity, _)) = actions.get_ref().iter().find(|(_, action)| **action == Action::Local)
    {
        let message =
            format!("answers: the action of '{entity}' is 'label', 'mask' or 'block'; 'local' is for requests");
        return Err(invalid(actions, message));
    }
    Ok(file.map(Spanned::into_inner))
}

fn check_targets(targets: Vec<TargetFile>, providers: &[ProviderConfig]) -> Result<Vec<TargetConfig>, Invalid> {
    let known = |name: &str| name == LOCAL_PROVIDER || providers.iter().any(|provider| provider.name == name);
    targets
        .into_iter()
        .map(|target| {
            if !known(target.provider.get_ref()) {
                let message = format!("there is no provider '{}'", target.provider.get_ref());
                return Err(invalid(&target.provider, message));
            }
            Ok(TargetConfig {
                provider: target.provider.into_inner(),
                model: target.model.into_inner(),
                weight: target.weight.unwrap_or(1),
            })
        })
        .collect()
}
