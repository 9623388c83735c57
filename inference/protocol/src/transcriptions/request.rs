//! The form of a request.

use std::collections::HashSet;

use crate::error::ApiError;
use crate::multipart::{Part, parse_form};

/// Fields that would change the answer and are not supported here, though others know them.
const UNSUPPORTED: [&str; 6] = [
    "include",
    "include[]",
    "known_speaker_names",
    "known_speaker_names[]",
    "known_speaker_references",
    "known_speaker_references[]",
];
const GRANULARITIES: [&str; 2] = ["timestamp_granularities[]", "timestamp_granularities"];

/// How an answer is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TranscriptFormat {
    #[default]
    Json,
    Text,
    Srt,
    VerboseJson,
    Vtt,
}

impl TranscriptFormat {
    pub const ALL: [(&'static str, Self); 5] = [
        ("json", Self::Json),
        ("text", Self::Text),
        ("srt", Self::Srt),
        ("verbose_json", Self::VerboseJson),
        ("vtt", Self::Vtt),
    ];

    /// Whether answers are JSON, and not texts.
    pub fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::VerboseJson)
    }

    /// Whether it tells when something is said.
    pub fn has_times(self) -> bool {
        !matches!(self, Self::Json | Self::Text)
    }

    fn parse(text: &str) -> Result<Self, ApiError> {
        let format = Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, format)| *format);
        format.ok_or_else(|| {
            let names = Self::ALL.map(|(name, _)| format!("'{name}'")).join(", ");
            ApiError::invalid("response_format", format!("Invalid 'response_format': expected one of {names}."))
        })
    }
}

/// A request with its file. Unknown fields are ignored here and forwarded by the gateway as they came.
#[derive(Debug, Clone, PartialEq)]
pub struct TranscriptionRequest {
    pub model: String,
    /// The file, which is never empty.
    pub file: Part,
    pub language: Option<String>,
    /// What was said before, or words to expect.
    pub prompt: Option<String>,
    pub format: TranscriptFormat,
    /// From 0 to 1.
    pub temperature: Option<f64>,
    pub stream: bool,
}

/// # Errors
/// 400 for a malformed form, and for a field that is missing, out of range or not supported, which it names.
pub fn parse_request(content_type: Option<&str>, body: &[u8]) -> Result<TranscriptionRequest, ApiError> {
    let parts = parse_form(content_type, body)?;
    let mut seen = HashSet::new();
    for part in parts.iter().filter(|part| !part.name.ends_with("[]")) {
        if !seen.insert(&part.name) {
            let message = format!("Invalid '{}': the form has this field more than once.", part.name);
            return Err(ApiError::invalid(&part.name, message));
        }
    }
    if let Some(name) = UNSUPPORTED.iter().find(|name| parts.iter().any(|part| part.name == **name)) {
        return Err(ApiError::unsupported(name, "This field is"));
    }
    let form = Form { parts: &parts, body };
    let file = parts.iter().find(|part| part.name == "file").ok_or_else(|| ApiError::missing("file"))?;
    if file.file_name.is_none() {
        return Err(ApiError::invalid("file", "Invalid 'file': expected a file, not a text."));
    }
    if file.content.is_empty() {
        return Err(ApiError::invalid("file", "Invalid 'file': the file is empty."));
    }
    let format = form.text("response_format")?.map_or(Ok(TranscriptFormat::default()), TranscriptFormat::parse)?;
    form.check_granularities()?;
    if form.text("chunking_strategy")?.is_some_and(|strategy| strategy != "auto") {
        return Err(ApiError::unsupported("chunking_strategy", "Anything but 'auto' is"));
    }
    let stream = form.flag("stream")?;
    if stream && format.has_times() {
        let message = "Invalid 'response_format': a stream is 'json' or 'text'.";
        return Err(ApiError::invalid("response_format", message));
    }
    Ok(TranscriptionRequest {
        model: form.text("model")?.ok_or_else(|| ApiError::missing("model"))?.to_owned(),
        file: file.clone(),
        language: form.text("language")?.map(str::to_owned),
        prompt: form.text("prompt")?.map(str::to_owned),
        format,
        temperature: form.temperature()?,
        stream,
    })
}

struct Form<'a> {
    parts: &'a [Part],
    body: &'a [u8],
}

