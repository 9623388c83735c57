//! Reads an export: its head says which kind it is, each line is added to its day and model, once.

use std::collections::{BTreeMap, BTreeSet};

use csv::{ErrorKind, ReaderBuilder, StringRecord};
use jiff::civil::Date;
use memchr::memchr_iter;
use serde::Serialize;

use super::items::{Items, Kind};
use super::layout::{Field, LAYOUTS, Layout, PLAIN};
use super::value::{Amount, BadValue, count, day};
use crate::billing::Usd;

pub const MAX_BYTES: usize = 64 << 20;
/// Days times models.
const MAX_CELLS: usize = 200_000;
/// Lines that are named one by one.
const MAX_NAMED: usize = 50;
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];
/// Beginnings of lines that add up others.
const TOTALS: [&str; 5] = ["total", "grand total", "subtotal", "sum", "итого"];

/// What columns of a file mean, where it is in no form that is known, or other than usual.
pub type ColumnMap = Vec<(String, Field)>;

#[derive(Debug, thiserror::Error)]
pub enum BadStatement {
    #[error("the file is larger than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("the file has no line of a day and a model")]
    Empty,
    #[error("the file has no column '{name}'")]
    NoColumn { name: String },
    #[error("the file has no column for {what}: it has {columns}; say which with COLUMN=FIELD")]
    Missing { what: &'static str, columns: String },
    #[error("the file has more than {MAX_CELLS} days and models")]
    TooMany,
    #[error("line {line}: {problem}")]
    Line { line: u64, problem: BadLine },
}

#[derive(Debug, thiserror::Error)]
pub enum BadLine {
    #[error("it has {found} cells, and the head has {expected}")]
    Cells { found: u64, expected: u64 },
    #[error("it is no UTF-8")]
    NotUtf8,
    #[error("it is no CSV")]
    NotCsv,
    #[error("the cost is not in US dollars, and nothing else is compared")]
    Currency,
    #[error("'{column}': {problem}")]
    Value { column: String, problem: BadValue },
}

/// Of a provider's day and model. Absent is what the file does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    pub requests: Option<u64>,
    pub prompt_tokens: Option<u64>,
    pub cached_prompt_tokens: Option<u64>,
    pub completion_tokens: Option<u64>,
    pub cost: Option<Usd>,
}

/// A line that was not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Skipped {
    pub line: u64,
    pub why: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Which kind of export it is.
    pub layout: &'static str,
    pub sums: BTreeMap<(Date, String), Sums>,
    /// The first of them.
    pub skipped: Vec<Skipped>,
    pub num_skipped: u64,
}

impl Statement {
    pub fn days(&self) -> BTreeSet<Date> {
        self.sums.keys().map(|(day, _)| *day).collect()
    }
}

/// # Errors
/// It is not known what the columns mean, or a line cannot be read.
pub fn read_statement(bytes: &[u8], map: &ColumnMap) -> Result<Statement, BadStatement> {
    if bytes.len() > MAX_BYTES {
        return Err(BadStatement::TooLarge);
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut reader = ReaderBuilder::new().delimiter(separator(bytes)).from_reader(bytes);
    let head = reader.headers().map_err(|error| not_csv(bytes, &error))?.clone();
    let columns = Columns::of(&head, map)?;
    let mut account = Account::default();
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| not_csv(bytes, &error))? {
        let line = || line_of(bytes, record.position());
        match columns.read(&record).map_err(|problem| BadStatement::Line { line: line(), problem })? {
            Line::Blank => {}
            Line::No(why) => account.skip(why, line),
            Line::Used(used) => account.add(&used, line)?,
        }
        if account.cells.len() > MAX_CELLS {
            return Err(BadStatement::TooMany);
        }
    }
    account.finish(&columns)
}

/// Counted when it is asked for. A line's end in two bytes may lie on both sides of where a record begins.
fn line_of(bytes: &[u8], position: Option<&csv::Position>) -> u64 {
    let begin = position.map_or(0, |position| usize::try_from(position.byte()).unwrap_or(usize::MAX)).min(bytes.len());
    let is_end = |byte: &&u8| matches!(**byte, b'\r' | b'\n');
    let begin = begin + bytes[begin..].iter().take_while(is_end).count();
    1 + memchr_iter(b'\n', &bytes[..begin]).count() as u64
}

fn separator(bytes: &[u8]) -> u8 {
    let head = bytes.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or(bytes);
    let number = |separator: u8| memchr_iter(separator, head).count();
    // The first of those that stand there most.
    SEPARATORS.into_iter().rev().max_by_key(|separator| number(*separator)).unwrap_or(b',')
}

fn not_csv(bytes: &[u8], error: &csv::Error) -> BadStatement {
    let line = line_of(bytes, error.position());
    let problem = match error.kind() {
        ErrorKind::UnequalLengths { len, expected_len, .. } => BadLine::Cells { found: *len, expected: *expected_len },
        ErrorKind::Utf8 { .. } => BadLine::NotUtf8,
        _ => BadLine::NotCsv,
    };
    BadStatement::Line { line, problem }
}

