//! An answer that has begun, as the client gets it.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use serde_json::Value;
use shekara_protocol::error::ApiError;
use shekara_protocol::ids::IdSeed;

use super::answer::Answer;
use super::attempt::Begun;
use super::endpoint::Endpoint;
use super::labelling::Labeller;
use super::relay::{Timing, relay};
use super::screening::ScreenedRequest;
use super::spoken;
use super::transcript::{self, Transcript};
use super::walk::Won;
use super::whole::WholeAnswer;
use super::{Gateway, refusal};
use crate::audit::Outcome;
use crate::billing::{Usage, UsageSource};
use crate::config::Timeouts;

pub(super) fn finish(
    gateway: &Gateway,
    mut request: ScreenedRequest,
    won: Won,
    started: Instant,
) -> Result<Answer, ApiError> {
    let Won { begun, candidate, busy } = won;
    request.places.keep(busy);
    begun_as(gateway, request, begun, (candidate.settings.timeouts, started))
}

/// The same of an answer that nobody was asked for.
pub(super) fn begun_as(
    gateway: &Gateway,
    request: ScreenedRequest,
    begun: Begun,
    (timeouts, started): (Timeouts, Instant),
) -> Result<Answer, ApiError> {
    let timing = || Timing {
        started,
        total: request.route.timeouts.total.min(started.elapsed().saturating_add(timeouts.total)),
        between_tokens: timeouts.between_tokens,
        grace_over: gateway.drain.grace_over().clone(),
    };
    match begun {
        Begun::Whole(answer) => {
            let WholeAnswer { body, json, usage } = *answer;
            let settlement = Arc::clone(&request.context.settlement);
            settlement.note_first_token();
            // Used, whether the answer may be shown or not.
            let told = usage.map(|usage| (usage, UsageSource::Provider));
            let used = told.or_else(|| Some((estimated(&request, &json)?, UsageSource::Estimated)));
            if let Some((usage, source)) = used {
                settlement.note_usage(usage, source);
            } else if matches!(request.endpoint, Endpoint::Embeddings | Endpoint::Rerank) {
                settlement.note_unreported_usage();
            }
            let body = if request.endpoint.is_conversation() { shown(gateway, &request, json)? } else { body };
            settlement.keep_answer(&body);
            settlement.settle(Outcome::Completed, 200).map_err(|_| refusal::audit_unavailable())?;
            Ok(Answer::Whole(body))
        }
        Begun::Transcript(Transcript { body, is_text, seconds }) => {
            let settlement = Arc::clone(&request.context.settlement);
            settlement.note_first_token();
            settlement.note_audio(seconds, UsageSource::Provider);
            settlement.keep_answer(&body);
            settlement.settle(Outcome::Completed, 200).map_err(|_| refusal::audit_unavailable())?;
            Ok(if is_text { Answer::Text(body) } else { Answer::Whole(body) })
        }
        Begun::Spoken(sound) => {
            let (timing, kind) = (timing(), sound.kind.clone());
            Ok(Answer::Bytes(kind, spoken::relay(request, sound, timing)))
        }
        Begun::TranscriptEvents(events) => {
            let timing = timing();
            Ok(Answer::Stream(transcript::relay(request, events, timing)))
        }
        Begun::Stream(events) => {
            let timing = timing();
            let labeller = Labeller::new(gateway, &request);
            let shape = request.shape.stream(fresh_ids(gateway), gateway.now_ms() / 1_000);
            Ok(Answer::Stream(relay(request, events, timing, (labeller, shape))))
        }
    }
}

/// What a conversation used, where its provider does not say: a token is about three letters.
fn estimated(request: &ScreenedRequest, answer: &Value) -> Option<Usage> {
    const LETTERS_OF_A_TOKEN: usize = 3;
    if !request.endpoint.is_conversation() {
        return None;
    }
    let texts = answer["choices"].as_array()?.iter().filter_map(|choice| choice["message"]["content"].as_str());
    let letters: usize = texts.map(|text| text.chars().count()).sum();
    Some(Usage {
        prompt_tokens: Some(request.needs.prompt_tokens),
        completion_tokens: Some(letters.div_ceil(LETTERS_OF_A_TOKEN) as u64),
        ..Usage::default()
    })
}

/// A whole answer as the client gets it: looked at, restored, labelled.
fn shown(gateway: &Gateway, request: &ScreenedRequest, mut answer: Value) -> Result<Bytes, ApiError> {
    let settlement = &request.context.settlement;
    let mut filter = request.answer_filter();
    let filtered = filter.whole(&mut answer);
    settlement.note_answer(filter.counts());
    filtered.map_err(|error| refusal::answer_stopped(&error))?;
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("shekara".to_owned(), Labeller::new(gateway, request).label(filter.output()));
    }
    request.shape.whole(&answer, || fresh_ids(gateway))
}

/// Ids that no other answer has.
pub(super) fn fresh_ids(gateway: &Gateway) -> IdSeed {
    IdSeed::new(format!("{:032x}", u128::from_be_bytes(gateway.sources.random())))
}
