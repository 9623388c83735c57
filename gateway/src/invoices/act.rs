//! Акт выполненных работ (оказанных услуг), form R-1: Приложение 50 к приказу Министра финансов Республики Казахстан от 20
//! декабря 2012 года № 562. Both sides sign that the services were given and taken.

use super::dates::Period;
use super::document::{Document, DocumentDraft};
use super::error::{BadField, Problem};
use super::party::{Signer, SignerDraft};
use super::text::Text;

const MAX_REPORT_CHARS: usize = 200;

#[derive(Debug, Clone)]
pub struct ActDraft {
    pub document: DocumentDraft,
    /// When the services were given, for column 3.
    pub performed: Period,
    /// Column 4: a report with its date, number and pages, if there is one.
    pub report: Option<String>,
    /// Who takes over, if that is known beforehand.
    pub buyer_signer: Option<SignerDraft>,
}

#[derive(Debug, Clone)]
pub struct Act {
    pub(super) document: Document,
    pub(super) performed: Period,
    pub(super) report: Option<Text>,
    pub(super) buyer_signer: Option<Signer>,
}

impl Act {
    /// # Errors
    /// A field is bad, or the sums do not agree.
    pub fn new(draft: &ActDraft) -> Result<Self, BadField> {
        let document = Document::check_charge(&draft.document)?;
        if document.date < draft.performed.to() {
            return Err(Problem::TooEarly { earliest: draft.performed.to() }.of("date"));
        }
        let report = Text::read_optional("report", draft.report.as_deref(), MAX_REPORT_CHARS)?;
        let buyer_signer = draft.buyer_signer.as_ref().map(Signer::check).transpose();
        let buyer_signer = buyer_signer.map_err(|bad| bad.under("buyer_signer"))?;
        Ok(Self { document, performed: draft.performed, report, buyer_signer })
    }

    pub const fn document(&self) -> &Document {
        &self.document
    }
}
