//! A credit note (корректировка, сторно): what is taken back of a closed month, which itself never changes. Its lines have
//! quantities and sums below zero; a line may also put something right beside one that it takes back, but in all it is a
//! credit. The law knows no form for it: the layout is that of an invoice, without the account to pay to.

use jiff::civil::Date;

use super::dates::Period;
use super::document::{Document, DocumentDraft};
use super::error::{BadField, Problem};
use super::text::Text;

const MAX_NUMBER_CHARS: usize = 30;
const MAX_REASON_CHARS: usize = 500;

#[derive(Debug, Clone)]
pub struct CreditNoteDraft {
    /// Its turnover date is that of the invoice, so that its tax is taken back at the rate it was charged at.
    pub document: DocumentDraft,
    /// The invoice of the closed month.
    pub invoice_number: String,
    pub invoice_date: Date,
    pub closed: Period,
    pub reason: String,
}

#[derive(Debug, Clone)]
pub struct CreditNote {
    pub(super) document: Document,
    pub(super) invoice_number: Text,
    pub(super) invoice_date: Date,
    pub(super) closed: Period,
    pub(super) reason: Text,
}

impl CreditNote {
    /// # Errors
    /// A field is bad, the sums do not agree, or it is no credit.
    pub fn new(draft: &CreditNoteDraft) -> Result<Self, BadField> {
        let document = Document::check(&draft.document)?;
        if !document.totals.payable.is_negative() {
            return Err(Problem::NotBelowZero.of("lines_total"));
        }
        if document.date < draft.invoice_date {
            return Err(Problem::TooEarly { earliest: draft.invoice_date }.of("date"));
        }
        Ok(Self {
            document,
            invoice_number: Text::read("invoice_number", &draft.invoice_number, MAX_NUMBER_CHARS)?,
            invoice_date: draft.invoice_date,
            closed: draft.closed,
            reason: Text::read("reason", &draft.reason, MAX_REASON_CHARS)?,
        })
    }

    pub const fn document(&self) -> &Document {
        &self.document
    }
}
