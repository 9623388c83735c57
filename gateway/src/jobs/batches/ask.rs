//! One line of a batch: asked as its key would ask, and again where that may help.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use shekara_protocol::error::ApiError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::batch::{Batch, Used};
use super::line::Line;
use super::output::{LineId, LineResult};
use super::progress;
use crate::audit::Outcome;
use crate::content::Owner;
use crate::pipeline::{Answer, Api, Call, DATA_CLASS_HEADER, Gateway, answer, audit_unavailable};

/// Between the tries of one line it waits as long as it is told, or ever longer.
const MAX_WAIT: Duration = Duration::from_mins(5);
/// A tenant without room may get some, and a store that refuses may recover.
const KEEP_EVERY: Duration = Duration::from_secs(2);
/// So often it is tried when nothing more is to be begun.
const LAST_TRIES: u32 = 3;
/// What a client had better be told at once passes with time: a batch has it.
const PASSING: [&str; 3] = ["no_local_model", "provider_quota", "provider_auth_failed"];
/// An operator has stopped what the batch needs: it waits until that goes on, and no try is spent.
const HELD: [&str; 4] = ["switched_off", "key_frozen", "project_frozen", "tenant_frozen"];
const LOOK_AGAIN: Duration = Duration::from_secs(15);
/// The process ends: the line is asked by the next one.
const SHUTTING_DOWN: &str = "shutting_down";

/// The API of an endpoint that batches are for.
pub(super) fn api_of(endpoint: &str) -> Option<Api> {
    Some(match endpoint {
        "/v1/chat/completions" => Api::Chat,
        "/v1/completions" => Api::Completions,
        "/v1/responses" => Api::Responses,
        "/v1/embeddings" => Api::Embeddings,
        "/v1/rerank" => Api::Rerank,
        "/v1/moderations" => Api::Moderations,
        "/v1/images/generations" => Api::Images,
        _ => return None,
    })
}

pub(super) struct Ask {
    pub gateway: Arc<Gateway>,
    pub owner: Owner,
    pub batch: Arc<Batch>,
    pub places: Arc<Semaphore>,
    /// Nothing more is to be begun.
    pub stop: CancellationToken,
}

impl Ask {
    /// What came of it, kept; `None` where nothing did, for it was stopped or the batch is gone.
    pub async fn answered(self, line: Line, place: OwnedSemaphorePermit) -> Option<LineResult> {
        // Until its answer is kept: what ends waits for it.
        let _in_flight = self.gateway.drain.enter()?;
        let Line { index, custom_id, body, .. } = line;
        let id = LineId { batch_id: self.batch.id.clone(), index, custom_id };
        let max_tries = self.gateway.snapshot().config.batches.max_tries;
        let (mut place, mut tries) = (Some(place), 0);
        loop {
            tries += 1;
            let (request_id, used, answered) = self.asked_once(body.clone()).await;
            match &answered {
                Err(error) if error.code.as_deref() == Some(SHUTTING_DOWN) => return None,
                Err(error) if is_held(error) || (tries < max_tries && may_help(error)) => {
                    tries -= u32::from(is_held(error));
                    drop(place.take());
                    tokio::select! {
                        () = self.stop.cancelled() => return None,
                        () = tokio::time::sleep(wait(error, tries)) => {}
                    }
                    tokio::select! {
                        () = self.stop.cancelled() => return None,
                        free = Arc::clone(&self.places).acquire_owned() => place = free.ok(),
                    }
                }
                _ => {
                    let Ok(result) = LineResult::new(&id, &request_id, answered.as_ref(), used) else {
                        tracing::error!(batch = self.batch.id, "the answer to a line of a batch is no JSON");
                        return None;
                    };
                    return self.kept(result, index, place).await;
                }
            }
        }
    }

    async fn asked_once(&self, body: bytes::Bytes) -> (String, Used, Result<bytes::Bytes, ApiError>) {
        let gateway = &self.gateway;
        let request_id = gateway.sources.request_id();
        let endpoint = format!("BATCH {}", self.batch.endpoint);
        let authenticated = match gateway.on_behalf(&self.owner.key_id, &request_id, endpoint) {
            Ok(authenticated) => authenticated,
            Err(error) => return (request_id, Used::default(), Err(error)),
        };
        let settlement = Arc::clone(&authenticated.context().settlement);
        let answered = async {
            let api = api_of(&self.batch.endpoint).ok_or_else(ApiError::internal)?;
            let mut headers = HeaderMap::new();
            if let Some(class) = &self.batch.data_class {
                headers.insert(DATA_CLASS_HEADER, HeaderValue::from_str(class).map_err(|_| ApiError::internal())?);
            }
            let places = gateway.enter()?;
            match answer(gateway, Call::new(authenticated, places, headers, body, api)).await? {
                Answer::Whole(body) => Ok(body),
                Answer::Text(_) | Answer::Bytes(..) | Answer::Stream(_) => Err(ApiError::internal()),
            }
        };
        let mut answered = answered.await;
        let settled = match &answered {
            Ok(_) => settlement.settle(Outcome::Completed, 200),
            Err(error) => {
                settlement.note_error(error.code.as_deref());
                settlement.keep_answer(error.to_json().as_bytes());
                settlement.settle(Outcome::Failed, error.status.as_u16())
            }
        };
        if settled.is_err() {
            answered = Err(audit_unavailable());
        }
        let record = settlement.looked_at(|draft| draft.record.clone());
        let used = Used {
            prompt_tokens: record.prompt_tokens.unwrap_or_default(),
            completion_tokens: record.completion_tokens.unwrap_or_default(),
        };
        (request_id, used, answered)
    }

    /// What was paid for is not thrown away because it finds no room just now, or the store is away.
    async fn kept(
        &self,
        result: LineResult,
        index: u64,
        mut place: Option<OwnedSemaphorePermit>,
    ) -> Option<LineResult> {
        let mut last_tries = 0;
        loop {
            let (gateway, owner, batch) = (&self.gateway, &self.owner, &*self.batch);
            if let Ok(true) = result.keep(gateway, owner, batch, index).await {
                return Some(result);
            }
            if let Ok(None) = progress::load(gateway, owner, &batch.id).await {
                return None;
            }
            // Others need not wait for it.
            drop(place.take());
            tracing::warn!(batch = batch.id, "an answer of a batch cannot be kept just now; it waits");
            if self.stop.is_cancelled() {
                last_tries += 1;
                if last_tries > LAST_TRIES {
                    return None;
                }
            }
            tokio::time::sleep(KEEP_EVERY).await;
        }
    }
}

/// Whether the same request may be answered a while later.
fn may_help(error: &ApiError) -> bool {
    let passes = error.status.is_server_error() || matches!(error.status.as_u16(), 408 | 409 | 429);
    let is_final = error.should_retry == Some(false);
    passes && (!is_final || error.code.as_deref().is_some_and(|code| PASSING.contains(&code)))
}

fn is_held(error: &ApiError) -> bool {
    error.code.as_deref().is_some_and(|code| HELD.contains(&code))
}

fn wait(error: &ApiError, tries: u32) -> Duration {
    if is_held(error) {
        return LOOK_AGAIN;
    }
    let own = Duration::from_secs(1 << tries.min(8));
    error.retry_after_s.map_or(own, |seconds| own.max(Duration::from_secs(seconds))).min(MAX_WAIT)
}
