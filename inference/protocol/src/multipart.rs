//! Forms with files (`multipart/form-data`, RFC 7578), read so strictly that nobody else can read them differently.
//!
//! Parts lie in the body as they came: nothing is decoded or copied.

use std::ops::Range;

use memchr::memmem::{Finder, find};

use crate::error::ApiError;

const MAX_PARTS: usize = 128;
const MAX_HEADER_BYTES: usize = 8 << 10;
/// Of RFC 2046.
const MAX_BOUNDARY_BYTES: usize = 70;

/// One field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    /// Only files have one.
    pub file_name: Option<String>,
    pub content_type: Option<String>,
    /// Where its bytes lie in the body.
    pub content: Range<usize>,
}

impl Part {
    /// A field's text.
    ///
    /// # Errors
    /// 400 for a file, and for what is no UTF-8.
    pub fn text<'a>(&self, body: &'a [u8]) -> Result<&'a str, ApiError> {
        let invalid = |what: &str| ApiError::invalid(&self.name, format!("Invalid '{}': {what}.", self.name));
        if self.file_name.is_some() {
            return Err(invalid("expected a text, not a file"));
        }
        let bytes = body.get(self.content.clone()).unwrap_or_default();
        simdutf8::basic::from_utf8(bytes).map_err(|_| invalid("the text is not valid UTF-8"))
    }
}

/// The parts of a form, in their order.
///
/// # Errors
/// 400 for another content type, and for a form that is malformed or ambiguous.
pub fn parse_form(content_type: Option<&str>, body: &[u8]) -> Result<Vec<Part>, ApiError> {
    let boundary = content_type
        .and_then(boundary)
        .ok_or_else(|| malformed("expected 'multipart/form-data' with a boundary as the request's content type"))?;
    let opening = format!("--{boundary}");
    let delimiter = format!("\r\n--{boundary}");
    let finder = Finder::new(delimiter.as_bytes());
    let start = body.strip_prefix(b"\r\n").map_or(0, |_| 2);
    if !body[start..].starts_with(opening.as_bytes()) {
        return Err(malformed("the body does not begin with the boundary"));
    }
    let mut at = start + opening.len();
    let mut parts = Vec::new();
    loop {
        let rest = &body[at..];
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        if !rest.starts_with(b"\r\n") {
            return Err(malformed("a boundary's line has other bytes"));
        }
        if parts.len() == MAX_PARTS {
            return Err(malformed("there are too many parts"));
        }
        // The line's end belongs to the headers: a part without any has two in a row.
        let looked_at = &rest[..rest.len().min(MAX_HEADER_BYTES)];
        let end = find(looked_at, b"\r\n\r\n").ok_or_else(|| malformed("a part's headers have no end"))?;
        let headers = looked_at.get(2..end).unwrap_or_default();
        let from = at + end + 4;
        let length = finder.find(&body[from..]).ok_or_else(|| malformed("a part has no end"))?;
        parts.push(part(headers, from..from + length)?);
        at = from + length + delimiter.len();
    }
}

fn malformed(what: &str) -> ApiError {
    ApiError::invalid_request(format!("We could not parse the form of your request: {what}.")).with_code("invalid_form")
}

/// The boundary that a content type names.
fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let mut boundaries = parameters_of(parameters)?.into_iter().filter(|(name, _)| name == "boundary");
    let (_, boundary) = boundaries.next()?;
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    let fits = (1..=MAX_BOUNDARY_BYTES).contains(&boundary.len()) && boundary.bytes().all(is_fine);
    (boundaries.next().is_none() && fits && !boundary.ends_with(' ')).then_some(boundary)
}

fn part(headers: &[u8], content: Range<usize>) -> Result<Part, ApiError> {
    let headers = simdutf8::basic::from_utf8(headers).map_err(|_| malformed("a part's headers are not valid UTF-8"))?;
    let mut disposition = None;
    let mut content_type = None;
    for line in headers.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').ok_or_else(|| malformed("a part's header has no name"))?;
        let value = value.trim();
        let seen = match name.to_ascii_lowercase().as_str() {
            "content-disposition" => disposition.replace(value).is_some(),
            "content-type" => content_type.replace(value.to_owned()).is_some(),
            "content-transfer-encoding"
                if !matches!(value.to_ascii_lowercase().as_str(), "binary" | "8bit" | "7bit") =>
            {
                return Err(malformed("a part is encoded once more"));
            }
            _ => false,
        };
        if seen {
            return Err(malformed("a part has a header twice"));
        }
    }
    let parameters = disposition
        .and_then(|value| value.split_once(';'))
        .filter(|(kind, _)| kind.trim().eq_ignore_ascii_case("form-data"))
        .and_then(|(_, parameters)| parameters_of(parameters))
        .ok_or_else(|| malformed("a part has no content disposition of a form"))?;
    let value = |name: &str| parameters.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone());
    let name = value("name").filter(|name| !name.is_empty()).ok_or_else(|| malformed("a part has no name"))?;
    let file_name = value("filename");
    let is_plain = |text: &String| !text.chars().any(char::is_control);
    if !is_plain(&name) || ![&file_name, &content_type].into_iter().flatten().all(is_plain) {
        return Err(malformed("a part's headers have control characters"));
    }
    Ok(Part { name, file_name, content_type, content })
}

