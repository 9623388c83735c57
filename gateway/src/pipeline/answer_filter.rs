//! What happens to an answer on its way to the client: what must not be shown is replaced, tokens become values again,
//! and what is shown is hashed for the label.
//!
//! The order holds for whole answers and for streams: first the guard, for which the caller's own masked values are
//! tokens and no findings; then the restorer; then the digest, over what the client receives.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Map, Value, json};

use crate::labels::{OutputDigest, OutputSha256};
use crate::pii::masking::{Restorer, StreamRestorer, TextKind};
use crate::pii::{AnswerBlocked, AnswerGuard, Entity, Guarded, GuardedStream};

/// Members of a message or delta that are text.
const TEXTS: [&str; 4] = ["content", "refusal", "reasoning", "reasoning_content"];
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

/// One text of a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Field {
    /// By its place in [`TEXTS`].
    Text(usize),
    FunctionCall,
    /// By its index.
    ToolCall(u64),
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
            let Some(stream) = self.fields.remove(&(index, field)) else { continue };
            let guarded = stream.guarded.finish()?;
            let rest = match stream.restorer {
                Some(mut restorer) => restorer.push(&guarded.text) + &restorer.finish(),
                None => guarded.text.clone(),
            };
            self.counted(guarded);
            if !rest.is_empty() {
                append(delta, field, &rest);
            }
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

/// Every text of a message or delta. Content that is a list of parts is one text in pieces.
fn for_each_text(
    message: &mut Map<String, Value>,
    first_call: u64,
    mut visit: impl FnMut(Field, &mut String) -> Result<(), FilterError>,
) -> Result<(), FilterError> {
    for (place, name) in TEXTS.into_iter().enumerate() {
        match message.get_mut(name) {
            Some(Value::String(text)) => visit(Field::Text(place), text)?,
            Some(Value::Array(parts)) => {
                for part in parts {
                    if let Some(Value::String(text)) = part.get_mut("text") {
                        visit(Field::Text(place), text)?;
                    }
                }
            }
            _ => {}
        }
    }
    if let Some(Value::String(arguments)) = message.get_mut("function_call").and_then(|call| call.get_mut("arguments"))
    {
        visit(Field::FunctionCall, arguments)?;
    }
    let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
    for (place, call) in (first_call..).zip(calls.into_iter().flatten()) {
        let index = call.get("index").and_then(Value::as_u64).unwrap_or(place);
        for (kind, member) in [("function", "arguments"), ("custom", "input")] {
            if let Some(Value::String(arguments)) = call.get_mut(kind).and_then(|call| call.get_mut(member)) {
                visit(Field::ToolCall(index), arguments)?;
            }
        }
    }
    Ok(())
}

