//! A route's cache of answers to the very same request, where its operator wants one.
//!
//! What is kept is what the provider said, before anything was restored in it or looked at: each time it is given, it goes the
//! way of a fresh answer, through the policy in force. It is found by everything that shapes it (the request without who
//! asks, its data class, the route with its targets), by the tenant that it was made for alone.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CACHE_CONTROL;
use http_body_util::{BodyExt, Full};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use shekara_protocol::sse::{self, SseEvent};

use super::Gateway;
use super::attempt::Begun;
use super::endpoint::Endpoint;
use super::events::EventReader;
use super::facts::Facts;
use super::resend::{Hash, canonical, hash_value};
use super::screening::ScreenedRequest;
use super::subjects::subjects_of;
use super::whole::WholeAnswer;
use crate::billing::Usage;
use crate::content::{Bounds, Item, Kind, Owner};
use crate::pii::Screened;
use crate::routing::{Plan, Reason};

const REASON: &str = "cache";
/// Who asks shapes no answer.
const UNSHAPING: [&str; 3] = ["user", "safety_identifier", "metadata"];
const DONE: &str = "[DONE]";

/// What the caller wants of a cache (`cache-control`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CacheWish {
    Any,
    /// A fresh answer, which may be kept.
    Fresh,
    /// Nothing is to be kept, nor given from what was.
    None,
}

impl CacheWish {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
        let words: Vec<String> =
            values.flat_map(|value| value.split(',')).map(|word| word.trim().to_ascii_lowercase()).collect();
        let has = |wanted: &str| words.iter().any(|word| word == wanted);
        match () {
            () if has("no-store") => Self::None,
            () if has("no-cache") || has("max-age=0") => Self::Fresh,
            () => Self::Any,
        }
    }
}

/// A request's place in the cache.
pub(super) struct Slot {
    name: Hash,
    owner: Owner,
    user_body: Bytes,
    ttl: Duration,
    bounds: Bounds,
    may_look: bool,
}

/// What is kept of an answer beside its bytes.
#[derive(Serialize, Deserialize)]
struct Kept {
    streamed: bool,
    facts: Facts,
}

/// Where a request's answer may be found or kept; the answer's headers say what comes of it.
pub(super) fn slot(gateway: &Gateway, request: &ScreenedRequest, plan: &Plan) -> Option<Slot> {
    let cache = request.route.cache?;
    let settlement = &request.context.settlement;
    // What a provider does beside answering is not done by giving its answer again.
    let is_open = (!is_sensitive(request) || cache.sensitive)
        && !request.runs_tools_at_provider
        // Files are no part of what an answer is found by.
        && request.screened.uploads().is_empty()
        && request.endpoint != Endpoint::Speech
        && request.cache != CacheWish::None;
    let Some(body) = canonical(request.screened.body()).filter(|_| is_open) else {
        settlement.note_cache("bypass");
        return None;
    };
    let key = &request.context.key;
    settlement.note_cache(if request.cache == CacheWish::Any { "miss" } else { "bypass" });
    let content = &gateway.snapshot().config.content;
    Some(Slot {
        name: name(request, plan, body),
        owner: Owner { tenant: key.tenant.clone(), project: key.project.clone(), key_id: key.id.clone() },
        user_body: request.screened.body().clone(),
        ttl: cache.ttl,
        bounds: Bounds { item_bytes: cache.max_bytes.min(content.bounds.item_bytes), ..content.bounds },
        may_look: request.cache == CacheWish::Any,
    })
}

fn is_sensitive(request: &ScreenedRequest) -> bool {
    match &*request.screened {
        Screened::Confined(_) => true,
        Screened::Cleared(cleared) => {
            let class = request.context.settlement.looked_at(|draft| draft.record.data_class);
            cleared.is_masked() || cleared.conversation().is_some() || class.is_sensitive()
        }
    }
}

fn name(request: &ScreenedRequest, plan: &Plan, mut body: Value) -> Hash {
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|name, _| !UNSHAPING.contains(&name.as_str()));
    }
    let (route, record) = (&request.route, request.context.settlement.looked_at(|draft| draft.record.clone()));
    let mut hasher = Sha256::new();
    // Who may answer this caller, in whatever order they are asked, and whether it is on the canary's side.
    let mut may_answer: Vec<String> =
        plan.candidates.iter().map(|candidate| format!("{:?}", candidate.deployment())).collect();
    may_answer.sort_unstable();
    let answered = (may_answer, plan.reason == Reason::Canary, route.max_output_tokens);
    let own = (request.endpoint, request.shape.is_own(), record.data_class, &record.pii_action);
    let said = format!("{:?}\n{answered:?}\n{own:?}\n", route.alias);
    hasher.update((said.len() as u64).to_le_bytes());
    hasher.update(said);
    if let Screened::Cleared(cleared) = &*request.screened
        && let Some(conversation) = cleared.conversation()
    {
        // Its tokens mean something in it alone.
        hasher.update(conversation.id().conversation_hash());
    }
    hash_value(&mut hasher, &body);
    hasher.finalize().into()
}

