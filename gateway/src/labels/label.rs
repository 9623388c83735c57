//! The label of one answer and the text that its signature is over.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Serialize, Serializer};

use super::{LabelSignature, Notice, OutputSha256};
use crate::auth::DataClass;

/// Longest value of a signed field, in bytes; names of models and routes are far shorter.
const MAX_VALUE_BYTES: usize = 512;
const MAX_ENTITIES: usize = 512;

/// What is said about one answer: the `shekara` object of its body, without a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Label {
    pub synthetic: Synthetic,
    pub request_id: String,
    /// RFC 3339.
    pub time: String,
    /// The alias asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Who answered, with which model, where: as in the headers `x-shekara-*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    pub model: String,
    /// `local`, `in-country` or `external`.
    pub zone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    pub data_class: DataClass,
    /// Entity to number of findings.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub entities: BTreeMap<String, u32>,
    /// `none`, `masked`, `local` or `blocked`.
    pub action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<Notice>,
}

/// Every answer that has a label was made by a machine: `true`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Synthetic;

/// A label with the digest of what it is about and a signature over both and the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignedLabel {
    #[serde(flatten)]
    pub label: Label,
    pub output_sha256: OutputSha256,
    pub signature: LabelSignature,
}

/// A label that has no unambiguous signed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("'{field}' of the label is too long or has characters that a signed field cannot have")]
pub struct Unsignable {
    pub field: &'static str,
}

impl Label {
    /// The text that is signed; the module's documentation defines it.
    ///
    /// # Errors
    /// A value is too long or could be taken for another line.
    pub(super) fn signed_text(&self, output: &OutputSha256, tenant: &str) -> Result<String, Unsignable> {
        let attempts = self.attempts.map(|attempts| attempts.to_string());
        let output = output.to_string();
        let lines = [
            ("output_sha256", Some(output.as_str())),
            ("tenant", Some(tenant)),
            ("synthetic", Some("true")),
            ("request_id", Some(self.request_id.as_str())),
            ("time", Some(self.time.as_str())),
            ("route", self.route.as_deref()),
            ("provider", self.provider.as_deref()),
            ("model", Some(self.model.as_str())),
            ("zone", Some(self.zone.as_str())),
            ("reason", self.reason.as_deref()),
            ("attempts", attempts.as_deref()),
            ("data_class", Some(self.data_class.as_str())),
        ];
        let mut text = "shekara-label-v1\n".to_owned();
        for (field, value) in lines {
            push_line(&mut text, field, value)?;
        }
        self.push_entities(&mut text)?;
        push_line(&mut text, "action", Some(&self.action))?;
        push_line(&mut text, "notice", self.notice.map(Notice::text))?;
        Ok(text)
    }

    fn push_entities(&self, text: &mut String) -> Result<(), Unsignable> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let is_name = |name: &String| (1..=64).contains(&name.len()) && name.bytes().all(is_plain);
        if self.entities.len() > MAX_ENTITIES || !self.entities.keys().all(is_name) {
            return Err(Unsignable { field: "entities" });
        }
        for (place, (entity, count)) in self.entities.iter().enumerate() {
            let before = if place == 0 { "entities=" } else { "," };
            // Writing to a String never fails.
            let _ = write!(text, "{before}{entity}={count}");
        }
        if !self.entities.is_empty() {
            text.push('\n');
        }
        Ok(())
    }
}

fn push_line(text: &mut String, field: &'static str, value: Option<&str>) -> Result<(), Unsignable> {
    let Some(value) = value else { return Ok(()) };
    if value.len() > MAX_VALUE_BYTES || value.chars().any(char::is_control) {
        return Err(Unsignable { field });
    }
    // Writing to a String never fails.
    let _ = writeln!(text, "{field}={value}");
    Ok(())
}

impl Serialize for Synthetic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(true)
    }
}
