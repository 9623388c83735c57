//! Documents as a table for 1С:Предприятие, «Загрузка данных из табличного документа», and for spreadsheets: UTF-8 with a
//! byte order mark, semicolons, a decimal comma, no spaces in numbers, days as 31.12.2026, one head row, CRLF (RFC 4180).
//!
//! Every row says what document it is of, so that files can be put together. A text that a spreadsheet would take for a
//! formula gets an apostrophe before it (OWASP, "CSV injection"); numbers below zero are numbers and keep their minus.

use super::act::Act;
use super::credit_note::CreditNote;
use super::dates;
use super::document::Document;
use super::figures;
use super::invoice::Invoice;
use super::usage::UsageLine;
use super::vat::Vat;
use crate::billing::Tenge;
use crate::csv::text_cell;

const BYTE_ORDER_MARK: char = '\u{feff}';
const END_OF_ROW: &str = "\r\n";
const SEPARATOR: char = ';';

const HEAD: [&str; 20] = [
    "Вид документа",
    "Номер документа",
    "Дата документа",
    "БИН/ИИН поставщика",
    "Поставщик",
    "БИН/ИИН покупателя",
    "Покупатель",
    "Номер договора",
    "Дата договора",
    "Номер строки",
    "Код",
    "Номенклатура",
    "Номенклатура (каз.)",
    "Единица",
    "Количество",
    "Цена",
    "Сумма",
    "Ставка НДС",
    "Сумма НДС",
    "Всего с НДС",
];
const USAGE_HEAD: [&str; 8] = ["Номер строки", "Проект", "Отдел", "Ключ", "Модель", "Единица", "Количество", "Сумма"];

pub fn invoice(invoice: &Invoice) -> String {
    write("Счет на оплату", &invoice.document)
}

pub fn act(act: &Act) -> String {
    write("Акт выполненных работ", &act.document)
}

pub fn credit_note(note: &CreditNote) -> String {
    write("Корректировка", &note.document)
}

/// What an appendix in CSV begins with: the byte order mark and the head.
pub fn usage_head() -> String {
    let mut text = String::from(BYTE_ORDER_MARK);
    push_row(&mut text, &USAGE_HEAD.map(str::to_owned));
    text
}

/// A row of an appendix, to be written as it comes.
pub fn usage_row(position: usize, line: &UsageLine) -> String {
    let mut text = String::new();
    let department = line.department.as_ref().map_or("", |department| department.as_str());
    let row = [
        position.to_string(),
        cell(line.project.as_str()),
        cell(department),
        cell(line.key.as_str()),
        cell(line.model.as_str()),
        cell(line.unit.as_str()),
        line.quantity.plain(','),
        tenge(line.sum),
    ];
    push_row(&mut text, &row);
    text
}

fn write(kind: &str, document: &Document) -> String {
    let mut text = String::from(BYTE_ORDER_MARK);
    push_row(&mut text, &HEAD.map(str::to_owned));
    let contract = document.contract.as_ref();
    let (number, date) = (document.number.as_str(), dates::numeric(document.date));
    for (index, (line, tax)) in document.lines.iter().zip(&document.line_taxes).enumerate() {
        let row = [
            kind.to_owned(),
            cell(number),
            date.clone(),
            document.supplier.tax_id.to_string(),
            cell(document.supplier.name.as_str()),
            document.buyer.tax_id.to_string(),
            cell(document.buyer.name.as_str()),
            contract.map_or_else(String::new, |contract| cell(contract.number.as_str())),
            contract.map_or_else(String::new, |contract| dates::numeric(contract.date)),
            (index + 1).to_string(),
            line.code.as_ref().map_or_else(String::new, |code| cell(code.as_str())),
            cell(line.name_ru.as_str()),
            line.name_kk.as_ref().map_or_else(String::new, |name| cell(name.as_str())),
            cell(line.unit_ru.as_str()),
            line.quantity.plain(','),
            line.price().map_or_else(String::new, |price| price.plain(',')),
            tenge(line.sum),
            vat_rate(document.vat),
            tenge(tax.tax),
            tenge(tax.gross),
        ];
        push_row(&mut text, &row);
    }
    text
}

/// As 1С names the rates.
fn vat_rate(vat: Vat) -> String {
    vat.percent.map_or_else(|| "Без НДС".to_owned(), |percent| format!("{percent}%"))
}

fn tenge(amount: Tenge) -> String {
    figures::tenge(amount, ',')
}

/// What somebody has written.
fn cell(text: &str) -> String {
    text_cell(text, SEPARATOR)
}

fn push_row(text: &mut String, cells: &[String]) {
    text.push_str(&cells.join(";"));
    text.push_str(END_OF_ROW);
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
