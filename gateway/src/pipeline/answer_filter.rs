//! What happens to an answer on its way to the client: what must not be shown is replaced, tokens become values again,
//! and what is shown is hashed for the label.
//!
//! The order holds for whole answers and for streams: first the guard, for which the caller's own masked values are
//! tokens and no findings; then the restorer; then the digest, over what the client receives.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Map, Value, json};

use super::answer_fields::{Field, REASONING, TEXTS, append, for_each_text};
use crate::labels::{OutputDigest, OutputSha256};
use crate::pii::masking::{Restorer, StreamRestorer, TextKind};
use crate::pii::{AnswerBlocked, AnswerGuard, Entity, Guarded, GuardedStream};

/// Thoughts with what their maker signed them with.
const THOUGHTS: &str = "thinking_blocks";
/// Thoughts told once more, in a shape that nobody here looks into.
const REPEATED_THOUGHTS: &str = "reasoning_details";
/// Texts and tool calls of one answer that are kept apart.
const MAX_FIELDS: usize = 1_024;
/// Arguments of one tool call that are looked at as a whole.
const MAX_JSON_BYTES: usize = 1 << 20;

/// Why an answer must not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FilterError {
    #[error(transparent)]
    Blocked(#[from] AnswerBlocked),
    #[error("the answer has more parts than can be looked at")]
    TooMuch,
    /// A detector that panics has not finished its scan.
    #[error("the answer could not be looked at")]
    Failed,
}

#[derive(Default)]
pub(super) struct AnswerFilter {
    guard: Option<AnswerGuard>,
    restorer: Option<Restorer>,
    /// The content is a JSON text.
    is_structured: bool,
    digest: OutputDigest,
    fields: BTreeMap<(u64, Field), FieldStream>,
    counts: BTreeMap<Entity, u32>,
    /// `id`, `created` and `model` of the stream's chunks.
    head: Map<String, Value>,
}

impl AnswerFilter {
    pub(super) fn new(guard: Option<AnswerGuard>, restorer: Option<Restorer>, is_structured: bool) -> Self {
        let restorer = restorer.filter(|restorer| !restorer.is_empty());
        Self { guard, restorer, is_structured, ..Self::default() }
    }

    /// Whether answers go on as they came.
    pub(super) fn is_passive(&self) -> bool {
        self.guard.is_none() && self.restorer.is_none()
    }

    /// What was found in the answer so far.
    pub(super) fn counts(&self) -> &BTreeMap<Entity, u32> {
        &self.counts
    }

    /// The digest of what was shown; `None` when it has too many parts.
    pub(super) fn output(&self) -> Option<OutputSha256> {
        self.digest.clone().finish().ok()
    }

    /// A whole answer.
    pub(super) fn whole(&mut self, answer: &mut Value) -> Result<(), FilterError> {
        caught(|| self.look_at_whole(answer))
    }

    /// One chunk of a stream.
    pub(super) fn chunk(&mut self, chunk: &mut Value) -> Result<(), FilterError> {
        caught(|| self.look_at_chunk(chunk))
    }

    /// What was held back of choices that never said that they had finished, as one more chunk.
    pub(super) fn rest(&mut self) -> Result<Option<Value>, FilterError> {
        caught(|| self.look_at_rest())
    }

