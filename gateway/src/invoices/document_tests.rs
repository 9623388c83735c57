//! Documents: sums that agree, and errors that say what to mend.

use jiff::civil::date;
use proptest::prelude::*;

use crate::billing::Tenge;
use crate::invoices::samples::{act_draft, any_invoice, credit_note_draft, document_draft, invoice_draft, line};
use crate::invoices::{Act, CreditNote, Invoice, InvoiceDraft, Pricing, Problem, Totals, VatPlacement, VatRate};

fn tiyn(totals: Totals) -> [i64; 4] {
    [totals.lines, totals.net, totals.vat, totals.payable].map(Tenge::tiyn)
}

#[test]
fn the_tax_is_on_the_lines_or_in_them() {
    let mut draft = invoice_draft();
    draft.document = document_draft(vec![line(1, "1", Pricing::Summed, 100_000)]);
    let totals = |draft: &InvoiceDraft| tiyn(Invoice::new(draft).unwrap().document().totals());
    assert_eq!(totals(&draft), [100_000, 100_000, 16_000, 116_000]);
    draft.document.vat.placement = VatPlacement::Included;
    assert_eq!(totals(&draft), [100_000, 86_207, 13_793, 100_000]);
    draft.document.vat.turnover_date = date(2025, 12, 31);
    assert_eq!(totals(&draft), [100_000, 89_286, 10_714, 100_000]);
    for rate in [VatRate::Zero, VatRate::Exempt] {
        draft.document.vat.rate = rate;
        assert_eq!(totals(&draft), [100_000, 100_000, 0, 100_000]);
    }
}

#[test]
fn a_total_that_is_a_tiyn_off_is_refused() {
    let mut draft = invoice_draft();
    let lines = draft.document.lines_total;
    let total = lines.plus(Tenge::from_tiyn(1)).unwrap();
    draft.document.lines_total = total;
    assert_eq!(Invoice::new(&draft).unwrap_err(), Problem::OtherTotal { lines, total }.of("lines_total"));
}

#[test]
fn an_error_names_its_field() {
    type Spoil = fn(&mut InvoiceDraft);
    let spoilt: [(Spoil, &str); 16] = [
        (|draft| draft.document.number = String::new(), "number"),
        (|draft| draft.document.supplier.name = "a\nb".to_owned(), "supplier.name"),
        (|draft| draft.document.supplier.tax_id = "180140000007".to_owned(), "supplier.tax_id"),
        (|draft| draft.document.supplier.bank.as_mut().unwrap().iik.push('0'), "supplier.bank.iik"),
        (|draft| draft.document.supplier.bank.as_mut().unwrap().bik.clear(), "supplier.bank.bik"),
        (|draft| draft.document.supplier.bank.as_mut().unwrap().kbe = "99".to_owned(), "supplier.bank.kbe"),
        (|draft| draft.document.supplier.bank = None, "supplier.bank"),
        (|draft| draft.document.buyer.address = "я".repeat(251), "buyer.address"),
        (|draft| draft.document.buyer.tax_id.clear(), "buyer.tax_id"),
        (|draft| draft.document.contract.as_mut().unwrap().date = date(2027, 1, 1), "contract.date"),
        (|draft| draft.document.lines.clear(), "lines"),
        (|draft| draft.document.lines[1].unit.kk.clear(), "lines[1].unit_kk"),
        (|draft| draft.document.vat.turnover_date = date(2000, 1, 1), "vat.turnover_date"),
        (|draft| draft.document.signer.name.clear(), "signer.name"),
        (|draft| draft.due = date(2026, 10, 30), "due"),
        (|draft| draft.payment_purpose = "85".to_owned(), "payment_purpose"),
    ];
    for (spoil, field) in spoilt {
        let mut draft = invoice_draft();
        spoil(&mut draft);
        let bad = Invoice::new(&draft).unwrap_err();
        assert_eq!(bad.field, field, "{bad}");
    }
}

#[test]
fn a_charge_is_not_below_zero_and_a_credit_is() {
    let mut draft = invoice_draft();
    draft.document = document_draft(vec![line(1, "-1", Pricing::Summed, -1)]);
    assert_eq!(Invoice::new(&draft).unwrap_err(), Problem::BelowZero.of("lines_total"));
    draft.document = document_draft(vec![line(1, "-1", Pricing::Summed, -1), line(2, "1", Pricing::Summed, 2)]);
    assert!(Invoice::new(&draft).is_ok());

    let mut credit = credit_note_draft();
    assert!(CreditNote::new(&credit).unwrap().document().totals().payable.is_negative());
    credit.document = draft.document;
    assert_eq!(CreditNote::new(&credit).unwrap_err(), Problem::NotBelowZero.of("lines_total"));
}

#[test]
fn nothing_is_before_what_it_follows() {
    let mut act = act_draft();
    act.document.date = date(2026, 10, 30);
    assert_eq!(Act::new(&act).unwrap_err().field, "date");
    let mut credit = credit_note_draft();
    credit.invoice_date = date(2026, 11, 6);
    assert_eq!(CreditNote::new(&credit).unwrap_err().field, "date");
}

#[test]
fn sums_at_the_edge_are_errors_and_no_panic() {
    let mut draft = invoice_draft();
    draft.document = document_draft(vec![line(1, "1", Pricing::Summed, i64::MAX)]);
    assert_eq!(Invoice::new(&draft).unwrap_err(), Problem::TooLarge.of("vat"));
    draft.document.vat.placement = VatPlacement::Included;
    assert!(Invoice::new(&draft).is_ok());
}

proptest! {
    #[test]
    fn sums_agree_to_the_tiyn(draft in any_invoice()) {
        let invoice = Invoice::new(&draft).unwrap();
        let document = invoice.document();
        let totals = document.totals();
        prop_assert_eq!(totals.net.plus(totals.vat), Ok(totals.payable));
        prop_assert_eq!(Tenge::sum(document.lines.iter().map(|line| line.sum)), Ok(totals.lines));
        prop_assert_eq!(Tenge::sum(document.line_taxes.iter().map(|line| line.tax)), Ok(totals.vat));
        prop_assert_eq!(Tenge::sum(document.line_taxes.iter().map(|line| line.gross)), Ok(totals.payable));
    }
}
