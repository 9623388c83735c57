//! A line of the appendix «расшифровка»: who used how much of what. The lines add up to those of the document.

use super::error::BadField;
use super::quantity::Quantity;
use super::text::Text;
use crate::billing::Tenge;

const MAX_CHARS: usize = 200;

#[derive(Debug, Clone)]
pub struct UsageDraft {
    pub project: String,
    pub department: Option<String>,
    /// The name of a virtual key, never the key.
    pub key: String,
    pub model: String,
    pub unit: String,
    pub quantity: Quantity,
    pub sum: Tenge,
}

#[derive(Debug, Clone)]
pub struct UsageLine {
    pub(super) project: Text,
    pub(super) department: Option<Text>,
    pub(super) key: Text,
    pub(super) model: Text,
    pub(super) unit: Text,
    pub(super) quantity: Quantity,
    pub(super) sum: Tenge,
}

impl UsageLine {
    /// # Errors
    /// A field is bad.
    pub fn new(draft: &UsageDraft) -> Result<Self, BadField> {
        Ok(Self {
            project: Text::read("project", &draft.project, MAX_CHARS)?,
            department: Text::read_optional("department", draft.department.as_deref(), MAX_CHARS)?,
            key: Text::read("key", &draft.key, MAX_CHARS)?,
            model: Text::read("model", &draft.model, MAX_CHARS)?,
            unit: Text::read("unit", &draft.unit, MAX_CHARS)?,
            quantity: draft.quantity,
            sum: draft.sum,
        })
    }
}
