//! Requests that come twice are answered once: the second one joins the first while it runs, and is given its answer
//! afterwards. Either is told in `x-shekara-reason: replay` and uses nothing.
//!
//! Kept are completed answers alone: an error is told anew each time, for what stood in the way may be gone. The key that
//! asks must be the very one that asked before, so that nobody sees more than was shown to it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::HeaderValue;
use serde::{Deserialize, Serialize};
use shekara_protocol::error::ApiError;

use super::answer::{Answer, AnswerStream};
use super::authenticated::RequestContext;
use super::call::{Call, run};
use super::facts::{Ended, Facts};
use super::live::{Ear, Form, Head, Live, NotJoined, Room, RoomLimits};
use super::resend::{Hash, Resend};
use super::subjects::subjects_of;
use super::{Gateway, Places, Settlement, refusal};
use crate::audit::Outcome;
use crate::content::{Item, Kind, Owner};

const REASON: &str = "replay";

/// Answers under way that can be joined.
pub(super) struct Lives {
    room: Arc<Room>,
    running: Mutex<HashMap<Hash, Running>>,
}

struct Running {
    live: Arc<Live>,
    fingerprint: Hash,
}

/// What is kept of an answer beside its bytes.
#[derive(Serialize, Deserialize)]
struct Kept {
    fingerprint: Hash,
    form: Form,
    facts: Facts,
}

/// Who asks again.
struct Twin {
    settlement: Arc<Settlement>,
    places: Places,
}

/// # Errors
/// What the pipeline says; 422 for another request under the same name, 409 for one that runs and cannot be joined.
pub async fn answer(gateway: &Arc<Gateway>, call: Call) -> Result<Answer, ApiError> {
    let Some(resend) = Resend::of(&call).await? else { return run(gateway, call).await };
    match gateway.lives.enter(&resend, gateway.room_limits())? {
        Entered::Alone => run(gateway, call).await,
        Entered::Joins(ear) => joined(ear, call).await,
        Entered::Leads(live, ear) => {
            lead(Arc::clone(gateway), call, resend, live);
            hear(ear, None).await
        }
    }
}

/// How a request that may come twice goes on.
enum Entered {
    /// As if it could not.
    Alone,
    Joins(Ear),
    Leads(Arc<Live>, Ear),
}

async fn joined(ear: Ear, call: Call) -> Result<Answer, ApiError> {
    let settlement = Arc::clone(&call.authenticated.context().settlement);
    settlement.note_reason(REASON);
    hear(ear, Some(Twin { settlement, places: call.places })).await
}

/// Runs a request on a task of its own, so that it goes on when its client leaves and another listens.
fn lead(gateway: Arc<Gateway>, call: Call, resend: Resend, live: Arc<Live>) {
    tokio::spawn(async move {
        let leading = Leading { gateway: &gateway, id: resend.id, live: &live };
        tokio::select! {
            biased;
            // Dropping the work ends it and settles it.
            () = live.abandoned() => {}
            () = leading.work(call, &resend) => {}
        }
    });
}

/// Ends the answer for all who listen, whatever happens.
struct Leading<'l> {
    gateway: &'l Arc<Gateway>,
    id: Hash,
    live: &'l Arc<Live>,
}

impl Drop for Leading<'_> {
    fn drop(&mut self) {
        self.live.end(None);
        let mut running = self.gateway.lives.lock();
        if running.get(&self.id).is_some_and(|running| Arc::ptr_eq(&running.live, self.live)) {
            running.remove(&self.id);
        }
    }
}

impl Leading<'_> {
    async fn work(&self, call: Call, resend: &Resend) {
        let (gateway, live) = (self.gateway, self.live);
        let context = call.authenticated.context().clone();
        let settlement = &context.settlement;
        let subjects = resend.name.is_some().then(|| subjects_of(&call.body));
        let kept = match self.kept(&context, resend).await {
            Ok(kept) => kept,
            Err(error) => return fail(live, settlement, error),
        };
        if let Some((kept, body)) = kept {
            settlement.note_kept(&kept.facts, REASON);
            settlement.keep_answer(&body);
            if settlement.settle(Outcome::Completed, 200).is_err() {
                return fail(live, settlement, refusal::audit_unavailable());
            }
            live.begin(Ok(Head { form: kept.form, facts: kept.facts }));
            live.say(body, settlement.ended()).await;
            return live.end(settlement.ended());
        }
        let answer = match run(gateway, call).await {
            Ok(answer) => answer,
            Err(error) => return fail(live, settlement, error),
        };
        let (form, mut body) = match answer {
            Answer::Whole(bytes) => (Form::Json, once(bytes)),
            Answer::Text(bytes) => (Form::Text, once(bytes)),
            Answer::Stream(events) => (Form::Events, events),
            Answer::Bytes(kind, bytes) => (Form::Bytes(String::from_utf8_lossy(kind.as_bytes()).into_owned()), bytes),
        };
        live.begin(Ok(Head { form: form.clone(), facts: settlement.looked_at(|draft| Facts::from(draft)) }));
        while let Some(Ok(chunk)) = body.next().await {
            live.say(chunk, settlement.ended()).await;
        }
        let ended = settlement.ended();
        let completed = ended.clone().filter(|ended| ended.outcome == Outcome::Completed);
        if let (Some(Ended { facts, .. }), Some(name), Some(chunks)) = (completed, &resend.name, live.whole()) {
            let kept = Kept { fingerprint: resend.fingerprint, form, facts };
            let key = &context.key;
            let owner = Owner { tenant: key.tenant.clone(), project: key.project.clone(), key_id: key.id.clone() };
            let content = &gateway.snapshot().config.content;
            gateway.keep(
                Item {
                    owner,
                    subjects: subjects.unwrap_or_default(),
                    kind: Kind::Replay,
                    name: vec![key.id.as_bytes().to_vec(), name.to_vec()],
                    content: kept.with(&chunks),
                    expires_at_ms: gateway.after(content.idempotency_ttl),
                },
                content.bounds,
            );
        }
        live.end(ended);
    }

    /// The answer that the name already has.
    async fn kept(&self, context: &RequestContext, resend: &Resend) -> Result<Option<(Kept, Bytes)>, ApiError> {
        let Some(name) = &resend.name else { return Ok(None) };
        let (key, now_ms) = (&context.key, self.gateway.now_ms());
        let loaded = self.gateway.shelf.load(&key.tenant, Kind::Replay, &[key.id.as_bytes(), name], now_ms).await;
        let Some(content) = loaded.map_err(|error| refusal::content_unavailable(&error))? else { return Ok(None) };
        let (kept, body) = Kept::read(content).ok_or_else(ApiError::internal)?;
        if kept.fingerprint == resend.fingerprint {
            Ok(Some((kept, body)))
        } else {
            Err(refusal::idempotency_key_reused())
        }
    }
}

