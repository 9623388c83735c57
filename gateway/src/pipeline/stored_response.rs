//! Stored answers of `/v1/responses`, and requests that go on from one (`previous_response_id`).
//!
//! Nothing below knows that there was an answer before: what came before is put into the request's input before anything
//! looks at it, so that it is screened as if the caller had repeated it. Beside each answer stands whether it had to come from
//! inside, for that may be said nowhere in its text. Each answer has its own input alone, so that what is deleted is gone.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use shekara_protocol::error::ApiError;
use shekara_protocol::json::walk;

use super::answer::Answer;
use super::authenticated::RequestContext;
use super::call::off_thread;
use super::facts::Facts;
use super::incoming::{Inherited, Place};
use super::subjects::subjects_of;
use super::{Gateway, refusal};
use crate::auth::{DataClass, KeyRecord};
use crate::content::{Item, Kind, Owner, Subjects};

/// Answers before one that are looked for.
const MAX_CHAIN: usize = 1_000;
const MAX_ID_BYTES: usize = 128;
/// The events that end an answer of which there is something to keep.
const LAST_EVENTS: [&[u8]; 2] = [b"event: response.completed\n", b"event: response.incomplete\n"];

/// An answer as it is kept.
#[derive(Serialize, Deserialize)]
struct Stored {
    response: Box<RawValue>,
    /// The request's own.
    input: Vec<Value>,
    previous: Option<String>,
    data_class: DataClass,
    stayed: bool,
    conversation: Option<String>,
}

/// A body with what came before it.
pub(super) struct Prepared {
    pub(super) body: Bytes,
    /// How much there is to read.
    pub(super) bytes: usize,
    pub(super) link: Option<Link>,
}

/// A request's place among stored answers.
#[derive(Default)]
pub(super) struct Link {
    store: bool,
    previous: Option<String>,
    inherited: Inherited,
    input: Vec<Value>,
    /// Items that came before those of the request.
    num_before: usize,
    subjects: Subjects,
}

/// The answers before a request, as input of it.
#[derive(Default)]
struct Chain {
    items: Vec<Value>,
    inherited: Inherited,
    conversation: Option<String>,
}

impl Prepared {
    pub(super) fn plain(body: Bytes) -> Self {
        Self { bytes: body.len(), body, link: None }
    }

    /// # Errors
    /// 400: the body is no JSON or ambiguous, or there is no such answer; 413 with what came before it.
    pub(super) async fn new(gateway: &Gateway, key: &KeyRecord, body: Bytes) -> Result<Self, ApiError> {
        let read = {
            let body = body.clone();
            move || {
                walk(&body, |_, _| {})?;
                serde_json::from_slice(&body).map_err(|_| ApiError::internal())
            }
        };
        let mut request: Value = off_thread(body.len(), read).await??;
        let config = &gateway.snapshot().config;
        let previous = request["previous_response_id"].as_str().map(str::to_owned);
        // Where nothing is stored, the translation refuses what asks for it.
        let previous = previous.filter(|_| config.content.responses);
        let mut link = Link {
            store: config.content.responses && request["store"] != false,
            input: items(&request["input"]),
            subjects: subjects_of(&body),
            ..Link::default()
        };
        let Some(previous) = previous else { return Ok(Self { bytes: body.len(), body, link: Some(link) }) };
        let chain = chain(gateway, key, &previous, config.max_body_bytes).await?;
        (link.num_before, link.inherited) = (chain.items.len(), chain.inherited);
        link.subjects.conversation = link.subjects.conversation.or(chain.conversation);
        link.previous = Some(previous);
        if let Some(fields) = request.as_object_mut() {
            fields.remove("previous_response_id");
            // What is no input is refused as that, and an input that is missing as missing.
            if fields.get("input").is_some_and(|input| input.is_string() || input.is_array()) {
                let all: Vec<Value> = chain.items.into_iter().chain(link.input.clone()).collect();
                fields.insert("input".to_owned(), Value::Array(all));
            }
        }
        let body = Bytes::from(request.to_string());
        if body.len() > config.max_body_bytes {
            return Err(ApiError::body_too_large(config.max_body_bytes));
        }
        Ok(Self { bytes: body.len(), body, link: Some(link) })
    }
}

