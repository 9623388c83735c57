//! A form as the rest of the pipeline sees it: its fields as JSON, scanned like any other request, with the names and types
//! of its files, and the files beside them, which nobody can read.

use bytes::Bytes;
use serde_json::{Map, Value, json};
use shekara_protocol::error::ApiError;
use shekara_protocol::multipart::{Part, parse_form};

use super::admission::Wishes;
use super::endpoint::{Endpoint, Reading};
use crate::pii::{Upload, UploadKind, Uploads};
use crate::routing::Needs;

/// The files of a form. A field whose name ends in `[]` may stand several times.
#[derive(Debug, Clone, Copy)]
pub(super) struct Files {
    kind: UploadKind,
    /// One of these fields stands in every form, and no other of them.
    one_of: &'static [&'static str],
    /// These may.
    others: &'static [&'static str],
}

const SOUND: Files = Files { kind: UploadKind::Sound, one_of: &["file"], others: &[] };
const EDIT: Files = Files { kind: UploadKind::Picture, one_of: &["image", "image[]"], others: &["mask"] };
const VARIATION: Files = Files { kind: UploadKind::Picture, one_of: &["image"], others: &[] };

impl Files {
    /// Of an endpoint that takes forms.
    pub(super) fn of(endpoint: Endpoint) -> Option<Self> {
        match endpoint {
            Endpoint::Transcriptions | Endpoint::Translations => Some(SOUND),
            Endpoint::ImageEdits => Some(EDIT),
            Endpoint::ImageVariations => Some(VARIATION),
            _ => None,
        }
    }

    fn has(self, name: &str) -> bool {
        self.one_of.iter().chain(self.others).any(|field| *field == name)
    }

    /// # Errors
    /// 400: the file that every form has is missing, or stands under two names.
    fn check(self, uploads: &[Upload]) -> Result<(), ApiError> {
        let mut found = self.one_of.iter().filter(|name| uploads.iter().any(|upload| upload.field == **name));
        let first = self.one_of.first().copied().unwrap_or_default();
        match (found.next(), found.next()) {
            (None, _) => Err(ApiError::missing(first)),
            (Some(_), None) => Ok(()),
            (Some(one), Some(other)) => {
                let message = format!("Invalid '{one}': it cannot be given together with '{other}'.");
                Err(ApiError::invalid(one, message))
            }
        }
    }
}

/// The fields as a JSON object of texts, files' names and lists of both, and the files.
///
/// # Errors
/// 400 for a form that is malformed or ambiguous, or with other files than the endpoint takes.
pub fn read_form(endpoint: Endpoint, content_type: Option<&str>, body: &Bytes) -> Result<(Bytes, Uploads), ApiError> {
    let files = Files::of(endpoint).ok_or_else(ApiError::internal)?;
    let (mut fields, mut uploads) = (Map::new(), Vec::new());
    for part in parse_form(content_type, body)? {
        let name = &part.name;
        let value = match &part.file_name {
            Some(_) if !files.has(name) => return Err(ApiError::unsupported(name, "Another file is")),
            None if files.has(name) => {
                return Err(ApiError::invalid(name, format!("Invalid '{name}': expected a file, not a text.")));
            }
            Some(file_name) => {
                let bytes = body.slice(part.content.clone());
                uploads.push(Upload { field: name.clone(), kind: files.kind, bytes });
                // The caller's own words: they are scanned, and sent from here.
                json!({ "filename": file_name, "content_type": part.content_type })
            }
            None => json!(part.text(body)?),
        };
        add(&mut fields, &part, value)?;
    }
    files.check(&uploads)?;
    Ok((Bytes::from(Value::Object(fields).to_string()), Uploads::new(uploads)))
}

/// # Errors
/// 400 where a field that is no list comes twice.
fn add(fields: &mut Map<String, Value>, part: &Part, value: Value) -> Result<(), ApiError> {
    if !part.name.ends_with("[]") {
        if fields.insert(part.name.clone(), value).is_none() {
            return Ok(());
        }
        let message = format!("Invalid '{}': the form has this field more than once.", part.name);
        return Err(ApiError::invalid(&part.name, message));
    }
    if let Value::Array(list) = fields.entry(part.name.clone()).or_insert_with(|| json!([])) {
        list.push(value);
    }
    Ok(())
}

/// What the gateway has to know of a form with a sound, which counts as what nobody can read, whatever the route says.
///
/// # Errors
/// 400 for a field that is missing or malformed.
pub(super) fn read_sound(fields: &[u8]) -> Result<Reading, ApiError> {
    let fields = Fields::parse(fields)?;
    let is_text = matches!(fields.text("response_format"), Some("text" | "srt" | "vtt"));
    let wishes = Wishes { stream: fields.stream()?, include_usage: false, is_structured: false, is_text };
    Ok(Reading { is_unreadable: true, ..Reading::plain(fields.needed("model")?, wishes) })
}

/// The same of a form with pictures; `says` is the field without which it says nothing.
///
/// # Errors
/// As [`read_sound`], and for a stream.
pub(super) fn read_pictures(fields: &[u8], says: Option<&'static str>) -> Result<Reading, ApiError> {
    let fields = Fields::parse(fields)?;
    let model = fields.needed("model")?;
    if let Some(says) = says {
        fields.needed(says)?;
    }
    if fields.stream()? {
        return Err(ApiError::unsupported("stream", "Pictures in pieces are"));
    }
    let wishes = Wishes { stream: false, include_usage: false, is_structured: false, is_text: false };
    let needs = Needs { vision: true, ..Needs::default() };
    Ok(Reading { needs, user: fields.text("user").map(str::to_owned), ..Reading::plain(model, wishes) })
}

struct Fields(Value);