impl<'a> Form<'a> {
    /// A field's text; an empty one counts as absent.
    fn text(&self, name: &str) -> Result<Option<&'a str>, ApiError> {
        let part = self.parts.iter().find(|part| part.name == name);
        Ok(part.map(|part| part.text(self.body)).transpose()?.filter(|text| !text.is_empty()))
    }

    fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.text(name)?.map(str::to_ascii_lowercase).as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(ApiError::invalid(name, format!("Invalid '{name}': expected 'true' or 'false'."))),
        }
    }

    fn temperature(&self) -> Result<Option<f64>, ApiError> {
        let Some(text) = self.text("temperature")? else { return Ok(None) };
        let number = text.trim().parse::<f64>().ok().filter(|number| (0.0..=1.0).contains(number));
        let message = "Invalid 'temperature': expected a number from 0 to 1.";
        number.map(Some).ok_or_else(|| ApiError::invalid("temperature", message))
    }

    fn check_granularities(&self) -> Result<(), ApiError> {
        for part in self.parts.iter().filter(|part| GRANULARITIES.contains(&part.name.as_str())) {
            match part.text(self.body)? {
                "segment" | "" => {}
                "word" => return Err(ApiError::unsupported(GRANULARITIES[0], "Times of single words are")),
                _ => {
                    let message = format!("Invalid '{}': expected 'segment'.", GRANULARITIES[0]);
                    return Err(ApiError::invalid(GRANULARITIES[0], message));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=x";

    fn form(fields: &[(&str, &str)]) -> String {
        let part = |(name, content): &(&str, &str)| {
            let file = if *name == "file" { "; filename=\"a.wav\"" } else { "" };
            format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{content}\r\n")
        };
        fields.iter().map(part).collect::<String>() + "--x--\r\n"
    }

    fn parsed(fields: &[(&str, &str)]) -> Result<TranscriptionRequest, ApiError> {
        let fields = [&[("file", "RIFF"), ("model", "w")][..], fields].concat();
        parse_request(Some(TYPE), form(&fields).as_bytes())
    }

    #[test]
    fn fields_are_read_and_unknown_ones_are_left() {
        let request = parsed(&[
            ("language", "kk"),
            ("prompt", "сәлем"),
            ("response_format", "verbose_json"),
            ("temperature", "0.25"),
            ("timestamp_granularities[]", "segment"),
            ("timestamp_granularities[]", "segment"),
            ("chunking_strategy", "auto"),
            ("hotwords", "x"),
        ]);
        let request = request.unwrap();
        assert_eq!((request.model.as_str(), request.language.as_deref()), ("w", Some("kk")));
        assert_eq!((request.prompt.as_deref(), request.temperature), (Some("сәлем"), Some(0.25)));
        assert_eq!((request.format, request.stream), (TranscriptFormat::VerboseJson, false));
        let plain = parsed(&[("language", ""), ("stream", "True")]).unwrap();
        assert_eq!((plain.language, plain.format, plain.stream), (None, TranscriptFormat::Json, true));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (fields, param) in [
            (&[("model", "again")][..], "model"),
            (&[("response_format", "xml")], "response_format"),
            (&[("temperature", "1.5")], "temperature"),
            (&[("temperature", "NaN")], "temperature"),
            (&[("temperature", "warm")], "temperature"),
            (&[("stream", "maybe")], "stream"),
            (&[("stream", "true"), ("response_format", "srt")], "response_format"),
            (&[("timestamp_granularities[]", "word")], "timestamp_granularities[]"),
            (&[("timestamp_granularities[]", "letter")], "timestamp_granularities[]"),
            (&[("include[]", "logprobs")], "include[]"),
            (&[("chunking_strategy", "{\"type\":\"server_vad\"}")], "chunking_strategy"),
        ] {
            let error = parsed(fields).unwrap_err();
            assert_eq!((error.status.as_u16(), error.param.as_deref()), (400, Some(param)), "{fields:?}");
        }
        for (body, param) in [
            (form(&[("model", "w")]), "file"),
            (form(&[("file", "RIFF")]), "model"),
            (form(&[("file", ""), ("model", "w")]), "file"),
            (form(&[("file", "RIFF"), ("model", "")]), "model"),
            (form(&[("file", "RIFF"), ("model", "w")]).replace("; filename=\"a.wav\"", ""), "file"),
        ] {
            let error = parse_request(Some(TYPE), body.as_bytes()).unwrap_err();
            assert_eq!(error.param.as_deref(), Some(param), "{body}");
        }
        let error = parse_request(Some("application/json"), b"{}").unwrap_err();
        assert_eq!(error.code.as_deref(), Some("invalid_form"));
    }
}
