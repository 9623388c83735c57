//! Configuration, routes and providers as one immutable whole. A request keeps the one it began with.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use sha2::{Digest, Sha256};

use super::tariffs::Tariffs;
use crate::alerts::Settings;
use crate::billing::BadCatalogue;
use crate::channels::{ChannelError, channels};
use crate::config::{Config, ReadyRule};
use crate::egress::EgressError;
use crate::login::Logins;
use crate::pii::{Detector, DetectorError, SecondStage};
use crate::providers::{EngineService, Registry, TokenClassifier};
use crate::routing::{Candidate, LocalModels, Route, RoutingTable};

#[derive(Debug)]
pub struct Snapshot {
    pub config: Config,
    pub table: RoutingTable,
    pub providers: Arc<Registry>,
    /// Where people log in.
    pub logins: Arc<Logins>,
    /// What models cost.
    pub tariffs: Arc<Tariffs>,
    pub detector: Arc<Detector>,
    /// Where alerts go.
    pub alerts: Settings,
    /// Fingerprint of every route's privacy actions.
    pub policy_version: String,
    /// Unix seconds since which it is in force.
    pub created_at_s: u64,
}

/// What `/readyz` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    pub ready: bool,
    /// One line a route that is not ready.
    pub missing: Vec<String>,
}

/// Why a configuration cannot be put into force.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error(transparent)]
    Egress(#[from] EgressError),
    #[error(transparent)]
    Detector(#[from] DetectorError),
    #[error(transparent)]
    Alerts(#[from] ChannelError),
    #[error(transparent)]
    Catalogue(#[from] BadCatalogue),
}

impl Snapshot {
    /// # Errors
    /// A provider's client, the detector or a channel for alerts cannot be set up.
    pub fn new(
        config: Config,
        engine: Option<EngineService>,
        local: LocalModels,
        second_stage: Option<SecondStage>,
        created_at_s: u64,
    ) -> Result<Self, SnapshotError> {
        let table = RoutingTable::new(&config, local);
        let second_stage = second_stage.or_else(|| classifier_stage(&config, engine.as_ref()));
        let detector = Arc::new(Detector::with(&config.privacy.recognizers, second_stage)?);
        let providers = Arc::new(Registry::new(&config, engine)?);
        let logins = Arc::new(Logins::new(&config)?);
        let alerts = channels(&config.alerts)?;
        let tariffs = Arc::new(Tariffs::new(&config)?);
        let policy_version = policy_version(&table);
        Ok(Self { config, table, providers, logins, tariffs, detector, alerts, policy_version, created_at_s })
    }

    /// The same with other models of the engine.
    #[must_use]
    pub fn with_local(&self, local: LocalModels) -> Self {
        let table = RoutingTable::new(&self.config, local);
        Self {
            config: self.config.clone(),
            policy_version: policy_version(&table),
            table,
            providers: Arc::clone(&self.providers),
            logins: Arc::clone(&self.logins),
            tariffs: Arc::clone(&self.tariffs),
            detector: Arc::clone(&self.detector),
            alerts: self.alerts.clone(),
            created_at_s: self.created_at_s,
        }
    }

    pub fn readiness(&self) -> Readiness {
        let expected = self.table.routes().filter(|route| self.is_expected(route));
        let missing: Vec<String> = expected.filter_map(|route| self.lack(route)).collect();
        let routes = self.table.routes().filter(|route| self.is_expected(route)).count();
        let ready = match self.config.readyz {
            ReadyRule::All => routes > 0 && missing.is_empty(),
            ReadyRule::Any => missing.len() < routes,
        };
        Readiness { ready, missing }
    }

    /// A model that an operator drops in or takes out must not make the gateway look broken; a route that was written
    /// down must be served.
    fn is_expected(&self, route: &Route) -> bool {
        !self.table.local().is_away(&route.alias) || self.config.routes.iter().any(|own| own.alias == route.alias)
    }

    fn lack(&self, route: &Route) -> Option<String> {
        let served = |candidate: &Candidate| {
            let deployment = candidate.deployment();
            !deployment.is_engine() || self.table.local().serves(&deployment.model)
        };
        if !route.targets.iter().chain(&route.fallback).any(served) {
            return Some(format!("{}: no target is served", route.alias));
        }
        if let Some(model) = self.config.privacy.classifier.as_ref().filter(|model| !self.table.local().serves(model)) {
            return Some(format!("{}: the classifier {model} is not served", route.alias));
        }
        if !route.sensitive.iter().any(served) {
            return Some(format!("{}: no served model for sensitive requests", route.alias));
        }
        None
    }
}

/// The second stage that the configuration names. Where its model does not answer, every text that it would be asked about
/// counts as sensitive.
fn classifier_stage(config: &Config, engine: Option<&EngineService>) -> Option<SecondStage> {
    let model = config.privacy.classifier.as_ref()?;
    let classifier = Arc::new(TokenClassifier::new(engine.cloned(), model.clone()));
    Some(SecondStage { classifier, budget: config.privacy.classifier_timeout, now: Instant::now })
}

fn policy_version(table: &RoutingTable) -> String {
    let mut hasher = Sha256::new();
    for route in table.routes() {
        hasher.update(route.alias.as_bytes());
        for entity in route.policy.entities() {
            let (action, threshold) = (route.policy.action(entity), route.policy.threshold(entity));
            hasher.update(format!("\n{entity}={action:?} from {threshold}"));
        }
        hasher.update(b"\n\n");
    }
    hasher.finalize().iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