fn append(delta: &mut Map<String, Value>, field: Field, rest: &str) {
    let text = match field {
        Field::Text(place) => {
            let name = TEXTS.get(place).copied().unwrap_or("content");
            let text = delta.entry(name).or_insert(Value::Null);
            if !text.is_string() {
                *text = json!("");
            }
            text
        }
        Field::FunctionCall => {
            let call = delta.entry("function_call").or_insert_with(|| json!({ "arguments": "" }));
            &mut call["arguments"]
        }
        Field::ToolCall(index) => {
            let calls = delta.entry("tool_calls").or_insert_with(|| json!([]));
            let Some(calls) = calls.as_array_mut() else { return };
            let is_own = |call: &Value| call.get("index").and_then(Value::as_u64) == Some(index);
            let own = calls.iter().position(is_own).unwrap_or_else(|| {
                calls.push(json!({ "index": index, "function": { "arguments": "" } }));
                calls.len() - 1
            });
            let Some(call) = calls.get_mut(own) else { return };
            if call.get("custom").is_some() { &mut call["custom"]["input"] } else { &mut call["function"]["arguments"] }
        }
    };
    let before = text.as_str().unwrap_or_default();
    *text = Value::String(format!("{before}{rest}"));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::pii::masking::{Conversation, MaskingSecret, Span};
    use crate::pii::{Action, Detector, Policy};

    /// A conversation in which one e-mail address was masked, and its token.
    fn conversation() -> (Restorer, String) {
        let secret = MaskingSecret::new([3; 32]);
        let mut conversation = Conversation::new(&secret, secret.conversation("t", "c"));
        let spans = [Span { entity: Entity::Email, range: 0..13 }];
        let masked = conversation.mask_text("aigul@mail.kz", &spans).unwrap();
        (conversation.restorer(), masked.text)
    }

    fn guard() -> AnswerGuard {
        let policy = Policy::default().with(Entity::Card, Action::Mask).with(Entity::Email, Action::Mask);
        AnswerGuard::new(Arc::new(Detector::new().unwrap()), Arc::new(policy))
    }

    #[test]
    fn whole_answers_are_guarded_then_restored() {
        let (restorer, token) = conversation();
        let mut filter = AnswerFilter::new(Some(guard()), Some(restorer), false);
        let mut answer = json!({ "choices": [{ "index": 0, "logprobs": { "content": [] }, "message": {
            "content": format!("Пишите {token} или other@mail.kz, карта 4400 4302 1234 5679"),
            "tool_calls": [{ "function": { "name": "f", "arguments": format!("{{\"to\":\"{token}\",\"n\":4400430212345679}}") } }] } }] });
        filter.whole(&mut answer).unwrap();
        let message = &answer["choices"][0]["message"];
        assert_eq!(message["content"], "Пишите aigul@mail.kz или [EMAIL], карта [CARD]");
        assert_eq!(message["tool_calls"][0]["function"]["arguments"], r#"{"to":"aigul@mail.kz","n":"[CARD]"}"#);
        assert!(answer["choices"][0]["logprobs"].is_null());
        assert_eq!(filter.counts().get(&Entity::Card), Some(&2));
    }

    #[test]
    fn streams_give_the_same_as_the_whole() {
        let (restorer, token) = conversation();
        let content = format!("Пишите {token} или other@mail.kz. {}карта 4400 4302 1234 5679", "слово ".repeat(80));
        let arguments = format!(r#"{{"to":"{token}","card":"4400430212345679"}}"#);
        for size in [1, 2, 3, 7, 50, 1_000] {
            let mut filter = AnswerFilter::new(Some(guard()), Some(restorer.clone()), false);
            let mut shown = (String::new(), String::new());
            let mut take = |filter: &mut AnswerFilter, mut chunk: Value| {
                filter.chunk(&mut chunk).unwrap();
                let delta = &chunk["choices"][0]["delta"];
                shown.0.push_str(delta["content"].as_str().unwrap_or_default());
                shown.1.push_str(delta["tool_calls"][0]["function"]["arguments"].as_str().unwrap_or_default());
            };
            let pieces = |text: &str| {
                let characters: Vec<char> = text.chars().collect();
                characters.chunks(size).map(|piece| piece.iter().collect::<String>()).collect::<Vec<_>>()
            };
            for piece in pieces(&content) {
                take(&mut filter, json!({ "choices": [{ "index": 0, "delta": { "content": piece } }] }));
            }
            for piece in pieces(&arguments) {
                let call = json!([{ "index": 0, "function": { "arguments": piece } }]);
                take(&mut filter, json!({ "choices": [{ "index": 0, "delta": { "tool_calls": call } }] }));
            }
            take(&mut filter, json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "tool_calls" }] }));
            let expected = format!("Пишите aigul@mail.kz или [EMAIL]. {}карта [CARD]", "слово ".repeat(80));
            assert_eq!(shown.0, expected, "{size}");
            assert_eq!(shown.1, r#"{"to":"aigul@mail.kz","card":"[CARD]"}"#, "{size}");
            assert!(filter.rest().unwrap().is_none());
        }
    }

    #[test]
    fn a_stream_that_never_finishes_gives_its_rest() {
        let (restorer, token) = conversation();
        let mut filter = AnswerFilter::new(None, Some(restorer), false);
        // Whether an ending follows is not known before the end.
        let open = token.trim_matches(['[', ']']);
        let mut chunk = json!({ "id": "c1", "choices": [{ "index": 2, "delta": { "content": open } }] });
        filter.chunk(&mut chunk).unwrap();
        let rest = filter.rest().unwrap().unwrap();
        assert_eq!((&rest["id"], &rest["choices"][0]["index"]), (&json!("c1"), &json!(2)));
        let first = chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default();
        assert_eq!(format!("{first}{}", rest["choices"][0]["delta"]["content"].as_str().unwrap()), "aigul@mail.kz");
    }
}
