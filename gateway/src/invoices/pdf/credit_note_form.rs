//! A credit note: like an invoice, without where to pay, with what it corrects and why, and with both sides' signatures,
//! since both change what they have in their books.

use super::PdfError;
use super::flow::Flow;
use super::group::{Area, Group};
use super::lines_table;
use super::pieces::{Label, THICK, contract, heading, labelled, party, words};
use super::signatures::{STAMP, signature};
use super::typeface::{Style, Typefaces};
use super::wrap::Paragraph;
use crate::invoices::credit_note::CreditNote;
use crate::invoices::dates;
use crate::invoices::document::Document;

const SUPPLIER: Label = Label::new("Исполнитель", "Орындаушы");
const BUYER: Label = Label::new("Заказчик", "Тапсырыс беруші");

pub(super) fn set(flow: &mut Flow, note: &CreditNote) -> Result<(), PdfError> {
    let width = flow.paper().width();
    let document = &note.document;
    let russian = format!("Корректировка (сторно) № {} от {}", document.number, dates::russian(document.date));
    let kazakh = format!("{} № {} түзету (сторно)", dates::kazakh_of(document.date), document.number);
    flow.put(&heading(flow.typefaces(), width, &russian, &kazakh))?;
    flow.space(4.0);
    let corrected = format!(
        "счёт на оплату № {number} от {} / {} № {number} төлем шоты",
        dates::russian(note.invoice_date),
        dates::kazakh_of(note.invoice_date),
        number = note.invoice_number,
    );
    for (label, value) in [
        (Label::new("Исправляет", "Түзетілетін құжат"), corrected),
        (Label::new("Закрытый период", "Жабылған кезең"), note.closed.numeric()),
        (Label::new("Причина", "Себебі"), note.reason.as_str().to_owned()),
        (Label::new("Поставщик", "Жеткізуші"), party(&document.supplier)),
        (Label::new("Покупатель", "Сатып алушы"), party(&document.buyer)),
        (Label::new("Договор", "Шарт"), contract(document.contract.as_ref())),
    ] {
        flow.put(&labelled(flow.typefaces(), width, label, &value))?;
    }
    flow.space(4.0);
    let ending = ending(flow.typefaces(), width, document);
    lines_table::set(flow, document, ending)
}

fn ending(typefaces: &Typefaces, width: f32, document: &Document) -> Group {
    let mut ending = Group::default();
    let [russian, kazakh] = words(document.totals.payable);
    for text in [format!("Сумма корректировки: {russian}"), format!("Түзету сомасы: {kazakh}")]
    {
        let area = Area { left: 0.0, top: ending.height(), width };
        ending.write(typefaces, area, &Paragraph::new(Style::bold(9.0), text));
        ending.space(1.5);
    }
    ending.underline(Area { left: 0.0, top: ending.height() + 4.0, width }, THICK);
    for (role, signer) in [(SUPPLIER, Some(&document.signer)), (BUYER, None)] {
        ending.space(16.0);
        let mut side = signature(typefaces, Area { left: 0.0, top: 0.0, width: width * 0.86 }, role, signer);
        let stamp = Area { left: width * 0.88, top: 0.0, width: width * 0.12 };
        side.write(typefaces, stamp, &Paragraph::new(super::pieces::BODY, STAMP));
        ending.append(side);
    }
    ending
}