impl Link {
    pub(super) fn place(&self) -> Place {
        Place { store: self.store, previous_response_id: self.previous.clone(), inherited: self.inherited }
    }

    /// An error about an item of the input, by its place in what the caller sent.
    pub(super) fn restate(&self, mut error: ApiError) -> ApiError {
        let Some(param) = error.param.take() else { return error };
        let place = param.strip_prefix("input[").and_then(|rest| rest.split_once(']'));
        let index = place.and_then(|(index, rest)| Some((index.parse::<usize>().ok()?, rest)));
        let new = match index {
            Some((index, rest)) if self.num_before > 0 => match index.checked_sub(self.num_before) {
                Some(own) => format!("input[{own}]{rest}"),
                None => "previous_response_id".to_owned(),
            },
            _ => param.clone(),
        };
        error.message = error.message.replace(&format!("'{param}'"), &format!("'{new}'"));
        error.param = Some(new);
        error
    }
}

/// A list of items, each with its type; an error in one is found when it is read.
fn items(input: &Value) -> Vec<Value> {
    match input {
        Value::String(text) => vec![json!({ "type": "message", "role": "user", "content": text })],
        Value::Array(list) => list.clone(),
        _ => Vec::new(),
    }
}

fn name<'n>(key: &'n KeyRecord, id: &'n str) -> [&'n [u8]; 2] {
    [key.project.as_bytes(), id.as_bytes()]
}

async fn load(gateway: &Gateway, key: &KeyRecord, id: &str) -> Result<Option<Stored>, ApiError> {
    if !id.starts_with("resp_") || id.len() > MAX_ID_BYTES {
        return Ok(None);
    }
    let loaded = gateway.shelf.load(&key.tenant, Kind::Response, &name(key, id), gateway.now_ms()).await;
    let content = loaded.map_err(|error| refusal::content_unavailable(&error))?;
    content.map(|content| serde_json::from_slice(&content)).transpose().map_err(|_| ApiError::internal())
}

/// Everything up to and with the answer `last`.
async fn chain(gateway: &Gateway, key: &KeyRecord, last: &str, max_bytes: usize) -> Result<Chain, ApiError> {
    let (mut chain, mut turns, mut bytes) = (Chain::default(), Vec::new(), 0_usize);
    let mut next = Some(last.to_owned());
    while let Some(id) = next {
        let stored = load(gateway, key, &id).await?.ok_or_else(refusal::previous_response_not_found)?;
        bytes = bytes.saturating_add(stored.response.get().len());
        if turns.len() >= MAX_CHAIN || bytes > max_bytes.saturating_mul(2) {
            return Err(ApiError::body_too_large(max_bytes));
        }
        let Inherited { data_class, stayed } = &mut chain.inherited;
        *data_class = (*data_class).max(stored.data_class);
        *stayed |= stored.stayed;
        chain.conversation = chain.conversation.or(stored.conversation);
        let mut turn = stored.input;
        let response: Value = serde_json::from_str(stored.response.get()).map_err(|_| ApiError::internal())?;
        turn.extend(response["output"].as_array().into_iter().flatten().cloned());
        turns.push(turn);
        next = stored.previous;
    }
    chain.items = turns.into_iter().rev().flatten().collect();
    Ok(chain)
}

