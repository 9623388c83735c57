//! A request that is well-formed, known and has a place among those under way.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use shekara_protocol::error::ApiError;
use tokio::sync::OwnedSemaphorePermit;

use super::authenticated::{Authenticated, RequestContext};
use super::cache::CacheWish;
use super::endpoint::{Endpoint, Reading};
use super::health::Busy;
use super::incoming::Incoming;
use super::shape::Shape;
use super::{Gateway, InFlight, Snapshot, refusal};
use crate::auth::{DataClass, KeyRecord};
use crate::pii::{Policy, Uploads};
use crate::routing::{Needs, Route};

pub const DATA_CLASS_HEADER: &str = "x-shekara-data-class";

/// What the gateway itself has to know of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wishes {
    pub(super) stream: bool,
    pub(super) include_usage: bool,
    /// The answer is to be a JSON text.
    pub(super) is_structured: bool,
    /// The answer is to be a text by itself.
    pub(super) is_text: bool,
}

/// A place among the requests under way, held from before the body is read until the answer's last byte.
#[derive(Debug)]
pub struct Places {
    _in_flight: InFlight,
    /// Of its place, and of the memory that a form takes.
    permits: Vec<OwnedSemaphorePermit>,
    /// The place at whoever answers.
    busy: Option<Busy>,
}

impl Places {
    pub(super) fn new(in_flight: InFlight, permit: OwnedSemaphorePermit) -> Self {
        Self { _in_flight: in_flight, permits: vec![permit], busy: None }
    }

    #[must_use]
    pub(super) fn with_form(mut self, permit: OwnedSemaphorePermit) -> Self {
        self.permits.push(permit);
        self
    }

    pub(super) fn keep(&mut self, busy: Busy) {
        self.busy = Some(busy);
    }
}

/// Made by [`Authenticated::admit`] alone.
#[derive(Debug)]
pub struct Admitted {
    pub(super) context: RequestContext,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) route: Arc<Route>,
    /// The route's policy, stricter where a rule for the caller says so.
    pub(super) policy: Arc<Policy>,
    pub(super) body: Bytes,
    /// What the caller sent, where that is another shape.
    pub(super) origin: Bytes,
    pub(super) shape: Arc<Shape>,
    pub(super) declared: DataClass,
    pub(super) endpoint: Endpoint,
    pub(super) wishes: Wishes,
    pub(super) needs: Needs,
    /// The request's own name for who asks.
    pub(super) user: Option<String>,
    /// Sent twice, it might do harm twice.
    pub(super) runs_tools_at_provider: bool,
    /// The body holds text in a form that is not read here.
    pub(super) is_unreadable: bool,
    /// An answer that it goes on from had to come from inside.
    pub(super) stayed: bool,
    pub(super) cache: CacheWish,
    pub(super) places: Places,
    /// Files that the body does not hold, and that no scan sees.
    pub(super) uploads: Uploads,
}

impl Authenticated {
    /// Checks a request's form, finds its route and claims what it may use.
    ///
    /// # Errors
    /// 400 for a malformed body (naming the field), 404 for an unknown model, 403 for one that is not for this key, 429 for a
    /// limit of its own.
    pub async fn admit(
        self,
        gateway: &Gateway,
        places: Places,
        headers: &HeaderMap,
        incoming: Incoming,
    ) -> Result<Admitted, ApiError> {
        let admitted = self.read(gateway, places, headers, incoming)?;
        admitted.context.settlement.note_prompt_estimate(admitted.likely_prompt_tokens());
        admitted.reserve(gateway).await?;
        Ok(admitted)
    }

    fn read(
        self,
        gateway: &Gateway,
        places: Places,
        headers: &HeaderMap,
        incoming: Incoming,
    ) -> Result<Admitted, ApiError> {
        let Incoming { endpoint, body, uploads, origin, shape, inherited } = incoming;
        let context = self.into_context();
        let snapshot = gateway.snapshot();
        let Reading { model, wishes, is_unreadable, needs, user, runs_tools_at_provider } = endpoint.read(&body)?;
        let declared = context.key.data_class.max(declared_class(headers)?).max(inherited.data_class);
        context.settlement.note_data_class(declared);
        let route = snapshot.table.resolve(&model).ok_or_else(refusal::model_not_found)?;
        if !context.key.settings.allows_route(&route.alias) {
            return Err(refusal::model_not_allowed());
        }
        if gateway.directory().switches.is_route_off(&route.alias) {
            return Err(refusal::switched_off());
        }
        let (policy, class_of_rules) = rules(&snapshot, &context.key, &route.policy);
        let declared = declared.max(route.data_class).max(class_of_rules);
        context.settlement.note_data_class(declared);
        Ok(Admitted {
            context,
            snapshot,
            route,
            policy,
            body,
            origin,
            shape,
            declared,
            endpoint,
            wishes,
            needs,
            user,
            runs_tools_at_provider,
            is_unreadable,
            stayed: inherited.stayed,
            cache: CacheWish::of(headers),
            places,
            uploads,
        })
    }
}

/// What the rules for this caller make of a route's policy, and the least class that they give its data.
fn rules(snapshot: &Snapshot, key: &KeyRecord, policy: &Arc<Policy>) -> (Arc<Policy>, DataClass) {
    let rules: Vec<_> = snapshot.config.privacy.rules.iter().filter(|rule| rule.applies_to(key)).collect();
    let class = rules.iter().map(|rule| rule.data_class).max().unwrap_or_default();
    if rules.is_empty() {
        return (Arc::clone(policy), class);
    }
    let raised = rules.iter().fold(Policy::clone(policy), |policy, rule| policy.raised(&rule.raised));
    (Arc::new(raised), class)
}

/// What the caller says of its own data; it can only raise.
///
/// # Errors
/// 400: it says something else.
pub fn declared_class(headers: &HeaderMap) -> Result<DataClass, ApiError> {
    let mut class = DataClass::Public;
    for value in headers.get_all(DATA_CLASS_HEADER) {
        let one = value.to_str().ok().and_then(|text| text.parse::<DataClass>().ok());
        let message = "The header x-shekara-data-class must be public, internal, personal or special.";
        class = class.max(one.ok_or_else(|| ApiError::invalid(DATA_CLASS_HEADER, message))?);
    }
    Ok(class)
}
