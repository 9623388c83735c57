//! «Приложение: расшифровка»: what each project, department, key and model used, on pages of its own. Lines come one by one
//! and are not kept: only their sum is.

use super::PdfError;
use super::flow::{Flow, Paper};
use super::group::{Area, Group};
use super::lines_table::sum_head;
use super::pieces::{BODY, STRONG, head_cell, heading};
use super::table::{Cell, Grid, Table};
use super::typeface::Style;
use super::wrap::{Align, Paragraph};
use crate::billing::Tenge;
use crate::invoices::usage::UsageLine;
use crate::invoices::vat::Vat;

/// Some 6,000 pages; whoever has more imports the CSV.
const MAX_LINES: usize = 200_000;
const SHARES: [f32; 8] = [34.0, 150.0, 110.0, 130.0, 150.0, 62.0, 74.0, 96.0];
/// Of tokens in thousands; others have the same or more.
const QUANTITY_DIGITS: usize = 3;
const STYLE: Style = Style::regular(7.5);

pub(super) struct Appendix {
    table: Table,
    grid: Grid,
    num_lines: usize,
    sum: Tenge,
}

impl Appendix {
    pub(super) fn begin(flow: &mut Flow, document: &str, vat: Vat) -> Result<Self, PdfError> {
        flow.turn(Paper::Landscape)?;
        let width = flow.paper().width();
        let russian = "Приложение: расшифровка использования";
        let kazakh = "Қосымша: пайдалану талдамасы";
        flow.put(&heading(flow.typefaces(), width, russian, kazakh))?;
        let mut of = Group::default();
        of.write(flow.typefaces(), Area { left: 0.0, top: 0.0, width }, &Paragraph::new(BODY, document));
        of.space(5.0);
        flow.put(&of)?;
        let grid = Grid::new(width, &SHARES);
        let heads = [
            "№",
            "Проект\nЖоба",
            "Отдел\nБөлім",
            "Ключ\nКілт",
            "Модель\nМодель",
            "Единица\nӨлшем бірлігі",
            "Количество\nСаны",
            sum_head(vat),
        ];
        let head = grid.row(flow.typefaces(), &heads.map(|text| head_cell(Style::bold(7.0), text)));
        Ok(Self { table: Table::new(grid.clone(), head), grid, num_lines: 0, sum: Tenge::ZERO })
    }

    pub(super) fn line(&mut self, flow: &mut Flow, line: &UsageLine) -> Result<(), PdfError> {
        if self.num_lines == MAX_LINES {
            return Err(PdfError::TooManyLines { max_lines: MAX_LINES });
        }
        self.num_lines += 1;
        self.sum = self.sum.plus(line.sum)?;
        let text = |text: &str| vec![Paragraph::new(STYLE, text)];
        let cells: [Cell; 8] = [
            vec![Paragraph::figure(STYLE, self.num_lines.to_string())],
            text(line.project.as_str()),
            text(line.department.as_ref().map_or("–", |department| department.as_str())),
            text(line.key.as_str()),
            text(line.model.as_str()),
            vec![Paragraph::new(STYLE, line.unit.as_str()).align(Align::Center)],
            vec![Paragraph::figure(STYLE, line.quantity.printed(QUANTITY_DIGITS))],
            vec![Paragraph::figure(STYLE, line.sum.to_string())],
        ];
        self.table.row(flow, &cells)
    }

    /// Returns what the lines add up to.
    pub(super) fn end(self, flow: &mut Flow) -> Result<Tenge, PdfError> {
        let mut ending = Group::default();
        let sums = self.grid.span(7, 8);
        let label = Area { left: 0.0, top: 4.0, width: sums.left - 4.0 };
        let text = format!("Итого (строк: {count}) / Барлығы (жол: {count}):", count = self.num_lines);
        ending.write(flow.typefaces(), label, &Paragraph::new(STRONG, text).align(Align::Right));
        let sum = Area { left: sums.left, top: 4.0, width: sums.width - 3.0 };
        ending.write(flow.typefaces(), sum, &Paragraph::figure(STRONG, self.sum.to_string()));
        self.table.end(flow, &ending)?;
        Ok(self.sum)
    }
}
