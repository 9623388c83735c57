//! A document as it is handed out: the issued one, or the draft of a month that is still open.

use jiff::Timestamp;

use super::bill::{Bill, MAX_TRIES, bill};
use super::error::InvoiceError;
use super::terms::Terms;
use crate::auth::Tenant;
use crate::invoices::pdf::Print;
use crate::invoices::{
    Act, ActDraft, CreditNote, Invoice, InvoiceDraft, Issued, Month, UsageDraft, UsageLine, csv, json, read,
};
use crate::store::{InvoiceFilter, InvoiceKind, Store, UsageRow};

/// Счёт на оплату, or АВР.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    #[default]
    Invoice,
    Act,
}

/// One that can be written.
#[derive(Debug)]
pub struct Paper {
    document: Document,
    usage: Vec<UsageRow>,
}

#[derive(Debug)]
enum Document {
    Invoice(Box<Invoice>),
    Act(Box<Act>),
    CreditNote(Box<CreditNote>),
}

impl Paper {
    fn new(draft: InvoiceDraft, form: Form, usage: Vec<UsageRow>) -> Result<Self, InvoiceError> {
        let document = match form {
            Form::Invoice => Document::Invoice(Box::new(Invoice::new(&draft)?)),
            Form::Act => Document::Act(Box::new(Act::new(&act(draft))?)),
        };
        Ok(Self { document, usage })
    }

    pub fn number(&self) -> &str {
        match &self.document {
            Document::Invoice(invoice) => invoice.document().number(),
            Document::Act(act) => act.document().number(),
            Document::CreditNote(note) => note.document().number(),
        }
    }

    /// # Errors
    /// It could not be written.
    pub fn json(&self) -> Result<String, InvoiceError> {
        Ok(match &self.document {
            Document::Invoice(invoice) => json::invoice(invoice)?,
            Document::Act(act) => json::act(act)?,
            Document::CreditNote(note) => json::credit_note(note)?,
        })
    }

    pub fn csv(&self) -> String {
        match &self.document {
            Document::Invoice(invoice) => csv::invoice(invoice),
            Document::Act(act) => csv::act(act),
            Document::CreditNote(note) => csv::credit_note(note),
        }
    }

    /// With its appendix, behind the back of whoever else is served.
    ///
    /// # Errors
    /// It could not be printed.
    pub async fn pdf(self) -> Result<Vec<u8>, InvoiceError> {
        let printed = tokio::task::spawn_blocking(move || self.print()).await;
        printed.unwrap_or_else(|_| Err(crate::store::StoreError::Cancelled.into()))
    }

    fn print(&self) -> Result<Vec<u8>, InvoiceError> {
        let mut print = match &self.document {
            Document::Invoice(invoice) => Print::invoice(invoice)?,
            Document::Act(act) => Print::act(act)?,
            Document::CreditNote(note) => Print::credit_note(note)?,
        };
        for row in &self.usage {
            let line = UsageLine::new(&UsageDraft {
                project: row.project.clone(),
                department: row.department.clone(),
                key: row.key.clone(),
                model: row.model.clone(),
                unit: row.unit.clone(),
                quantity: row.quantity,
                sum: row.sum,
            })?;
            print.usage_line(&line)?;
        }
        Ok(print.finish()?.bytes)
    }
}

/// Work is done when its month is over, whenever the invoice was written.
fn act(mut draft: InvoiceDraft) -> ActDraft {
    let last = draft.document.vat.turnover_date;
    draft.document.date = last;
    let performed = crate::invoices::Period::month_of(last);
    ActDraft { document: draft.document, performed, report: None, buyer_signer: None }
}

/// The issued one by its number.
///
/// # Errors
/// There is none, or it has no such form.
pub async fn issued(store: &dyn Store, number: &str, form: Form) -> Result<Paper, InvoiceError> {
    let missing = || InvoiceError::NoDocument { number: number.to_owned() };
    let issued = store.invoices().invoice(number.to_owned()).await?.ok_or_else(missing)?;
    match (read(&issued.json)?, form) {
        (Issued::Invoice(draft), form) => {
            Paper::new(draft, form, store.invoices().invoice_usage(number.to_owned()).await?)
        }
        (Issued::CreditNote(draft), Form::Invoice) => {
            Ok(Paper { document: Document::CreditNote(Box::new(CreditNote::new(&draft)?)), usage: Vec::new() })
        }
        (Issued::CreditNote(_), Form::Act) => Err(InvoiceError::NotAnInvoice { number: number.to_owned() }),
    }
}

/// Of a customer's month: the issued one if it is closed, else a draft of what it would be now.
///
/// # Errors
/// There is nothing to pay for, or a name is missing.
pub async fn of_month(
    store: &dyn Store,
    terms: &Terms,
    (tenant, month): (&str, Month),
    form: Form,
    now: Timestamp,
) -> Result<Paper, InvoiceError> {
    let tenant = tenant_of(store, tenant).await?;
    let nothing = || InvoiceError::Nothing { tenant: tenant.id.clone(), month };
    for _ in 0..MAX_TRIES {
        let standings = store.invoices().months(tenant.id.clone()).await?;
        if standings.iter().any(|standing| standing.month == month && standing.is_closed) {
            let filter = InvoiceFilter { tenant: Some(tenant.id.clone()), month: Some(month) };
            let rows = store.invoices().invoices(filter).await?;
            let own = rows.into_iter().find(|row| row.kind == InvoiceKind::Invoice).ok_or_else(nothing)?;
            return issued(store, &own.number, form).await;
        }
        let Some(Bill { lines, usage, total, .. }) = bill(store, &tenant, month, &standings).await? else { continue };
        if lines.is_empty() {
            return Err(nothing());
        }
        let number = format!("ЧЕРНОВИК/ЖОБА {month}");
        let draft = terms.invoice(&tenant, (number, terms.today(now)), month, (lines, total))?;
        return Paper::new(draft, form, usage);
    }
    Err(InvoiceError::Busy { tenant: tenant.id })
}

pub(super) async fn tenant_of(store: &dyn Store, id: &str) -> Result<Tenant, InvoiceError> {
    let tenants = store.tenancy().tenants().await?;
    let missing = || InvoiceError::NoTenant { tenant: id.to_owned() };
    tenants.into_iter().find(|tenant| tenant.id == id).ok_or_else(missing)
}
