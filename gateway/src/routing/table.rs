//! Alias to route. Every local model and every `provider/model` is a route of its own.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::{Candidate, Target};
use crate::auth::DataClass;
use crate::config::{
    CacheConfig, Config, EntityActions, LOCAL_PROVIDER, ProviderConfig, RouteConfig, Sticky, Strategy, TargetConfig,
    TargetSettings, Timeouts, UnreadableRule, Zone,
};
use crate::pii::{Action, Entity, Policy, PolicyOverrides};

const MAX_MODEL_NAME_BYTES: usize = 128;

/// The engine's models: those that it serves now or as soon as they are asked for, those that it is about to serve since
/// it began, and those that are out of service for the time being.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalModels {
    served: HashSet<String>,
    loading: HashSet<String>,
    away: HashSet<String>,
}

impl LocalModels {
    pub fn new(served: impl IntoIterator<Item = String>, loading: impl IntoIterator<Item = String>) -> Self {
        Self { served: served.into_iter().collect(), loading: loading.into_iter().collect(), away: HashSet::new() }
    }

    /// With models that are known and not expected at once: their requests get 503, and nobody waits for them to be ready.
    #[must_use]
    pub fn with_away(mut self, away: impl IntoIterator<Item = String>) -> Self {
        self.away = away.into_iter().collect();
        self
    }

    pub fn is_away(&self, id: &str) -> bool {
        self.away.contains(id)
    }

    pub fn serves(&self, id: &str) -> bool {
        self.served.contains(id)
    }

    fn knows(&self, id: &str) -> bool {
        self.serves(id) || self.loading.contains(id) || self.is_away(id)
    }

    fn ids(&self) -> impl Iterator<Item = &String> {
        self.served.iter().chain(&self.loading).chain(&self.away)
    }
}

/// Everything a request for one alias needs to know.
#[derive(Debug)]
pub struct Route {
    pub alias: String,
    pub targets: Vec<Candidate>,
    pub fallback: Vec<Candidate>,
    /// Where sensitive requests go; empty where nothing is set.
    pub sensitive: Vec<Candidate>,
    pub strategy: Strategy,
    pub canary: Option<Canary>,
    pub shadow: Option<Shadow>,
    /// A target that keeps silent for so long is raced by the next one.
    pub hedge: Option<Duration>,
    pub timeouts: Timeouts,
    pub max_output_tokens: Option<u32>,
    pub policy: Arc<Policy>,
    /// Images, sounds and files that cannot be read may leave.
    pub allows_unreadable: bool,
    /// The least class of this route's data.
    pub data_class: DataClass,
    /// A conversation that once held personal data stays inside.
    pub is_sticky: bool,
    /// What happens to entities in answers; `None` leaves answers unscanned.
    pub answers: Option<Arc<Policy>>,
    pub cache: Option<CacheConfig>,
}

/// A new target that a share of the requests tries first.
#[derive(Debug)]
pub struct Canary {
    pub candidate: Candidate,
    pub percent: u8,
    pub sticky: Sticky,
}

/// A target that gets copies of a share of the requests.
#[derive(Debug)]
pub struct Shadow {
    pub candidate: Candidate,
    pub percent: u8,
}

#[derive(Debug)]
pub struct RoutingTable {
    routes: BTreeMap<String, Arc<Route>>,
    zones: HashMap<String, Zone>,
    local: LocalModels,
    default_local: Option<String>,
    overrides: PolicyOverrides,
}

impl RoutingTable {
    pub fn new(config: &Config, local: LocalModels) -> Self {
        let mut table = Self {
            routes: BTreeMap::new(),
            zones: zones(&config.providers),
            local,
            default_local: config.privacy.default_local.clone(),
            overrides: config.privacy.overrides.clone(),
        };
        for id in table.local.ids().cloned().collect::<Vec<_>>() {
            let route = table.own_route(&id, &plain(LOCAL_PROVIDER, &id));
            table.routes.insert(id, Arc::new(route));
        }
        for config in &config.routes {
            table.routes.insert(config.alias.clone(), Arc::new(table.route(config)));
        }
        table
    }

