//! Documents read again from the JSON that they were issued as: what was issued is printed and corrected from there, and from
//! nothing that may have changed since.

use jiff::civil::Date;
use serde::Deserialize;

use super::credit_note::CreditNoteDraft;
use super::dates::Period;
use super::document::DocumentDraft;
use super::invoice::InvoiceDraft;
use super::line::{LineDraft, Pricing, Unit};
use super::party::{BankDraft, ContractDraft, PartyDraft, SignerDraft};
use super::vat::{VatPlacement, VatRate, VatTerms};
use crate::billing::Tenge;

#[derive(Debug, thiserror::Error)]
#[error("the document that was issued cannot be read: {what}")]
pub struct Unreadable {
    what: String,
}

/// What was issued, as a draft of the same.
#[derive(Debug, Clone)]
pub enum Issued {
    Invoice(InvoiceDraft),
    CreditNote(CreditNoteDraft),
}

/// # Errors
/// It is no invoice or credit note of [`super::json`].
pub fn read(json: &str) -> Result<Issued, Unreadable> {
    let read: Read = serde_json::from_str(json).map_err(|error| Unreadable { what: error.to_string() })?;
    let document = read.document.draft()?;
    match read.kind {
        Kind::Invoice { due_date, payment_purpose_code } => {
            let due = day(&due_date)?;
            Ok(Issued::Invoice(InvoiceDraft { document, due, payment_purpose: payment_purpose_code }))
        }
        Kind::CreditNote { invoice_number, invoice_date, closed_period, reason } => {
            let closed = Period::new(day(&closed_period.from)?, day(&closed_period.to)?).map_err(what)?;
            let invoice_date = day(&invoice_date)?;
            Ok(Issued::CreditNote(CreditNoteDraft { document, invoice_number, invoice_date, closed, reason }))
        }
    }
}

#[derive(Deserialize)]
struct Read {
    #[serde(flatten)]
    kind: Kind,
    #[serde(flatten)]
    document: ReadDocument,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Kind {
    Invoice { due_date: String, payment_purpose_code: String },
    CreditNote { invoice_number: String, invoice_date: String, closed_period: ReadPeriod, reason: String },
}

#[derive(Deserialize)]
struct ReadPeriod {
    from: String,
    to: String,
}

#[derive(Deserialize)]
struct ReadDocument {
    number: String,
    date: String,
    supplier: ReadParty,
    buyer: ReadParty,
    contract: Option<ReadContract>,
    lines: Vec<ReadLine>,
    vat: ReadVat,
    totals: ReadTotals,
    signer: ReadSigner,
}

#[derive(Deserialize)]
struct ReadParty {
    name: String,
    name_kk: Option<String>,
    tax_id: String,
    address: String,
    phone: Option<String>,
    bank: Option<ReadBank>,
}

#[derive(Deserialize)]
struct ReadBank {
    name: String,
    iik: String,
    bik: String,
    kbe: String,
}

#[derive(Deserialize)]
struct ReadContract {
    number: String,
    date: String,
}

#[derive(Deserialize)]
struct ReadLine {
    code: Option<String>,
    name_ru: String,
    name_kk: Option<String>,
    unit_ru: String,
    unit_kk: String,
    quantity: String,
    price: Option<String>,
    sum: String,
}

#[derive(Deserialize)]
struct ReadVat {
    rate: String,
    placement: String,
    turnover_date: String,
}

#[derive(Deserialize)]
struct ReadTotals {
    lines: String,
}

#[derive(Deserialize)]
struct ReadSigner {
    position: String,
    name: String,
}

impl ReadDocument {
    fn draft(self) -> Result<DocumentDraft, Unreadable> {
        let contract = self.contract.map(|contract| -> Result<_, Unreadable> {
            Ok(ContractDraft { date: day(&contract.date)?, number: contract.number })
        });
        Ok(DocumentDraft {
            number: self.number,
            date: day(&self.date)?,
            supplier: self.supplier.into(),
            buyer: self.buyer.into(),
            contract: contract.transpose()?,
            lines: self.lines.into_iter().map(ReadLine::draft).collect::<Result<_, _>>()?,
            lines_total: amount(&self.totals.lines)?,
            vat: self.vat.terms()?,
            signer: SignerDraft { position: self.signer.position, name: self.signer.name },
        })
    }
}

impl ReadLine {
    fn draft(self) -> Result<LineDraft, Unreadable> {
        let pricing = match self.price {
            Some(price) => Pricing::PerUnit(price.parse().map_err(what)?),
            None => Pricing::Summed,
        };
        Ok(LineDraft {
            code: self.code,
            name_ru: self.name_ru,
            name_kk: self.name_kk,
            unit: Unit { ru: self.unit_ru, kk: self.unit_kk },
            quantity: self.quantity.parse().map_err(what)?,
            pricing,
            sum: amount(&self.sum)?,
        })
    }
}

impl ReadVat {
    fn terms(&self) -> Result<VatTerms, Unreadable> {
        let rate = match self.rate.as_str() {
            "none" => VatRate::Exempt,
            "0" => VatRate::Zero,
            _ => VatRate::Standard,
        };
        let placement = if self.placement == "included" { VatPlacement::Included } else { VatPlacement::OnTop };
        Ok(VatTerms { rate, placement, turnover_date: day(&self.turnover_date)? })
    }
}

impl From<ReadParty> for PartyDraft {
    fn from(party: ReadParty) -> Self {
        let bank = party.bank.map(|bank| BankDraft { name: bank.name, iik: bank.iik, bik: bank.bik, kbe: bank.kbe });
        Self {
            name: party.name,
            name_kk: party.name_kk,
            tax_id: party.tax_id,
            address: party.address,
            phone: party.phone,
            bank,
        }
    }
}

fn day(text: &str) -> Result<Date, Unreadable> {
    text.parse().map_err(what)
}

fn amount(text: &str) -> Result<Tenge, Unreadable> {
    text.parse().map_err(what)
}

fn what(error: impl std::fmt::Display) -> Unreadable {
    Unreadable { what: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invoices::{CreditNote, Invoice, json};

    #[test]
    fn what_was_issued_is_written_again_to_the_byte() {
        let invoice = include_str!("../../tests/fixtures/invoices/invoice.json");
        let Issued::Invoice(draft) = read(invoice).unwrap() else { panic!("no invoice") };
        assert_eq!(json::invoice(&Invoice::new(&draft).unwrap()).unwrap(), invoice);
        let note = include_str!("../../tests/fixtures/invoices/credit_note.json");
        let Issued::CreditNote(draft) = read(note).unwrap() else { panic!("no credit note") };
        assert_eq!(json::credit_note(&CreditNote::new(&draft).unwrap()).unwrap(), note);
        assert!(read(include_str!("../../tests/fixtures/invoices/act.json")).is_err());
        assert!(read("{}").is_err());
    }
}
