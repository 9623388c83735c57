//! A credit note: something of an invoice that was issued is taken back. The month stays as it was closed.

use jiff::Timestamp;

use super::bill::{MAX_TRIES, service};
use super::error::InvoiceError;
use super::terms::Terms;
use crate::billing::Tenge;
use crate::invoices::{CreditNote, CreditNoteDraft, DocumentDraft, InvoiceDraft, Issued, Problem, json, read};
use crate::store::{Crediting, InvoiceKind, InvoiceRow, IssuedInvoice, Kept, NewDocument, Store};

/// `amount` is in the terms of the invoice's lines: without the tax where that comes on top, with it where it is included.
///
/// # Errors
/// There is no such invoice, or not so much of it is left.
pub async fn credit(
    store: &dyn Store,
    terms: &Terms,
    number: &str,
    (amount, reason): (Tenge, &str),
    now: Timestamp,
) -> Result<InvoiceRow, InvoiceError> {
    let missing = || InvoiceError::NoDocument { number: number.to_owned() };
    let invoice = store.invoices().invoice(number.to_owned()).await?.ok_or_else(missing)?;
    let Issued::Invoice(draft) = read(&invoice.json)? else {
        return Err(InvoiceError::NotAnInvoice { number: number.to_owned() });
    };
    if amount <= Tenge::ZERO {
        return Err(InvoiceError::Amount(Problem::Zero));
    }
    let date = terms.today(now);
    for _ in 0..MAX_TRIES {
        let last_number = store.invoices().last_number(date.year()).await?;
        let own = terms.number(date.year(), last_number + 1);
        let issued = note(&invoice.row, draft.clone(), (own, date), (amount, reason), now)?;
        let row = issued.row.clone();
        let document = NewDocument { year: date.year(), last_number, issued };
        let crediting = Crediting { document, lines: invoice.row.lines, total: invoice.row.total };
        match store.invoices().credit(crediting).await? {
            Kept::Done => return Ok(row),
            Kept::TooMuch { left } => return Err(InvoiceError::TooMuch { number: number.to_owned(), left }),
            Kept::Changed | Kept::ClosedAlready => {}
        }
    }
    Err(InvoiceError::Busy { tenant: invoice.row.tenant })
}

fn note(
    invoice: &InvoiceRow,
    draft: InvoiceDraft,
    (number, date): (String, jiff::civil::Date),
    (amount, reason): (Tenge, &str),
    now: Timestamp,
) -> Result<IssuedInvoice, InvoiceError> {
    let lines_total = Tenge::ZERO.minus(amount)?;
    let (month, corrected) = (invoice.month, &invoice.number);
    let line = service(
        format!("Уменьшение стоимости услуг по счёту № {corrected} за {}", month.russian()),
        format!("{} үшін № {corrected} шот бойынша қызметтер құнын азайту", month.kazakh()),
        lines_total,
    );
    let (invoice_date, document) = (draft.document.date, draft.document);
    let note = CreditNote::new(&CreditNoteDraft {
        document: DocumentDraft { number: number.clone(), date, lines: vec![line], lines_total, ..document },
        invoice_number: corrected.clone(),
        invoice_date,
        closed: month.days(),
        reason: reason.to_owned(),
    })?;
    let totals = note.document().totals();
    let row = InvoiceRow {
        number,
        kind: InvoiceKind::CreditNote,
        issued_at_ms: now.as_millisecond(),
        lines: totals.lines,
        net: totals.net,
        vat: totals.vat,
        total: totals.payable,
        corrects: Some(corrected.clone()),
        ..invoice.clone()
    };
    Ok(IssuedInvoice { row, json: json::credit_note(&note)? })
}
