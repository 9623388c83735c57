//! From what is written to what holds: names resolve, zones agree with addresses, secrets are only pointed at.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::Offset;
use toml::Spanned;

use super::alerts::{AlertsConfig, check_alerts};
use super::audit::{AuditConfig, check_audit};
use super::batches::{BatchesConfig, check_batches};
use super::billing::BillingConfig;
use super::cluster::{ClusterConfig, check_cluster};
use super::content::{ContentConfig, check_content};
use super::file::{ConfigFile, LocalFile, ReadyRule};
use super::login::{LoginConfig, check_login};
use super::outward::{Outward, check_outward};
use super::privacy::{LabelsConfig, Privacy, check_labels, check_privacy};
use super::provider::{ProviderConfig, Surroundings, check_provider};
use super::route::{RouteConfig, check_route};
use super::server_tls::{ServerTls, check_server_tls};
use super::store::{StoreConfig, check_store};
use super::vault::{VaultConfig, check_vault};

/// The name under which the engine's models are reached.
pub const LOCAL_PROVIDER: &str = "local";
const MAX_BODY_BYTES: usize = 1 << 30;
const USUAL_FORMS_BYTES: usize = 512 << 20;
const MAX_FORMS_BYTES: usize = 1 << 40;
const MAX_IN_FLIGHT: usize = 1 << 20;

#[derive(Debug, Clone)]
pub struct Config {
    pub listen: SocketAddr,
    pub max_body_bytes: usize,
    pub max_upload_bytes: usize,
    pub max_forms_bytes: usize,
    pub max_in_flight: usize,
    pub grace: Duration,
    pub readyz: ReadyRule,
    pub tls: Option<ServerTls>,
    pub trusted_proxies: Vec<IpNet>,
    /// Of the hours in conditions.
    pub utc_offset: Offset,
    pub store: StoreConfig,
    pub local: LocalFile,
    pub in_country: Vec<IpNet>,
    pub vault: Option<VaultConfig>,
    pub privacy: Privacy,
    pub labels: LabelsConfig,
    pub audit: AuditConfig,
    pub content: ContentConfig,
    pub alerts: AlertsConfig,
    pub batches: BatchesConfig,
    pub billing: BillingConfig,
    /// For what the gateway itself asks outside.
    pub outward: Outward,
    /// Set where several gateways count together.
    pub cluster: Option<ClusterConfig>,
    /// Set where people log in.
    pub login: Option<Arc<LoginConfig>>,
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
    let store = check_store(file.store)?;
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
    let one_form = *server.max_upload_bytes.get_ref();
    let max_forms_bytes = match &server.max_forms_bytes {
        None => one_form.max(USUAL_FORMS_BYTES),
        Some(set) if (one_form..=MAX_FORMS_BYTES).contains(set.get_ref()) => *set.get_ref(),
        Some(set) => {
            return Err(invalid(set, format!("max_forms_bytes must be max_upload_bytes to {MAX_FORMS_BYTES}")));
        }
    };
    if !(1..=MAX_IN_FLIGHT).contains(file.server.max_in_flight.get_ref()) {
        return Err(invalid(&file.server.max_in_flight, format!("max_in_flight must be 1 to {MAX_IN_FLIGHT}")));
    }
    let in_country = &file.network.in_country;
    let outward = check_outward(&file.network)?;
    let vault = file.vault.map(|vault| check_vault(vault, in_country, &outward)).transpose()?;
    let audit = check_audit(&file.audit, in_country, &outward)?;
    let alerts = check_alerts(file.alerts, in_country, &outward)?;
    let surroundings = Surroundings { in_country, outward: &outward, has_vault: vault.is_some() };
    let login = file.login.map(|login| check_login(login, surroundings).map(Arc::new)).transpose()?;
    let mut names = HashSet::from([LOCAL_PROVIDER.to_owned()]);
    let mut providers = Vec::with_capacity(file.providers.len());
    for provider in file.providers {
        let offset = provider.name.span().start;
        let provider = check_provider(provider, surroundings)?;
        if !names.insert(provider.name.clone()) {
            return Err(Invalid {
                offset: Some(offset),
                message: format!("provider '{}' stands twice", provider.name),
            });
        }
        providers.push(provider);
    }
    let billing = file.billing.check(&names)?;
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
        max_forms_bytes,
        max_in_flight: *file.server.max_in_flight.get_ref(),
        grace: Duration::from_secs(file.server.grace_s),
        readyz: file.server.readyz,
        tls: file.server.tls.as_ref().map(check_server_tls).transpose()?,
        trusted_proxies: file.server.trusted_proxies,
        utc_offset: check_offset(&file.server.utc_offset)?,
        store,
        local: file.local,
        in_country: file.network.in_country,
        vault,
        privacy: check_privacy(file.privacy)?,
        labels: check_labels(&file.labels)?,
        audit,
        content: check_content(file.content)?,
        alerts,
        billing,
        outward,
        cluster: file.cluster.as_ref().map(check_cluster).transpose()?,
        login,
        batches: check_batches(&file.batches, *file.server.max_in_flight.get_ref())?,
        providers,
        routes,
    })
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
