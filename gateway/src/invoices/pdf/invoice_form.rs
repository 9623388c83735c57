//! Счёт на оплату, in the layout that every accountant in Kazakhstan knows from 1С: where to pay in a box on top, the number,
//! the parties, the table, the sum in words, who issued it.

use super::PdfError;
use super::flow::Flow;
use super::group::{Area, Group};
use super::lines_table;
use super::pieces::{BODY, Label, STRONG, THICK, contract, heading, labelled, party, tax_id, words};
use super::signatures::{STAMP, signature};
use super::table::Grid;
use super::typeface::{Style, Typefaces};
use super::wrap::{Align, Paragraph};
use crate::invoices::dates;
use crate::invoices::document::Document;
use crate::invoices::invoice::Invoice;

const BOX_SHARES: [f32; 3] = [270.0, 150.0, 110.0];
const ISSUER: Label = Label::new("Исполнитель", "Орындаушы");

pub(super) fn set(flow: &mut Flow, invoice: &Invoice) -> Result<(), PdfError> {
    let width = flow.paper().width();
    let document = &invoice.document;
    flow.put(&payment_box(flow.typefaces(), width, invoice))?;
    flow.space(12.0);
    let russian = format!("Счёт на оплату № {} от {}", document.number, dates::russian(document.date));
    let kazakh = format!("{} № {} төлем шоты", dates::kazakh_of(document.date), document.number);
    flow.put(&heading(flow.typefaces(), width, &russian, &kazakh))?;
    flow.space(4.0);
    for (label, value) in [
        (Label::new("Поставщик", "Жеткізуші"), party(&document.supplier)),
        (Label::new("Покупатель", "Сатып алушы"), party(&document.buyer)),
        (Label::new("Договор", "Шарт"), contract(document.contract.as_ref())),
        (Label::new("Оплатить до", "Төлеу мерзімі"), due(invoice)),
    ] {
        flow.put(&labelled(flow.typefaces(), width, label, &value))?;
    }
    flow.space(4.0);
    let ending = ending(flow.typefaces(), width, document);
    lines_table::set(flow, document, ending)
}

fn due(invoice: &Invoice) -> String {
    format!("{} / {}", dates::russian(invoice.due), dates::kazakh(invoice.due))
}

/// What a payment order needs.
fn payment_box(typefaces: &Typefaces, width: f32, invoice: &Invoice) -> Group {
    let Invoice { document, account, payment_purpose, .. } = invoice;
    let grid = Grid::new(width, &BOX_SHARES);
    let label = |label: Label| Paragraph::new(BODY, format!("{}:", label.inline()));
    let value = |text: String| Paragraph::new(STRONG, text);
    let centered = |name: Label, text: String| {
        vec![label(name).align(Align::Center), Paragraph::new(Style::bold(9.0), text).align(Align::Center)]
    };
    let mut group = Group::default();
    let title = Label::new("Образец платёжного поручения", "Төлем тапсырмасының үлгісі");
    let area = Area { left: 0.0, top: 0.0, width };
    group.write(typefaces, area, &Paragraph::new(STRONG, title.inline()));
    group.space(3.0);
    group.append(grid.row(
        typefaces,
        &[
            vec![
                label(Label::new("Бенефициар", "Бенефициар")),
                value(document.supplier.name.as_str().to_owned()),
                Paragraph::new(BODY, tax_id(document.supplier.tax_id)),
            ],
            centered(Label::new("ИИК", "ЖСК"), account.iik.to_string()),
            centered(Label::new("Кбе", "Кбе"), account.kbe.to_string()),
        ],
    ));
    group.append(grid.row(
        typefaces,
        &[
            vec![label(Label::new("Банк бенефициара", "Бенефициардың банкі")), value(account.name.as_str().to_owned())],
            centered(Label::new("БИК", "БСК"), account.bik.to_string()),
            centered(Label::new("Код назначения платежа", "Төлем белгілеу коды"), payment_purpose.to_string()),
        ],
    ));
    group
}

/// The number of lines, the sum in words in both languages, and who issued it.
fn ending(typefaces: &Typefaces, width: f32, document: &Document) -> Group {
    let mut ending = Group::default();
    let [russian, kazakh] = words(document.totals.payable);
    let (count, payable) = (document.lines.len(), document.totals.payable);
    let lines = [
        (BODY, format!("Всего наименований {count}, на сумму {payable} ₸ / Барлығы {count} атау, сомасы {payable} ₸")),
        (Style::bold(9.0), format!("Всего к оплате: {russian}")),
        (Style::bold(9.0), format!("Төлеуге барлығы: {kazakh}")),
    ];
    for (style, text) in lines {
        let area = Area { left: 0.0, top: ending.height(), width };
        ending.write(typefaces, area, &Paragraph::new(style, text));
        ending.space(1.5);
    }
    ending.underline(Area { left: 0.0, top: ending.height() + 4.0, width }, THICK);
    ending.space(18.0);
    let signer_area = Area { left: 0.0, top: 0.0, width: width * 0.86 };
    let mut signer = signature(typefaces, signer_area, ISSUER, Some(&document.signer));
    let stamp = Area { left: width * 0.88, top: 0.0, width: width * 0.12 };
    signer.write(typefaces, stamp, &Paragraph::new(BODY, STAMP));
    ending.append(signer);
    ending
}
