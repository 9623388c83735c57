//! Gemini's stream, of which every event is a piece of an answer in the shape of a whole one, as chat chunks.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value, json};
use shekara_protocol::sse::SseEvent;

use super::response::{About, Ended, finish_reason, logprobs, usage};
use crate::providers::translated_events::{self, Translation};

/// Candidates of one answer; more are not asked for.
const MAX_CANDIDATES: usize = 128;

/// What was seen of one answer.
pub(super) struct Chunks {
    about: About,
    head: Value,
    usage: Value,
    candidates: BTreeMap<u64, Candidate>,
    is_over: bool,
}

#[derive(Debug, Default)]
struct Candidate {
    calls: usize,
    has_ended: bool,
}

impl Chunks {
    pub(super) fn new(about: About) -> Self {
        let head = about.head(&Value::Null, "chat.completion.chunk");
        Self { about, head, usage: Value::Null, candidates: BTreeMap::new(), is_over: false }
    }

    fn candidate(&mut self, candidate: &Value, place: usize) -> Vec<Bytes> {
        let index = candidate["index"].as_u64().unwrap_or(place as u64);
        let is_new = !self.candidates.contains_key(&index);
        if is_new && self.candidates.len() >= MAX_CANDIDATES {
            return Vec::new();
        }
        let mut out = Vec::new();
        if is_new {
            out.push(self.chunk(index, &json!({ "role": "assistant", "content": "" }), None));
        }
        let mut seen = self.candidates.remove(&index).unwrap_or_default();
        let mut logprobs = logprobs(&candidate["logprobsResult"]);
        for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
            let delta = if let Some(mut call) = self.about.call(part, (index, seen.calls)) {
                call["index"] = json!(seen.calls);
                seen.calls += 1;
                json!({ "tool_calls": [call] })
            } else if let Some(text) = part["text"].as_str().filter(|text| !text.is_empty()) {
                json!({ if part["thought"] == true { "reasoning_content" } else { "content" }: text })
            } else {
                continue;
            };
            out.push(self.told(index, &delta, &logprobs.take(), None));
        }
        let reason = candidate["finishReason"].as_str().filter(|_| !seen.has_ended);
        match reason.map(|reason| finish_reason(reason, seen.calls > 0)) {
            Some(Ended::As(reason)) => {
                seen.has_ended = true;
                out.push(self.told(index, &json!({}), &logprobs.take(), Some(reason)));
            }
            Some(Ended::Broken) => {
                self.is_over = true;
                out.push(translated_events::error(None));
            }
            None => {}
        }
        self.candidates.insert(index, seen);
        out
    }

    fn chunk(&self, index: u64, delta: &Value, finish: Option<&str>) -> Bytes {
        self.told(index, delta, &Value::Null, finish)
    }

    fn told(&self, index: u64, delta: &Value, logprobs: &Value, finish: Option<&str>) -> Bytes {
        let mut chunk = self.head.clone();
        chunk["choices"] = json!([{ "index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish }]);
        translated_events::chunk(&chunk)
    }
}

impl Translation for Chunks {
    fn event(&mut self, event: &SseEvent) -> Vec<Bytes> {
        let Ok(answer) = serde_json::from_str::<Value>(&event.data) else { return Vec::new() };
        if self.is_over {
            return Vec::new();
        }
        if answer["error"].is_object() {
            self.is_over = true;
            return vec![translated_events::error(None)];
        }
        if self.candidates.is_empty() {
            self.head = self.about.head(&answer, "chat.completion.chunk");
        }
        // Later counts take the place of earlier ones.
        if answer["usageMetadata"].is_object() {
            self.usage = answer["usageMetadata"].clone();
        }
        let candidates = answer["candidates"].as_array().into_iter().flatten().enumerate();
        candidates.flat_map(|(place, candidate)| self.candidate(candidate, place)).collect()
    }

    /// This API has no last event: its stream is whole if every candidate has ended.
    fn end(&mut self) -> Vec<Bytes> {
        let is_whole = !self.candidates.is_empty() && self.candidates.values().all(|candidate| candidate.has_ended);
        if self.is_over || !is_whole {
            return Vec::new();
        }
        let mut last = self.head.clone();
        last["choices"] = json!([]);
        last["usage"] = usage(&self.usage);
        vec![translated_events::chunk(&last), translated_events::done()]
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
