//! Documents as PDF, typeset here: A4, every label in Russian and in Kazakh, the same bytes for the same document.
//!
//! [`Print`] sets a document at once and then takes the lines of its appendix one by one, from wherever they come; of those
//! it keeps only their sum and the finished pages. `pdf-writer` and `subsetter`, the base of typst's and krilla's export,
//! write the file: they build in 9 seconds on two cores, where krilla takes a minute and typst eight.

mod act_form;
mod appendix;
mod credit_note_form;
mod embedding;
mod file;
mod flow;
mod group;
mod invoice_form;
mod legible;
mod lines_table;
mod pieces;
mod signatures;
mod table;
mod typeface;
mod wrap;

use super::act::Act;
use super::credit_note::CreditNote;
use super::dates;
use super::document::Document;
use super::invoice::Invoice;
use super::usage::UsageLine;
use super::vat::Vat;
use crate::billing::{Tenge, TooLarge};
use appendix::Appendix;
use file::Metadata;
use flow::{Flow, Paper};

#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    #[error("a typeface of the program itself cannot be read")]
    Typeface,
    #[error("a page could not be compressed")]
    Compression(#[from] std::io::Error),
    #[error("the day has no place in a PDF")]
    Date,
    #[error("a name with many characters that no typeface has is too tall for a page")]
    TooTall,
    #[error("the document is too large for a PDF")]
    TooLarge,
    #[error("the appendix has more than {max_lines} lines")]
    TooManyLines { max_lines: usize },
    #[error("the appendix adds up to {appendix}, and the lines of the document to {lines}")]
    OtherTotal { appendix: Tenge, lines: Tenge },
}

impl From<TooLarge> for PdfError {
    fn from(TooLarge: TooLarge) -> Self {
        Self::TooLarge
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdf {
    pub bytes: Vec<u8>,
    pub num_pages: usize,
}

/// A document that is being printed.
pub struct Print {
    flow: Flow,
    metadata: Metadata,
    /// What an appendix must add up to, and how that stands to the tax.
    lines_total: Tenge,
    vat: Vat,
    appendix: Option<Appendix>,
}

impl Print {
    /// # Errors
    /// It could not be set.
    pub fn invoice(invoice: &Invoice) -> Result<Self, PdfError> {
        let title = title("Счёт на оплату", &invoice.document);
        let mut print = Self::new(Paper::Portrait, title, &invoice.document)?;
        invoice_form::set(&mut print.flow, invoice)?;
        Ok(print)
    }

    /// # Errors
    /// It could not be set.
    pub fn act(act: &Act) -> Result<Self, PdfError> {
        let title = title("Акт выполненных работ (оказанных услуг)", &act.document);
        let mut print = Self::new(Paper::Landscape, title, &act.document)?;
        act_form::set(&mut print.flow, act)?;
        Ok(print)
    }

    /// # Errors
    /// It could not be set.
    pub fn credit_note(note: &CreditNote) -> Result<Self, PdfError> {
        let title = title("Корректировка", &note.document);
        let mut print = Self::new(Paper::Portrait, title, &note.document)?;
        credit_note_form::set(&mut print.flow, note)?;
        Ok(print)
    }

    fn new(paper: Paper, title: String, document: &Document) -> Result<Self, PdfError> {
        let author = document.supplier.name.as_str().to_owned();
        Ok(Self {
            flow: Flow::new(paper)?,
            metadata: Metadata { title, author, date: document.date },
            lines_total: document.totals.lines,
            vat: document.vat,
            appendix: None,
        })
    }

    /// A line of the appendix «расшифровка», which begins with the first.
    ///
    /// # Errors
    /// It could not be set, or there are too many.
    pub fn usage_line(&mut self, line: &UsageLine) -> Result<(), PdfError> {
        let appendix = match self.appendix.take() {
            Some(appendix) => appendix,
            None => Appendix::begin(&mut self.flow, &self.metadata.title, self.vat)?,
        };
        self.appendix.insert(appendix).line(&mut self.flow, line)
    }

    /// # Errors
    /// The appendix does not add up to what the lines of the document do, or the file could not be written.
    pub fn finish(mut self) -> Result<Pdf, PdfError> {
        if let Some(appendix) = self.appendix.take() {
            let sum = appendix.end(&mut self.flow)?;
            if sum != self.lines_total {
                return Err(PdfError::OtherTotal { appendix: sum, lines: self.lines_total });
            }
        }
        let set = self.flow.finish(&self.metadata.title)?;
        Ok(Pdf { bytes: file::write(&set, &self.metadata)?, num_pages: set.pages.len() })
    }
}

fn title(kind: &str, document: &Document) -> String {
    format!("{kind} № {} от {}", document.number, dates::numeric(document.date))
}

#[cfg(test)]
mod tests;
