//! Copies of requests to a target whose answers nobody sees: how a new model does on real questions. Only what was
//! cleared is copied, so that nothing sensitive is ever among it, and only where there is room for one more request.

use std::sync::Arc;
use std::time::Instant;

use super::attempt::Begun;
use super::authenticated::RequestContext;
use super::chunk::ChatEvent;
use super::dispatch::dice;
use super::events::{EventReader, Next};
use super::permitted::is_permitted;
use super::screening::ScreenedRequest;
use super::walk::{Walk, Won};
use super::{Gateway, Settlement};
use crate::audit::Outcome;
use crate::billing::UsageSource;
use crate::pii::Screened;
use crate::routing::{Candidate, Plan, Reason};

/// Has a copy asked beside the request, which does not wait for it.
pub(super) fn cast(gateway: &Arc<Gateway>, request: &ScreenedRequest) {
    let Some(shadow) = &request.route.shadow else { return };
    let is_drawn = dice(&["shadow", &request.context.request_id]) % 100 < u64::from(shadow.percent);
    if !is_drawn
        || !is_copied(request)
        || gateway.health.rest(shadow.candidate.deployment(), gateway.now_ms()).is_some()
    {
        return;
    }
    let is_taken = shadow.candidate.takes(&request.needs, request.asker(gateway))
        && is_permitted(gateway, request, &shadow.candidate);
    if !is_taken {
        return;
    }
    let Ok(room) = Arc::clone(&gateway.shadows).try_acquire_owned() else { return };
    let Ok(places) = gateway.enter() else { return };
    let key = &request.context.key;
    let request_id = format!("{}-shadow", request.context.request_id);
    let settlement = Settlement::begin(gateway, key, &request_id, "shadow".to_owned());
    settlement.note_data_class(request.declared);
    settlement.note_prompt_estimate(request.needs.prompt_tokens);
    let is_named = request.snapshot.table.is_named(&request.route.alias);
    settlement.note_route(&request.route.alias, is_named, request.wishes.stream);
    settlement.note_scan(request.screened.summary(), "none");
    let copy = ScreenedRequest {
        context: RequestContext { request_id, key: Arc::clone(key), settlement, in_batch: request.context.in_batch },
        snapshot: Arc::clone(&request.snapshot),
        route: Arc::clone(&request.route),
        screened: Arc::clone(&request.screened),
        shape: Arc::clone(&request.shape),
        needs: request.needs.clone(),
        user: None,
        places,
        ..*request
    };
    let asking = Box::pin(ask(Arc::clone(gateway), copy, shadow.candidate.clone()));
    let ending = gateway.drain.grace_over().clone();
    tokio::spawn(async move {
        let _room = room;
        // Dropped, it settles itself as left.
        ending.run_until_cancelled(asking).await;
    });
}

/// Nothing was found in it that had to stay or be masked, and all of it could be read.
fn is_copied(request: &ScreenedRequest) -> bool {
    let is_clear = matches!(&*request.screened, Screened::Cleared(cleared) if cleared.conversation().is_none());
    let needs = &request.needs;
    let is_readable = request.screened.uploads().is_empty() && !(needs.vision || needs.files || needs.audio);
    is_clear && !request.is_masked() && is_readable && !request.runs_tools_at_provider
}

async fn ask(gateway: Arc<Gateway>, request: ScreenedRequest, candidate: Candidate) {
    let plan = Plan { candidates: vec![candidate], reason: Reason::Shadow };
    let walk = Walk { gateway: &gateway, request: &request, started: Instant::now() };
    let settlement = &request.context.settlement;
    let outcome = match walk.first_answer(plan).await {
        Ok(won) => drain(settlement, won).await,
        Err(error) => {
            settlement.note_error(error.code.as_deref());
            Outcome::Failed
        }
    };
    // Its failure was logged; nobody waits for the answer.
    let _ = settlement.settle(outcome, 200);
}

async fn drain(settlement: &Settlement, won: Won) -> Outcome {
    settlement.note_first_token();
    match won.begun {
        Begun::Whole(answer) => {
            let usage = answer.usage;
            if let Some(usage) = usage {
                settlement.note_usage(usage, UsageSource::Provider);
            }
            Outcome::Completed
        }
        Begun::Stream(events) => {
            let timeouts = won.candidate.settings.timeouts;
            let read = read_out(settlement, events, timeouts.between_tokens);
            tokio::time::timeout(timeouts.total, read).await.unwrap_or(Outcome::Failed)
        }
        Begun::Transcript(_) | Begun::TranscriptEvents(_) | Begun::Spoken(_) => Outcome::Completed,
    }
}

async fn read_out(settlement: &Settlement, mut events: EventReader, patience: std::time::Duration) -> Outcome {
    let mut saw_finish = false;
    loop {
        match tokio::time::timeout(patience, events.next()).await {
            Ok(Ok(Next::Comment)) => {}
            Ok(Ok(Next::Event(event))) => match ChatEvent::read(&event) {
                ChatEvent::Done => return Outcome::Completed,
                ChatEvent::Error(_) => return Outcome::Failed,
                ChatEvent::Chunk(chunk) => {
                    saw_finish |= chunk.has_finish;
                    if let Some(usage) = chunk.usage {
                        settlement.note_usage(*usage, UsageSource::Provider);
                    }
                }
                ChatEvent::Unknown => {}
            },
            Ok(Ok(Next::End)) if saw_finish => return Outcome::Completed,
            Ok(Ok(Next::End) | Err(_)) | Err(_) => return Outcome::Failed,
        }
    }
}
