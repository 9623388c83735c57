//! What of a request an operator must hear, in names that the operator chose: a route or model that stands in no
//! configuration is the caller's own text and is left out.

use super::Gateway;
use super::health::Turn;
use super::screening::ScreenedRequest;
use super::walk::Walk;
use crate::alerts::{About, Event};
use crate::pii::Screened;
use crate::providers::{Failure, FailureKind};
use crate::routing::{Deployment, NoCandidate};

impl Walk<'_> {
    pub(super) fn tell(&self, event: Event, deployment: &Deployment) {
        let is_named = is_named(self.request);
        let (provider, model) = (Some(&*deployment.provider), Some(&*deployment.model).filter(|_| is_named));
        let whom = match event {
            // A key is its provider's, whichever model was asked for.
            Event::ProviderAuthFailed => About { provider, ..About::default() },
            Event::Tripwire => {
                let route = Some(self.request.route.alias.as_str()).filter(|_| is_named);
                About { provider, route, ..About::default() }
            }
            _ => About { provider, model, ..About::default() },
        };
        raise(self.gateway, self.request, event, whom);
    }

    pub(super) fn tell_turn(&self, turn: Option<Turn>, deployment: &Deployment) {
        match turn {
            Some(Turn::Opened) => self.tell(Event::BreakerOpened, deployment),
            Some(Turn::Closed) => self.tell(Event::BreakerClosed, deployment),
            None => {}
        }
    }

    pub(super) fn tell_failure(&self, failure: Failure, deployment: &Deployment) {
        if failure.kind == FailureKind::Quota {
            self.tell(Event::ProviderQuotaExhausted, deployment);
        }
    }
}

/// A sensitive request has nobody inside to answer it. That its route has nobody there at all, and says so with a refusal of
/// its own, is as the operator wrote it.
pub(super) fn tell_unanswered(gateway: &Gateway, request: &ScreenedRequest, why: NoCandidate) {
    let is_confined = matches!(&*request.screened, Screened::Confined(_)) && !request.endpoint.is_about_tokens();
    if is_confined && matches!(why, NoCandidate::NoLocalModel | NoCandidate::NotServed) {
        let route = Some(request.route.alias.as_str()).filter(|_| is_named(request));
        raise(gateway, request, Event::NoLocalModel, About { route, ..About::default() });
    }
}

fn raise(gateway: &Gateway, request: &ScreenedRequest, event: Event, whom: About<'_>) {
    let (request_id, tenant) = (&request.context.request_id, &request.context.key.tenant);
    gateway.alerts.raise(event, About { request_id: Some(request_id), tenant: Some(tenant), ..whom });
}

fn is_named(request: &ScreenedRequest) -> bool {
    request.snapshot.table.is_named(&request.route.alias)
}
