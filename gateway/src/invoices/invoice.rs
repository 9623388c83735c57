//! Счёт на оплату (төлем шоты): what a customer pays by. It is no tax document, and no ЭСФ.

use jiff::civil::Date;

use super::document::{Document, DocumentDraft};
use super::error::{BadField, Problem, read};
use super::identifiers::PaymentPurpose;
use super::party::BankAccount;

#[derive(Debug, Clone)]
pub struct InvoiceDraft {
    pub document: DocumentDraft,
    pub due: Date,
    /// КНП.
    pub payment_purpose: String,
}

#[derive(Debug, Clone)]
pub struct Invoice {
    pub(super) document: Document,
    /// Where to pay, which the supplier of an invoice always has.
    pub(super) account: BankAccount,
    pub(super) due: Date,
    pub(super) payment_purpose: PaymentPurpose,
}

impl Invoice {
    /// # Errors
    /// A field is bad, or the sums do not agree.
    pub fn new(draft: &InvoiceDraft) -> Result<Self, BadField> {
        let document = Document::check_charge(&draft.document)?;
        let account = document.supplier.bank.clone().ok_or_else(|| Problem::Missing.of("supplier.bank"))?;
        if draft.due < document.date {
            return Err(Problem::TooEarly { earliest: document.date }.of("due"));
        }
        let payment_purpose = read("payment_purpose", &draft.payment_purpose)?;
        Ok(Self { document, account, due: draft.due, payment_purpose })
    }

    pub const fn document(&self) -> &Document {
        &self.document
    }
}
