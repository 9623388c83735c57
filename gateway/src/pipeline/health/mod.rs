//! How deployments are doing: which had better be left alone for a while, and how busy and quick they are.

mod board;
mod breaker;
mod ceiling;
mod load;
mod names;
mod telling;

use std::sync::Arc;

pub(super) use board::Board;
use breaker::Breakers;
use ceiling::Ceilings;
pub(super) use ceiling::Full;
pub(super) use load::Busy;
use load::Loads;
use names::Names;
use tokio::sync::Notify;

use crate::alerts::host_name;
use crate::config::{Ceiling, Config};
use crate::providers::Failure;
use crate::routing::{Deployment, Reason, Spent, Standing, Standings};

/// What became of a deployment that others had better know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is passed over from now on, for its failures or for being slow.
    Opened,
    /// It answers again.
    Closed,
}

/// Deployments that are remembered. More than a configuration has: a name in a request makes one too.
const MAX_DEPLOYMENTS: usize = 4_096;

/// Provider and model.
type DeploymentKey = (Box<str>, Box<str>);

fn key(deployment: &Deployment) -> DeploymentKey {
    (Box::from(&*deployment.provider), Box::from(&*deployment.model))
}

/// From when to when an attempt went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) began_ms: u64,
    pub(super) now_ms: u64,
    /// Milliseconds.
    pub(super) elapsed: f64,
}

#[derive(Debug, Default)]
pub struct Health {
    breakers: Breakers,
    loads: Loads,
    ceilings: Ceilings,
}

impl Health {
    /// What other gateways call the deployments of a configuration.
    pub(super) fn know(&self, config: &Config) {
        self.breakers.telling.know(Names::of(config, host_name().as_deref()));
    }

    /// Wakes whoever carries news to other gateways.
    pub(super) fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.breakers.telling.wake)
    }

    /// Those of the configuration that rest, as provider and model.
    pub(super) fn resting(&self, now_ms: u64) -> Vec<(Box<str>, Box<str>)> {
        let rests =
            |key: &DeploymentKey| self.breakers.lock().get(key).is_some_and(|trouble| now_ms < trouble.rests_until_ms);
        self.breakers.telling.known().into_iter().filter(rests).collect()
    }

    /// Whether a deployment rests, and why.
    pub(super) fn rest(&self, deployment: &Deployment, now_ms: u64) -> Option<Reason> {
        self.breakers.rest(deployment, now_ms)
    }

    /// A request is about to be sent; it counts as under way for as long as what is returned lives. `ceiling` is the
    /// provider's, with whether the request is production's.
    ///
    /// # Errors
    /// The provider is at its ceiling; nothing may be sent.
    pub(super) fn begin(
        &self,
        deployment: &Deployment,
        ceiling: Option<(&Ceiling, bool)>,
        now_ms: u64,
    ) -> Result<Busy, Full> {
        let enter = |(ceiling, is_prod)| self.ceilings.enter(&deployment.provider, ceiling, is_prod, now_ms);
        let place = ceiling.map(enter).transpose()?;
        self.breakers.note_attempt(deployment, now_ms);
        Ok(self.loads.begin(deployment, now_ms).with(place))
    }

    /// An answer has begun (a stream) or come (a whole one).
    pub(super) fn note_answer(&self, deployment: &Deployment, is_stream: bool, span: Span) -> Option<Turn> {
        let is_unusual = self.loads.note_time(deployment, is_stream, span.elapsed);
        if is_stream && is_unusual {
            self.breakers.note_slow(deployment, span.began_ms, span.now_ms)
        } else {
            self.breakers.note_success(deployment, span.began_ms)
        }
    }

    /// Another one was asked beside it, and was sooner.
    pub(super) fn note_overtaken(&self, deployment: &Deployment, now_ms: u64) -> Option<Turn> {
        self.breakers.note_slow(deployment, now_ms, now_ms)
    }

    /// It answered, if only that the request is wrong.
    pub(super) fn note_refusal(&self, deployment: &Deployment, span: Span) -> Option<Turn> {
        self.breakers.note_success(deployment, span.began_ms)
    }

    pub(super) fn note_failure(&self, deployment: &Deployment, failure: Failure, now_ms: u64) -> Option<Turn> {
        self.breakers.note_failure(deployment, failure, now_ms)
    }

    pub(super) fn note_tokens(&self, provider: &str, model: &str, spent: Spent, now_ms: u64) {
        self.loads.note_tokens((Box::from(provider), Box::from(model)), spent, now_ms);
    }

    pub(super) fn view(&self, is_stream: bool, now_ms: u64) -> View<'_> {
        View { health: self, is_stream, now_ms }
    }
}

/// How things are at one moment, for one kind of request.
pub(super) struct View<'h> {
    health: &'h Health,
    is_stream: bool,
    now_ms: u64,
}

impl Standings for View<'_> {
    fn standing(&self, deployment: &Deployment) -> Standing {
        self.health.loads.standing(deployment, self.is_stream, self.now_ms)
    }
}