/// `name=value` pairs, values quoted or not; `None` if they are malformed or a name comes twice.
fn parameters_of(text: &str) -> Option<Vec<(String, String)>> {
    let mut parameters: Vec<(String, String)> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let name = name.trim().to_ascii_lowercase();
        let (value, after) = if let Some(quoted) = after.trim_start().strip_prefix('"') {
            unquoted(quoted)?
        } else {
            let end = after.find(';').unwrap_or(after.len());
            (after[..end].trim().to_owned(), &after[end..])
        };
        if name.is_empty() || parameters.iter().any(|(own, _)| *own == name) {
            return None;
        }
        parameters.push((name, value));
        let after = after.trim_start();
        rest = match after.strip_prefix(';') {
            Some(more) => more.trim_start(),
            None if after.is_empty() => after,
            None => return None,
        };
    }
    Some(parameters)
}

/// A quoted value up to its closing quote, and what follows. Browsers write a quote as `%22`, others as `\"`.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                escaped @ ('"' | '\\') => value.push(escaped),
                other => value.extend(['\\', other]),
            },
            '\r' | '\n' => return None,
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=x-1";

    fn parsed(body: &str) -> Result<Vec<(String, Option<String>, String)>, String> {
        let parts = parse_form(Some(TYPE), body.as_bytes()).map_err(|error| error.message)?;
        let shown = |part: Part| (part.name, part.file_name, body[part.content].to_owned());
        Ok(parts.into_iter().map(shown).collect())
    }

    fn field(header: &str, content: &str) -> String {
        format!("--x-1\r\n{header}\r\n\r\n{content}\r\n")
    }

    #[test]
    fn fields_and_files_keep_their_bytes() {
        let body = [
            field("Content-Disposition: form-data; name=\"model\"", "whisper"),
            field(
                "content-type: audio/wav\r\nContent-Disposition: form-data; name=file; filename=\"a \\\"б\\\";.wav\"",
                "RIFF\r\n--x-\r\n\r\n",
            ),
            field("Content-Disposition: form-data; name=\"empty\"", ""),
            "--x-1--\r\nwhatever".to_owned(),
        ];
        let expected = [
            ("model".to_owned(), None, "whisper".to_owned()),
            ("file".to_owned(), Some("a \"б\";.wav".to_owned()), "RIFF\r\n--x-\r\n\r\n".to_owned()),
            ("empty".to_owned(), None, String::new()),
        ];
        assert_eq!(parsed(&body.concat()).unwrap(), expected);
        assert_eq!(parsed("--x-1--").unwrap(), []);
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let fine = field("Content-Disposition: form-data; name=\"a\"", "1");
        for (body, what) in [
            (String::new(), "begin"),
            (format!("preamble\r\n{fine}--x-1--"), "begin"),
            (fine.clone(), "no end"),
            (format!("{fine}--x-1"), "other bytes"),
            (format!("{fine}--x-1 \r\n--x-1--"), "other bytes"),
            ("--x-1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx".to_owned(), "no end"),
            (field("Content-Disposition: form-data; name=\"a\"; name=\"b\"", "1") + "--x-1--", "disposition"),
            (field("Content-Disposition: form-data; name=\"a", "1") + "--x-1--", "disposition"),
            (field("Content-Disposition: attachment; name=\"a\"", "1") + "--x-1--", "disposition"),
            (field("Content-Disposition: form-data; filename=\"a\"", "1") + "--x-1--", "no name"),
            (field("X: y", "1") + "--x-1--", "disposition"),
            (field("Content-Disposition: form-data; name=a\nb", "1") + "--x-1--", "control"),
            (field("", "1") + "--x-1--", "disposition"),
            (
                field("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64", "MQ==")
                    + "--x-1--",
                "encoded",
            ),
            (
                field("Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b", "1")
                    + "--x-1--",
                "twice",
            ),
            (fine.repeat(MAX_PARTS + 1) + "--x-1--", "too many"),
        ] {
            let error = parsed(&body).expect_err(&body);
            assert!(error.contains(what), "{body:?}: {error}");
        }
    }

    #[test]
    fn boundaries_are_what_the_content_type_says() {
        for fine in ["multipart/form-data; boundary=ab", "Multipart/Form-Data; charset=utf-8; Boundary=\"a b:c\""] {
            assert!(boundary(fine).is_some(), "{fine}");
        }
        for bad in [
            "application/json",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=a; boundary=b",
            "multipart/mixed; boundary=a",
            "multipart/form-data; boundary=\"a\tb\"",
        ] {
            assert_eq!(boundary(bad), None, "{bad}");
        }
        assert_eq!(boundary(&format!("multipart/form-data; boundary={}", "x".repeat(71))), None);
        assert!(parse_form(None, b"").is_err());
    }

    #[test]
    fn texts_are_utf_8_and_no_files() {
        let body = b"\xff\xfeok";
        let part = |file_name: Option<&str>, content: Range<usize>| Part {
            name: "prompt".to_owned(),
            file_name: file_name.map(str::to_owned),
            content_type: None,
            content,
        };
        assert_eq!(part(None, 2..4).text(body).unwrap(), "ok");
        assert_eq!(part(None, 0..4).text(body).unwrap_err().param.as_deref(), Some("prompt"));
        assert_eq!(part(Some("a"), 2..4).text(body).unwrap_err().param.as_deref(), Some("prompt"));
    }
}
