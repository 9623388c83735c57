//! Chat answers as providers really send them: what is strange about one counts as absent, for it is no reason to refuse
//! a good answer.

use serde_json::{Map, Value, json};

use super::{ChatChunk, ChatCompletion, ChatLogprobs, ThinkingBlock, Usage};

impl ChatCompletion {
    /// `None` for what has no choice with a message.
    pub fn read(answer: &Value) -> Option<Self> {
        let choices = choices(answer, "message", |_, message| repair_calls(message, repaired_call))?;
        let choices = choices.into_iter().map(|mut choice| {
            // A whole answer has ended, whether it says so or not.
            if choice["finish_reason"].is_null() {
                choice["finish_reason"] = json!("stop");
            }
            choice
        });
        let mut read = beginning(answer);
        read.insert("choices".to_owned(), choices.collect());
        read.insert("usage".to_owned(), json!(Usage::read(&answer["usage"]).unwrap_or_default()));
        serde_json::from_value(Value::Object(read)).ok()
    }
}

/// Reads the chunks of one stream.
#[derive(Debug, Default)]
pub struct ChunkReader {
    /// Of the first choice's tool calls, for streams that do not number them.
    ids: Vec<String>,
}

/// As many calls are told apart by their ids.
const MAX_CALLS: usize = 1_024;

impl ChunkReader {
    /// `None` for what has no list of choices.
    pub fn read(&mut self, chunk: &Value) -> Option<ChatChunk> {
        let choices = choices(chunk, "delta", |choice, delta| {
            let mut numbered = |call: &Value| self.numbered(call, choice == 0);
            repair_calls(delta, |call| repaired_piece(call, numbered(call)));
        })?;
        let mut read = beginning(chunk);
        read.insert("choices".to_owned(), Value::Array(choices));
        read.insert("usage".to_owned(), json!(Usage::read(&chunk["usage"])));
        serde_json::from_value(Value::Object(read)).ok()
    }

    /// Which call a piece belongs to: as it says, else the one of its id, else the last one.
    fn numbered(&mut self, call: &Value, is_first_choice: bool) -> u64 {
        let id = call["id"].as_str().filter(|id| !id.is_empty() && is_first_choice);
        let known = id.and_then(|id| self.ids.iter().position(|known| known == id));
        if let (Some(id), None) = (id, known)
            && self.ids.len() < MAX_CALLS
        {
            self.ids.push(id.to_owned());
        }
        let at = known.unwrap_or(self.ids.len().saturating_sub(1));
        call["index"].as_u64().unwrap_or(at as u64)
    }
}

fn beginning(answer: &Value) -> Map<String, Value> {
    let text = |name: &str| json!(answer[name].as_str().unwrap_or_default());
    let created = answer["created"].as_u64().or_else(|| answer["created"].as_f64().map(|seconds| seconds as u64));
    let fields = ["id", "object", "model"].map(|name| (name.to_owned(), text(name)));
    fields.into_iter().chain([("created".to_owned(), json!(created.unwrap_or(0)))]).collect()
}

fn choices(answer: &Value, name: &str, mut tidy: impl FnMut(u32, &mut Map<String, Value>)) -> Option<Vec<Value>> {
    let choices = answer["choices"].as_array()?.iter().enumerate().map(|(at, choice)| {
        let mut said = choice[name].as_object().cloned().unwrap_or_default();
        let index = choice["index"].as_u64().and_then(|index| u32::try_from(index).ok()).unwrap_or(at as u32);
        read_texts(&mut said);
        tidy(index, &mut said);
        let reason = choice["stop_reason"].as_str().map(|text| json!(text)).or_else(|| {
            let token = u32::try_from(choice["stop_reason"].as_u64()?).ok()?;
            Some(json!(token))
        });
        json!({
            "index": index,
            name: said,
            "logprobs": serde_json::from_value::<ChatLogprobs>(choice["logprobs"].clone()).ok(),
            "finish_reason": finish_reason(&choice["finish_reason"]),
            "stop_reason": reason,
        })
    });
    Some(choices.collect())
}

/// Texts that are none count as absent. Content may be a list of parts; reasoning has two names in use.
fn read_texts(said: &mut Map<String, Value>) {
    if let Some(parts) = said.get("content").and_then(Value::as_array) {
        let text: String = parts.iter().filter_map(|part| part["text"].as_str()).collect();
        said.insert("content".to_owned(), json!(text));
    }
    let reasoning = said.remove("reasoning").filter(Value::is_string);
    if let Some(reasoning) = reasoning.filter(|_| !said.get("reasoning_content").is_some_and(Value::is_string)) {
        said.insert("reasoning_content".to_owned(), reasoning);
    }
    if let Some(blocks) = said.remove("thinking_blocks").map(|list| ThinkingBlock::read_list(&list)) {
        said.insert("thinking_blocks".to_owned(), json!(blocks));
    }
    for name in ["role", "content", "refusal", "reasoning_content"] {
        if said.get(name).is_some_and(|value| !value.is_string()) {
            said.remove(name);
        }
    }
}

