//! Chat answers, whole and in chunks, as providers that speak another API write them.
//!
//! Thoughts that their maker signed stand in `thinking_blocks` too (LiteLLM's field): a client that sends them back lets
//! the model go on from them. In a stream they come in pieces, and a signature ends the thought before it.

use bytes::Bytes;
use serde_json::{Value, json};
use shekara_protocol::sse;

/// What an assistant said, gathered block by block.
#[derive(Default)]
pub(super) struct Said {
    content: Option<String>,
    reasoning: Option<String>,
    thoughts: Vec<Value>,
    calls: Vec<Value>,
}

impl Said {
    pub(super) fn text(&mut self, text: &Value) {
        self.content.get_or_insert_default().push_str(text.as_str().unwrap_or_default());
    }

    pub(super) fn thought(&mut self, text: &Value, signature: &Value) {
        let text = text.as_str().unwrap_or_default();
        if !text.is_empty() {
            self.reasoning.get_or_insert_default().push_str(text);
        }
        if let Some(signature) = signature.as_str().filter(|signature| !signature.is_empty()) {
            self.thoughts.push(thought(text, signature));
        }
    }

    /// A thought that its maker alone can read.
    pub(super) fn sealed_thought(&mut self, data: &Value) {
        self.thoughts.extend(data.is_string().then(|| sealed_thought(data)));
    }

    pub(super) fn call(&mut self, id: &Value, name: &Value, arguments: &Value) {
        let function = json!({ "name": name, "arguments": arguments.to_string() });
        self.calls.push(json!({ "id": id, "type": "function", "function": function }));
    }

    /// The answer. `created` in Unix seconds.
    pub(super) fn into_answer(self, head: (&Value, &Value, u64), finish_reason: &str, usage: &Value) -> Value {
        let (id, model, created) = head;
        let mut said = json!({ "role": "assistant", "content": self.content });
        if let Some(reasoning) = self.reasoning {
            said["reasoning_content"] = json!(reasoning);
        }
        for (name, list) in [("thinking_blocks", self.thoughts), ("tool_calls", self.calls)] {
            if !list.is_empty() {
                said[name] = json!(list);
            }
        }
        json!({
            "id": id, "object": "chat.completion", "created": created, "model": model,
            "choices": [{ "index": 0, "message": said, "logprobs": null, "finish_reason": finish_reason }],
            "usage": usage,
        })
    }
}

/// Tokens as chat counts them: what a cache had, or was given to keep, is a part of the prompt.
pub(super) fn usage(input: u64, (cached, kept): (u64, u64), output: u64) -> Value {
    let prompt = input.saturating_add(kept).saturating_add(cached);
    json!({
        "prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt.saturating_add(output),
        "prompt_tokens_details": { "cached_tokens": cached },
    })
}

fn thought(text: &str, signature: &str) -> Value {
    json!({ "type": "thinking", "thinking": text, "signature": signature })
}

fn sealed_thought(data: &Value) -> Value {
    json!({ "type": "redacted_thinking", "data": data })
}

/// Writes the chunks of one stream.
pub(super) struct ChunkWriter {
    pub(super) id: Value,
    pub(super) model: Value,
    /// In Unix seconds.
    created: u64,
    /// Calls of tools begun.
    calls: usize,
}

impl ChunkWriter {
    pub(super) fn new(id: Value, model: Value, created: u64) -> Self {
        Self { id, model, created, calls: 0 }
    }

    pub(super) fn role(&self) -> Bytes {
        self.chunk(&json!({ "role": "assistant", "content": "" }), None)
    }

    /// Empty texts say nothing.
    pub(super) fn text(&self, text: &Value) -> Option<Bytes> {
        let text = text.as_str().filter(|text| !text.is_empty())?;
        Some(self.chunk(&json!({ "content": text }), None))
    }

    pub(super) fn thought(&self, text: &Value) -> Option<Bytes> {
        let text = text.as_str().filter(|text| !text.is_empty())?;
        Some(self.chunk(&json!({ "reasoning_content": text, "thinking_blocks": [thought(text, "")] }), None))
    }

    pub(super) fn signature(&self, signature: &Value) -> Option<Bytes> {
        let signature = signature.as_str().filter(|signature| !signature.is_empty())?;
        Some(self.chunk(&json!({ "thinking_blocks": [thought("", signature)] }), None))
    }

    pub(super) fn sealed_thought(&self, data: &Value) -> Option<Bytes> {
        data.is_string().then(|| self.chunk(&json!({ "thinking_blocks": [sealed_thought(data)] }), None))
    }

    pub(super) fn call(&mut self, id: &Value, name: &Value) -> Bytes {
        let function = json!({ "name": name, "arguments": "" });
        let call = json!({ "index": self.calls, "id": id, "type": "function", "function": function });
        self.calls += 1;
        self.chunk(&json!({ "tool_calls": [call] }), None)
    }

    /// More of the arguments of the last call.
    pub(super) fn arguments(&self, piece: &Value) -> Option<Bytes> {
        let call = json!({ "index": self.calls.checked_sub(1)?, "function": { "arguments": piece } });
        Some(self.chunk(&json!({ "tool_calls": [call] }), None))
    }

    pub(super) fn finish(&self, reason: &str) -> Bytes {
        self.chunk(&json!({}), Some(reason))
    }

    /// The last two events.
    pub(super) fn end(&self, usage: &Value) -> Vec<Bytes> {
        let last = json!({ "id": self.id, "object": "chat.completion.chunk", "created": self.created,
            "model": self.model, "choices": [], "usage": usage });
        vec![Bytes::from(sse::data(&last.to_string())), Bytes::from_static(sse::DONE.as_bytes())]
    }

    /// An error. Its own words may quote the request; its kind says enough.
    pub(super) fn error(code: &Value) -> Bytes {
        let error = json!({ "message": "The provider reported an error.", "type": "server_error", "code": code });
        Bytes::from(sse::error(&json!({ "error": error }).to_string()))
    }

    fn chunk(&self, delta: &Value, finish: Option<&str>) -> Bytes {
        let choices = json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish }]);
        let chunk = json!({ "id": self.id, "object": "chat.completion.chunk", "created": self.created,
            "model": self.model, "choices": choices });
        Bytes::from(sse::data(&chunk.to_string()))
    }
}
