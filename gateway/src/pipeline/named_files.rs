//! Files that a request names by id, put into it before anybody looks at it: what is screened is what they hold.
//!
//! An id that is none of the project's files is left as it is; it then counts as what nobody can read.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use memchr::memmem;
use serde_json::{Value, json};
use shekara_protocol::error::ApiError;
use shekara_protocol::json::walk;

use super::Gateway;
use super::call::off_thread;
use super::kept_file::{FileReader, file_record, owner_of};
use crate::auth::KeyRecord;

const MAX_FILES: usize = 32;
/// How deep parts of content lie in parts of content: a document in the result of a tool.
const MAX_DEPTH: usize = 3;
const IMAGES: [(&str, &str); 5] =
    [("png", "image/png"), ("jpg", "image/jpeg"), ("jpeg", "image/jpeg"), ("gif", "image/gif"), ("webp", "image/webp")];
const DOCUMENTS: [(&str, &str); 9] = [
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("json", "application/json"),
    ("jsonl", "application/jsonl"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
];

struct Found {
    file_name: String,
    /// Base64.
    data: String,
    /// What it says, where it is a plain text.
    text: Option<String>,
}

fn ending(file_name: &str) -> Option<String> {
    file_name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase())
}

fn is_text(file_name: &str) -> bool {
    ending(file_name).is_some_and(|ending| matches!(ending.as_str(), "txt" | "md" | "csv" | "json" | "jsonl" | "html"))
}

impl Found {
    fn media_type(&self) -> &'static str {
        let ending = ending(&self.file_name);
        let known = IMAGES.iter().chain(&DOCUMENTS).find(|(own, _)| ending.as_deref() == Some(own));
        known.map_or("application/octet-stream", |(_, media_type)| media_type)
    }

    fn data_url(&self) -> String {
        format!("data:{};base64,{}", self.media_type(), self.data)
    }
}

/// The body with the files in it that it names.
///
/// # Errors
/// 413 where it becomes too large, 400 where it names too many, or is ambiguous.
pub(super) async fn with_named_files(gateway: &Arc<Gateway>, key: &KeyRecord, body: Bytes) -> Result<Bytes, ApiError> {
    if memmem::find(&body, b"\"file_id\"").is_none() {
        return Ok(body);
    }
    let read = {
        let body = body.clone();
        move || {
            walk(&body, |_, _| {})?;
            serde_json::from_slice::<Value>(&body).map_err(|_| ApiError::internal())
        }
    };
    let mut request = off_thread(body.len(), read).await??;
    let mut ids = HashMap::new();
    parts(&mut request, &mut |part| {
        if let Some(id) = id_of(part) {
            ids.insert(id.to_owned(), None);
        }
    });
    if ids.is_empty() {
        return Ok(body);
    }
    if ids.len() > MAX_FILES {
        let message = format!("A request may name {MAX_FILES} files at most.");
        return Err(ApiError::invalid_request(message).with_code("too_many_files"));
    }
    let max_bytes = gateway.snapshot().config.max_body_bytes;
    load(gateway, key, &mut ids, max_bytes).await?;
    let mut bytes = body.len();
    parts(&mut request, &mut |part| {
        let found = id_of(part).and_then(|id| ids.get(id)?.as_ref());
        if let Some(found) = found {
            bytes = bytes.saturating_add(found.data.len());
            // What is too large is not built first.
            if bytes <= max_bytes {
                put(part, found);
            }
        }
    });
    if bytes > max_bytes { Err(ApiError::body_too_large(max_bytes)) } else { Ok(Bytes::from(request.to_string())) }
}

async fn load(
    gateway: &Arc<Gateway>,
    key: &KeyRecord,
    ids: &mut HashMap<String, Option<Found>>,
    max_bytes: usize,
) -> Result<(), ApiError> {
    let (owner, mut left) = (owner_of(key), max_bytes);
    for (id, found) in ids {
        let record = match file_record(gateway, &owner, id).await {
            Ok(record) => record,
            Err(error) if error.status == StatusCode::NOT_FOUND => continue,
            Err(error) => return Err(error),
        };
        let file_name = record.file_name.clone();
        let bytes = FileReader::new(gateway, owner.clone(), record).whole(left).await;
        let bytes = bytes.map_err(|error| match error.status {
            StatusCode::PAYLOAD_TOO_LARGE => ApiError::body_too_large(max_bytes),
            _ => error,
        })?;
        let num_bytes = bytes.len();
        left -= num_bytes;
        let read = move || Found {
            text: is_text(&file_name).then(|| String::from_utf8(bytes.to_vec()).ok()).flatten(),
            data: STANDARD.encode(&bytes),
            file_name,
        };
        *found = Some(off_thread(num_bytes, read).await?);
    }
    Ok(())
}

