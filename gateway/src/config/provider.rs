//! `[[providers]]`, checked: where each stands, and what it is reached with.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use toml::Spanned;

use super::aws::{AwsKeys, bedrock_url, check_aws};
use super::outward::{Outward, provider_outward};
use super::preset::Preset;
use super::provider_file::{ProviderFile, ProviderKind, UnsupportedRule};
use super::provider_limits::{Ceiling, WeightedKey, check_keys, check_limits, check_vault_is_set};
use super::validate::{Invalid, LOCAL_PROVIDER, Zone, inside_border, invalid};

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
pub struct ProviderConfig {
    pub name: String,
    pub kind: ProviderKind,
    pub preset: Option<Preset>,
    /// Without a slash at its end.
    pub base_url: String,
    /// Of Azure's API.
    pub api_version: Option<String>,
    /// Drawn by weight; a provider without keys has none.
    pub keys: Vec<WeightedKey>,
    pub ceiling: Option<Ceiling>,
    /// What requests to AWS are signed with.
    pub aws: Option<AwsKeys>,
    pub zone: Zone,
    pub connect_timeout: Duration,
    pub on_unsupported: UnsupportedRule,
    pub outward: Outward,
}

/// What of the rest of the file a provider depends on.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) in_country: &'a [IpNet],
    pub(super) outward: &'a Outward,
    pub(super) has_vault: bool,
}

pub(super) fn check_provider(file: ProviderFile, around: Surroundings<'_>) -> Result<ProviderConfig, Invalid> {
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
    let zone = check_zone(&file, &base_url, around.in_country)?;
    let outward = provider_outward(&file, (zone, &base_url), around)?;
    let keys = check_keys(&file)?;
    let ceiling = file.limits.as_ref().map(|limits| check_limits(limits, &file.name)).transpose()?;
    let aws = check_aws(&file)?;
    check_vault_is_set(&file, (&keys, aws.as_ref()), around)?;
    Ok(ProviderConfig {
        kind: file.kind,
        preset: file.preset.map(Spanned::into_inner),
        api_version: file.api_version.map(Spanned::into_inner),
        connect_timeout: Duration::from_millis(file.connect_timeout_ms),
        on_unsupported: file.on_unsupported,
        name: file.name.into_inner(),
        base_url,
        keys,
        ceiling,
        aws,
        zone,
        outward,
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
