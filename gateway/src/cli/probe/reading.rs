//! What an answer is, apart from its words: whether its shape is OpenAI's, how it ended, what is odd about it.

use serde_json::Value;

use super::event_stream::read_chunks;
use super::whole::{read_chat, read_embeddings, read_rerank};
use super::{Exchange, Shape};

/// Of a message that a server tells.
const MAX_MESSAGE_CHARS: usize = 200;
/// A broken answer may be wrong in every chunk.
const MAX_NOTES: usize = 20;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Wanted {
    Chat,
    ChatStream,
    Embeddings,
    Rerank,
}

#[derive(Debug, Default)]
pub(in crate::cli) struct Reading {
    /// Where it is not OpenAI's shape, or not whole.
    pub(in crate::cli) problems: Vec<String>,
    pub(in crate::cli) odd: Vec<String>,
    pub(in crate::cli) finish_reason: Option<String>,
    pub(in crate::cli) has_usage: bool,
    pub(in crate::cli) has_text: bool,
    pub(in crate::cli) calls: Vec<Call>,
    pub(in crate::cli) error: Option<Told>,
    /// Of a stream: when the first text or call was there.
    pub(in crate::cli) first_token_ms: Option<u64>,
    pub(in crate::cli) shape: Shape,
}

/// A call of a tool, as the model made it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Call {
    pub(in crate::cli) name: String,
    pub(in crate::cli) arguments: String,
}

/// An error as a server tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Told {
    pub(in crate::cli) code: Option<String>,
    pub(in crate::cli) message: String,
}

impl Reading {
    pub(in crate::cli) fn of(exchange: &Exchange, wanted: Wanted) -> Self {
        let mut reading = Self::default();
        if let Some(why) = exchange.broken {
            reading.problem(why);
        }
        if exchange.status != 200 {
            match exchange.json() {
                Some(body) => {
                    reading.shape.add(&body);
                    reading.note_error(&body);
                }
                None => reading.problem("the error is no JSON"),
            }
        } else if wanted == Wanted::ChatStream {
            read_chunks(&mut reading, exchange);
        } else if let Some(body) = exchange.json() {
            reading.shape.add(&body);
            match wanted {
                Wanted::Embeddings => read_embeddings(&mut reading, &body),
                Wanted::Rerank => read_rerank(&mut reading, &body),
                Wanted::Chat | Wanted::ChatStream => read_chat(&mut reading, &body),
            }
        } else {
            reading.problem("the answer is no JSON");
        }
        reading
    }

    pub(in crate::cli) fn is_openai_shape(&self) -> bool {
        self.problems.is_empty()
    }

    pub(super) fn problem(&mut self, text: impl Into<String>) {
        note(&mut self.problems, text.into());
    }

    pub(super) fn odd(&mut self, text: impl Into<String>) {
        note(&mut self.odd, text.into());
    }

    /// `value` has these members, each of one of its types.
    pub(super) fn expect(&mut self, path: &str, value: &Value, members: &[(&str, &[&str])]) {
        for (name, types) in members {
            let Some(member) = value.get(name) else {
                self.problem(format!("{path}{name} is missing"));
                continue;
            };
            let own = if member.is_u64() || member.is_i64() { "integer" } else { super::shape::type_of(member) };
            let fits = |wanted: &&str| *wanted == own || (*wanted == "number" && member.is_number());
            if !types.iter().any(fits) {
                self.problem(format!("{path}{name} is {own} instead of {}", types.join(" or ")));
            }
        }
    }

    /// `{"error": {…}}`, whole or in an event.
    pub(super) fn note_error(&mut self, body: &Value) {
        let Some(error) = body.get("error").filter(|error| error.is_object()) else {
            self.problem("the error is no object 'error'");
            return;
        };
        let members: [(&str, &[&str]); 4] = [
            ("message", &["string"]),
            ("type", &["string"]),
            ("param", &["string", "null"]),
            ("code", &["string", "null"]),
        ];
        self.expect("error.", error, &members);
        let text = |name: &str| error.get(name).and_then(Value::as_str).map(str::to_owned);
        let message = text("message").unwrap_or_default().chars().take(MAX_MESSAGE_CHARS).collect();
        self.error = Some(Told { code: text("code"), message });
    }

    pub(super) fn note_usage(&mut self, usage: &Value) {
        let members: [(&str, &[&str]); 3] =
            [("prompt_tokens", &["integer"]), ("completion_tokens", &["integer"]), ("total_tokens", &["integer"])];
        self.expect("usage.", usage, &members);
        let count = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or(0);
        if count("total_tokens") != count("prompt_tokens").saturating_add(count("completion_tokens")) {
            self.odd("usage.total_tokens is not the sum of the others");
        }
        if count("completion_tokens") == 0 {
            self.odd("usage counts no token of the answer");
        }
        self.has_usage = true;
    }

    pub(super) fn note_finish(&mut self, reason: &str) {
        const KNOWN: [&str; 5] = ["stop", "length", "tool_calls", "content_filter", "function_call"];
        if !KNOWN.contains(&reason) {
            self.problem("finish_reason is none of OpenAI's");
        }
        self.finish_reason = Some(reason.to_owned());
    }

    /// What can be said once all of a chat's answer is there.
    pub(super) fn conclude(&mut self) {
        if self.error.is_some() {
            return;
        }
        if !self.has_text && self.calls.is_empty() {
            self.odd("the answer is empty");
        }
        if !self.has_usage {
            self.odd("usage is missing");
        }
        if self.finish_reason.as_deref() == Some("length") {
            self.odd("the answer was cut at its longest");
        }
        let says_calls = self.finish_reason.as_deref() == Some("tool_calls");
        if says_calls == self.calls.is_empty() {
            self.odd("finish_reason and calls of tools do not agree");
        }
    }
}

fn note(notes: &mut Vec<String>, text: String) {
    if notes.len() < MAX_NOTES && !notes.contains(&text) {
        notes.push(text);
    }
}