/// Calls as they would be written by the book; those that cannot be understood are none.
fn repair_calls(said: &mut Map<String, Value>, repaired: impl FnMut(&Value) -> Option<Value>) {
    let Some(Value::Array(list)) = said.remove("tool_calls") else { return };
    let list: Vec<Value> = list.iter().filter_map(repaired).collect();
    if !list.is_empty() {
        said.insert("tool_calls".to_owned(), Value::Array(list));
    }
}

/// Arguments may come as the object that they are.
fn arguments(function: &Value) -> Option<String> {
    match &function["arguments"] {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn repaired_call(call: &Value) -> Option<Value> {
    let function = &call["function"];
    let name = function["name"].as_str()?;
    Some(json!({ "id": call["id"].as_str().unwrap_or_default(), "type": "function",
        "function": { "name": name, "arguments": arguments(function).unwrap_or_default() } }))
}

fn repaired_piece(call: &Value, index: u64) -> Option<Value> {
    let index = u32::try_from(index).ok()?;
    let (id, name) = (call["id"].as_str(), call["function"]["name"].as_str());
    Some(json!({ "index": index, "id": id, "type": id.map(|_| "function"),
        "function": { "name": name, "arguments": arguments(&call["function"]) } }))
}

/// Reasons that are not OpenAI's mean that the model ended by itself.
fn finish_reason(reason: &Value) -> Option<&'static str> {
    Some(match reason.as_str()? {
        "length" | "max_tokens" => "length",
        "tool_calls" | "function_call" | "tool_use" => "tool_calls",
        "content_filter" | "safety" => "content_filter",
        _ => "stop",
    })
}

#[cfg(test)]
mod tests {
    use super::super::FinishReason;
    use super::*;

    #[test]
    fn strange_answers_are_read_as_far_as_they_go() {
        let answer = json!({ "created": 1.5, "choices": [{ "message": { "role": 1, "content": [{ "type": "text",
            "text": "a" }, { "text": "b" }], "reasoning_content": null, "reasoning": "why", "tool_calls": [{ "id": 7 }, { "id": null,
            "function": { "name": "f", "arguments": { "q": 1 } } }] }, "finish_reason": "eos", "logprobs": "none", "stop_reason": 1.5 }],
            "usage": { "prompt_tokens": 3.0 } });
        let read = ChatCompletion::read(&answer).unwrap();
        let choice = &read.choices[0];
        assert_eq!((choice.message.content.as_deref(), read.usage.prompt_tokens, read.created), (Some("ab"), 3, 1));
        assert_eq!(choice.message.reasoning_content.as_deref(), Some("why"));
        let calls = choice.message.tool_calls.as_ref().unwrap();
        assert_eq!((calls.len(), calls[0].function.as_ref().unwrap().arguments.as_str()), (1, "{\"q\":1}"));
        assert_eq!((choice.finish_reason, &choice.logprobs, &choice.stop_reason), (FinishReason::Stop, &None, &None));
        assert!(ChatCompletion::read(&json!({ "error": {} })).is_none());
    }

    #[test]
    fn chunks_without_an_end_have_none() {
        let chunk = json!({ "choices": [{ "index": 2, "delta": { "content": null, "tool_calls": [{ "index": 0,
            "function": { "arguments": "{" } }] }, "finish_reason": null }], "usage": null });
        let read = ChunkReader::default().read(&chunk).unwrap();
        assert_eq!((read.choices[0].index, read.choices[0].finish_reason, read.usage), (2, None, None));
        assert_eq!(read.choices[0].delta.tool_calls.as_ref().unwrap().len(), 1);
        let end = json!({ "choices": [{ "delta": null, "finish_reason": "function_call" }] });
        assert_eq!(ChunkReader::default().read(&end).unwrap().choices[0].finish_reason, Some(FinishReason::ToolCalls));
        assert!(ChunkReader::default().read(&json!({ "choices": [] })).unwrap().choices.is_empty());
    }

    #[test]
    fn calls_without_numbers_are_told_apart_by_their_ids() {
        let mut reader = ChunkReader::default();
        let mut indices = |call: Value| {
            let chunk = json!({ "choices": [{ "index": 0, "delta": { "tool_calls": [call] } }] });
            reader.read(&chunk).unwrap().choices[0].delta.tool_calls.as_ref().unwrap()[0].index
        };
        assert_eq!(indices(json!({ "id": "a", "function": { "name": "f", "arguments": {} } })), 0);
        assert_eq!(indices(json!({ "id": "b", "function": { "name": "g", "arguments": "{" } })), 1);
        assert_eq!(indices(json!({ "function": { "arguments": "}" } })), 1);
        assert_eq!(indices(json!({ "id": "a", "function": { "arguments": "" } })), 0);
        assert_eq!(indices(json!({ "index": 7, "id": "c", "function": { "name": "h" } })), 7);
    }
}
