//! Messages in Mistral's words.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shekara_protocol::error::ApiError;

use super::request::only;
use crate::providers::chat_fields::{ChatFields, data_url};

/// Ids of tool calls have so many letters and digits, and nothing else.
const ID_CHARACTERS: usize = 9;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// # Errors
/// 400 for a role, a part or a member that has no words there; it is named.
pub(super) fn messages(chat: ChatFields<'_>) -> Result<Vec<Value>, ApiError> {
    let messages = chat.list("messages").iter().enumerate();
    messages.map(|(index, said)| message(chat, said, &format!("messages[{index}]"))).collect()
}

fn message(chat: ChatFields<'_>, message: &Value, place: &str) -> Result<Value, ApiError> {
    let content = &message["content"];
    match message["role"].as_str() {
        Some("system" | "developer") => {
            chat.check_message(message, place, &["role", "content"])?;
            Ok(json!({ "role": "system", "content": parts(content, place)? }))
        }
        Some("user") => {
            chat.check_message(message, place, &["role", "content"])?;
            Ok(json!({ "role": "user", "content": parts(content, place)? }))
        }
        Some("assistant") => {
            const KNOWN: [&str; 7] =
                ["role", "content", "refusal", "tool_calls", "reasoning", "reasoning_content", "prefix"];
            chat.check_message(message, place, &KNOWN)?;
            said(message, place)
        }
        Some("tool") => {
            chat.check_message(message, place, &["role", "content", "tool_call_id", "name"])?;
            let id = message["tool_call_id"].as_str();
            let id = id.ok_or_else(|| ApiError::missing(&format!("{place}.tool_call_id")))?;
            let mut told = json!({ "role": "tool", "tool_call_id": call_id(id), "content": parts(content, place)? });
            if let Some(name) = message["name"].as_str() {
                told["name"] = json!(name);
            }
            Ok(told)
        }
        _ => Err(ApiError::unsupported(&format!("{place}.role"), "This role is")),
    }
}

/// What the assistant thought and said before, and the tools that it called.
fn said(message: &Value, place: &str) -> Result<Value, ApiError> {
    let mut content = parts(&message["content"], place)?;
    if let Some(refusal) = message["refusal"].as_str().filter(|refusal| !refusal.is_empty()) {
        content = json!(refusal);
    }
    let thoughts = ["reasoning_content", "reasoning"].iter().find_map(|name| message[*name].as_str());
    if let Some(thoughts) = thoughts.filter(|thoughts| !thoughts.is_empty()) {
        let mut chunks = vec![json!({ "type": "thinking", "thinking": [{ "type": "text", "text": thoughts }] })];
        match content {
            Value::Array(parts) => chunks.extend(parts),
            Value::String(text) if !text.is_empty() => chunks.push(json!({ "type": "text", "text": text })),
            _ => {}
        }
        content = json!(chunks);
    }
    let mut told = json!({ "role": "assistant", "content": content });
    let mut calls = Vec::new();
    for (index, call) in message["tool_calls"].as_array().into_iter().flatten().enumerate() {
        let place = format!("{place}.tool_calls[{index}]");
        let name = call["function"]["name"].as_str();
        let name =
            name.ok_or_else(|| ApiError::unsupported(&format!("{place}.type"), "Calls other than of functions are"))?;
        let id = call["id"].as_str().ok_or_else(|| ApiError::missing(&format!("{place}.id")))?;
        calls.push(json!({ "id": call_id(id), "type": "function",
            "function": { "name": name, "arguments": call["function"]["arguments"] } }));
    }
    if !calls.is_empty() {
        told["tool_calls"] = json!(calls);
    }
    if message["prefix"] == true {
        told["prefix"] = json!(true);
    }
    Ok(told)
}

fn parts(content: &Value, place: &str) -> Result<Value, ApiError> {
    let Some(parts) = content.as_array() else {
        return Ok(if content.is_string() { content.clone() } else { json!("") });
    };
    let parts = parts.iter().enumerate();
    parts.map(|(index, one)| part(one, &format!("{place}.content[{index}]"))).collect()
}

fn part(part: &Value, place: &str) -> Result<Value, ApiError> {
    Ok(match part["type"].as_str() {
        Some("text") => json!({ "type": "text", "text": part["text"] }),
        Some("refusal") => json!({ "type": "text", "text": part["refusal"] }),
        Some("image_url") => json!({ "type": "image_url", "image_url": only(&part["image_url"], &["url", "detail"]) }),
        Some("input_audio") => json!({ "type": "input_audio", "input_audio": part["input_audio"]["data"] }),
        Some("file") => {
            let data = part["file"]["file_data"].as_str().filter(|data| data_url(data).is_some());
            let what = "Files that do not stand in the request as data URLs are";
            let data = data.ok_or_else(|| ApiError::unsupported(&format!("{place}.file"), what))?;
            let mut document = json!({ "type": "document_url", "document_url": data });
            if let Some(name) = part["file"]["filename"].as_str() {
                document["document_name"] = json!(name);
            }
            document
        }
        _ => return Err(ApiError::unsupported(&format!("{place}.type"), "This kind of content is")),
    })
}

/// An id as this API takes it: another provider's is always made the same one, in calls and in their results.
fn call_id(id: &str) -> String {
    if id.len() == ID_CHARACTERS && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return id.to_owned();
    }
    let digest = Sha256::digest(id.as_bytes());
    let letters = digest.iter().take(ID_CHARACTERS).map(|byte| ALPHABET[usize::from(*byte) % ALPHABET.len()]);
    letters.map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ids_have_their_form_and_stay_apart(one in ".{0,40}", other in ".{0,40}") {
            let id = call_id(&one);
            prop_assert!(id.len() == ID_CHARACTERS && id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            prop_assert_eq!(call_id(&id), id.clone());
            prop_assert_eq!(call_id(&other) == id, one == other);
        }
    }
}
