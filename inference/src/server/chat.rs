//! `/v1/chat/completions`.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use shekara_protocol::chat::{
    ChatChoice, ChatCompletion, FinishReason, PromptTokensDetails, ResponseMessage, Usage, parse_request,
};
use shekara_protocol::error::ApiError;
use shekara_protocol::{headers, json};
use uuid::Uuid;

use crate::catalog::ServedModel;
use crate::frontend::{PreparedRequest, TextEvent, TextStream};
use crate::sampling;

use super::ServerState;
use super::chat_stream::ChatStream;
use super::error::{ErrorResponse, not_finished, not_taken};
use super::models::find;

pub(super) async fn create(State(state): State<ServerState>, request: Request) -> Result<Response, ErrorResponse> {
    let body = read_body(request.into_body(), state.body_limit_bytes).await?;
    // Parsing and tokenising a long prompt takes a while; other requests must not wait for it.
    let prepared = tokio::task::spawn_blocking(move || prepare(&state, &body)).await;
    let (model, prepared) = prepared.map_err(|_| ApiError::internal())??;
    let tokens = model.engine.submit(prepared.generation.clone()).map_err(not_taken)?;
    let answer = Answer::new(&model, prepared.generation.prompt.len());
    let text = model.frontend.text_stream(&prepared, tokens);
    let mut response = if prepared.stream {
        ChatStream::new(answer, text, prepared.include_usage).into_response()
    } else {
        Json(collect(answer, text).await?).into_response()
    };
    let synthetic = HeaderName::from_static(headers::SYNTHETIC);
    response.headers_mut().insert(synthetic, HeaderValue::from_static("1"));
    Ok(response)
}

async fn read_body(body: Body, limit_bytes: usize) -> Result<Bytes, ApiError> {
    to_bytes(body, limit_bytes).await.map_err(|error| {
        let error = error.into_inner();
        if error.is::<http_body_util::LengthLimitError>() {
            ApiError::body_too_large(limit_bytes)
        } else {
            ApiError::invalid_request("The request body could not be read.")
        }
    })
}

fn prepare(state: &ServerState, body: &[u8]) -> Result<(Arc<ServedModel>, PreparedRequest), ApiError> {
    json::walk(body, |_, _| {})?;
    let request = parse_request(body)?;
    let model = find(&state.catalog, &request.model)?;
    let random_seed = Uuid::now_v7().as_u128() as u64;
    let prepared = model.frontend.prepare(&request, model.engine.max_context(), random_seed)?;
    Ok((model, prepared))
}

/// What every part of an answer repeats.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub id: String,
    /// Unix seconds.
    pub created: u64,
    pub model: String,
    pub prompt_tokens: usize,
}

impl Answer {
    fn new(model: &ServedModel, prompt_tokens: usize) -> Self {
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let id = format!("chatcmpl-{}", Uuid::now_v7().simple());
        Self { id, created, model: model.id.clone(), prompt_tokens }
    }

    pub(super) fn usage(&self, completion_tokens: usize) -> Usage {
        Usage {
            prompt_tokens: self.prompt_tokens as u64,
            completion_tokens: completion_tokens as u64,
            total_tokens: (self.prompt_tokens + completion_tokens) as u64,
            prompt_tokens_details: Some(PromptTokensDetails { cached_tokens: 0 }),
            completion_tokens_details: None,
        }
    }
}

pub(super) fn finish_reason(reason: sampling::FinishReason) -> FinishReason {
    match reason {
        sampling::FinishReason::Stop => FinishReason::Stop,
        sampling::FinishReason::Length => FinishReason::Length,
    }
}

async fn collect(answer: Answer, mut text: TextStream) -> Result<ChatCompletion, ApiError> {
    let mut content = String::new();
    let reason = loop {
        match text.next().await {
            Some(TextEvent::Delta(delta)) => content.push_str(&delta),
            Some(TextEvent::Finished(reason)) => break reason,
            Some(TextEvent::Failed(error)) => return Err(not_finished(error)),
            None => return Err(ApiError::internal()),
        }
    };
    let usage = answer.usage(text.num_tokens());
    let choice = ChatChoice {
        index: 0,
        message: ResponseMessage { role: "assistant".into(), content: Some(content), ..ResponseMessage::default() },
        logprobs: None,
        finish_reason: finish_reason(reason),
    };
    Ok(ChatCompletion {
        id: answer.id,
        object: "chat.completion".into(),
        created: answer.created,
        model: answer.model,
        choices: vec![choice],
        usage,
    })
}
