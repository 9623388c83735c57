//! A form with a file, on its way to a model inside the border. Its fields are written anew from the JSON that was scanned;
//! the file, which no scan can read, goes along as it came.

use std::fmt;

use bytes::Bytes;
use memchr::memmem;
use serde_json::Value;
use uuid::Uuid;

use super::{AttemptError, FailureKind};

/// The member that stands for the file in the fields' JSON.
pub const FILE_FIELD: &str = "file";

/// A file that somebody uploaded.
#[derive(Clone)]
pub struct Upload {
    pub bytes: Bytes,
    pub file_name: String,
    pub content_type: Option<String>,
}

/// Its name and bytes are the caller's own.
impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Upload({} bytes)", self.bytes.len())
    }
}

/// A body and its content type.
pub(super) struct Form {
    pub content_type: String,
    pub body: Vec<u8>,
}

/// # Errors
/// The fields are no JSON object of texts, which those of an admitted form always are.
pub(super) fn form(fields: &[u8], model: &str, upload: &Upload) -> Result<Form, AttemptError> {
    let broken = || AttemptError::from(FailureKind::BrokenResponse);
    let fields: Value = serde_json::from_slice(fields).map_err(|_| broken())?;
    let mut parts = Vec::new();
    for (name, value) in fields.as_object().ok_or_else(broken)? {
        match value {
            _ if name == FILE_FIELD => {}
            _ if name == "model" => parts.push((name.as_str(), model)),
            Value::String(text) => parts.push((name, text)),
            Value::Array(list) => {
                for item in list {
                    parts.push((name, item.as_str().ok_or_else(broken)?));
                }
            }
            _ => return Err(broken()),
        }
    }
    let boundary = boundary(&parts, upload);
    let mut body = Vec::with_capacity(upload.bytes.len() + 4096);
    for (name, text) in parts {
        let name = escaped(name);
        body.extend(format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n").bytes());
        body.extend_from_slice(text.as_bytes());
        body.extend_from_slice(b"\r\n");
    }
    let kind = upload.content_type.as_deref().unwrap_or("application/octet-stream");
    let file_name = escaped(&upload.file_name);
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{FILE_FIELD}\"; filename=\"{file_name}\"\r\n\
         Content-Type: {kind}\r\n\r\n"
    );
    body.extend(head.bytes());
    body.extend_from_slice(&upload.bytes);
    body.extend(format!("\r\n--{boundary}--\r\n").bytes());
    Ok(Form { content_type: format!("multipart/form-data; boundary={boundary}"), body })
}

/// One that stands in no part. It cannot be foreseen, so that nobody can write a part in which it does.
fn boundary(parts: &[(&str, &str)], upload: &Upload) -> String {
    loop {
        let boundary = format!("shekara-{}", Uuid::new_v4().simple());
        let finder = memmem::Finder::new(boundary.as_bytes());
        let stands_in = |bytes: &[u8]| finder.find(bytes).is_some();
        if !stands_in(&upload.bytes) && !parts.iter().any(|(_, text)| stands_in(text.as_bytes())) {
            return boundary;
        }
    }
}

/// As browsers write names.
fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\").replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use shekara_protocol::multipart::parse_form;

    use super::*;

    #[test]
    fn a_form_is_read_as_what_was_scanned() {
        let upload = Upload {
            bytes: Bytes::from_static(b"RIFF\r\n--shekara-\r\n\0"),
            file_name: "a\"\r\nX: y".to_owned(),
            content_type: Some("audio/wav".to_owned()),
        };
        let fields = r#"{"model":"alias","prompt":"сәлем\r\n--x","t[]":["a","b"],"file":{"filename":"a"},"new":"1"}"#;
        let Ok(form) = form(fields.as_bytes(), "real", &upload) else { panic!("a form") };
        let parts = parse_form(Some(&form.content_type), &form.body).unwrap();
        let read: Vec<(&str, &[u8])> =
            parts.iter().map(|part| (part.name.as_str(), &form.body[part.content.clone()])).collect();
        let expected: [(&str, &[u8]); 6] = [
            ("model", b"real"),
            ("prompt", "сәлем\r\n--x".as_bytes()),
            ("t[]", b"a"),
            ("t[]", b"b"),
            ("new", b"1"),
            ("file", &upload.bytes),
        ];
        assert_eq!(read, expected);
        let file = parts.last().unwrap();
        assert_eq!(file.file_name.as_deref(), Some("a%22%0D%0AX: y"));
        assert_eq!(file.content_type.as_deref(), Some("audio/wav"));
    }

    #[test]
    fn fields_that_are_no_texts_are_refused() {
        let upload = Upload { bytes: Bytes::new(), file_name: String::new(), content_type: None };
        for fields in ["[]", r#"{"a":1}"#, r#"{"a":[1]}"#, r#"{"a":{"b":"c"}}"#, "x"] {
            assert!(form(fields.as_bytes(), "m", &upload).is_err(), "{fields}");
        }
        assert_eq!(format!("{upload:?}"), "Upload(0 bytes)");
    }
}