    fn look_at_whole(&mut self, answer: &mut Value) -> Result<(), FilterError> {
        if !self.is_passive() {
            for choice in answer.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
                self.drop_tokens(choice);
                let Some(message) = choice.get_mut("message").and_then(Value::as_object_mut) else { continue };
                self.look_at_thoughts(message)?;
                for_each_text(message, 0, |field, text| {
                    *text = self.shown(self.kind(field), text)?;
                    Ok(())
                })?;
            }
        }
        self.digest.add_answer(answer);
        Ok(())
    }

    fn look_at_chunk(&mut self, chunk: &mut Value) -> Result<(), FilterError> {
        if !self.is_passive() {
            if self.head.is_empty() {
                let named = ["id", "created", "model"].map(|name| (name.to_owned(), chunk[name].clone()));
                self.head.extend(named);
            }
            for (place, choice) in
                chunk.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten().enumerate()
            {
                self.drop_tokens(choice);
                let index = choice.get("index").and_then(Value::as_u64).unwrap_or(place as u64);
                let is_end = choice.get("finish_reason").is_some_and(Value::is_string);
                let Some(choice) = choice.as_object_mut() else { continue };
                let delta = choice.entry("delta").or_insert_with(|| json!({}));
                let Some(delta) = delta.as_object_mut() else { continue };
                for_each_text(delta, 0, |field, text| {
                    *text = self.streamed(index, field, text)?;
                    Ok(())
                })?;
                self.look_at_pieces_of_thoughts(index, delta)?;
                if is_end {
                    self.end(index, delta)?;
                }
            }
        }
        self.digest.add_chunk(chunk);
        Ok(())
    }

    fn look_at_rest(&mut self) -> Result<Option<Value>, FilterError> {
        let mut indices: Vec<u64> = self.fields.keys().map(|(index, _)| *index).collect();
        indices.dedup();
        let mut choices = Vec::new();
        for index in indices {
            let mut delta = Map::new();
            self.end(index, &mut delta)?;
            if !delta.is_empty() {
                choices.push(json!({ "index": index, "delta": delta, "finish_reason": null }));
            }
        }
        if choices.is_empty() {
            return Ok(None);
        }
        let mut chunk = Map::from_iter([("object".to_owned(), json!("chat.completion.chunk"))]);
        chunk.extend(self.head.clone());
        chunk.insert("choices".to_owned(), choices.into());
        let chunk = Value::Object(chunk);
        self.digest.add_chunk(&chunk);
        Ok(Some(chunk))
    }

    fn kind(&self, field: Field) -> TextKind {
        match field {
            Field::Text(0) if self.is_structured => TextKind::Json,
            Field::Text(_) => TextKind::Plain,
            Field::FunctionCall | Field::ToolCall(_) => TextKind::Json,
        }
    }

    /// Nobody can look into a seal, and a thought that was changed has no signature: where answers are looked at, signed and
    /// sealed thoughts are left out. Otherwise the values stand in them again.
    fn look_at_thoughts(&mut self, message: &mut Map<String, Value>) -> Result<(), FilterError> {
        if self.guard.is_some() {
            drop_what_cannot_be_seen(message);
        }
        let blocks = message.get_mut(THOUGHTS).and_then(Value::as_array_mut);
        for block in blocks.into_iter().flatten() {
            if let Some(Value::String(text)) = block.get_mut("thinking") {
                *text = self.shown(TextKind::Plain, text)?;
            }
        }
        Ok(())
    }

    /// The text of a piece is that of `reasoning_content` beside it, which was looked at. At the end of a thought nothing
    /// of it may be held back: what follows is another one.
    fn look_at_pieces_of_thoughts(&mut self, index: u64, delta: &mut Map<String, Value>) -> Result<(), FilterError> {
        if self.guard.is_some() {
            drop_what_cannot_be_seen(delta);
        }
        let Some(blocks) = delta.get(THOUGHTS).and_then(Value::as_array) else { return Ok(()) };
        let is_end = |block: &Value| block["signature"].as_str().is_some_and(|signature| !signature.is_empty());
        if blocks.iter().any(is_end) {
            self.end_field(index, Field::Text(REASONING), delta)?;
        }
        let shown = delta.get(TEXTS[REASONING]).and_then(Value::as_str).unwrap_or_default().to_owned();
        let blocks = delta.get_mut(THOUGHTS).and_then(Value::as_array_mut).into_iter().flatten();
        let texts = blocks
            .filter_map(|block| block.get_mut("thinking"))
            .zip([shown].into_iter().chain(std::iter::repeat(String::new())));
        texts.for_each(|(text, shown)| *text = Value::String(shown));
        Ok(())
    }

    /// Log probabilities spell the text out again.
    fn drop_tokens(&self, choice: &mut Value) {
        if self.guard.is_some()
            && let Some(logprobs) = choice.get_mut("logprobs")
        {
            *logprobs = Value::Null;
        }
    }

    fn shown(&mut self, kind: TextKind, text: &str) -> Result<String, FilterError> {
        let guarded = match (&self.guard, kind) {
            (None, _) => Guarded { text: text.to_owned(), ..Guarded::default() },
            (Some(guard), TextKind::Plain) => guard.text(text)?,
            (Some(guard), TextKind::Json) => guard.json(text)?,
        };
        let text = self.counted(guarded);
        Ok(match (&self.restorer, kind) {
            (None, _) => text,
            (Some(restorer), TextKind::Plain) => restorer.restore(&text),
            (Some(restorer), TextKind::Json) => restorer.restore_json(&text),
        })
    }

    fn streamed(&mut self, index: u64, field: Field, piece: &str) -> Result<String, FilterError> {
        let kind = self.kind(field);
        if self.fields.len() >= MAX_FIELDS && !self.fields.contains_key(&(index, field)) {
            return Err(FilterError::TooMuch);
        }
        let stream = self.fields.entry((index, field)).or_insert_with(|| FieldStream {
            guarded: match (&self.guard, kind) {
                (None, _) => GuardedField::Open,
                (Some(guard), TextKind::Plain) => GuardedField::Text(Box::new(guard.stream())),
                (Some(guard), TextKind::Json) => GuardedField::Json(guard.clone(), String::new()),
            },
            restorer: self.restorer.as_ref().map(|restorer| restorer.stream(kind)),
        });
        let guarded = stream.guarded.push(piece)?;
        let restored = match &mut stream.restorer {
            Some(restorer) => restorer.push(&guarded.text),
            None => guarded.text.clone(),
        };
        self.counted(guarded);
        Ok(restored)
    }

    /// Puts what was held back of a choice at the end of its last delta.
    fn end(&mut self, index: u64, delta: &mut Map<String, Value>) -> Result<(), FilterError> {
        let fields: Vec<Field> = self
            .fields
            .range((index, Field::Text(0))..)
            .take_while(|((at, _), _)| *at == index)
            .map(|((_, field), _)| *field)
            .collect();
        for field in fields {
            self.end_field(index, field, delta)?;
        }
        Ok(())
    }

    fn end_field(&mut self, index: u64, field: Field, delta: &mut Map<String, Value>) -> Result<(), FilterError> {
        let Some(stream) = self.fields.remove(&(index, field)) else { return Ok(()) };
        let guarded = stream.guarded.finish()?;
        let rest = match stream.restorer {
            Some(mut restorer) => restorer.push(&guarded.text) + &restorer.finish(),
            None => guarded.text.clone(),
        };
        self.counted(guarded);
        if !rest.is_empty() {
            append(delta, field, &rest);
        }
        Ok(())
    }

    fn counted(&mut self, guarded: Guarded) -> String {
        for (entity, count) in guarded.counts {
            let own = self.counts.entry(entity).or_default();
            *own = own.saturating_add(count);
        }
        guarded.text
    }
}

