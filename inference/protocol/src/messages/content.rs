//! Blocks that say or show something, as chat's parts of content.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::request::{Block, Source};
use crate::chat::{Content, ContentPart};
use crate::error::ApiError;

/// The parts of a block; a document with a title and a context is more than one. `place` names the block in errors.
pub(super) fn parts(block: &Block, place: &str) -> Result<Vec<ContentPart>, ApiError> {
    let mut parts = match block.kind.as_str() {
        "text" => vec![ContentPart::text(text_of(block, place)?)],
        "image" => vec![image(block, place)?],
        "document" => document(block, place)?,
        _ => return Err(unsupported(place)),
    };
    if let (Some(last), Some(cached)) = (parts.last_mut(), &block.cache_control) {
        last.rest.insert("cache_control".to_owned(), Value::Object(cached.clone()));
    }
    Ok(parts)
}

/// What `content` says, and these parts. One text alone is that text: chat templates that know no parts can then be
/// rendered.
pub(super) fn and(content: Option<Content>, mut added: Vec<ContentPart>) -> Content {
    let mut parts = match content {
        None => Vec::new(),
        Some(Content::Text(text)) => vec![ContentPart::text(text)],
        Some(Content::Parts(parts)) => parts,
    };
    parts.append(&mut added);
    match parts.as_mut_slice() {
        [] => Content::Text(String::new()),
        [ContentPart { kind, text: Some(text), rest }] if kind == "text" && rest.is_empty() => {
            Content::Text(std::mem::take(text))
        }
        _ => Content::Parts(parts),
    }
}

pub(super) fn text_of<'a>(block: &'a Block, place: &str) -> Result<&'a str, ApiError> {
    if block.kind != "text" {
        return Err(unsupported(place));
    }
    block.text.as_deref().ok_or_else(|| ApiError::missing(&format!("{place}.text")))
}

fn image(block: &Block, place: &str) -> Result<ContentPart, ApiError> {
    let source = source(block, place)?;
    let url = match source.kind.as_str() {
        "base64" => data_url(source, place)?,
        "url" => given(source.url.as_ref(), place, "url")?,
        _ => return Err(ApiError::unsupported(&format!("{place}.source.type"), "Images kept elsewhere are")),
    };
    Ok(part("image_url", json!({ "url": url })))
}

/// A text is told as a text, behind what is told of it. What lies elsewhere is named by its address.
fn document(block: &Block, place: &str) -> Result<Vec<ContentPart>, ApiError> {
    let source = source(block, place)?;
    if block.citations.as_ref().is_some_and(|citations| citations.enabled == Some(true)) {
        return Err(ApiError::unsupported(&format!("{place}.citations"), "Citations are"));
    }
    let mut file = match source.kind.as_str() {
        "text" => {
            let text = given(source.data.as_ref(), place, "data")?;
            let told = [&block.title, &block.context].into_iter().flatten().chain([&text]);
            return Ok(told.filter(|text| !text.is_empty()).map(ContentPart::text).collect());
        }
        "base64" => json!({ "file_data": data_url(source, place)? }),
        "url" => json!({ "file_url": given(source.url.as_ref(), place, "url")? }),
        _ => return Err(ApiError::unsupported(&format!("{place}.source.type"), "Documents kept elsewhere are")),
    };
    if let Some(title) = &block.title {
        file["filename"] = json!(title);
    }
    let context = block.context.as_ref().filter(|context| !context.is_empty());
    Ok(context.map(ContentPart::text).into_iter().chain([part("file", file)]).collect())
}

fn source<'b>(block: &'b Block, place: &str) -> Result<&'b Source, ApiError> {
    block.source.as_ref().ok_or_else(|| ApiError::missing(&format!("{place}.source")))
}

fn given(value: Option<&String>, place: &str, name: &str) -> Result<String, ApiError> {
    value.cloned().ok_or_else(|| ApiError::missing(&format!("{place}.source.{name}")))
}

/// Its kind is a media type and nothing else: what is no name in it could be read as something else.
fn data_url(source: &Source, place: &str) -> Result<String, ApiError> {
    let media_type = given(source.media_type.as_ref(), place, "media_type")?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"/+-._".contains(&byte);
    if !media_type.bytes().all(is_name) {
        let param = format!("{place}.source.media_type");
        return Err(ApiError::invalid(&param, format!("Invalid '{param}': it is no media type.")));
    }
    Ok(format!("data:{media_type};base64,{}", given(source.data.as_ref(), place, "data")?))
}

/// Chat holds a part's value under the part's own name.
fn part(kind: &str, value: Value) -> ContentPart {
    ContentPart { kind: kind.to_owned(), text: None, rest: BTreeMap::from([(kind.to_owned(), value)]) }
}

fn unsupported(place: &str) -> ApiError {
    ApiError::unsupported(&format!("{place}.type"), "This kind of block is")
}
