//! The body of `POST /v1/labels/verify`, read strictly: `label` and exactly one of `output`, `response`,
//! `output_sha256`.
//!
//! An unknown or doubled field in the label is refused, not skipped: whoever looks at a label that holds must be able
//! to believe every word of it. Errors name a field of ours and repeat nothing that the caller sent.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use shekara_protocol::error::ApiError;
use shekara_protocol::json;

use super::signature::ALGORITHM;
use super::{Label, LabelSignature, Notice, OutputDigest, OutputSha256, SignedLabel, Synthetic};
use crate::auth::DataClass;
use crate::signing::{KeyId, Signature};

/// What is to be checked: a label, and what it is said to be about.
#[derive(Debug, Clone)]
pub struct VerifyRequest {
    pub output: OutputSha256,
    pub label: SignedLabel,
}

/// Why a body is no [`VerifyRequest`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No JSON that everybody reads the same way; a 400 as it is.
    #[error("failed to read the body: {0}")]
    Body(#[source] ApiError),
    #[error("'{field}' is missing")]
    Missing { field: &'static str },
    #[error("'{field}' must be {expected}")]
    Invalid { field: &'static str, expected: &'static str },
    #[error("'{field}' has a field that is not known")]
    Unknown { field: &'static str },
    #[error("give exactly one of 'output', 'response' and 'output_sha256'")]
    NotOneOutput,
}

impl ReadError {
    /// The field at fault.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Body(_) => None,
            Self::Missing { field } | Self::Invalid { field, .. } | Self::Unknown { field } => Some(field),
            Self::NotOneOutput => Some("output"),
        }
    }
}

const REQUEST: [&str; 4] = ["output", "response", "output_sha256", "label"];
const LABEL: [&str; 15] = [
    "label.synthetic",
    "label.request_id",
    "label.time",
    "label.route",
    "label.provider",
    "label.model",
    "label.zone",
    "label.reason",
    "label.attempts",
    "label.data_class",
    "label.entities",
    "label.action",
    "label.notice",
    "label.output_sha256",
    "label.signature",
];
const SIGNATURE: [&str; 3] = ["label.signature.alg", "label.signature.key_id", "label.signature.value"];

impl VerifyRequest {
    /// # Errors
    /// The body has not the form above.
    pub fn read(body: &[u8]) -> Result<Self, ReadError> {
        json::walk(body, |_, _| {}).map_err(ReadError::Body)?;
        let body: Value = serde_json::from_slice(body)
            .map_err(|error| ReadError::Body(ApiError::malformed_json(error.line(), error.column())))?;
        let request = Object::new(&body, "body", &REQUEST)?;
        let label = request.required("label", "a label object")?;
        Ok(Self { output: read_output(request)?, label: read_label(label)? })
    }
}

fn read_output(request: Object<'_>) -> Result<OutputSha256, ReadError> {
    match (request.value("output"), request.value("response"), request.value("output_sha256")) {
        (Some(_), None, None) => Ok(OutputSha256::of_text(request.text("output")?)),
        (None, Some(answer), None) => match as_chat(answer)? {
            Some(chat) => read_answer(&chat),
            None => read_answer(answer),
        },
        (None, None, Some(_)) => request.digest("output_sha256"),
        _ => Err(ReadError::NotOneOutput),
    }
}

/// An answer of `/v1/responses` or `/v1/messages` as the chat answer that it was made of, as far as the output goes; `None`
/// for chat itself.
fn as_chat(answer: &Value) -> Result<Option<Value>, ReadError> {
    let lists = [("output", "response.output"), ("content", "response.content")];
    // Whoever reads another of them than was checked would believe anything.
    if ["choices", "output", "content"].iter().filter(|name| answer.get(**name).is_some()).count() > 1 {
        return Err(ReadError::Invalid { field: "response", expected: "an answer of one API" });
    }
    let Some((items, field)) = lists.iter().find_map(|(name, field)| Some((answer.get(*name)?.as_array()?, *field)))
    else {
        return Ok(None);
    };
    let (mut content, mut refusal, mut calls) = (String::new(), String::new(), Vec::new());
    let add = |text: &mut String, part: &Value, name: &str| text.push_str(part[name].as_str().unwrap_or_default());
    for item in items {
        let parts = if item["type"] == "message" { item["content"].as_array() } else { None };
        for part in parts.map_or(std::slice::from_ref(item), Vec::as_slice) {
            match part["type"].as_str() {
                Some("text" | "output_text") => add(&mut content, part, "text"),
                Some("refusal") => add(&mut refusal, part, "refusal"),
                Some("function_call") => calls.push(json!({ "function": part })),
                // How its arguments were written is not in the answer any more.
                Some("tool_use") => return Err(ReadError::Invalid { field, expected: "without calls of tools" }),
                Some("reasoning" | "reasoning_text" | "summary_text" | "thinking" | "redacted_thinking") => {}
                _ => return Err(ReadError::Invalid { field, expected: "of known kinds" }),
            }
        }
    }
    Ok(Some(json!({ "choices": [{ "message": { "content": content, "refusal": refusal, "tool_calls": calls } }] })))
}

