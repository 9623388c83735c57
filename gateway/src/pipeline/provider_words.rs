//! What a provider says about a request that it refuses, as far as it may be passed on: advice about fields and limits,
//! never a piece of the request itself or a personal value.

use std::collections::HashSet;

use serde_json::Value;
use shekara_protocol::error::ApiError;

use super::api_words::{CODES, FIELDS};
use super::screening::ScreenedRequest;
use crate::pii::Detector;

/// Of a longer request nothing is compared: the provider's words are left out.
const MAX_COMPARED_BYTES: usize = 1 << 20;
/// So many letters and digits in a row are a quotation.
const QUOTED_BYTES: usize = 12;
/// So many are one already where half of them are digits.
const NUMBER_BYTES: usize = 6;
/// A caller's own name of a field that is no longer says nothing of anybody.
const SHORT_BYTES: usize = 3;

/// Whether an error code says nothing but what every client knows.
pub(super) fn is_known_code(code: &str) -> bool {
    CODES.contains(&code)
}

/// A provider's refusal as the client may read it. The gateway's own errors stay as they are.
pub(super) fn without_quotations(mut error: ApiError, request: &ScreenedRequest) -> ApiError {
    if !error.status.is_client_error() {
        return error;
    }
    let said = Said::by(request.screened.body());
    let detector = &request.snapshot.detector;
    if !may_be_shown(&error.message, &said, detector) {
        error.message = format!("The provider refused the request with status {}.", error.status.as_u16());
    }
    error.param =
        error.param.and_then(|path| named_part(&path, |part| is_field(part, &said, detector)).map(str::to_owned));
    error.code = error.code.filter(|code| is_known_code(code) || is_field(code, &said, detector));
    error
}

/// A path as far as its parts may be named: what follows a caller's own name is left out with it.
fn named_part(path: &str, may_be_named: impl Fn(&str) -> bool) -> Option<&str> {
    let separators = ['.', '[', ']'];
    let mut start = 0;
    for part in path.split(separators) {
        if !may_be_named(part) {
            let named = path.get(..start)?.trim_end_matches(['.', '[']);
            return (!named.is_empty()).then_some(named);
        }
        start += part.len() + 1;
    }
    Some(path)
}

fn is_field(name: &str, said: &Said, detector: &Detector) -> bool {
    let is_index = name.len() <= 4 && name.bytes().all(|byte| byte.is_ascii_digit());
    let is_short = name.len() <= SHORT_BYTES && name.is_ascii();
    is_index
        || is_short
        || FIELDS.binary_search(&name).is_ok()
        || (!said.contains(name) && may_be_shown(name, said, detector))
}

fn may_be_shown(text: &str, said: &Said, detector: &Detector) -> bool {
    !said.is_quoted_in(text) && detector.is_clean(text)
}

/// Every text of a request, folded to small letters and digits. `None`: too long to be compared.
struct Said(Option<Vec<String>>);

impl Said {
    fn by(body: &[u8]) -> Self {
        let parsed = (body.len() <= MAX_COMPARED_BYTES).then(|| serde_json::from_slice::<Value>(body).ok()).flatten();
        Self(parsed.map(|body| {
            let mut texts = Vec::new();
            collect(&body, &mut texts);
            texts
        }))
    }

    fn contains(&self, name: &str) -> bool {
        let name = folded(name);
        self.0.as_ref().is_none_or(|texts| texts.iter().any(|text| text.contains(&name)))
    }

    fn is_quoted_in(&self, text: &str) -> bool {
        let Some(texts) = &self.0 else { return true };
        let text = folded(text);
        let pieces: HashSet<&[u8]> = pieces(&text).collect();
        texts.iter().any(|said| self::pieces(said).any(|piece| pieces.contains(piece)))
    }
}

/// Keys are a caller's own words where they are no names of the API. Parsing has bounded the depth.
fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(folded(text)),
        Value::Number(number) => texts.push(folded(&number.to_string())),
        Value::Array(list) => list.iter().for_each(|item| collect(item, texts)),
        Value::Object(fields) => {
            for (key, value) in fields {
                if FIELDS.binary_search(&key.as_str()).is_err() {
                    texts.push(folded(key));
                }
                collect(value, texts);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn pieces(text: &str) -> impl Iterator<Item = &[u8]> {
    let is_number = |piece: &&[u8]| piece.iter().filter(|byte| byte.is_ascii_digit()).count() * 2 >= NUMBER_BYTES;
    text.as_bytes().windows(QUOTED_BYTES).chain(text.as_bytes().windows(NUMBER_BYTES).filter(is_number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_passes_and_quotations_do_not() {
        let body = r#"{"model":"m","messages":[{"role":"user","content":"Кому звонить: Zq7-canary №90112"}],
            "max_completion_tokens":9,"metadata":{"zq7key":"x"}}"#;
        let said = Said::by(body.as_bytes());
        for quoting in ["bad input: 'zq7 canary 90112'", "КОМУ ЗВОНИТЬ is unclear", "near y90112"] {
            assert!(said.is_quoted_in(quoting), "{quoting}");
        }
        for advice in ["Use 'max_completion_tokens' instead of 'max_tokens'.", "The limit is 128000 tokens."] {
            assert!(!said.is_quoted_in(advice), "{advice}");
        }
        assert!(said.contains("zq7key") && said.contains("canary") && !said.contains("temperature"));
        assert!(Said::by(&vec![b' '; MAX_COMPARED_BYTES + 1]).is_quoted_in("anything at all"));
    }

    #[test]
    fn a_path_is_named_up_to_a_callers_own_name() {
        let detector = Detector::new().unwrap();
        let said = Said::by(
            br#"{"top_p":2,"response_format":{"json_schema":{"schema":{"properties":{
            "a":{"type":"strin"},"zq7canary":{"type":"strin"}}}}}}"#,
        );
        let named = |path: &'static str| named_part(path, |part| is_field(part, &said, &detector));
        for path in
            ["top_p", "messages[0].content", "response_format.json_schema.schema.properties.a.type", "no_such_field"]
        {
            assert_eq!(named(path), Some(path));
        }
        let properties = "response_format.json_schema.schema.properties";
        assert_eq!(named("response_format.json_schema.schema.properties.zq7canary.type"), Some(properties));
        assert_eq!(named("messages[0].zq7canary"), Some("messages[0]"));
        assert_eq!(named("tools[zq7canary]"), Some("tools"));
        assert_eq!(named("zq7canary"), None);
    }
}
