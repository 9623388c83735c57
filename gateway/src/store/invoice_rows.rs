//! What is billed and what was issued, as the database has it.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::StoreError;
use crate::billing::Tenge;
use crate::invoices::{Month, Quantity};

/// A month of one tenant's ledger, and what of it is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthStanding {
    pub month: Month,
    pub num_rows: u64,
    pub num_unpriced: u64,
    pub tenge: Tenge,
    pub tokens: i64,
    pub is_closed: bool,
    /// By all invoices together.
    pub billed: Tenge,
    pub billed_tokens: i64,
}

/// Rows of a month that have these names in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageGroup {
    pub project: String,
    pub department: Option<String>,
    pub key_id: String,
    pub environment: String,
    pub is_external: bool,
    pub model: String,
    pub num_rows: u64,
    pub tokens: i64,
    pub images: i64,
    pub audio_ms: i64,
    pub tenge: Tenge,
}

/// A line of an invoice's appendix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    pub project: String,
    pub department: Option<String>,
    pub key: String,
    pub model: String,
    pub unit: String,
    pub quantity: Quantity,
    pub tokens: i64,
    pub sum: Tenge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceKind {
    Invoice,
    CreditNote,
}

impl InvoiceKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::CreditNote => "credit_note",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Invoice, Self::CreditNote].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A document without its text.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct InvoiceRow {
    pub number: String,
    pub kind: InvoiceKind,
    pub tenant: String,
    /// The closed one.
    #[serde(serialize_with = "as_text")]
    pub month: Month,
    pub issued_at_ms: i64,
    /// As the ledger has it: with or without the tax, as the terms say. Below zero in a credit note, like the others.
    #[serde(rename = "lines_tiyn")]
    pub lines: Tenge,
    #[serde(rename = "net_tiyn")]
    pub net: Tenge,
    #[serde(rename = "vat_tiyn")]
    pub vat: Tenge,
    #[serde(rename = "total_tiyn")]
    pub total: Tenge,
    /// The invoice that a credit note takes back of.
    pub corrects: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn as_text<S: serde::Serializer>(month: &Month, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(month)
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedInvoice {
    pub row: InvoiceRow,
    /// The JSON as issued.
    pub json: String,
}

/// What is asked for; what is not set asks for all.
#[derive(Debug, Clone, Default)]
pub struct InvoiceFilter {
    pub tenant: Option<String>,
    pub month: Option<Month>,
}

/// A document that takes the number behind `last_number` of its year.
#[derive(Debug, Clone)]
pub struct NewDocument {
    pub year: i16,
    pub last_number: i64,
    pub issued: IssuedInvoice,
}

/// A month that is closed: nothing of it changes from here on.
#[derive(Debug, Clone)]
pub struct Closing {
    pub tenant: String,
    pub month: Month,
    pub closed_at_ms: i64,
    /// What is billed: the month itself, and closed ones whose rows came late. As they stood when the document was made.
    pub billed: Vec<MonthStanding>,
    /// All of it is left for the next invoice.
    pub is_put_off: bool,
    /// None where there is nothing to bill.
    pub document: Option<NewDocument>,
    pub usage: Vec<UsageRow>,
}

#[derive(Debug, Clone)]
pub struct Crediting {
    pub document: NewDocument,
    /// Of the lines and of the total of the invoice, below which no credit may go.
    pub lines: Tenge,
    pub total: Tenge,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    Done,
    /// Somebody closed the month before.
    ClosedAlready,
    /// The ledger or the numbers went on meanwhile: to be done again.
    Changed,
    /// So much of the lines of the invoice is not credited yet.
    TooMuch {
        left: Tenge,
    },
}

pub(super) fn group_from(row: &AnyRow) -> Result<UsageGroup, StoreError> {
    Ok(UsageGroup {
        project: row.try_get("project")?,
        department: Some(row.try_get("own_department")?).filter(|name: &String| !name.is_empty()),
        key_id: row.try_get("key_id")?,
        environment: row.try_get("environment")?,
        is_external: row.try_get::<i64, _>("is_external")? != 0,
        model: row.try_get("model")?,
        num_rows: row.try_get::<i64, _>("num")?.cast_unsigned(),
        tokens: row.try_get("tokens")?,
        images: row.try_get("num_images")?,
        audio_ms: row.try_get("sound_ms")?,
        tenge: Tenge::from_tiyn(row.try_get("amount")?),
    })
}

pub(super) fn usage_from(row: &AnyRow) -> Result<UsageRow, StoreError> {
    Ok(UsageRow {
        project: row.try_get("project")?,
        department: row.try_get("department")?,
        key: row.try_get("key_name")?,
        model: row.try_get("model")?,
        unit: row.try_get("unit")?,
        quantity: Quantity::from_millionths(row.try_get("millionths")?),
        tokens: row.try_get("tokens")?,
        sum: Tenge::from_tiyn(row.try_get("tiyn")?),
    })
}

pub(super) fn invoice_from(row: &AnyRow) -> Result<InvoiceRow, StoreError> {
    let unknown = |column| StoreError::UnknownValue { table: "invoices", column };
    let amount = |column: &str| row.try_get::<i64, _>(column).map(Tenge::from_tiyn);
    Ok(InvoiceRow {
        number: row.try_get("number")?,
        kind: InvoiceKind::parse(row.try_get("kind")?).ok_or_else(|| unknown("kind"))?,
        tenant: row.try_get("tenant")?,
        month: row.try_get::<&str, _>("month")?.parse().map_err(|_| unknown("month"))?,
        issued_at_ms: row.try_get("issued_at_ms")?,
        lines: amount("lines_tiyn")?,
        net: amount("net_tiyn")?,
        vat: amount("vat_tiyn")?,
        total: amount("total_tiyn")?,
        corrects: row.try_get("corrects")?,
    })
}