fn read_answer(answer: &Value) -> Result<OutputSha256, ReadError> {
    let field = "response.choices";
    let invalid = |expected| ReadError::Invalid { field, expected };
    let is_choice =
        |choice: &Value| choice.get("message").is_some_and(Value::is_object) || choice.get("text").is_some();
    let choices = answer.get("choices").and_then(Value::as_array).ok_or(ReadError::Missing { field })?;
    if choices.is_empty() || !choices.iter().all(is_choice) {
        return Err(invalid("the choices of a whole answer"));
    }
    let mut digest = OutputDigest::new();
    digest.add_answer(answer);
    digest.finish().map_err(|_| invalid("at most some hundred choices and tool calls"))
}

fn read_label(value: &Value) -> Result<SignedLabel, ReadError> {
    let label = Object::new(value, "label", &LABEL)?;
    if label.value("label.synthetic") != Some(&Value::Bool(true)) {
        return Err(ReadError::Invalid { field: "label.synthetic", expected: "true" });
    }
    let output_sha256 = label.digest("label.output_sha256")?;
    let signature = read_signature(label.required("label.signature", "a signature object")?)?;
    let data_class = label.text("label.data_class")?;
    let label = Label {
        synthetic: Synthetic,
        request_id: label.text("label.request_id")?.to_owned(),
        time: label.text("label.time")?.to_owned(),
        route: label.optional_text("label.route")?,
        provider: label.optional_text("label.provider")?,
        model: label.text("label.model")?.to_owned(),
        zone: label.text("label.zone")?.to_owned(),
        reason: label.optional_text("label.reason")?,
        attempts: label.value("label.attempts").map(|count| read_count(count, "label.attempts")).transpose()?,
        data_class: [DataClass::Public, DataClass::Internal, DataClass::Personal, DataClass::Special]
            .into_iter()
            .find(|class| class.as_str() == data_class)
            .ok_or(ReadError::Invalid { field: "label.data_class", expected: "a data class" })?,
        entities: label.value("label.entities").map(read_entities).transpose()?.unwrap_or_default(),
        action: label.text("label.action")?.to_owned(),
        notice: label.value("label.notice").map(read_notice).transpose()?,
    };
    Ok(SignedLabel { label, output_sha256, signature })
}

fn read_signature(value: &Value) -> Result<LabelSignature, ReadError> {
    let signature = Object::new(value, "label.signature", &SIGNATURE)?;
    if signature.text("label.signature.alg")? != ALGORITHM {
        return Err(ReadError::Invalid { field: "label.signature.alg", expected: "Ed25519" });
    }
    let key_id = KeyId::read(signature.text("label.signature.key_id")?)
        .ok_or(ReadError::Invalid { field: "label.signature.key_id", expected: "16 hex digits" })?;
    let expected = "64 bytes in base64url without padding";
    let value = Signature::read(signature.text("label.signature.value")?)
        .ok_or(ReadError::Invalid { field: "label.signature.value", expected })?;
    Ok(LabelSignature { key_id, value })
}

fn read_entities(value: &Value) -> Result<BTreeMap<String, u32>, ReadError> {
    let field = "label.entities";
    let entities = value.as_object().ok_or(ReadError::Invalid { field, expected: "an object of counts" })?;
    entities.iter().map(|(entity, count)| Ok((entity.clone(), read_count(count, field)?))).collect()
}

fn read_count(value: &Value, field: &'static str) -> Result<u32, ReadError> {
    let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
    count.ok_or(ReadError::Invalid { field, expected: "a count" })
}

fn read_notice(value: &Value) -> Result<Notice, ReadError> {
    let known = Notice::ALL.into_iter().find(|notice| value.as_str() == Some(notice.text()));
    known.ok_or(ReadError::Invalid { field: "label.notice", expected: "one of the notices of this program" })
}

/// An object all of whose fields are known. Fields are asked for by their whole path.
#[derive(Clone, Copy)]
struct Object<'a>(&'a Map<String, Value>);

impl<'a> Object<'a> {
    fn new(value: &'a Value, field: &'static str, known: &'static [&'static str]) -> Result<Self, ReadError> {
        let map = value.as_object().ok_or(ReadError::Invalid { field, expected: "an object" })?;
        if map.keys().any(|key| !known.iter().any(|path| last(path) == key)) {
            return Err(ReadError::Unknown { field });
        }
        Ok(Self(map))
    }

    /// The field's value, unless it is missing or null.
    fn value(self, path: &'static str) -> Option<&'a Value> {
        self.0.get(last(path)).filter(|value| !value.is_null())
    }

    fn required(self, path: &'static str, expected: &'static str) -> Result<&'a Value, ReadError> {
        match self.value(path) {
            Some(value) if value.is_object() => Ok(value),
            Some(_) => Err(ReadError::Invalid { field: path, expected }),
            None => Err(ReadError::Missing { field: path }),
        }
    }

    fn optional_text(self, path: &'static str) -> Result<Option<String>, ReadError> {
        self.value(path).map(|_| self.text(path).map(str::to_owned)).transpose()
    }

    fn text(self, path: &'static str) -> Result<&'a str, ReadError> {
        let value = self.value(path).ok_or(ReadError::Missing { field: path })?;
        value.as_str().ok_or(ReadError::Invalid { field: path, expected: "a string" })
    }

    fn digest(self, path: &'static str) -> Result<OutputSha256, ReadError> {
        self.text(path)?.parse().map_err(|_| ReadError::Invalid { field: path, expected: "64 hex digits" })
    }
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}
