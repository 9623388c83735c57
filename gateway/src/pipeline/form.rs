//! A form as the rest of the pipeline sees it: its fields as JSON, scanned like any other request, and its file, which
//! makes the request one that cannot be read.

use bytes::Bytes;
use serde_json::{Map, Value, json};
use shekara_protocol::error::ApiError;
use shekara_protocol::multipart::{Part, parse_form};

use super::admission::Wishes;
use super::endpoint::Reading;
use crate::providers::{FILE_FIELD, Upload};

/// The fields as a JSON object of texts and lists of texts, and the file.
///
/// # Errors
/// 400 for a form that is malformed or ambiguous, or without exactly one file.
pub fn read_form(content_type: Option<&str>, body: &Bytes) -> Result<(Bytes, Upload), ApiError> {
    let mut fields = Map::new();
    let mut upload = None;
    for part in parse_form(content_type, body)? {
        let twice = || {
            let message = format!("Invalid '{}': the form has this field more than once.", part.name);
            ApiError::invalid(&part.name, message)
        };
        if let Some(file_name) = &part.file_name {
            if part.name != FILE_FIELD {
                return Err(ApiError::unsupported(&part.name, "Another file is"));
            }
            let bytes = body.slice(part.content.clone());
            let (file_name, content_type) = (file_name.clone(), part.content_type.clone());
            // Its names are the caller's own words: they are scanned.
            fields.insert(FILE_FIELD.to_owned(), json!({ "filename": file_name, "content_type": content_type }));
            if upload.replace(Upload { bytes, file_name, content_type }).is_some() {
                return Err(twice());
            }
            continue;
        }
        if part.name == FILE_FIELD {
            return Err(ApiError::invalid(FILE_FIELD, "Invalid 'file': expected a file, not a text."));
        }
        add(&mut fields, &part, body).ok_or_else(twice)??;
    }
    let upload = upload.ok_or_else(|| ApiError::missing(FILE_FIELD))?;
    Ok((Bytes::from(Value::Object(fields).to_string()), upload))
}

/// None where a field that is no list comes twice.
fn add(fields: &mut Map<String, Value>, part: &Part, body: &[u8]) -> Option<Result<(), ApiError>> {
    let text = match part.text(body) {
        Ok(text) => text,
        Err(error) => return Some(Err(error)),
    };
    if !part.name.ends_with("[]") {
        return fields.insert(part.name.clone(), json!(text)).is_none().then_some(Ok(()));
    }
    if let Value::Array(list) = fields.entry(part.name.clone()).or_insert_with(|| json!([])) {
        list.push(json!(text));
    }
    Some(Ok(()))
}

/// What the gateway has to know of a form's fields. The file counts as what nobody can read, whatever the route says.
///
/// # Errors
/// 400 for a field that is missing or malformed.
pub(super) fn read_fields(fields: &[u8]) -> Result<Reading, ApiError> {
    let fields: Value = serde_json::from_slice(fields).map_err(|_| ApiError::internal())?;
    let text = |name: &str| fields[name].as_str().filter(|text| !text.is_empty());
    let model = text("model").ok_or_else(|| ApiError::missing("model"))?.to_owned();
    let stream = match text("stream").map(str::to_ascii_lowercase).as_deref() {
        None | Some("false" | "0") => false,
        Some("true" | "1") => true,
        Some(_) => return Err(ApiError::invalid("stream", "Invalid 'stream': expected 'true' or 'false'.")),
    };
    let is_text = matches!(text("response_format"), Some("text" | "srt" | "vtt"));
    let wishes = Wishes { stream, include_usage: false, is_structured: false, is_text };
    Ok(Reading { is_unreadable: true, ..Reading::plain(model, wishes) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(parts: &[(&str, &str)]) -> Result<(Value, Upload), ApiError> {
        let part = |(head, content): &(&str, &str)| {
            format!("--x\r\nContent-Disposition: form-data; name={head}\r\n\r\n{content}\r\n")
        };
        let body = Bytes::from(parts.iter().map(part).collect::<String>() + "--x--\r\n");
        let (fields, upload) = read_form(Some("multipart/form-data; boundary=x"), &body)?;
        Ok((serde_json::from_slice(&fields).unwrap(), upload))
    }

    #[test]
    fn fields_become_json_and_the_file_stays_beside_it() {
        let file = ("file; filename=\"Айгуль.mp3\"", "RIFF");
        let (fields, upload) = read(&[("model", "m"), file, ("t[]", "a"), ("t[]", "b"), ("\"x y\"", "\"")]).unwrap();
        let expected = json!({ "model": "m", "file": { "filename": "Айгуль.mp3", "content_type": null },
            "t[]": ["a", "b"], "x y": "\"" });
        assert_eq!((fields, &upload.bytes[..]), (expected, &b"RIFF"[..]));
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        let file = ("file; filename=a", "RIFF");
        for (parts, param) in [
            (&[("model", "m")][..], "file"),
            (&[("file", "text")], "file"),
            (&[file, file], "file"),
            (&[file, ("model", "a"), ("model", "b")], "model"),
            (&[file, ("image; filename=b", "x")], "image"),
        ] {
            assert_eq!(read(parts).unwrap_err().param.as_deref(), Some(param), "{parts:?}");
        }
    }

    #[test]
    fn fields_say_what_the_answer_looks_like() {
        let read = |fields: Value| read_fields(fields.to_string().as_bytes());
        let reading = read(json!({ "model": "m", "stream": "True", "response_format": "srt" })).unwrap();
        assert!(reading.is_unreadable && reading.wishes.stream && reading.wishes.is_text);
        assert_eq!(read(json!({ "prompt": "x" })).unwrap_err().param.as_deref(), Some("model"));
        assert_eq!(read(json!({ "model": "m", "stream": "?" })).unwrap_err().param.as_deref(), Some("stream"));
    }
}
