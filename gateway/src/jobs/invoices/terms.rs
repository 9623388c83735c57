//! What all documents of an installation have in common.

use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};

use super::error::InvoiceError;
use crate::auth::Tenant;
use crate::billing::Tenge;
use crate::config::{Config, Supplier};
use crate::invoices::{DocumentDraft, InvoiceDraft, LineDraft, Month, VatTerms};

#[derive(Debug, Clone)]
pub struct Terms {
    pub(super) supplier: Supplier,
    utc_offset: Offset,
}

impl Terms {
    /// # Errors
    /// The configuration has no supplier.
    pub fn new(config: &Config) -> Result<Self, InvoiceError> {
        let supplier = config.billing.supplier.clone().ok_or(InvoiceError::NoSupplier)?;
        Ok(Self { supplier, utc_offset: config.utc_offset })
    }

    /// By the operator's clock.
    pub(super) fn today(&self, now: Timestamp) -> Date {
        self.utc_offset.to_datetime(now).date()
    }

    /// The `count`th of a year.
    pub(super) fn number(&self, year: i16, count: i64) -> String {
        format!("{}{year}-{count:06}", self.supplier.number_prefix)
    }

    /// An invoice of `month` for `tenant`, written on `date`.
    pub(super) fn invoice(
        &self,
        tenant: &Tenant,
        (number, date): (String, Date),
        month: Month,
        (lines, lines_total): (Vec<LineDraft>, Tenge),
    ) -> Result<InvoiceDraft, InvoiceError> {
        let no_buyer = || InvoiceError::NoBuyer { tenant: tenant.id.clone() };
        let buyer = tenant.settings.billing.as_ref().ok_or_else(no_buyer)?;
        let bad_buyer = |bad| InvoiceError::BadBuyer { tenant: tenant.id.clone(), bad };
        buyer.check().map_err(bad_buyer)?;
        let Supplier { party, signer, payment_purpose, vat, vat_placement, due_days, .. } = self.supplier.clone();
        let document = DocumentDraft {
            number,
            date,
            supplier: party,
            buyer: buyer.party(),
            contract: buyer.contract().map_err(bad_buyer)?,
            lines,
            lines_total,
            vat: VatTerms { rate: vat, placement: vat_placement, turnover_date: month.last() },
            signer,
        };
        Ok(InvoiceDraft { document, due: date.checked_add(i64::from(due_days).days())?, payment_purpose })
    }
}