/// The answer, kept before its last word is said if it is to be.
pub(super) fn kept(gateway: &Arc<Gateway>, context: RequestContext, link: Link, answer: Answer) -> Answer {
    if !link.store {
        return answer;
    }
    match answer {
        Answer::Whole(body) => {
            if let Ok(text) = std::str::from_utf8(&body) {
                keep(gateway, &context, link, text);
            }
            Answer::Whole(body)
        }
        Answer::Stream(events) => {
            let (gateway, mut link) = (Arc::clone(gateway), Some(link));
            Answer::Stream(Box::pin(events.inspect(move |chunk| {
                let Ok(chunk) = chunk else { return };
                if !LAST_EVENTS.iter().any(|event| chunk.starts_with(event)) {
                    return;
                }
                let data =
                    std::str::from_utf8(chunk).unwrap_or_default().lines().find_map(|line| line.strip_prefix("data: "));
                let last = data.and_then(|data| serde_json::from_str::<LastEvent<'_>>(data).ok());
                if let (Some(last), Some(link)) = (last, link.take()) {
                    keep(&gateway, &context, link, last.response.get());
                }
            })))
        }
        other @ (Answer::Text(_) | Answer::Bytes(..)) => other,
    }
}

#[derive(Deserialize)]
struct LastEvent<'a> {
    #[serde(borrow)]
    response: &'a RawValue,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

fn keep(gateway: &Gateway, context: &RequestContext, link: Link, response: &str) {
    let (Ok(Id { id }), Ok(response)) = (serde_json::from_str(response), RawValue::from_string(response.to_owned()))
    else {
        return;
    };
    let facts = context.settlement.looked_at(|draft| Facts::from(draft));
    let stayed = facts.is_confined();
    let mut input = link.input;
    for (number, item) in input.iter_mut().enumerate() {
        named(item, &id, number);
    }
    let stored = Stored {
        response,
        input,
        previous: link.previous,
        // What was only found is found again, and masked where it was.
        data_class: if stayed { facts.data_class } else { facts.data_class.min(DataClass::Internal) },
        stayed,
        conversation: link.subjects.conversation.clone(),
    };
    let Ok(content) = serde_json::to_vec(&stored) else { return };
    let (key, config) = (&context.key, &gateway.snapshot().config.content);
    let item = Item {
        owner: Owner { tenant: key.tenant.clone(), project: key.project.clone(), key_id: key.id.clone() },
        subjects: link.subjects,
        kind: Kind::Response,
        name: name(key, &id).map(<[u8]>::to_vec).to_vec(),
        content,
        expires_at_ms: gateway.after(config.responses_ttl),
    };
    if !gateway.keep(item, config.bounds) {
        tracing::warn!(request_id = context.request_id, "an answer is not stored, although it says so");
    }
}

/// An item of the input with its type and an id.
fn named(item: &mut Value, response_id: &str, number: usize) {
    let Some(fields) = item.as_object_mut() else { return };
    if !fields.contains_key("type") && fields.contains_key("role") {
        fields.insert("type".to_owned(), json!("message"));
    }
    let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default();
    let prefix = match kind {
        "function_call" => "fc",
        "function_call_output" => "fco",
        "reasoning" => "rs",
        _ => "msg",
    };
    let id = format!("{prefix}_{}in{number}", response_id.trim_start_matches("resp_"));
    fields.entry("id").or_insert_with(|| json!(id));
}

/// A stored answer, as it was given.
///
/// # Errors
/// 404 where there is none of this key's project.
pub async fn stored_response(gateway: &Gateway, key: &KeyRecord, id: &str) -> Result<Bytes, ApiError> {
    let stored = load(gateway, key, id).await?.ok_or_else(refusal::response_not_found)?;
    Ok(Bytes::from(stored.response.get().to_owned()))
}

/// Forgets a stored answer and its input.
///
/// # Errors
/// As [`stored_response`].
pub async fn delete_response(gateway: &Gateway, key: &KeyRecord, id: &str) -> Result<(), ApiError> {
    let deleted = gateway.shelf.delete(&key.tenant, Kind::Response, &name(key, id)).await;
    let deleted = deleted.map_err(|error| refusal::content_unavailable(&error.into()))?;
    if deleted { Ok(()) } else { Err(refusal::response_not_found()) }
}

/// Everything that a stored answer was an answer to, the oldest first.
///
/// # Errors
/// As [`stored_response`], also where an answer before it is gone.
pub async fn input_items(gateway: &Gateway, key: &KeyRecord, id: &str) -> Result<Vec<Value>, ApiError> {
    let stored = load(gateway, key, id).await?.ok_or_else(refusal::response_not_found)?;
    let max_bytes = gateway.snapshot().config.max_body_bytes;
    let mut items = match &stored.previous {
        Some(previous) => chain(gateway, key, previous, max_bytes).await?.items,
        None => Vec::new(),
    };
    items.extend(stored.input);
    Ok(items)
}
