//! Documents as JSON for other programs. The schema is stable: a field may come, none goes or changes its meaning without
//! another number in `schema`. Amounts, prices and quantities are decimal texts with a point, days are ISO 8601.

use serde::Serialize;

use super::act::Act;
use super::credit_note::CreditNote;
use super::dates::Period;
use super::document::Document;
use super::figures;
use super::identifiers::TaxIdKind;
use super::invoice::Invoice;
use super::line::{Line, Pricing};
use super::party::{BankAccount, Party, Signer};
use super::usage::UsageLine;
use super::vat::VatPlacement;
use crate::billing::{Language, Tenge, in_words};

const SCHEMA: &str = "shekara.document/1";

/// Pretty, with a line feed at its end.
///
/// # Errors
/// `serde_json` could not write it.
pub fn invoice(invoice: &Invoice) -> Result<String, serde_json::Error> {
    let kind = KindView::Invoice {
        due_date: invoice.due.to_string(),
        payment_purpose_code: invoice.payment_purpose.to_string(),
    };
    write(&invoice.document, kind)
}

/// As [`invoice`].
///
/// # Errors
/// `serde_json` could not write it.
pub fn act(act: &Act) -> Result<String, serde_json::Error> {
    let kind = KindView::Act {
        performed: act.performed.into(),
        report: act.report.as_ref().map(ToString::to_string),
        buyer_signer: act.buyer_signer.as_ref().map(SignerView::from),
    };
    write(&act.document, kind)
}

/// As [`invoice`].
///
/// # Errors
/// `serde_json` could not write it.
pub fn credit_note(note: &CreditNote) -> Result<String, serde_json::Error> {
    let kind = KindView::CreditNote {
        invoice_number: note.invoice_number.as_str().to_owned(),
        invoice_date: note.invoice_date.to_string(),
        closed_period: note.closed.into(),
        reason: note.reason.as_str().to_owned(),
    };
    write(&note.document, kind)
}

/// One line of an appendix as one line of JSON, without the line feed.
///
/// # Errors
/// `serde_json` could not write it.
pub fn usage_line(line: &UsageLine) -> Result<String, serde_json::Error> {
    serde_json::to_string(&UsageView {
        project: line.project.as_str(),
        department: line.department.as_ref().map(super::text::Text::as_str),
        key: line.key.as_str(),
        model: line.model.as_str(),
        unit: line.unit.as_str(),
        quantity: line.quantity.plain('.'),
        sum: tenge(line.sum),
    })
}

fn write(document: &Document, kind: KindView) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(&DocumentView::new(document, kind))?;
    text.push('\n');
    Ok(text)
}

#[derive(Serialize)]
struct DocumentView {
    schema: &'static str,
    #[serde(flatten)]
    kind: KindView,
    number: String,
    date: String,
    currency: &'static str,
    supplier: PartyView,
    buyer: PartyView,
    contract: Option<ContractView>,
    lines: Vec<LineView>,
    vat: VatView,
    totals: TotalsView,
    amount_in_words: WordsView,
    signer: SignerView,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum KindView {
    Invoice { due_date: String, payment_purpose_code: String },
    Act { performed: PeriodView, report: Option<String>, buyer_signer: Option<SignerView> },
    CreditNote { invoice_number: String, invoice_date: String, closed_period: PeriodView, reason: String },
}

#[derive(Serialize)]
struct PeriodView {
    from: String,
    to: String,
}

#[derive(Serialize)]
struct PartyView {
    name: String,
    name_kk: Option<String>,
    tax_id: String,
    tax_id_kind: &'static str,
    address: String,
    phone: Option<String>,
    bank: Option<BankView>,
}

#[derive(Serialize)]
struct BankView {
    name: String,
    iik: String,
    bik: String,
    kbe: String,
}

#[derive(Serialize)]
struct ContractView {
    number: String,
    date: String,
}

#[derive(Serialize)]
struct LineView {
    position: usize,
    code: Option<String>,
    name_ru: String,
    name_kk: Option<String>,
    unit_ru: String,
    unit_kk: String,
    quantity: String,
    /// Null where the sum is added up from the ledger.
    price: Option<String>,
    sum: String,
    vat: String,
}

#[derive(Serialize)]
struct VatView {
    /// Percent, or `none`.
    rate: String,
    placement: &'static str,
    turnover_date: String,
    amount: String,
    rounding: &'static str,
}

#[derive(Serialize)]
struct TotalsView {
    lines: String,
    net: String,
    vat: String,
    payable: String,
}

#[derive(Serialize)]
struct WordsView {
    ru: String,
    kk: String,
}

#[derive(Serialize)]
struct SignerView {
    position: String,
    name: String,
}

#[derive(Serialize)]
struct UsageView<'a> {
    project: &'a str,
    department: Option<&'a str>,
    key: &'a str,
    model: &'a str,
    unit: &'a str,
    quantity: String,
    sum: String,
}

