//! Messages in Converse's words: what the system says apart, and turns that alternate.

use serde_json::{Value, json};
use shekara_protocol::error::ApiError;

use crate::providers::chat_fields::data_url;
use crate::providers::messages_fields::called;

const IMAGES: [(&str, &str); 5] =
    [("image/png", "png"), ("image/jpeg", "jpeg"), ("image/jpg", "jpeg"), ("image/gif", "gif"), ("image/webp", "webp")];
const DOCUMENTS: [(&str, &str); 9] = [
    ("application/pdf", "pdf"),
    ("text/csv", "csv"),
    ("application/msword", "doc"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.ms-excel", "xls"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ("text/html", "html"),
    ("text/plain", "txt"),
    ("text/markdown", "md"),
];

#[derive(Debug)]
pub(super) struct Turns {
    pub(super) system: Vec<Value>,
    pub(super) messages: Vec<Value>,
    /// Whether a tool was called before: then tools must be named again.
    pub(super) has_calls: bool,
    /// Whether the model takes marks of what a cache is to keep.
    is_cached: bool,
    num_documents: usize,
}

impl Turns {
    /// # Errors
    /// 400 for a role, a part or an argument that has no words there; it is named.
    pub(super) fn read(messages: &[Value], is_cached: bool) -> Result<Self, ApiError> {
        let (system, turns) = (Vec::new(), Vec::new());
        let mut turns = Self { system, messages: turns, has_calls: false, is_cached, num_documents: 0 };
        for (index, message) in messages.iter().enumerate() {
            let place = format!("messages[{index}]");
            match message["role"].as_str() {
                Some("system" | "developer") => {
                    let mut said = turns.blocks(&message["content"], &place)?;
                    turns.system.append(&mut said);
                }
                Some("user") => {
                    let said = turns.blocks(&message["content"], &place)?;
                    turns.push("user", said);
                }
                Some("assistant") => {
                    let said = turns.said(message, &place)?;
                    turns.push("assistant", said);
                }
                Some("tool") => {
                    turns.has_calls = true;
                    let content = turns.blocks(&message["content"], &place)?;
                    // A mark of the cache stands behind the result.
                    let (marks, content): (Vec<_>, Vec<_>) = content.into_iter().partition(is_mark);
                    let result = json!({ "toolUseId": message["tool_call_id"], "content": content });
                    turns.push("user", [json!({ "toolResult": result })].into_iter().chain(marks).collect());
                }
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

    /// Content as blocks; empty texts, which this API refuses, say nothing.
    fn blocks(&mut self, content: &Value, place: &str) -> Result<Vec<Value>, ApiError> {
        match content {
            Value::String(said) => Ok(text(said).into_iter().collect()),
            Value::Array(parts) => {
                let mut blocks = Vec::with_capacity(parts.len());
                for (index, part) in parts.iter().enumerate() {
                    let block = self.block(part, &format!("{place}.content[{index}]"))?;
                    let mark = part.get("cache_control").filter(|_| block.is_some()).and_then(|mark| self.mark(mark));
                    blocks.extend(block);
                    blocks.extend(mark);
                }
                Ok(blocks)
            }
            _ => Ok(Vec::new()),
        }
    }

    fn block(&mut self, part: &Value, place: &str) -> Result<Option<Value>, ApiError> {
        Ok(match part["type"].as_str() {
            Some("text") => text(part["text"].as_str().unwrap_or_default()),
            Some("refusal") => text(part["refusal"].as_str().unwrap_or_default()),
            Some("image_url") => Some(image(&part["image_url"], place)?),
            Some("file") => Some(self.document(&part["file"], place)?),
            _ => return Err(ApiError::unsupported(&format!("{place}.type"), "This kind of content is")),
        })
    }

    /// Its name is neutral: the service's own advice, and what a name may hold there is not what a file's name holds.
    fn document(&mut self, file: &Value, place: &str) -> Result<Value, ApiError> {
        let unsupported = || ApiError::unsupported(&format!("{place}.file"), "This kind of file is");
        let (media_type, data) = file["file_data"].as_str().and_then(data_url).ok_or_else(unsupported)?;
        let format = format_of(&DOCUMENTS, media_type).ok_or_else(unsupported)?;
        self.num_documents += 1;
        let name = format!("Document {}", self.num_documents);
        Ok(json!({ "document": { "format": format, "name": name, "source": { "bytes": data } } }))
    }

    /// `cache_control` in this API's words.
    pub(super) fn mark(&self, cache_control: &Value) -> Option<Value> {
        let mut mark = json!({ "type": "default" });
        if let Some(ttl) = cache_control["ttl"].as_str().filter(|ttl| ["5m", "1h"].contains(ttl)) {
            mark["ttl"] = json!(ttl);
        }
        self.is_cached.then(|| json!({ "cachePoint": mark }))
    }

    /// What the assistant thought and said before, and the tools that it called.
    fn said(&mut self, message: &Value, place: &str) -> Result<Vec<Value>, ApiError> {
        let mut said = thoughts(message);
        said.append(&mut self.blocks(&message["content"], place)?);
        said.extend(message["refusal"].as_str().and_then(text));
        for (index, call) in message["tool_calls"].as_array().into_iter().flatten().enumerate() {
            let (name, input) = called(call, place, index)?;
            self.has_calls = true;
            said.push(json!({ "toolUse": { "toolUseId": call["id"], "name": name, "input": input } }));
        }
        Ok(said)
    }
}

fn text(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| json!({ "text": text }))
}

fn is_mark(block: &Value) -> bool {
    block.get("cachePoint").is_some()
}

fn format_of<'f>(formats: &[(&str, &'f str)], media_type: &str) -> Option<&'f str> {
    let media_type = media_type.split(';').next().unwrap_or(media_type);
    formats.iter().find(|(known, _)| known.eq_ignore_ascii_case(media_type)).map(|(_, format)| *format)
}

fn image(image: &Value, place: &str) -> Result<Value, ApiError> {
    let param = format!("{place}.image_url");
    let url = image["url"].as_str().unwrap_or_default();
    let (media_type, data) =
        data_url(url).ok_or_else(|| ApiError::unsupported(&param, "Images by their address are"))?;
    let format =
        format_of(&IMAGES, media_type).ok_or_else(|| ApiError::unsupported(&param, "This kind of image is"))?;
    Ok(json!({ "image": { "format": format, "source": { "bytes": data } } }))
}

/// Thoughts that their maker signed or sealed. Others are nobody's that this API would take.
fn thoughts(message: &Value) -> Vec<Value> {
    let blocks = message["thinking_blocks"].as_array().into_iter().flatten();
    let blocks = blocks.filter_map(|block| {
        let filled = |name: &str| block[name].as_str().filter(|text| !text.is_empty());
        let thought = match block["type"].as_str()? {
            "thinking" => json!({ "reasoningText": { "text": block["thinking"].as_str().unwrap_or_default(),
                "signature": filled("signature")? } }),
            "redacted_thinking" => json!({ "redactedContent": filled("data")? }),
            _ => return None,
        };
        Some(json!({ "reasoningContent": thought }))
    });
    blocks.collect()
}
