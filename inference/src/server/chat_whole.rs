//! A chat answer as a whole.

use futures_util::StreamExt;
use shekara_protocol::chat::{
    ChatChoice, ChatCompletion, ChatLogprobs, FinishReason, ResponseMessage, ToolCall, ToolCallFunction,
};
use shekara_protocol::error::ApiError;
use uuid::Uuid;

use crate::frontend::{AnswerEnding, AnswerEvent, OutputDelta};
use crate::sampling;

use super::error::not_finished;
use super::generation::Generation;

/// Waits for all choices.
///
/// # Errors
/// If the engine ends before they do.
pub(super) async fn collect(mut generation: Generation) -> Result<ChatCompletion, ApiError> {
    let mut choices: Vec<Choice> = Vec::new();
    while let Some((index, event)) = generation.choices.next().await {
        let index = index as usize;
        choices.resize_with(choices.len().max(index + 1), Choice::default);
        match event {
            AnswerEvent::Started { .. } => {}
            AnswerEvent::Delta { deltas, logprobs } => {
                choices[index].logprobs.extend(logprobs);
                for delta in deltas {
                    choices[index].add(delta);
                }
            }
            AnswerEvent::Finished(ending) => choices[index].ending = Some(ending),
            AnswerEvent::Failed(error) => return Err(not_finished(error)),
        }
    }
    let wants_logprobs = generation.prepared.logprobs;
    let choices = choices.into_iter().zip(0..).map(|(choice, index)| choice.finish(index, wants_logprobs));
    let answer = generation.answer;
    Ok(ChatCompletion {
        usage: answer.usage(generation.choices.tally()),
        id: answer.id,
        object: "chat.completion".into(),
        created: answer.created,
        model: answer.model,
        choices: choices.collect::<Option<_>>().ok_or_else(ApiError::internal)?,
    })
}

/// A choice in the making.
#[derive(Default)]
struct Choice {
    content: String,
    reasoning: String,
    calls: Vec<ToolCall>,
    logprobs: Vec<shekara_protocol::chat::TokenLogprob>,
    ending: Option<AnswerEnding>,
}

impl Choice {
    fn add(&mut self, delta: OutputDelta) {
        match delta {
            OutputDelta::Content(text) => self.content.push_str(&text),
            OutputDelta::Reasoning(text) => self.reasoning.push_str(&text),
            OutputDelta::ToolCallStart { name, .. } => {
                self.calls.push(ToolCall::function(call_id(), name, String::new()));
            }
            OutputDelta::ToolCallArguments { index, text } => {
                let call = self.calls.get_mut(index as usize).and_then(|call| call.function.as_mut());
                if let Some(ToolCallFunction { arguments, .. }) = call {
                    arguments.push_str(&text);
                }
            }
        }
    }

    fn finish(self, index: u32, wants_logprobs: bool) -> Option<ChatChoice> {
        let ending = self.ending?;
        let has_content = !self.content.is_empty() || self.calls.is_empty();
        let logprobs = ChatLogprobs { content: Some(self.logprobs), refusal: None };
        Some(ChatChoice {
            index,
            message: ResponseMessage {
                role: "assistant".into(),
                content: has_content.then_some(self.content),
                refusal: None,
                reasoning_content: (!self.reasoning.is_empty()).then_some(self.reasoning),
                thinking_blocks: None,
                tool_calls: (!self.calls.is_empty()).then_some(self.calls),
            },
            logprobs: wants_logprobs.then_some(logprobs),
            finish_reason: finish_reason(&ending),
            stop_reason: ending.text.stop_reason,
        })
    }
}

pub(super) fn finish_reason(ending: &AnswerEnding) -> FinishReason {
    match ending.text.reason {
        sampling::FinishReason::Stop if ending.called_tools => FinishReason::ToolCalls,
        reason => text_finish_reason(reason),
    }
}

pub(super) fn text_finish_reason(reason: sampling::FinishReason) -> FinishReason {
    match reason {
        sampling::FinishReason::Stop => FinishReason::Stop,
        sampling::FinishReason::Length => FinishReason::Length,
    }
}

/// An id by which a tool's answer will name its call.
pub(super) fn call_id() -> String {
    format!("call_{}", Uuid::new_v4().simple())
}
