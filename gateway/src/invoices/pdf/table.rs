//! Tables: cells in columns with frames around them, over as many pages as the rows need, with the head above each part.
//!
//! The last row is held back until the end is known, so that what closes the table, its totals, always has a row above it.

use super::PdfError;
use super::flow::Flow;
use super::group::{Area, Group};
use super::typeface::Typefaces;
use super::wrap::{Paragraph, SetLine};

const PADDING_X: f32 = 3.0;
const PADDING_Y: f32 = 1.8;
pub(super) const STROKE: f32 = 0.5;
/// For a row, between the head and what stands below.
const MIN_ROOM: f32 = 24.0;

pub(super) type Cell = Vec<Paragraph>;
/// What is left of each cell of a row.
type Columns = Vec<Vec<SetLine>>;

/// Columns beside each other, from the left margin.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    widths: Vec<f32>,
}

impl Grid {
    /// In shares of `total`.
    pub(super) fn new(total: f32, shares: &[f32]) -> Self {
        let sum: f32 = shares.iter().sum();
        Self { widths: shares.iter().map(|share| share * total / sum).collect() }
    }

    /// Of the columns from `first` up to `last`, without it.
    pub(super) fn span(&self, first: usize, last: usize) -> Area {
        let left = self.widths.iter().take(first).sum();
        let width = self.widths.iter().take(last).skip(first).sum();
        Area { left, top: 0.0, width }
    }

    /// A row with frames.
    pub(super) fn row(&self, typefaces: &Typefaces, cells: &[Cell]) -> Group {
        let mut row = Group::default();
        for piece in self.pieces(self.set(typefaces, cells), f32::INFINITY) {
            row.append(piece);
        }
        row
    }

    fn set(&self, typefaces: &Typefaces, cells: &[Cell]) -> Columns {
        let set_cell = |(index, cell): (usize, &Cell)| {
            let width = self.span(index, index + 1).width - 2.0 * PADDING_X;
            cell.iter().flat_map(|paragraph| paragraph.set(typefaces, width)).collect()
        };
        cells.iter().enumerate().map(set_cell).collect()
    }

    /// A row in as many parts as are needed for none to be higher than `max_height`.
    fn pieces(&self, mut columns: Columns, max_height: f32) -> Vec<Group> {
        let mut pieces = Vec::new();
        while pieces.is_empty() || columns.iter().any(|lines| !lines.is_empty()) {
            let parts = columns.iter_mut().map(|lines| take_fitting(lines, max_height - 2.0 * PADDING_Y)).collect();
            pieces.push(self.framed(parts));
        }
        pieces
    }

    fn framed(&self, columns: Columns) -> Group {
        let mut row = Group::default();
        for (index, lines) in columns.into_iter().enumerate() {
            row.write_lines(self.span(index, index + 1).left + PADDING_X, PADDING_Y, lines);
        }
        row.reach(PADDING_Y);
        row.space(PADDING_Y);
        let height = row.height();
        for index in 0..self.widths.len() {
            row.frame(self.span(index, index + 1), height, STROKE);
        }
        row
    }
}

/// At least one, so that there is an end.
fn take_fitting(lines: &mut Vec<SetLine>, max_height: f32) -> Vec<SetLine> {
    let mut height = 0.0;
    let fitting = lines.iter().take_while(|line| {
        height += line.height();
        height <= max_height
    });
    let count = fitting.count().max(1).min(lines.len());
    lines.drain(..count).collect()
}

/// A table that is being written.
pub(super) struct Table {
    grid: Grid,
    head: Group,
    /// The last row so far.
    held: Option<Columns>,
    has_head: bool,
}

impl Table {
    pub(super) const fn new(grid: Grid, head: Group) -> Self {
        Self { grid, head, held: None, has_head: false }
    }

    pub(super) fn row(&mut self, flow: &mut Flow, cells: &[Cell]) -> Result<(), PdfError> {
        let columns = self.grid.set(flow.typefaces(), cells);
        match self.held.replace(columns) {
            Some(columns) => self.place(flow, columns, 0.0),
            None => Ok(()),
        }
    }

    /// Closes it with `ending`, which is on the page of the last row, or of its last lines where that row is long.
    pub(super) fn end(mut self, flow: &mut Flow, ending: &Group) -> Result<(), PdfError> {
        if let Some(columns) = self.held.take() {
            self.place(flow, columns, ending.height())?;
        }
        flow.put(ending)
    }

    /// With room for `below` beneath it.
    fn place(&mut self, flow: &mut Flow, columns: Columns, below: f32) -> Result<(), PdfError> {
        let max_height = flow.paper().height() - self.head.height() - below;
        if max_height < MIN_ROOM {
            return Err(PdfError::TooTall);
        }
        for piece in self.grid.pieces(columns, max_height) {
            let head = if self.has_head { 0.0 } else { self.head.height() };
            if head + piece.height() + below > flow.room() && !flow.is_fresh() {
                flow.turn(flow.paper())?;
                self.has_head = false;
            }
            if !self.has_head {
                flow.place(&self.head);
                self.has_head = true;
            }
            flow.place(&piece);
        }
        Ok(())
    }
}
