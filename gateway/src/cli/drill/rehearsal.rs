//! The configuration as it is, but for one route: in place of its first target stands a server that fails, and the others
//! follow in their order.

use std::time::Duration;

use anyhow::Context;
use serde::Serialize;

use crate::config::{
    AlertsConfig, Config, LOCAL_PROVIDER, Outward, Price, ProviderConfig, ProviderKind, RouteConfig, Strategy,
    TargetConfig, TargetSettings, Timeouts, UnsupportedRule, Zone,
};

/// The first target keeps silent for so long before it counts as timed out.
const FIRST_TOKEN: Duration = Duration::from_millis(500);

/// A target of the route.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Named {
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) zone: &'static str,
    #[serde(skip)]
    pub(super) price: Option<Price>,
}

pub(super) struct Rehearsal {
    config: Config,
    route: usize,
    /// The one that fails, and those that have to answer instead.
    pub(super) primary: Named,
    pub(super) backups: Vec<Named>,
    ordered: Vec<TargetConfig>,
    /// The name of the server that fails.
    pub(super) faulty: String,
}

impl Rehearsal {
    pub(super) fn new(config: &Config, alias: &str) -> anyhow::Result<Self> {
        let route = config.routes.iter().position(|route| route.alias == alias);
        let route = route.with_context(|| {
            format!("there is no route '{alias}' in the configuration (a model's own name has one target alone)")
        })?;
        let ordered = ordered(&config.routes[route]);
        let mut names = ordered.iter().map(|target| named(config, target));
        let primary = names.next().with_context(|| format!("route '{alias}' has no target"))?;
        let backups = names.collect();
        let is_free = |name: &String| config.providers.iter().all(|provider| provider.name != *name);
        let names = (0..=config.providers.len()).map(|number| format!("drill-{number}"));
        let faulty = names.into_iter().find(is_free).context("every name is taken")?;
        // Nobody is to be woken for what fails on purpose.
        let config = Config { alerts: AlertsConfig::default(), ..config.clone() };
        Ok(Self { config, route, primary, backups, ordered, faulty })
    }

    pub(super) fn route(&self) -> &RouteConfig {
        &self.config.routes[self.route]
    }

    /// Whether a model of this process has to answer or to look at requests.
    pub(super) fn needs_engine(&self) -> bool {
        let backups = &self.backups;
        self.config.privacy.classifier.is_some() || backups.iter().any(|backup| backup.provider == LOCAL_PROVIDER)
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// The configuration in which the first target is at `base_url`. What would bring in another target by chance is off.
    pub(super) fn with_faulty(&self, base_url: &str) -> Config {
        let mut config = self.config.clone();
        config.providers.push(ProviderConfig {
            name: self.faulty.clone(),
            kind: ProviderKind::OpenaiCompatible,
            preset: None,
            base_url: base_url.to_owned(),
            api_version: None,
            keys: Vec::new(),
            ceiling: None,
            aws: None,
            // Where the real one stands, so that a request is treated in the same way; its own address is this machine.
            zone: zone_of(&self.config, &self.primary.provider),
            connect_timeout: Duration::from_secs(3),
            on_unsupported: UnsupportedRule::default(),
            outward: Outward::default(),
        });
        let own = self.ordered.first().map(|target| target.settings.clone()).unwrap_or_default();
        let timeouts = Timeouts { first_token: own.timeouts.first_token.min(FIRST_TOKEN), ..own.timeouts };
        let settings = TargetSettings { timeouts, retries: own.retries, ..TargetSettings::default() };
        let faulty =
            TargetConfig { provider: self.faulty.clone(), model: self.primary.model.clone(), weight: 1, settings };
        let route = &mut config.routes[self.route];
        route.targets = vec![faulty];
        route.fallback = self.ordered.iter().skip(1).cloned().collect();
        route.strategy = Strategy::default();
        (route.canary, route.shadow, route.hedge, route.cache) = (None, None, None, None);
        config
    }
}

/// Routes of the configuration whose only target has nobody behind it.
pub(super) fn without_backup(config: &Config) -> Vec<&str> {
    config.routes.iter().filter(|route| ordered(route).len() < 2).map(|route| route.alias.as_str()).collect()
}

/// In the order in which they are tried, each once.
fn ordered(route: &RouteConfig) -> Vec<TargetConfig> {
    let mut ordered: Vec<TargetConfig> = Vec::new();
    for target in route.targets.iter().filter(|target| target.weight > 0).chain(&route.fallback) {
        if ordered.iter().all(|known| (&known.provider, &known.model) != (&target.provider, &target.model)) {
            ordered.push(target.clone());
        }
    }
    ordered
}

fn named(config: &Config, target: &TargetConfig) -> Named {
    Named {
        provider: target.provider.clone(),
        model: target.model.clone(),
        zone: zone_of(config, &target.provider).as_str(),
        price: target.settings.price,
    }
}

fn zone_of(config: &Config, provider: &str) -> Zone {
    if provider == LOCAL_PROVIDER {
        return Zone::Local;
    }
    let known = config.providers.iter().find(|known| known.name == provider);
    known.map_or(Zone::External, |provider| provider.zone)
}
