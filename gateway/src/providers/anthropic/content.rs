//! Messages in Anthropic's words: what the system says apart, and turns that alternate.

use serde_json::{Value, json};
use shekara_protocol::error::ApiError;

use crate::providers::chat_fields::data_url;
use crate::providers::messages_fields::called;

#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Blocks of text.
    pub(super) system: Vec<Value>,
    pub(super) messages: Vec<Value>,
}

impl Turns {
    /// # Errors
    /// 400 for a role, a part or an argument that has no words there; it is named.
    pub(super) fn read(messages: &[Value]) -> Result<Self, ApiError> {
        let mut turns = Self::default();
        for (index, message) in messages.iter().enumerate() {
            let place = format!("messages[{index}]");
            match message["role"].as_str() {
                Some("system" | "developer") => turns.system.append(&mut blocks(&message["content"], &place)?),
                Some("user") => turns.push("user", blocks(&message["content"], &place)?),
                Some("assistant") => turns.push("assistant", said(message, &place)?),
                Some("tool") => turns.push("user", vec![result(message, &place)?]),
                _ => return Err(ApiError::unsupported(&format!("{place}.role"), "This role is")),
            }
        }
        Ok(turns)
    }

    /// Two messages of one side are one there.
    fn push(&mut self, role: &str, mut blocks: Vec<Value>) {
        let last = self.messages.last_mut().filter(|last| last["role"] == role);
        match last.and_then(|last| last["content"].as_array_mut()) {
            Some(content) => content.append(&mut blocks),
            None if blocks.is_empty() => {}
            None => self.messages.push(json!({ "role": role, "content": blocks })),
        }
    }
}

fn text(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| json!({ "type": "text", "text": text }))
}

/// Content as blocks; empty texts, which this API refuses, say nothing.
fn blocks(content: &Value, place: &str) -> Result<Vec<Value>, ApiError> {
    match content {
        Value::String(said) => Ok(text(said).into_iter().collect()),
        Value::Array(parts) => {
            let parts = parts.iter().enumerate();
            let blocks = parts.map(|(index, part)| block(part, &format!("{place}.content[{index}]")));
            Ok(blocks.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
        }
        _ => Ok(Vec::new()),
    }
}

fn block(part: &Value, place: &str) -> Result<Option<Value>, ApiError> {
    let mut block = match part["type"].as_str() {
        Some("text") => text(part["text"].as_str().unwrap_or_default()),
        Some("refusal") => text(part["refusal"].as_str().unwrap_or_default()),
        Some("image_url") => Some(json!({ "type": "image", "source": image(&part["image_url"]) })),
        Some("file") => Some(document(&part["file"], place)?),
        _ => return Err(ApiError::unsupported(&format!("{place}.type"), "This kind of content is")),
    };
    if let (Some(block), Some(cached)) = (&mut block, part.get("cache_control")) {
        block["cache_control"] = cached.clone();
    }
    Ok(block)
}

fn image(image: &Value) -> Value {
    let url = image["url"].as_str().unwrap_or_default();
    match data_url(url) {
        Some((media_type, data)) => json!({ "type": "base64", "media_type": media_type, "data": data }),
        None => json!({ "type": "url", "url": url }),
    }
}

fn document(file: &Value, place: &str) -> Result<Value, ApiError> {
    let mut document = json!({ "type": "document", "source": source(file, place)? });
    if let Some(name) = file["filename"].as_str() {
        document["title"] = json!(name);
    }
    Ok(document)
}

/// An address stands for itself: requests of this API's own shape may name one.
fn source(file: &Value, place: &str) -> Result<Value, ApiError> {
    if let Some(url) = file["file_url"].as_str() {
        return Ok(json!({ "type": "url", "url": url }));
    }
    let data = file["file_data"].as_str().and_then(data_url).filter(|(kind, _)| *kind == "application/pdf");
    let (media_type, data) =
        data.ok_or_else(|| ApiError::unsupported(&format!("{place}.file"), "Files other than PDF are"))?;
    Ok(json!({ "type": "base64", "media_type": media_type, "data": data }))
}

/// What the assistant thought and said before, and the tools that it called.
fn said(message: &Value, place: &str) -> Result<Vec<Value>, ApiError> {
    let mut said = thoughts(message);
    said.append(&mut blocks(&message["content"], place)?);
    said.extend(message["refusal"].as_str().and_then(text));
    for (index, call) in message["tool_calls"].as_array().into_iter().flatten().enumerate() {
        let (name, input) = called(call, place, index)?;
        said.push(json!({ "type": "tool_use", "id": call["id"], "name": name, "input": input }));
    }
    Ok(said)
}

/// Thoughts that their maker signed or sealed. Others are nobody's that this API would take.
fn thoughts(message: &Value) -> Vec<Value> {
    let blocks = message["thinking_blocks"].as_array().into_iter().flatten();
    let blocks = blocks.filter_map(|block| {
        let filled = |name: &str| block[name].as_str().filter(|text| !text.is_empty());
        match block["type"].as_str()? {
            "thinking" => Some(json!({ "type": "thinking", "thinking": block["thinking"].as_str().unwrap_or_default(),
                "signature": filled("signature")? })),
            "redacted_thinking" => Some(json!({ "type": "redacted_thinking", "data": filled("data")? })),
            _ => None,
        }
    });
    blocks.collect()
}

fn result(message: &Value, place: &str) -> Result<Value, ApiError> {
    let content = blocks(&message["content"], place)?;
    Ok(json!({ "type": "tool_result", "tool_use_id": message["tool_call_id"], "content": content }))
}
