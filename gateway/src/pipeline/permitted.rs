//! What of a plan is left for this key, and of what is not switched off.

use shekara_protocol::error::ApiError;

use super::screening::ScreenedRequest;
use super::{Gateway, refusal};
use crate::auth::{KeyRecord, Switches};
use crate::routing::{Candidate, Plan, Reason};

/// Why a target may not be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bar {
    /// An operator has switched it off, whoever asks.
    Off,
    /// It is none of those that the key is for.
    NotAllowed,
}

/// The plan without what may not be asked.
///
/// # Errors
/// Nothing is left: 503 for what is switched off, 403 for what is not for this key.
pub(super) fn permitted(gateway: &Gateway, request: &ScreenedRequest, plan: Plan) -> Result<Plan, ApiError> {
    let directory = gateway.directory();
    let Plan { candidates, reason } = plan;
    let bars: Vec<_> =
        candidates.iter().map(|candidate| bar(&request.context.key, &directory.switches, candidate)).collect();
    let was_first_off = bars.first() == Some(&Some(Bar::Off));
    let is_any_off = bars.contains(&Some(Bar::Off));
    let left = candidates.into_iter().zip(bars).filter(|(_, bar)| bar.is_none());
    let candidates: Vec<Candidate> = left.map(|(candidate, _)| candidate).collect();
    if candidates.is_empty() {
        return Err(if is_any_off { refusal::switched_off() } else { refusal::model_not_allowed() });
    }
    // A switch is a breaker that people open.
    let is_passed_over = was_first_off && !matches!(reason, Reason::Confined(_));
    Ok(Plan { candidates, reason: if is_passed_over { Reason::Breaker } else { reason } })
}

/// Whether one target may be asked now.
pub(super) fn is_permitted(gateway: &Gateway, request: &ScreenedRequest, candidate: &Candidate) -> bool {
    bar(&request.context.key, &gateway.directory().switches, candidate).is_none()
}

fn bar(key: &KeyRecord, switches: &Switches, candidate: &Candidate) -> Option<Bar> {
    let deployment = candidate.deployment();
    let (provider, model) = (&*deployment.provider, &*deployment.model);
    if switches.is_target_off(provider, model) {
        return Some(Bar::Off);
    }
    (!key.settings.allows_target(provider, model, deployment.zone.as_str())).then_some(Bar::NotAllowed)
}
