//! A form with files, on its way to who answers it. Its fields are written anew from the JSON that was scanned, and so are
//! the names and types of its files; their bytes, which no scan can read, go along as they came.

use bytes::Bytes;
use memchr::memmem;
use serde_json::Value;
use uuid::Uuid;

use super::{AttemptError, FailureKind};
use crate::pii::Uploads;

/// Files on their way. Only what sends a routed request can enclose any, and takes them from there: those that go across the
/// border were cleared.
#[derive(Debug, Clone, Copy, Default)]
pub struct Enclosed<'a>(Option<&'a Uploads>);

impl<'a> Enclosed<'a> {
    pub(super) fn of(uploads: &'a Uploads) -> Self {
        Self(Some(uploads).filter(|uploads| !uploads.is_empty()))
    }

    /// Never empty.
    pub(super) fn uploads(self) -> Option<&'a Uploads> {
        self.0
    }
}

/// A body and its content type.
pub(super) struct Form {
    pub content_type: String,
    pub body: Vec<u8>,
}

/// A file as the fields' JSON describes it.
struct File<'f> {
    field: &'f str,
    name: &'f str,
    content_type: Option<&'f str>,
    bytes: &'f Bytes,
}

/// # Errors
/// The fields are no JSON object of texts that describes just these files, which those of an admitted form always are.
pub(super) fn form(fields: &[u8], model: &str, uploads: &Uploads) -> Result<Form, AttemptError> {
    let broken = || AttemptError::from(FailureKind::BrokenResponse);
    let fields: Value = serde_json::from_slice(fields).map_err(|_| broken())?;
    let (texts, files) = parts(&fields, model, uploads).ok_or_else(broken)?;
    let boundary = boundary(&texts, uploads);
    let mut body = Vec::with_capacity(uploads.num_bytes() + 4096);
    for (name, text) in texts {
        let name = escaped(name);
        body.extend(format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n").bytes());
        body.extend_from_slice(text.as_bytes());
        body.extend_from_slice(b"\r\n");
    }
    for file in files {
        let (field, name) = (escaped(file.field), escaped(file.name));
        let kind = file.content_type.unwrap_or("application/octet-stream");
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
             Content-Type: {kind}\r\n\r\n"
        );
        body.extend(head.bytes());
        body.extend_from_slice(file.bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").bytes());
    Ok(Form { content_type: format!("multipart/form-data; boundary={boundary}"), body })
}

/// Texts with their names, and files; each in the order in which they came.
type Parts<'f> = (Vec<(&'f str, &'f str)>, Vec<File<'f>>);

fn parts<'f>(fields: &'f Value, model: &'f str, uploads: &'f Uploads) -> Option<Parts<'f>> {
    let (mut texts, mut files) = (Vec::new(), Vec::new());
    for (name, value) in fields.as_object()? {
        if name == "model" {
            texts.push((name.as_str(), model));
            continue;
        }
        let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let mut bytes = uploads.of(name).map(|upload| &upload.bytes);
        for item in items {
            match item {
                Value::String(text) => texts.push((name, text)),
                file => files.push(File {
                    field: name,
                    name: file.get("filename")?.as_str()?,
                    content_type: file.get("content_type")?.as_str(),
                    bytes: bytes.next()?,
                }),
            }
        }
    }
    (files.len() == uploads.len()).then_some((texts, files))
}

/// One that stands in no part. It cannot be foreseen, so that nobody can write a part in which it does.
fn boundary(texts: &[(&str, &str)], uploads: &Uploads) -> String {
    loop {
        let boundary = format!("shekara-{}", Uuid::new_v4().simple());
        let finder = memmem::Finder::new(boundary.as_bytes());
        let stands_in = |bytes: &[u8]| finder.find(bytes).is_some();
        let is_in_a_file = uploads.iter().any(|upload| stands_in(&upload.bytes));
        if !is_in_a_file && !texts.iter().any(|(_, text)| stands_in(text.as_bytes())) {
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
    use crate::pii::{Upload, UploadKind};

    fn uploads(files: &[(&str, &'static [u8])]) -> Uploads {
        let upload = |(field, bytes): &(&str, &'static [u8])| Upload {
            field: (*field).to_owned(),
            kind: UploadKind::Picture,
            bytes: Bytes::from_static(bytes),
        };
        Uploads::new(files.iter().map(upload).collect())
    }

    #[test]
    fn a_form_is_read_as_what_was_scanned() {
        let sound = b"RIFF\r\n--shekara-\r\n\0";
        let uploads = uploads(&[("image[]", b"one"), ("mask", sound), ("image[]", b"two")]);
        let fields = r#"{"model":"alias","prompt":"сәлем\r\n--x","t[]":["a","b"],
            "image[]":[{"filename":"1.png","content_type":"image/png"},{"filename":"2","content_type":null}],
            "mask":{"filename":"a\"\r\nX: y","content_type":"audio/wav"},"new":"1"}"#;
        let Ok(form) = form(fields.as_bytes(), "real", &uploads) else { panic!("a form") };
        let parts = parse_form(Some(&form.content_type), &form.body).unwrap();
        let read: Vec<(&str, &[u8])> =
            parts.iter().map(|part| (part.name.as_str(), &form.body[part.content.clone()])).collect();
        let expected: [(&str, &[u8]); 8] = [
            ("model", b"real"),
            ("prompt", "сәлем\r\n--x".as_bytes()),
            ("t[]", b"a"),
            ("t[]", b"b"),
            ("new", b"1"),
            ("image[]", b"one"),
            ("image[]", b"two"),
            ("mask", sound),
        ];
        assert_eq!(read, expected);
        let about = |part: usize| (parts[part].file_name.as_deref(), parts[part].content_type.as_deref());
        assert_eq!(about(5), (Some("1.png"), Some("image/png")));
        assert_eq!(about(6), (Some("2"), Some("application/octet-stream")));
        assert_eq!(about(7), (Some("a%22%0D%0AX: y"), Some("audio/wav")));
    }

    #[test]
    fn fields_that_are_no_texts_and_files_that_nobody_described_are_refused() {
        let none = Uploads::default();
        for fields in ["[]", r#"{"a":1}"#, r#"{"a":[1]}"#, r#"{"a":{"b":"c"}}"#, "x"] {
            assert!(form(fields.as_bytes(), "m", &none).is_err(), "{fields}");
        }
        let described = r#"{"model":"m","file":{"filename":"a","content_type":null}}"#;
        assert!(form(described.as_bytes(), "m", &none).is_err());
        assert!(form(described.as_bytes(), "m", &uploads(&[("file", b"x")])).is_ok());
        assert!(form(described.as_bytes(), "m", &uploads(&[("file", b"x"), ("file", b"y")])).is_err());
        assert!(form(described.as_bytes(), "m", &uploads(&[("other", b"x")])).is_err());
    }
}
