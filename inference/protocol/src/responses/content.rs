//! Content parts of this API as chat's.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::chat::{Content, ContentPart};
use crate::error::ApiError;
use crate::text_or_list::TextOrList;

/// A message's content; `place` names it in errors.
pub(super) fn content(content: &TextOrList<ContentPart>, place: &str) -> Result<Content, ApiError> {
    match content {
        TextOrList::Text(text) => Ok(Content::Text(text.clone())),
        TextOrList::List(parts) => {
            let parts = parts.iter().enumerate();
            let parts = parts.map(|(index, part)| chat_part(part, &format!("{place}[{index}]")));
            Ok(simplest(parts.collect::<Result<_, _>>()?))
        }
    }
}

/// Text alone: of a tool's output, or of reasoning.
pub(super) fn text(content: &TextOrList<ContentPart>, kinds: &[&str], place: &str) -> Result<String, ApiError> {
    let parts = match content {
        TextOrList::Text(text) => return Ok(text.clone()),
        TextOrList::List(parts) => parts,
    };
    let mut joined = String::new();
    for (index, part) in parts.iter().enumerate() {
        let place = format!("{place}[{index}]");
        if !kinds.contains(&part.kind.as_str()) {
            return Err(unsupported(&place));
        }
        joined.push_str(text_of(part, &place)?);
    }
    Ok(joined)
}

/// A list of one text is that text: chat templates that know no parts can then be rendered.
fn simplest(mut parts: Vec<ContentPart>) -> Content {
    match parts.as_mut_slice() {
        [ContentPart { kind, text: Some(text), .. }] if kind == "text" => Content::Text(std::mem::take(text)),
        _ => Content::Parts(parts),
    }
}

fn chat_part(part: &ContentPart, place: &str) -> Result<ContentPart, ApiError> {
    let field = |name: &str| part.rest.get(name).filter(|value| !value.is_null());
    match part.kind.as_str() {
        "input_text" | "output_text" | "text" => Ok(ContentPart::text(text_of(part, place)?)),
        "refusal" => {
            let refusal = field("refusal").ok_or_else(|| ApiError::missing(&format!("{place}.refusal")))?;
            Ok(other("refusal", refusal.clone()))
        }
        "input_image" => {
            if field("file_id").is_some() {
                return Err(ApiError::unsupported(&format!("{place}.file_id"), "Images by file id are"));
            }
            let url = field("image_url").ok_or_else(|| ApiError::missing(&format!("{place}.image_url")))?;
            let mut image = json!({ "url": url });
            if let Some(detail) = field("detail") {
                image["detail"] = detail.clone();
            }
            Ok(other("image_url", image))
        }
        "input_audio" => {
            let audio = field("input_audio").ok_or_else(|| ApiError::missing(&format!("{place}.input_audio")))?;
            Ok(other("input_audio", audio.clone()))
        }
        "input_file" => {
            if field("file_url").is_some() {
                return Err(ApiError::unsupported(&format!("{place}.file_url"), "Files by their address are"));
            }
            let given = ["file_id", "file_data", "filename"].into_iter();
            let file = given.filter_map(|name| Some((name.to_owned(), field(name)?.clone()))).collect();
            Ok(other("file", Value::Object(file)))
        }
        _ => Err(unsupported(place)),
    }
}

/// Chat holds a part's value under the part's own name.
fn other(kind: &str, value: Value) -> ContentPart {
    ContentPart { kind: kind.to_owned(), text: None, rest: BTreeMap::from([(kind.to_owned(), value)]) }
}

fn text_of<'a>(part: &'a ContentPart, place: &str) -> Result<&'a str, ApiError> {
    part.text.as_deref().ok_or_else(|| ApiError::missing(&format!("{place}.text")))
}

fn unsupported(place: &str) -> ApiError {
    ApiError::unsupported(&format!("{place}.type"), "This kind of content is")
}