/// Which cell says what.
struct Columns {
    layout: &'static Layout,
    names: Vec<String>,
    fields: Vec<(usize, Field)>,
}

enum Line {
    Blank,
    No(&'static str),
    Used(Used),
}

#[derive(Default)]
struct Used {
    day: Date,
    model: String,
    requests: u64,
    prompt_tokens: u64,
    cached_tokens: u64,
    completion_tokens: u64,
    cost: Amount,
    /// It has tokens, and it is not known how many.
    has_unknown_tokens: bool,
    /// Not billed yet, for one.
    has_unknown_cost: bool,
}

impl Columns {
    fn of(head: &StringRecord, map: &ColumnMap) -> Result<Self, BadStatement> {
        let names: Vec<String> = head.iter().map(|name| name.trim().to_owned()).collect();
        let lower: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
        let at = |wanted: &str| lower.iter().position(|name| name == wanted);
        let layout = LAYOUTS.iter().find(|layout| layout.needs.iter().all(|name| at(name).is_some()));
        let layout = layout.unwrap_or(&PLAIN);
        let mut fields = Vec::new();
        for (name, field) in map {
            let column =
                at(&name.trim().to_lowercase()).ok_or_else(|| BadStatement::NoColumn { name: name.clone() })?;
            fields.push((column, *field));
        }
        let mapped = fields.clone();
        for (name, field) in layout.columns {
            // What the operator says of a column or a field goes before what is usual.
            let Some(column) = at(name).filter(|column| mapped.iter().all(|(own, _)| own != column)) else { continue };
            if mapped.iter().all(|(_, own)| own != field) {
                fields.push((column, *field));
            }
        }
        let columns = Self { layout, names, fields };
        let missing = |what| BadStatement::Missing { what, columns: columns.names.join(", ") };
        if !columns.has(&[Field::Date]) {
            return Err(missing("the date"));
        }
        if !columns.has(&[Field::Model, Field::Item]) {
            return Err(missing("the model"));
        }
        let counted = [Field::Requests, Field::PromptTokens, Field::CachedTokens, Field::CompletionTokens, Field::Cost];
        if !columns.has(&counted) && !columns.has(&[Field::Quantity]) {
            return Err(missing("tokens, requests or the cost"));
        }
        Ok(columns)
    }

    fn has(&self, any_of: &[Field]) -> bool {
        self.fields.iter().any(|(_, field)| any_of.contains(field))
    }

    /// The first that says something.
    fn text<'r>(&self, record: &'r StringRecord, wanted: Field) -> (&'r str, usize) {
        let mut cells = self.fields.iter().filter(|(_, field)| *field == wanted);
        let cell = |column: usize| (record.get(column).unwrap_or_default().trim(), column);
        let said = cells.clone().map(|(column, _)| cell(*column)).find(|(text, _)| !text.is_empty());
        said.unwrap_or_else(|| cells.next().map_or(("", 0), |(column, _)| cell(*column)))
    }

    fn read(&self, record: &StringRecord) -> Result<Line, BadLine> {
        if record.iter().all(|cell| cell.trim().is_empty()) {
            return Ok(Line::Blank);
        }
        let (date, date_column) = self.text(record, Field::Date);
        let (name, _) = self.text(record, Field::Model);
        let (item, _) = self.text(record, Field::Item);
        if is_total(date) || is_total(name) || is_total(item) {
            return Ok(Line::No("a total"));
        }
        let says_something = self.fields.iter().any(|(column, field)| {
            let is_number = !matches!(field, Field::Date | Field::Model | Field::Item | Field::Currency | Field::Unit);
            is_number && !record.get(*column).unwrap_or_default().trim().is_empty()
        });
        if name.is_empty() && item.is_empty() {
            return Ok(if says_something { Line::No("it has no model") } else { Line::Blank });
        }
        if date.is_empty() {
            return Ok(Line::No("it has no day"));
        }
        let is_azure = self.layout.items == Some(Items::Azure);
        let day = day(date, is_azure).map_err(|problem| self.bad(date_column, problem))?;
        let mut used = Used { day, model: name.to_owned(), ..Used::default() };
        if self.has(&[Field::Item]) && name.is_empty() {
            let Some(read) = self.layout.items.and_then(|items| items.read(item)) else {
                return Ok(Line::No("it is no use of a model"));
            };
            used.model = read.model;
            self.add_quantity(record, read.kind, &mut used);
        }
        self.add_counts(record, &mut used)?;
        Ok(Line::Used(used))
    }

