//! The answer of this API, made of a whole chat answer.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::output::{OutputItem, OutputStatus};
use super::request::{Reasoning, ResponsesRequest, TextConfig, TextFormat, Tool};
use super::sealed;
use crate::chat::{ChatCompletion, FinishReason, ObjectOnly, SegmentEvent, SegmentKind, Segments, Usage};
use crate::error::ApiError;
use crate::ids::IdSeed;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseStatus {
    InProgress,
    Completed,
    Incomplete,
    Failed,
}

/// `object: "response"`. Most of it echoes the request, as OpenAI's does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Response {
    pub id: String,
    pub object: &'static str,
    /// Unix seconds.
    pub created_at: u64,
    pub status: ResponseStatus,
    pub background: bool,
    pub error: Option<ResponseError>,
    pub incomplete_details: Option<IncompleteDetails>,
    pub instructions: Option<String>,
    pub max_output_tokens: Option<i64>,
    pub max_tool_calls: Option<i64>,
    pub model: String,
    pub output: Vec<OutputItem>,
    pub parallel_tool_calls: bool,
    pub previous_response_id: Option<String>,
    pub reasoning: Reasoning,
    pub store: bool,
    pub temperature: Option<f64>,
    pub text: TextConfig,
    pub tool_choice: Value,
    pub tools: Vec<Tool>,
    pub top_logprobs: i64,
    pub top_p: Option<f64>,
    pub truncation: String,
    pub usage: Option<ResponseUsage>,
    pub user: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResponseError {
    pub code: &'static str,
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct IncompleteDetails {
    pub reason: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ResponseUsage {
    pub input_tokens: u64,
    pub input_tokens_details: InputTokensDetails,
    pub output_tokens: u64,
    pub output_tokens_details: OutputTokensDetails,
    pub total_tokens: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct InputTokensDetails {
    pub cached_tokens: u64,
    /// Always 0: writing to the prefix cache costs nothing here. OpenAI's newer SDKs demand the field.
    pub cache_write_tokens: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct OutputTokensDetails {
    pub reasoning_tokens: u64,
}

impl From<Usage> for ResponseUsage {
    fn from(usage: Usage) -> Self {
        let cached_tokens = usage.prompt_tokens_details.map_or(0, |details| details.cached_tokens);
        let reasoning_tokens = usage.completion_tokens_details.map_or(0, |details| details.reasoning_tokens);
        Self {
            input_tokens: usage.prompt_tokens,
            input_tokens_details: InputTokensDetails { cached_tokens, cache_write_tokens: 0 },
            output_tokens: usage.completion_tokens,
            output_tokens_details: OutputTokensDetails { reasoning_tokens },
            total_tokens: usage.prompt_tokens.saturating_add(usage.completion_tokens),
        }
    }
}

impl From<&ApiError> for ResponseError {
    /// The codes are the ones that OpenAI's SDKs know.
    fn from(error: &ApiError) -> Self {
        let code = match error.status.as_u16() {
            429 => "rate_limit_exceeded",
            400..=499 => "invalid_prompt",
            _ => "server_error",
        };
        Self { code, message: error.message.clone() }
    }
}

/// A chat answer's first choice in this API's shape; `request` is echoed. `ids` must be fresh.
pub fn from_chat(request: &ResponsesRequest, answer: &ChatCompletion, mut ids: IdSeed) -> Response {
    let mut response = Response::begin(request, &ids, answer.created);
    response.model.clone_from(&answer.model);
    let usage = Some(ResponseUsage::from(answer.usage));
    let Some(choice) = answer.choices.first() else {
        response.fail(&ApiError::internal());
        return Response { usage, ..response };
    };
    let shows_sealed = request.wants_sealed_thoughts();
    for event in sealed::shown(Segments::of_message(&choice.message, choice.logprobs.as_ref()), shows_sealed) {
        match event {
            SegmentEvent::Begin(kind) => response.begin_item(&kind, &mut ids),
            SegmentEvent::Piece { text, logprobs } => {
                if let Some(item) = response.output.last_mut() {
                    item.grow(&text, &logprobs);
                }
            }
            SegmentEvent::Signature(signature) => {
                if let Some(item) = response.output.last_mut() {
                    item.sign(&signature);
                }
            }
            SegmentEvent::End => response.end_item(),
        }
    }
    if response.output.is_empty() {
        response.begin_item(&SegmentKind::Text, &mut ids);
        response.end_item();
    }
    response.end(choice.finish_reason);
    Response { usage, ..response }
}

impl Response {
    /// An answer of which nothing is known yet.
    pub(super) fn begin(request: &ResponsesRequest, ids: &IdSeed, created_at: u64) -> Self {
        let plain = || TextFormat {
            kind: "text".into(),
            name: None,
            description: None,
            schema: None,
            strict: None,
            object_only: ObjectOnly,
        };
        let mut text = request.text.clone().unwrap_or_default();
        text.format.get_or_insert_with(plain);
        Self {
            id: ids.answer("resp"),
            object: "response",
            created_at,
            status: ResponseStatus::InProgress,
            background: false,
            error: None,
            incomplete_details: None,
            instructions: request.instructions.clone(),
            max_output_tokens: request.max_output_tokens,
            max_tool_calls: request.max_tool_calls,
            model: request.model.clone(),
            output: Vec::new(),
            parallel_tool_calls: request.parallel_tool_calls.unwrap_or(true),
            previous_response_id: request.previous_response_id.clone(),
            reasoning: request.reasoning.clone().unwrap_or_default(),
            store: request.store.unwrap_or(false),
            temperature: request.temperature,
            text,
            tool_choice: request.tool_choice.clone().filter(|choice| !choice.is_null()).unwrap_or(json!("auto")),
            tools: request.tools.clone().unwrap_or_default(),
            top_logprobs: request.top_logprobs.unwrap_or(0),
            top_p: request.top_p,
            truncation: request.truncation.clone().unwrap_or_else(|| "disabled".to_owned()),
            usage: None,
            user: request.user.clone(),
            metadata: request.metadata.clone().unwrap_or_default(),
        }
    }

    pub(super) fn begin_item(&mut self, kind: &SegmentKind, ids: &mut IdSeed) {
        let mut item = OutputItem::begin(kind, ids);
        item.add_part(kind);
        self.output.push(item);
    }

    pub(super) fn end_item(&mut self) {
        if let Some(item) = self.output.last_mut() {
            item.set_status(OutputStatus::Completed);
        }
    }

    /// The last item of an answer that was cut is the one that was cut.
    pub(super) fn cut_item(&mut self) {
        if let Some(item) = self.output.last_mut() {
            item.set_status(OutputStatus::Incomplete);
        }
    }

    pub(super) fn end(&mut self, reason: FinishReason) {
        let cut_by = match reason {
            FinishReason::Stop | FinishReason::ToolCalls => None,
            FinishReason::Length => Some("max_output_tokens"),
            FinishReason::ContentFilter => Some("content_filter"),
        };
        self.status = if cut_by.is_some() { ResponseStatus::Incomplete } else { ResponseStatus::Completed };
        self.incomplete_details = cut_by.map(|reason| IncompleteDetails { reason });
        if cut_by.is_some() {
            self.cut_item();
        }
    }

    pub(super) fn fail(&mut self, error: &ApiError) {
        self.status = ResponseStatus::Failed;
        self.error = Some(error.into());
    }
}