/// After a panic the answer ends: what the filter holds is not used again.
fn caught<T>(look: impl FnOnce() -> Result<T, FilterError>) -> Result<T, FilterError> {
    catch_unwind(AssertUnwindSafe(look)).unwrap_or(Err(FilterError::Failed))
}

struct FieldStream {
    guarded: GuardedField,
    restorer: Option<StreamRestorer>,
}

enum GuardedField {
    Open,
    Text(Box<GuardedStream>),
    /// JSON is looked at when it is whole: its numbers and strings have no other ends.
    Json(AnswerGuard, String),
}

impl GuardedField {
    fn push(&mut self, piece: &str) -> Result<Guarded, FilterError> {
        match self {
            Self::Open => Ok(Guarded { text: piece.to_owned(), ..Guarded::default() }),
            Self::Text(stream) => Ok(stream.push(piece)?),
            Self::Json(_, held) => {
                held.push_str(piece);
                if held.len() > MAX_JSON_BYTES { Err(FilterError::TooMuch) } else { Ok(Guarded::default()) }
            }
        }
    }

    fn finish(self) -> Result<Guarded, FilterError> {
        match self {
            Self::Open => Ok(Guarded::default()),
            Self::Text(stream) => Ok(stream.finish()?),
            Self::Json(guard, held) => Ok(guard.json(&held)?),
        }
    }
}

fn drop_what_cannot_be_seen(message: &mut Map<String, Value>) {
    message.remove(THOUGHTS);
    message.remove(REPEATED_THOUGHTS);
}

#[cfg(test)]
#[path = "answer_filter_tests.rs"]
mod tests;