/// Every part of the content of every message, in whichever API's words.
fn parts(request: &mut Value, see: &mut dyn FnMut(&mut Value)) {
    for list in ["messages", "input"] {
        for message in request.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            contents(message, see, MAX_DEPTH);
        }
    }
}

fn contents(holder: &mut Value, see: &mut dyn FnMut(&mut Value), depth: usize) {
    for list in ["content", "output"] {
        for part in holder.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            see(part);
            if depth > 0 {
                contents(part, see, depth - 1);
            }
        }
    }
}

/// The id, where a part is nothing but a file that it names.
fn id_of(part: &Value) -> Option<&str> {
    let holder = match part["type"].as_str()? {
        "file" if part["file"]["file_data"].is_null() => &part["file"],
        "input_file" if part["file_data"].is_null() && part["file_url"].is_null() => part,
        "input_image" if part["image_url"].is_null() => part,
        "image" | "document" if part["source"]["type"] == "file" => &part["source"],
        _ => return None,
    };
    holder["file_id"].as_str()
}

fn put(part: &mut Value, found: &Found) {
    let kind = part["type"].as_str().unwrap_or_default().to_owned();
    let Some(fields) = part.as_object_mut() else { return };
    match kind.as_str() {
        "file" => {
            let file = json!({ "filename": found.file_name, "file_data": found.data_url() });
            fields.insert("file".to_owned(), file);
        }
        "input_file" => {
            fields.shift_remove("file_url");
            fields.shift_remove("file_id");
            fields.insert("filename".to_owned(), json!(found.file_name));
            fields.insert("file_data".to_owned(), json!(found.data_url()));
        }
        "input_image" => {
            fields.shift_remove("file_id");
            fields.insert("image_url".to_owned(), json!(found.data_url()));
        }
        _ => {
            let source = match &found.text {
                Some(text) if kind == "document" => json!({ "type": "text", "media_type": "text/plain", "data": text }),
                _ => json!({ "type": "base64", "media_type": found.media_type(), "data": found.data }),
            };
            fields.insert("source".to_owned(), source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(part: &Value) -> Value {
        let found = Found { file_name: "Справка.PDF".into(), data: "QUJD".into(), text: None };
        let mut request = json!({ "messages": [{ "role": "user", "content": [part] }] });
        parts(&mut request, &mut |part| {
            if id_of(part) == Some("file-1") {
                put(part, &found);
            }
        });
        request["messages"][0]["content"][0].take()
    }

    #[test]
    fn a_file_stands_where_its_id_stood() {
        let url = "data:application/pdf;base64,QUJD";
        assert_eq!(
            filled(&json!({ "type": "file", "file": { "file_id": "file-1" } })),
            json!({ "type": "file", "file": { "filename": "Справка.PDF", "file_data": url } })
        );
        assert_eq!(
            filled(&json!({ "type": "input_file", "file_id": "file-1" })),
            json!({ "type": "input_file", "filename": "Справка.PDF", "file_data": url })
        );
        let nulls = json!({ "type": "input_file", "file_id": "file-1", "file_url": null, "file_data": null });
        assert_eq!(filled(&nulls)["file_data"], url);
        assert_eq!(
            filled(&json!({ "type": "input_image", "file_id": "file-1", "detail": "low" })),
            json!({ "type": "input_image", "detail": "low", "image_url": url })
        );
        let document = json!({ "type": "document", "source": { "type": "file", "file_id": "file-1" } });
        let source = json!({ "type": "base64", "media_type": "application/pdf", "data": "QUJD" });
        assert_eq!(filled(&document)["source"], source);
        let result = json!({ "type": "tool_result", "tool_use_id": "t", "content": [document] });
        assert_eq!(filled(&result)["content"][0]["source"], source);
    }

    #[test]
    fn what_names_no_file_or_holds_one_already_is_left_alone() {
        for part in [
            json!({ "type": "file", "file": { "file_id": "file-2" } }),
            json!({ "type": "file", "file": { "file_id": "file-1", "file_data": "x" } }),
            json!({ "type": "text", "text": "file-1", "file_id": "file-1" }),
            json!({ "type": "input_file", "file_id": "file-1", "file_url": "https://example.kz/a" }),
            json!("file-1"),
        ] {
            assert_eq!(filled(&part), part);
        }
    }
}