/// Settled here, for its own client may be gone.
fn fail(live: &Live, settlement: &Settlement, error: ApiError) {
    settlement.note_error(error.code.as_deref());
    settlement.keep_answer(error.to_json().as_bytes());
    // Where it fails, it was logged, and is tried again with the answer.
    let _ = settlement.settle(Outcome::Failed, error.status.as_u16());
    live.begin(Err(error));
    live.end(settlement.ended());
}

fn once(bytes: Bytes) -> AnswerStream {
    Box::pin(stream::once(async { Ok(bytes) }))
}

async fn hear(mut ear: Ear, twin: Option<Twin>) -> Result<Answer, ApiError> {
    let head = ear.head().await?;
    if let Some(twin) = &twin {
        twin.settlement.note_kept(&head.facts, REASON);
    }
    if let Form::Events | Form::Bytes(_) = head.form {
        let body: AnswerStream = Box::pin(stream::unfold((ear, twin), |(mut ear, twin)| async move {
            let heard = ear.next().await;
            if let (Some(twin), Some(heard)) = (&twin, &heard) {
                twin.settlement.keep_answer(&heard.chunk);
            }
            let settled = heard.as_ref().map_or_else(|| ear.ended(), |heard| heard.settled.clone());
            if let (Some(twin), Some(ended)) = (&twin, settled) {
                twin.settlement.note_kept(&ended.facts, REASON);
                // Without a record the answer is not completed.
                twin.settlement.settle(ended.outcome, ended.status).ok()?;
            }
            Some((Ok(heard?.chunk), (ear, twin)))
        }));
        let Form::Bytes(kind) = head.form else { return Ok(Answer::Stream(body)) };
        let kind = HeaderValue::from_str(&kind).map_err(|_| ApiError::internal())?;
        return Ok(Answer::Bytes(kind, body));
    }
    let body = ear.next().await.ok_or_else(ApiError::internal)?.chunk;
    if let Some(Twin { settlement, places }) = twin {
        settlement.keep_answer(&body);
        settlement.settle(Outcome::Completed, 200).map_err(|_| refusal::audit_unavailable())?;
        drop(places);
    }
    Ok(if head.form == Form::Text { Answer::Text(body) } else { Answer::Whole(body) })
}

impl Kept {
    /// A line of JSON, then what was said, without the signs of life between events.
    fn with(&self, chunks: &[Bytes]) -> Vec<u8> {
        let mut content = serde_json::to_vec(self).unwrap_or_default();
        content.push(b'\n');
        let is_said = |chunk: &&Bytes| self.form != Form::Events || !chunk.starts_with(b":");
        chunks.iter().filter(is_said).for_each(|chunk| content.extend_from_slice(chunk));
        content
    }

    fn read(content: Vec<u8>) -> Option<(Self, Bytes)> {
        let end = memchr::memchr(b'\n', &content)?;
        let kept = serde_json::from_slice(&content[..end]).ok()?;
        Some((kept, Bytes::from(content).slice(end + 1..)))
    }
}

impl Lives {
    pub(super) fn new() -> Self {
        Self { room: Room::new(), running: Mutex::default() }
    }

    /// Clients that hear answers under way.
    pub(super) fn num_listeners(&self) -> usize {
        self.lock().values().map(|running| running.live.num_listeners()).sum()
    }

    fn enter(&self, resend: &Resend, limits: RoomLimits) -> Result<Entered, ApiError> {
        let mut running = self.lock();
        if let Some(other) = running.get(&resend.id) {
            match other.live.join() {
                // It ends, for nobody listened, and holds its name no longer.
                Err(NotJoined::Gone) => {}
                _ if other.fingerprint != resend.fingerprint => return Err(refusal::idempotency_key_reused()),
                _ if !resend.may_join => return Ok(Entered::Alone),
                Ok(ear) => return Ok(Entered::Joins(ear)),
                Err(NotJoined::Cut) => return Err(refusal::still_running()),
            }
        }
        let live = Live::new(limits, Arc::clone(&self.room));
        // It has just begun: it can be joined.
        let ear = live.join().map_err(|_| ApiError::internal())?;
        running.insert(resend.id, Running { live: Arc::clone(&live), fingerprint: resend.fingerprint });
        Ok(Entered::Leads(live, ear))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Hash, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Lives {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lives").field("running", &self.lock().len()).finish_non_exhaustive()
    }
}
