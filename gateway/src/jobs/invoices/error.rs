//! Why there is no invoice, in words that say what to do about it.

use crate::billing::{Tenge, TooLarge};
use crate::invoices::pdf::PdfError;
use crate::invoices::{BadField, Month, Problem, Unreadable};
use crate::store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum InvoiceError {
    #[error("nobody sends invoices yet: set [billing.supplier] in the configuration")]
    NoSupplier,
    #[error("there is no customer '{tenant}'")]
    NoTenant { tenant: String },
    #[error(
        "customer '{tenant}' has no details for invoices: set settings.billing (name, bin, address) with PATCH \
         /admin/v1/tenants/{tenant}"
    )]
    NoBuyer { tenant: String },
    #[error("the details of customer '{tenant}' cannot stand on an invoice: settings.billing.{bad}")]
    BadBuyer { tenant: String, bad: BadField },
    #[error("{month} has not ended yet")]
    NotOver { month: Month },
    #[error("{month} is closed already for '{tenant}'")]
    ClosedAlready { tenant: String, month: Month },
    #[error("{earlier} of '{tenant}' is still open: close it first")]
    EarlierOpen { tenant: String, earlier: Month },
    #[error(
        "{num} calls of '{tenant}' until the end of {month} have no price or exchange rate yet; see them with 'shekara usage \
         --tenant {tenant} --by month,provider,model --json' (unpriced_attempts), and price them with 'shekara usage \
         price-unpriced'"
    )]
    Unpriced { tenant: String, month: Month, num: u64 },
    #[error("the audit journal is not carried into the database yet; try again in a moment")]
    NotCarriedOver,
    #[error("'{tenant}' has nothing to pay for in {month}")]
    Nothing { tenant: String, month: Month },
    #[error("there is no document {number}")]
    NoDocument { number: String },
    #[error("{number} is a credit note, and only invoices can be credited or have an act")]
    NotAnInvoice { number: String },
    #[error("of {number} only {left} tenge can still be credited")]
    TooMuch { number: String, left: Tenge },
    #[error("the ledger of '{tenant}' went on while its invoice was made; try again")]
    Busy { tenant: String },
    #[error("the document is refused: {0}")]
    Document(#[from] BadField),
    #[error("the document is refused: {0}")]
    Amount(#[from] Problem),
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("failed to print: {0}")]
    Pdf(#[from] PdfError),
    #[error("failed to write the document: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the day is beyond the calendar")]
    Calendar(#[from] jiff::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}
