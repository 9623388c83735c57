//! The table of an invoice or a credit note, as 1С prints it: №, code, name, quantity, unit, price, sum; below it the totals.

use super::PdfError;
use super::flow::Flow;
use super::group::{Area, Group};
use super::pieces::{BODY, SMALL, STRONG, head_cell, totals, vat_note};
use super::table::{Cell, Grid, Table};
use super::typeface::{Style, Typefaces};
use super::wrap::{Align, Paragraph};
use crate::invoices::document::Document;
use crate::invoices::line::Line;
use crate::invoices::vat::{Vat, VatPlacement};

const SHARES: [f32; 7] = [25.0, 46.0, 176.0, 64.0, 62.0, 68.0, 88.0];
/// Marks a price that the sum was not computed by.
pub(super) const AVERAGE_MARK: &str = "≈";
const AVERAGE_NOTE: &str = "≈ средняя цена: сумма строки сложена из сумм, каждая из которых округлена отдельно. \
     / ≈ орташа баға: жол сомасы әрқайсысы жеке дөңгелектелген сомалардан құралған.";

/// With `ending` below the totals, on the page of the last line.
pub(super) fn set(flow: &mut Flow, document: &Document, ending: Group) -> Result<(), PdfError> {
    let width = flow.paper().width();
    let grid = Grid::new(width, &SHARES);
    let head = head(flow.typefaces(), &grid, document.vat);
    let mut below = below(flow.typefaces(), &grid, document);
    below.append(ending);
    let mut table = Table::new(grid, head);
    let digits = quantity_digits(document);
    for (index, line) in document.lines.iter().enumerate() {
        table.row(flow, &row(index + 1, line, digits))?;
    }
    table.end(flow, &below)
}

/// All quantities have as many digits as that with the most, so that they stand below each other.
pub(super) fn quantity_digits(document: &Document) -> usize {
    document.lines.iter().map(|line| line.quantity.telling_digits()).max().unwrap_or_default()
}

/// The price as it is shown.
pub(super) fn price(line: &Line) -> String {
    let mark = if line.is_average() { AVERAGE_MARK } else { "" };
    line.price().map_or_else(|| "–".to_owned(), |price| format!("{mark}{}", price.printed()))
}

/// What lines cost, with the tax or without it.
pub(super) fn sum_head(vat: Vat) -> &'static str {
    match (vat.percent, vat.placement) {
        (None, _) => "Сумма, тенге\nСомасы, теңге",
        (Some(_), VatPlacement::OnTop) => "Сумма без НДС, тенге\nҚҚС-сыз, теңге",
        (Some(_), VatPlacement::Included) => "Сумма с НДС, тенге\nҚҚС-пен, теңге",
    }
}

/// What must be said of how sums came to be.
pub(super) fn notes(document: &Document) -> Vec<&'static str> {
    let average = document.lines.iter().any(Line::is_average).then_some(AVERAGE_NOTE);
    average.into_iter().chain(vat_note(document.vat)).collect()
}

fn head(typefaces: &Typefaces, grid: &Grid, vat: Vat) -> Group {
    let cells = [
        "№",
        "Код\nКоды",
        "Наименование\nАтауы",
        "Количество\nСаны",
        "Единица\nӨлшем бірлігі",
        "Цена, тенге\nБағасы, теңге",
        sum_head(vat),
    ];
    grid.row(typefaces, &cells.map(|text| head_cell(Style::bold(6.8), text)))
}

fn row(position: usize, line: &Line, digits: usize) -> [Cell; 7] {
    let mut name = vec![Paragraph::new(BODY, line.name_ru.as_str())];
    name.extend(line.name_kk.as_ref().map(|kazakh| Paragraph::new(BODY, kazakh.as_str())));
    let code = line.code.as_ref().map_or("", |code| code.as_str());
    [
        vec![Paragraph::figure(BODY, position.to_string()).align(Align::Center)],
        vec![Paragraph::new(BODY, code)],
        name,
        vec![Paragraph::figure(BODY, line.quantity.printed(digits))],
        unit(line),
        vec![Paragraph::figure(BODY, price(line))],
        vec![Paragraph::figure(BODY, line.sum.to_string())],
    ]
}

pub(super) fn unit(line: &Line) -> Cell {
    let mut unit = vec![Paragraph::new(BODY, line.unit_ru.as_str()).align(Align::Center)];
    if line.unit_kk != line.unit_ru {
        unit.push(Paragraph::new(BODY, line.unit_kk.as_str()).align(Align::Center));
    }
    unit
}

/// Totals below the column of sums, then notes.
fn below(typefaces: &Typefaces, grid: &Grid, document: &Document) -> Group {
    let mut below = Group::default();
    let mut y = 4.0;
    let sums = grid.span(6, 7);
    for (label, amount) in totals(document) {
        let label_area = Area { left: 0.0, top: y, width: sums.left - 4.0 };
        let label = Paragraph::new(STRONG, format!("{label}:")).align(Align::Right);
        let label_end = below.write(typefaces, label_area, &label);
        let sum_area = Area { left: sums.left, top: y, width: sums.width - 3.0 };
        y = below.write(typefaces, sum_area, &Paragraph::figure(STRONG, amount)).max(label_end) + 2.0;
    }
    below.reach(y);
    for note in notes(document) {
        below.space(2.0);
        let area = Area { left: 0.0, top: below.height(), width: grid.span(0, 7).width };
        below.write(typefaces, area, &Paragraph::new(SMALL, note));
    }
    below.space(4.0);
    below
}