impl Fields {
    fn parse(fields: &[u8]) -> Result<Self, ApiError> {
        serde_json::from_slice(fields).map(Self).map_err(|_| ApiError::internal())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0[name].as_str().filter(|text| !text.is_empty())
    }

    fn needed(&self, name: &str) -> Result<String, ApiError> {
        self.text(name).map(str::to_owned).ok_or_else(|| ApiError::missing(name))
    }

    fn stream(&self) -> Result<bool, ApiError> {
        match self.text("stream").map(str::to_ascii_lowercase).as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(ApiError::invalid("stream", "Invalid 'stream': expected 'true' or 'false'.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(endpoint: Endpoint, parts: &[(&str, &str)]) -> Result<(Value, Uploads), ApiError> {
        let part = |(head, content): &(&str, &str)| {
            format!("--x\r\nContent-Disposition: form-data; name={head}\r\n\r\n{content}\r\n")
        };
        let body = Bytes::from(parts.iter().map(part).collect::<String>() + "--x--\r\n");
        let (fields, uploads) = read_form(endpoint, Some("multipart/form-data; boundary=x"), &body)?;
        Ok((serde_json::from_slice(&fields).unwrap(), uploads))
    }

    #[test]
    fn fields_become_json_and_the_files_stay_beside_it() {
        let file = ("file; filename=\"Айгуль.mp3\"", "RIFF");
        let parts = [("model", "m"), file, ("t[]", "a"), ("t[]", "b"), ("\"x y\"", "\"")];
        let (fields, uploads) = read(Endpoint::Transcriptions, &parts).unwrap();
        let expected = json!({ "model": "m", "file": { "filename": "Айгуль.mp3", "content_type": null },
            "t[]": ["a", "b"], "x y": "\"" });
        assert_eq!(fields, expected);
        let sound = Upload { field: "file".into(), kind: UploadKind::Sound, bytes: Bytes::from_static(b"RIFF") };
        assert!(uploads.iter().eq([&sound]));
        let parts = [("image[]; filename=1", "one"), ("mask; filename=m", "M"), ("image[]; filename=2", "two")];
        let (fields, uploads) = read(Endpoint::ImageEdits, &parts).unwrap();
        assert_eq!(fields["image[]"][1], json!({ "filename": "2", "content_type": null }));
        let read: Vec<(&str, &[u8])> = uploads.iter().map(|file| (file.field.as_str(), &file.bytes[..])).collect();
        assert_eq!(read, [("image[]", &b"one"[..]), ("mask", b"M"), ("image[]", b"two")]);
        assert!(uploads.iter().all(|file| file.kind == UploadKind::Picture));
    }

    #[test]
    fn what_is_ambiguous_is_refused() {
        use Endpoint::{ImageEdits, ImageVariations, Transcriptions};
        let (file, image) = (("file; filename=a", "RIFF"), ("image; filename=a", "PNG"));
        let (mask, images) = (("mask; filename=a", "PNG"), ("image[]; filename=a", "PNG"));
        for (endpoint, parts, param) in [
            (Transcriptions, &[("model", "m")][..], "file"),
            (Transcriptions, &[("file", "text")], "file"),
            (Transcriptions, &[file, file], "file"),
            (Transcriptions, &[file, ("model", "a"), ("model", "b")], "model"),
            (Transcriptions, &[file, image], "image"),
            (ImageEdits, &[mask], "image"),
            (ImageEdits, &[image, image], "image"),
            (ImageEdits, &[image, images], "image"),
            (ImageEdits, &[image, mask, mask], "mask"),
            (ImageEdits, &[image, ("mask", "text")], "mask"),
            (ImageEdits, &[image, ("image[]", "text")], "image[]"),
            (ImageEdits, &[image, file], "file"),
            (ImageEdits, &[("\"image[0]\"; filename=a", "PNG")], "image[0]"),
            (ImageVariations, &[images], "image[]"),
            (ImageVariations, &[image, mask], "mask"),
            (ImageVariations, &[("prompt", "x")], "image"),
        ] {
            assert_eq!(read(endpoint, parts).unwrap_err().param.as_deref(), Some(param), "{endpoint:?} {parts:?}");
        }
        assert!(read(ImageEdits, &[images, images, mask]).is_ok() && read(ImageVariations, &[image]).is_ok());
    }

    #[test]
    fn fields_say_what_the_answer_looks_like() {
        let read = |fields: Value| read_sound(fields.to_string().as_bytes());
        let reading = read(json!({ "model": "m", "stream": "True", "response_format": "srt" })).unwrap();
        assert!(reading.is_unreadable && reading.wishes.stream && reading.wishes.is_text);
        assert_eq!(read(json!({ "prompt": "x" })).unwrap_err().param.as_deref(), Some("model"));
        assert_eq!(read(json!({ "model": "m", "stream": "?" })).unwrap_err().param.as_deref(), Some("stream"));
    }

    #[test]
    fn pictures_need_a_model_that_sees_and_a_prompt_where_one_says_what_to_do() {
        let read = |fields: Value, says| read_pictures(fields.to_string().as_bytes(), says);
        let reading = read(json!({ "model": "m", "prompt": "x", "user": "u", "stream": "false" }), Some("prompt"));
        let reading = reading.unwrap();
        assert!(reading.needs.vision && !reading.is_unreadable && reading.user.as_deref() == Some("u"));
        assert!(read(json!({ "model": "m" }), None).is_ok());
        for (fields, param) in [
            (json!({ "model": "m", "prompt": "" }), "prompt"),
            (json!({ "prompt": "x" }), "model"),
            (json!({ "model": "m", "prompt": "x", "stream": "true" }), "stream"),
        ] {
            assert_eq!(read(fields, Some("prompt")).unwrap_err().param.as_deref(), Some(param));
        }
    }
}
