//! Messages in Gemini's words: what the system says apart, and turns of the user's and the model's.
//!
//! A model of Gemini's signs its thoughts on the calls that came of them and wants the signature back: it travels as Google's
//! own OpenAI-compatible API writes it, `extra_content.google.thought_signature` of a tool call.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use shekara_protocol::error::ApiError;

use super::request::knows_levels;
use crate::providers::chat_fields::{ChatFields, data_url};

/// What Google documents for calls that another model made, which nobody has signed.
const UNSIGNED: &str = "skip_thought_signature_validator";

/// Members of messages that are read. Thoughts are the model's own: their signatures stand for them.
const OF_MESSAGES: [&str; 6] = ["role", "content", "refusal", "tool_calls", "reasoning", "reasoning_content"];
const OF_RESULTS: [&str; 4] = ["role", "content", "tool_call_id", "name"];

#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Parts of text.
    pub(super) system: Vec<Value>,
    pub(super) contents: Vec<Value>,
}

impl Turns {
    /// # Errors
    /// 400 for a role, a part or an argument that has no words there; it is named.
    pub(super) fn read(chat: ChatFields<'_>, model: &str) -> Result<Self, ApiError> {
        let mut turns = Self::default();
        // Results are matched to functions by the ids of the calls.
        let mut called = HashMap::new();
        let mut after_result = false;
        for (index, message) in chat.list("messages").iter().enumerate() {
            let place = format!("messages[{index}]");
            let is_result = message["role"] == "tool";
            chat.check_message(message, &place, if is_result { &OF_RESULTS } else { &OF_MESSAGES })?;
            match message["role"].as_str() {
                Some("system" | "developer") => turns.system.append(&mut parts(&message["content"], &place)?),
                Some("user") => turns.push("user", &parts(&message["content"], &place)?),
                Some("assistant") => {
                    for call in message["tool_calls"].as_array().into_iter().flatten() {
                        called.extend(call["id"].as_str().map(|id| (id, &call["function"]["name"])));
                    }
                    turns.push("model", &said(message, &place, knows_levels(model))?);
                }
                Some("tool") => {
                    let result = result(message, &called, &place)?;
                    // The results of parallel calls belong into one turn.
                    match turns
                        .contents
                        .last_mut()
                        .filter(|_| after_result)
                        .and_then(|last| last["parts"].as_array_mut())
                    {
                        Some(parts) => parts.push(result),
                        None => turns.push("user", &[result]),
                    }
                }
                _ => return Err(ApiError::unsupported(&format!("{place}.role"), "This role is")),
            }
            after_result = is_result;
        }
        Ok(turns)
    }

    fn push(&mut self, role: &str, parts: &[Value]) {
        if !parts.is_empty() {
            self.contents.push(json!({ "role": role, "parts": parts }));
        }
    }
}

fn text(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| json!({ "text": text }))
}

/// Content as parts; empty texts say nothing.
fn parts(content: &Value, place: &str) -> Result<Vec<Value>, ApiError> {
    match content {
        Value::String(said) => Ok(text(said).into_iter().collect()),
        Value::Array(parts) => {
            let parts = parts.iter().enumerate();
            let parts = parts.map(|(index, one)| part(one, &format!("{place}.content[{index}]")));
            Ok(parts.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        }
        _ => Ok(Vec::new()),
    }
}

fn part(part: &Value, place: &str) -> Result<Option<Value>, ApiError> {
    Ok(match part["type"].as_str() {
        Some("text") => text(part["text"].as_str().unwrap_or_default()),
        Some("refusal") => text(part["refusal"].as_str().unwrap_or_default()),
        Some("image_url") => {
            let url = part["image_url"]["url"].as_str().unwrap_or_default();
            Some(inline(url).unwrap_or_else(|| json!({ "fileData": { "fileUri": url } })))
        }
        Some("file") => {
            let data = part["file"]["file_data"].as_str().and_then(inline);
            let what = "Files that do not stand in the request as data URLs are";
            Some(data.ok_or_else(|| ApiError::unsupported(&format!("{place}.file"), what))?)
        }
        Some("input_audio") => {
            let sound = &part["input_audio"];
            let format = sound["format"].as_str().filter(|format| matches!(*format, "wav" | "mp3"));
            let what = "Sounds other than wav and mp3 are";
            let format = format.ok_or_else(|| ApiError::unsupported(&format!("{place}.input_audio"), what))?;
            Some(json!({ "inlineData": { "mimeType": format!("audio/{format}"), "data": sound["data"] } }))
        }
        _ => return Err(ApiError::unsupported(&format!("{place}.type"), "This kind of content is")),
    })
}

fn inline(url: &str) -> Option<Value> {
    let (media_type, data) = data_url(url)?;
    Some(json!({ "inlineData": { "mimeType": media_type, "data": data } }))
}

/// What the assistant said before, and the tools that it called.
fn said(message: &Value, place: &str, is_signed: bool) -> Result<Vec<Value>, ApiError> {
    let mut parts = parts(&message["content"], place)?;
    parts.extend(message["refusal"].as_str().and_then(text));
    for (index, call) in message["tool_calls"].as_array().into_iter().flatten().enumerate() {
        let place = format!("{place}.tool_calls[{index}]");
        let function = &call["function"];
        let name = function["name"].as_str();
        let name =
            name.ok_or_else(|| ApiError::unsupported(&format!("{place}.type"), "Calls other than of functions are"))?;
        let arguments = function["arguments"].as_str().filter(|arguments| !arguments.trim().is_empty()).unwrap_or("{}");
        let arguments: Map<String, Value> = serde_json::from_str(arguments).map_err(|_| {
            let param = format!("{place}.function.arguments");
            ApiError::invalid(&param, format!("Invalid '{param}': this provider takes a JSON object only."))
        })?;
        let mut made = json!({ "functionCall": { "id": call["id"], "name": name, "args": arguments } });
        // Only the first of parallel calls is signed.
        let signature = call["extra_content"]["google"]["thought_signature"].as_str();
        if let Some(signature) = signature.or((is_signed && index == 0).then_some(UNSIGNED)) {
            made["thoughtSignature"] = json!(signature);
        }
        parts.push(made);
    }
    Ok(parts)
}

fn result(message: &Value, called: &HashMap<&str, &Value>, place: &str) -> Result<Value, ApiError> {
    let id = &message["tool_call_id"];
    let name = id.as_str().and_then(|id| called.get(id)).ok_or_else(|| {
        let param = format!("{place}.tool_call_id");
        ApiError::invalid(&param, format!("Invalid '{param}': no call before it has this id."))
    })?;
    let parts = parts(&message["content"], place)?;
    if parts.iter().any(|part| part["text"].is_null()) {
        return Err(ApiError::unsupported(&format!("{place}.content"), "Results of tools other than text are"));
    }
    let output: String = parts.iter().filter_map(|part| part["text"].as_str()).collect();
    Ok(json!({ "functionResponse": { "id": id, "name": name, "response": { "output": output } } }))
}
