//! The close of a month: its invoice is issued, and nothing of it changes any more.

use std::time::Duration;

use jiff::Timestamp;

use super::bill::{Bill, MAX_TRIES, bill};
use super::error::InvoiceError;
use super::paper::tenant_of;
use super::terms::Terms;
use crate::auth::Tenant;
use crate::invoices::{Invoice, Month, json};
use crate::store::{
    Closing, InvoiceKind, InvoiceRow, IssuedInvoice, Journal, JournalReader, Kept, MonthStanding, NewDocument, Store,
};

const POLL: Duration = Duration::from_millis(50);
const MAX_POLLS: usize = 100;

/// A month that was closed just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    pub tenant: String,
    pub month: Month,
    /// None where there was nothing to bill.
    pub invoice: Option<InvoiceRow>,
}

/// For `tenant`, or for all who have used anything and are not closed. Nothing is closed unless everybody's can be.
///
/// # Errors
/// As [`close_month`].
pub async fn close_months(
    store: &dyn Store,
    terms: &Terms,
    month: Month,
    tenant: Option<&str>,
    now: Timestamp,
) -> Result<Vec<Closed>, InvoiceError> {
    if let Some(tenant) = tenant {
        return Ok(vec![close_month(store, terms, month, tenant, now).await?]);
    }
    let mut open = Vec::new();
    for id in store.invoices().tenants_to_bill(month).await? {
        let standings = store.invoices().months(id.clone()).await?;
        if standings.iter().any(|standing| standing.month == month && standing.is_closed) {
            continue;
        }
        check(terms, &id, month, &standings, now)?;
        let tenant = tenant_of(store, &id).await?;
        if tenant.settings.billing.is_none() {
            return Err(InvoiceError::NoBuyer { tenant: id });
        }
        open.push(id);
    }
    let mut closed = Vec::new();
    for id in open {
        closed.push(close_month(store, terms, month, &id, now).await?);
    }
    Ok(closed)
}

/// # Errors
/// The month has not ended, is closed, or has calls without a price; an earlier one is open; a name is missing.
pub async fn close_month(
    store: &dyn Store,
    terms: &Terms,
    month: Month,
    tenant: &str,
    now: Timestamp,
) -> Result<Closed, InvoiceError> {
    let tenant = tenant_of(store, tenant).await?;
    for _ in 0..MAX_TRIES {
        let standings = store.invoices().months(tenant.id.clone()).await?;
        check(terms, &tenant.id, month, &standings, now)?;
        let Some(bill) = bill(store, &tenant, month, &standings).await? else { continue };
        let closing = closing(store, terms, (&tenant, month), bill, now).await?;
        let invoice = closing.document.as_ref().map(|document| document.issued.row.clone());
        match store.invoices().close_month(closing).await? {
            Kept::Done => return Ok(Closed { tenant: tenant.id, month, invoice }),
            Kept::ClosedAlready => return Err(InvoiceError::ClosedAlready { tenant: tenant.id, month }),
            Kept::Changed | Kept::TooMuch { .. } => {}
        }
    }
    Err(InvoiceError::Busy { tenant: tenant.id })
}

fn check(
    terms: &Terms,
    tenant: &str,
    month: Month,
    standings: &[MonthStanding],
    now: Timestamp,
) -> Result<(), InvoiceError> {
    let tenant = || tenant.to_owned();
    if terms.today(now) < month.next() {
        return Err(InvoiceError::NotOver { month });
    }
    if standings.iter().any(|standing| standing.month == month && standing.is_closed) {
        return Err(InvoiceError::ClosedAlready { tenant: tenant(), month });
    }
    let upto = || standings.iter().filter(move |standing| standing.month <= month);
    if let Some(earlier) = upto().find(|standing| standing.month < month && !standing.is_closed) {
        return Err(InvoiceError::EarlierOpen { tenant: tenant(), earlier: earlier.month });
    }
    let num = upto().map(|standing| standing.num_unpriced).sum();
    if num > 0 { Err(InvoiceError::Unpriced { tenant: tenant(), month, num }) } else { Ok(()) }
}

async fn closing(
    store: &dyn Store,
    terms: &Terms,
    (tenant, month): (&Tenant, Month),
    bill: Bill,
    now: Timestamp,
) -> Result<Closing, InvoiceError> {
    let closed_at_ms = now.as_millisecond();
    let Bill { lines, usage, total, billed } = bill;
    let closing = Closing {
        tenant: tenant.id.clone(),
        month,
        closed_at_ms,
        billed,
        is_put_off: false,
        document: None,
        usage: Vec::new(),
    };
    if total.is_negative() {
        // Nothing is paid for less than nothing: what was taken back is a line of the next invoice.
        return Ok(Closing { is_put_off: true, ..closing });
    }
    if lines.is_empty() {
        return Ok(closing);
    }
    let date = terms.today(now);
    let last_number = store.invoices().last_number(date.year()).await?;
    let number = terms.number(date.year(), last_number + 1);
    let invoice = Invoice::new(&terms.invoice(tenant, (number.clone(), date), month, (lines, total))?)?;
    let totals = invoice.document().totals();
    let row = InvoiceRow {
        number,
        kind: InvoiceKind::Invoice,
        tenant: tenant.id.clone(),
        month,
        issued_at_ms: closed_at_ms,
        lines: totals.lines,
        net: totals.net,
        vat: totals.vat,
        total: totals.payable,
        corrects: None,
    };
    let issued = IssuedInvoice { row, json: json::invoice(&invoice)? };
    let document = NewDocument { year: date.year(), last_number, issued };
    Ok(Closing { document: Some(document), usage, ..closing })
}

/// What was in the journal by now is in the ledger when this returns.
///
/// # Errors
/// It is not after some seconds.
pub async fn wait_until_carried_over(journal: &Journal, store: &dyn Store) -> Result<(), InvoiceError> {
    let unreadable = |error| InvoiceError::Store(crate::store::StoreError::Journal(error));
    let mut reader = JournalReader::new(journal.folder(), store.journal_position().await?);
    while reader.next_record().map_err(unreadable)?.is_some() {}
    for _ in 0..MAX_POLLS {
        if store.journal_position().await? >= reader.position() {
            return Ok(());
        }
        tokio::time::sleep(POLL).await;
    }
    Err(InvoiceError::NotCarriedOver)
}