    fn add_counts(&self, record: &StringRecord, used: &mut Used) -> Result<(), BadLine> {
        for (column, field) in &self.fields {
            let cell = record.get(*column).unwrap_or_default();
            let bad = |problem| self.bad(*column, problem);
            let sum = match field {
                Field::Requests => &mut used.requests,
                Field::PromptTokens => &mut used.prompt_tokens,
                Field::CachedTokens => &mut used.cached_tokens,
                Field::CompletionTokens => &mut used.completion_tokens,
                Field::Cost if !cell.trim().is_empty() => {
                    let (currency, _) = self.text(record, Field::Currency);
                    if !currency.is_empty() && !currency.eq_ignore_ascii_case("usd") {
                        return Err(BadLine::Currency);
                    }
                    used.cost = Amount::read(cell).and_then(|cost| used.cost.plus(cost)).map_err(bad)?;
                    continue;
                }
                Field::Cost => {
                    used.has_unknown_cost = true;
                    continue;
                }
                _ => continue,
            };
            *sum = count(cell).and_then(|more| sum.checked_add(more).ok_or(BadValue::TooLarge)).map_err(bad)?;
        }
        Ok(())
    }

    /// What is no whole number of tokens is not known: bills round it.
    fn add_quantity(&self, record: &StringRecord, kind: Kind, used: &mut Used) {
        if kind == Kind::Other {
            return;
        }
        let (quantity, _) = self.text(record, Field::Quantity);
        let (unit, _) = self.text(record, Field::Unit);
        let tokens = Amount::read(quantity).ok().zip(tokens_in(unit)).and_then(|(amount, times)| amount.whole(times));
        let tokens = tokens.filter(|tokens| i64::try_from(*tokens).is_ok());
        used.has_unknown_tokens = tokens.is_none();
        let tokens = tokens.unwrap_or(0);
        match kind {
            Kind::Completion => used.completion_tokens = tokens,
            Kind::Cached => (used.prompt_tokens, used.cached_tokens) = (tokens, tokens),
            Kind::Prompt | Kind::Other => used.prompt_tokens = tokens,
        }
    }

    fn bad(&self, column: usize, problem: BadValue) -> BadLine {
        BadLine::Value { column: self.names.get(column).cloned().unwrap_or_default(), problem }
    }
}

fn is_total(text: &str) -> bool {
    let lower = text.to_lowercase();
    TOTALS
        .iter()
        .any(|total| lower.strip_prefix(total).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ':'])))
}

/// Of one of a unit.
fn tokens_in(unit: &str) -> Option<u64> {
    let lower = unit.to_lowercase();
    match lower.trim_end_matches("tokens").trim_end_matches("token").trim() {
        "" | "1" => Some(1),
        "1k" | "1000" | "k" => Some(1_000),
        "1m" | "1000000" | "m" => Some(1_000_000),
        _ => None,
    }
}

/// What was read so far.
#[derive(Default)]
struct Account {
    cells: BTreeMap<(Date, String), Used>,
    skipped: Vec<Skipped>,
    num_skipped: u64,
}

impl Account {
    fn skip(&mut self, why: &'static str, line: impl Fn() -> u64) {
        self.num_skipped += 1;
        if self.skipped.len() < MAX_NAMED {
            self.skipped.push(Skipped { line: line(), why });
        }
    }

    fn add(&mut self, more: &Used, line: impl Fn() -> u64) -> Result<(), BadStatement> {
        let sum = self.cells.entry((more.day, more.model.clone())).or_default();
        let too_large = || {
            let problem =
                BadLine::Value { column: "the sum of the day and model".to_owned(), problem: BadValue::TooLarge };
            BadStatement::Line { line: line(), problem }
        };
        for (sum, more) in [
            (&mut sum.requests, more.requests),
            (&mut sum.prompt_tokens, more.prompt_tokens),
            (&mut sum.cached_tokens, more.cached_tokens),
            (&mut sum.completion_tokens, more.completion_tokens),
        ] {
            let whole = sum.checked_add(more).filter(|whole| i64::try_from(*whole).is_ok());
            *sum = whole.ok_or_else(too_large)?;
        }
        sum.cost = sum.cost.plus(more.cost).map_err(|_| too_large())?;
        sum.has_unknown_tokens |= more.has_unknown_tokens;
        sum.has_unknown_cost |= more.has_unknown_cost;
        Ok(())
    }

    fn finish(self, columns: &Columns) -> Result<Statement, BadStatement> {
        if self.cells.is_empty() {
            return Err(BadStatement::Empty);
        }
        let has_quantity = columns.has(&[Field::Quantity]);
        let sums = self.cells.into_iter().map(|(cell, used)| {
            let tokens = |field, count| {
                let is_said = columns.has(&[field]) || has_quantity && !used.has_unknown_tokens;
                is_said.then_some(count)
            };
            let sums = Sums {
                requests: columns.has(&[Field::Requests]).then_some(used.requests),
                prompt_tokens: tokens(Field::PromptTokens, used.prompt_tokens),
                cached_prompt_tokens: tokens(Field::CachedTokens, used.cached_tokens),
                completion_tokens: tokens(Field::CompletionTokens, used.completion_tokens),
                cost: (columns.has(&[Field::Cost]) && !used.has_unknown_cost).then(|| used.cost.dollars()),
            };
            (cell, sums)
        });
        let sums = sums.collect();
        Ok(Statement { layout: columns.layout.name, sums, skipped: self.skipped, num_skipped: self.num_skipped })
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