impl DocumentView {
    fn new(document: &Document, kind: KindView) -> Self {
        let Document { vat, totals, .. } = document;
        let lines = document.lines.iter().zip(&document.line_taxes).enumerate();
        Self {
            schema: SCHEMA,
            kind,
            number: document.number.as_str().to_owned(),
            date: document.date.to_string(),
            currency: "KZT",
            supplier: (&document.supplier).into(),
            buyer: (&document.buyer).into(),
            contract: document.contract.as_ref().map(|contract| ContractView {
                number: contract.number.as_str().to_owned(),
                date: contract.date.to_string(),
            }),
            lines: lines.map(|(index, (line, tax))| LineView::new(index + 1, line, tax.tax)).collect(),
            vat: VatView {
                rate: vat.percent.map_or_else(|| "none".to_owned(), |percent| percent.to_string()),
                placement: match vat.placement {
                    VatPlacement::OnTop => "on_top",
                    VatPlacement::Included => "included",
                },
                turnover_date: vat.turnover_date.to_string(),
                amount: tenge(totals.vat),
                rounding: "once_per_document_half_even",
            },
            totals: TotalsView {
                lines: tenge(totals.lines),
                net: tenge(totals.net),
                vat: tenge(totals.vat),
                payable: tenge(totals.payable),
            },
            amount_in_words: WordsView {
                ru: in_words(totals.payable, Language::Russian),
                kk: in_words(totals.payable, Language::Kazakh),
            },
            signer: (&document.signer).into(),
        }
    }
}

impl LineView {
    fn new(position: usize, line: &Line, tax: Tenge) -> Self {
        let price = match line.pricing {
            Pricing::PerUnit(price) => Some(price.plain('.')),
            Pricing::Summed => None,
        };
        Self {
            position,
            code: line.code.as_ref().map(ToString::to_string),
            name_ru: line.name_ru.as_str().to_owned(),
            name_kk: line.name_kk.as_ref().map(ToString::to_string),
            unit_ru: line.unit_ru.as_str().to_owned(),
            unit_kk: line.unit_kk.as_str().to_owned(),
            quantity: line.quantity.plain('.'),
            price,
            sum: tenge(line.sum),
            vat: tenge(tax),
        }
    }
}

impl From<&Party> for PartyView {
    fn from(party: &Party) -> Self {
        Self {
            name: party.name.as_str().to_owned(),
            name_kk: party.name_kk.as_ref().map(ToString::to_string),
            tax_id: party.tax_id.to_string(),
            tax_id_kind: match party.tax_id.kind() {
                TaxIdKind::Bin => "bin",
                TaxIdKind::Iin => "iin",
            },
            address: party.address.as_str().to_owned(),
            phone: party.phone.as_ref().map(ToString::to_string),
            bank: party.bank.as_ref().map(BankView::from),
        }
    }
}

impl From<&BankAccount> for BankView {
    fn from(account: &BankAccount) -> Self {
        Self {
            name: account.name.as_str().to_owned(),
            iik: account.iik.to_string(),
            bik: account.bik.to_string(),
            kbe: account.kbe.to_string(),
        }
    }
}

impl From<&Signer> for SignerView {
    fn from(signer: &Signer) -> Self {
        Self { position: signer.position.as_str().to_owned(), name: signer.name.as_str().to_owned() }
    }
}

impl From<Period> for PeriodView {
    fn from(period: Period) -> Self {
        Self { from: period.from().to_string(), to: period.to().to_string() }
    }
}

fn tenge(amount: Tenge) -> String {
    figures::tenge(amount, '.')
}