impl Slot {
    /// An answer that was kept, as if a provider had just begun to give it.
    pub(super) async fn look(&self, gateway: &Gateway, request: &ScreenedRequest) -> Option<Begun> {
        if !self.may_look {
            return None;
        }
        let loaded = gateway.shelf.load(&self.owner.tenant, Kind::Cache, &[&self.name], gateway.now_ms()).await;
        // A cache that cannot be read has nothing.
        let content =
            loaded.inspect_err(|error| tracing::error!(%error, "a cached answer could not be read")).ok()??;
        let end = memchr::memchr(b'\n', &content)?;
        let Kept { streamed, facts } = serde_json::from_slice(&content[..end]).ok()?;
        let body = Bytes::from(content).slice(end + 1..);
        let settlement = &request.context.settlement;
        let own = settlement.looked_at(|draft| Facts::from(draft));
        let Facts { provider, model, zone, .. } = facts;
        settlement.note_kept(&Facts { provider, model, zone, ..own }, REASON);
        settlement.note_cache("hit");
        if streamed {
            return Some(Begun::Stream(EventReader::new(
                Full::new(body).map_err(|never| match never {}).boxed_unsync(),
            )));
        }
        let json = serde_json::from_slice::<Value>(&body).ok()?;
        Some(Begun::Whole(Box::new(WholeAnswer { usage: Usage::read_tokens(&json["usage"]), json, body })))
    }

    /// The same answer, kept when it is whole.
    pub(super) fn keeping(self, gateway: &Arc<Gateway>, request: &ScreenedRequest, begun: Begun) -> Begun {
        let facts = request.context.settlement.looked_at(|draft| Facts::from(draft));
        let expires_at_ms = gateway.after(self.ttl);
        match begun {
            Begun::Whole(answer) => {
                self.keep(gateway, &Kept { streamed: false, facts }, &answer.body, expires_at_ms);
                Begun::Whole(answer)
            }
            Begun::Stream(mut events) => {
                let (gateway, mut kept, mut slot) = (Arc::clone(gateway), Vec::new(), Some(self));
                events.observe(move |event: &SseEvent| {
                    kept.extend_from_slice(sse::data(&event.data).as_bytes());
                    let has_room = slot.as_ref().is_some_and(|slot| kept.len() <= slot.bounds.item_bytes);
                    // What a provider calls an event is a heartbeat or an error.
                    if !has_room || !event.event.is_empty() {
                        (slot, kept) = (None, Vec::new());
                    }
                    if let Some(slot) = slot.take_if(|_| event.data == DONE) {
                        slot.keep(&gateway, &Kept { streamed: true, facts: facts.clone() }, &kept, expires_at_ms);
                    }
                });
                Begun::Stream(events)
            }
            other => other,
        }
    }

    fn keep(self, gateway: &Gateway, kept: &Kept, body: &[u8], expires_at_ms: u64) {
        if body.len() > self.bounds.item_bytes {
            return;
        }
        let mut content = serde_json::to_vec(kept).unwrap_or_default();
        content.push(b'\n');
        content.extend_from_slice(body);
        let item = Item {
            owner: self.owner,
            subjects: subjects_of(&self.user_body),
            kind: Kind::Cache,
            name: vec![self.name.to_vec()],
            content,
            expires_at_ms,
        };
        // What stands before the body is no part of the route's bound.
        let bounds = Bounds { item_bytes: self.bounds.item_bytes.saturating_add(64 << 10), ..self.bounds };
        gateway.keep(item, bounds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_say_what_they_want_of_a_cache() {
        for (said, wish) in [
            ("max-age=60", CacheWish::Any),
            ("No-Cache", CacheWish::Fresh),
            ("private, max-age=0", CacheWish::Fresh),
            ("no-cache, no-store", CacheWish::None),
        ] {
            let headers = HeaderMap::from_iter([(CACHE_CONTROL, said.parse().unwrap())]);
            assert_eq!(CacheWish::of(&headers), wish, "{said}");
        }
        assert_eq!(CacheWish::of(&HeaderMap::new()), CacheWish::Any);
    }
}
