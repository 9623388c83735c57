//! The papers of a closed month: счёт на оплату, АВР (form R-1) and the credit note that corrects them, as data that cannot
//! be wrong by a tiyn, and as PDF, JSON and CSV.
//!
//! A draft becomes a document only if its names, account and tax numbers can be read by a bank and its lines add up to what
//! the ledger has. What comes out depends on the document alone: the same document is the same bytes, on any day. Nothing
//! here files an ЭСФ, and nothing here knows a clock, the network or the database.

mod act;
mod credit_note;
pub mod csv;
mod dates;
mod document;
mod error;
mod figures;
mod identifiers;
mod invoice;
pub mod json;
mod line;
mod month;
mod party;
pub mod pdf;
mod quantity;
mod reading;
#[cfg(test)]
mod samples;
mod text;
mod usage;
mod vat;

pub use act::{Act, ActDraft};
pub use credit_note::{CreditNote, CreditNoteDraft};
pub use dates::Period;
pub use document::{Document, DocumentDraft, Totals};
pub use error::{BadField, Problem};
pub use identifiers::check_payment_purpose;
pub use invoice::{Invoice, InvoiceDraft};
pub use line::{LineDraft, Pricing, Unit};
pub use month::{BadMonth, Month};
pub use party::{BankDraft, ContractDraft, PartyDraft, SignerDraft};
pub use quantity::{Quantity, UnitPrice};
pub use reading::{Issued, Unreadable, read};
pub use usage::{UsageDraft, UsageLine};
pub use vat::{VatPlacement, VatRate, VatTerms};