    /// The route of an alias, or of `provider/model`.
    pub fn resolve(&self, alias: &str) -> Option<Arc<Route>> {
        if let Some(route) = self.routes.get(alias) {
            return Some(Arc::clone(route));
        }
        let (provider, model) = alias.split_once('/')?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '/' | '@' | '+');
        if model.is_empty() || model.len() > MAX_MODEL_NAME_BYTES || !model.chars().all(is_plain) {
            return None;
        }
        self.zones.get(provider)?;
        if provider == LOCAL_PROVIDER && !self.local.knows(model) {
            return None;
        }
        Some(Arc::new(self.own_route(alias, &plain(provider, model))))
    }

    /// Whether a route stands in the configuration or is a local model's.
    pub fn is_named(&self, alias: &str) -> bool {
        self.routes.contains_key(alias)
    }

    /// Named routes, in the order of their names.
    pub fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.routes.values()
    }

    pub fn local(&self) -> &LocalModels {
        &self.local
    }

    fn route(&self, config: &RouteConfig) -> Route {
        let policy = if config.mask { Policy::default().masking() } else { Policy::default() };
        Route {
            alias: config.alias.clone(),
            targets: config.targets.iter().map(|target| self.candidate(target)).collect(),
            fallback: config.fallback.iter().map(|target| self.candidate(target)).collect(),
            sensitive: self.sensitive(&config.sensitive, config.timeouts),
            strategy: config.strategy,
            canary: config.canary.as_ref().map(|canary| Canary {
                candidate: self.candidate(&canary.target),
                percent: canary.percent,
                sticky: canary.sticky,
            }),
            shadow: config
                .shadow
                .as_ref()
                .map(|shadow| Shadow { candidate: self.candidate(&shadow.target), percent: shadow.percent }),
            hedge: config.hedge,
            timeouts: config.timeouts,
            max_output_tokens: config.max_output_tokens,
            policy: Arc::new(policy.overridden(&self.overrides).overridden(&config.overrides)),
            allows_unreadable: config.unreadable == UnreadableRule::Allow,
            data_class: config.data_class,
            is_sticky: config.sticky,
            answers: config.answers.as_ref().map(answer_policy).map(Arc::new),
            cache: config.cache,
        }
    }

    /// A route that was not written down: one target, and inside the border it answers sensitive requests itself.
    fn own_route(&self, alias: &str, target: &TargetConfig) -> Route {
        let own = self.candidate(target);
        let sensitive = match &own.target {
            Target::InBorder(_) => vec![own.clone()],
            Target::External(_) => self.sensitive(&[], Timeouts::default()),
        };
        Route {
            alias: alias.to_owned(),
            targets: vec![own],
            fallback: Vec::new(),
            sensitive,
            strategy: Strategy::Weighted,
            canary: None,
            shadow: None,
            hedge: None,
            timeouts: Timeouts::default(),
            max_output_tokens: None,
            policy: Arc::new(Policy::default().overridden(&self.overrides)),
            allows_unreadable: false,
            data_class: DataClass::Public,
            is_sticky: true,
            answers: None,
            cache: None,
        }
    }

    fn sensitive(&self, configured: &[TargetConfig], timeouts: Timeouts) -> Vec<Candidate> {
        if !configured.is_empty() {
            return configured.iter().map(|target| self.candidate(target)).collect();
        }
        let default = self.default_local.iter().map(|model| {
            let settings = TargetSettings { timeouts, ..TargetSettings::default() };
            TargetConfig { settings, ..plain(LOCAL_PROVIDER, model) }
        });
        default.map(|target| self.candidate(&target)).collect()
    }

    fn candidate(&self, config: &TargetConfig) -> Candidate {
        // Names were checked with the configuration; one that is not known counts as outside.
        let zone = self.zones.get(&config.provider).copied().unwrap_or(Zone::External);
        let settings = Arc::new(config.settings.clone());
        Candidate { target: Target::new(config, zone), weight: config.weight, settings }
    }
}

/// A target about which nothing was written down.
fn plain(provider: &str, model: &str) -> TargetConfig {
    TargetConfig { provider: provider.to_owned(), model: model.to_owned(), weight: 1, ..TargetConfig::default() }
}

/// What is not named is left as it is.
fn answer_policy(actions: &EntityActions) -> Policy {
    let labels = Entity::BUILT_IN.into_iter().map(|entity| (entity, Action::Label)).collect();
    let all = PolicyOverrides { actions: labels, thresholds: BTreeMap::new() };
    let named = PolicyOverrides { actions: actions.clone(), thresholds: BTreeMap::new() };
    Policy::default().overridden(&all).overridden(&named)
}

fn zones(providers: &[ProviderConfig]) -> HashMap<String, Zone> {
    let named = providers.iter().map(|provider| (provider.name.clone(), provider.zone));
    named.chain([(LOCAL_PROVIDER.to_owned(), Zone::Local)]).collect()
}
