//! Rows under a header: a word in the header speaks for the cells of its column (CSV, TSV, Markdown, and the tuples of
//! an SQL INSERT). Every line is split once however many words stand in it.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::pii::detector::views::normalize::View;

/// Longest header and row, and most rows that are looked at.
const MAX_LINE: usize = 400;
const MAX_ROWS: usize = 64;
/// Tabs have become spaces in a view.
const DELIMITERS: [u8; 4] = [b'|', b';', b',', b'\t'];

/// What stands between the columns of an INSERT and its tuples.
static VALUES: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("values"));

type Row = Vec<Range<usize>>;

/// The tables of one view, as far as they were asked for.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// The line that was asked about last, or the table that it begins.
    last: Table,
    /// Tuples behind "values", by position.
    tuples: Vec<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// Header line.
    header: Range<usize>,
    /// The cells of the header and of each row; empty when the line is no header.
    rows: Vec<Row>,
    end: usize,
}

impl Tables {
    pub(super) fn new(view: &View<'_>) -> Self {
        let tuples = VALUES.find_iter(view.bytes()).filter_map(|at| tuples_at(view, at)).collect();
        Self { last: Table::default(), tuples }
    }

    /// The cells under the word at `word`; none unless it stands in the header of a table.
    pub(super) fn cells(&mut self, view: &View<'_>, word: &Range<usize>) -> Row {
        // "Диагноз: ..." is a line of a form.
        if matches!(view.bytes().get(word.end..), Some([b':' | b'=', ..] | [b' ', b':' | b'=', ..])) {
            return Row::new();
        }
        let index = self.tuples.partition_point(|table| table.header.end < word.end);
        if let Some(table) = self.tuples.get(index).filter(|table| table.header.start <= word.start) {
            return table.column(word);
        }
        if word.start >= self.last.end.max(self.last.header.end + 1) || self.last.header.is_empty() {
            self.last = line_around(view, word).map_or_else(Table::default, |line| table_at(view, line));
        }
        self.last.column(word)
    }
}

impl Table {
    fn column(&self, word: &Range<usize>) -> Row {
        let mut rows = self.rows.iter();
        let column = rows.next().and_then(|header| header.iter().position(|cell| cell.end >= word.end));
        let Some(column) = column.filter(|_| self.header.start <= word.start && word.end <= self.header.end) else {
            return Row::new();
        };
        rows.filter_map(|row| row.get(column).cloned()).collect()
    }
}

fn line_around(view: &View<'_>, word: &Range<usize>) -> Option<Range<usize>> {
    let from = word.start.saturating_sub(MAX_LINE);
    let before = view.bytes().get(from..word.start)?;
    let start = match memchr::memrchr(b'\n', before) {
        Some(at) => from + at + 1,
        None if from == 0 => 0,
        // Too long for a header, to its end.
        None => return Some(word.start..word.start + MAX_LINE),
    };
    Some(line(view, start).unwrap_or(start..start + MAX_LINE))
}

/// The table whose header is this line; without rows when it is none.
fn table_at(view: &View<'_>, header: Range<usize>) -> Table {
    const MAX_DIGITS: usize = 2;
    let none = Table { end: header.end, header: header.clone(), rows: Vec::new() };
    let bytes = view.bytes();
    let digits = bytes.get(header.clone()).unwrap_or_default().iter().filter(|byte| byte.is_ascii_digit());
    let Some(next) = line(view, header.end + 1).filter(|_| bytes.get(header.end) == Some(&b'\n')) else {
        return none;
    };
    if digits.count() > MAX_DIGITS {
        return none;
    }
    let stands = |delimiter: &u8| match delimiter {
        b'\t' => view.source_bytes(header.clone()).contains(&b'\t'),
        _ => bytes.get(header.clone()).is_some_and(|line| line.contains(delimiter)),
    };
    let Some((delimiter, head)) = DELIMITERS.into_iter().filter(stands).find_map(|delimiter| {
        let head = split(view, &header, delimiter);
        (head.len() > 1 && split(view, &next, delimiter).len() == head.len()).then_some((delimiter, head))
    }) else {
        return none;
    };
    let width = head.len();
    let mut table = Table { end: header.end, header, rows: vec![head] };
    while table.rows.len() <= MAX_ROWS {
        let row = line(view, table.end + 1).map(|line| split(view, &line, delimiter));
        let Some(row) = row.filter(|row| row.len() == width) else {
            break;
        };
        table.end = row.last().map_or(table.end, |cell| cell.end);
        table.rows.push(row);
    }
    table
}

/// "(name, snils) VALUES ('...', '...'), (...)", where "values" stands at `at`.
fn tuples_at(view: &View<'_>, at: usize) -> Option<Table> {
    let bytes = view.bytes();
    let before = bytes.get(..at)?.trim_ascii_end();
    let close = before.len().checked_sub(1).filter(|&close| before.get(close) == Some(&b')'))?;
    let from = close.saturating_sub(MAX_LINE);
    let open = from + bytes.get(from..close)?.iter().rposition(|byte| matches!(byte, b'(' | b')'))?;
    if bytes.get(open) != Some(&b'(') {
        return None;
    }
    let header = open + 1..close;
    let mut table = Table { rows: vec![split(view, &header, b',')], header, end: at + "values".len() };
    while table.rows.len() <= MAX_ROWS {
        let rest = bytes.get(table.end..)?;
        let gap = rest.iter().take(8).take_while(|byte| matches!(byte, b' ' | b'\n' | b',')).count();
        let start = table.end + gap + 1;
        let len = bytes.get(start..).and_then(|rest| rest.iter().take(MAX_LINE).position(|&byte| byte == b')'));
        let Some(len) = len.filter(|_| rest.get(gap) == Some(&b'(')) else {
            break;
        };
        table.rows.push(split(view, &(start..start + len), b','));
        table.end = start + len + 1;
    }
    Some(table)
}

/// The line that begins at `at`, unless it is too long.
fn line(view: &View<'_>, at: usize) -> Option<Range<usize>> {
    let rest = view.bytes().get(at..).filter(|rest| !rest.is_empty())?;
    let len = memchr::memchr(b'\n', rest.get(..MAX_LINE).unwrap_or(rest)).unwrap_or(rest.len());
    (len < MAX_LINE).then_some(at..at + len)
}

/// The cells of a line; a delimiter inside quotes is none.
fn split(view: &View<'_>, line: &Range<usize>, delimiter: u8) -> Row {
    let bytes = view.bytes();
    let mut cells = Vec::new();
    let mut start = line.start;
    let mut quote = None;
    for at in line.clone() {
        let byte = bytes.get(at).copied().unwrap_or(b' ');
        let is_first = || at == start + usize::from(bytes.get(start) == Some(&b' '));
        match quote {
            Some(open) if byte == open => quote = None,
            None if matches!(byte, b'"' | b'\'') && is_first() => quote = Some(byte),
            None if is_delimiter(view, at, byte, delimiter) => {
                cells.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
    }
    cells.push(start..line.end);
    cells
}

fn is_delimiter(view: &View<'_>, at: usize, byte: u8, delimiter: u8) -> bool {
    match delimiter {
        b'\t' => byte == b' ' && view.source_text(at..at + 1) == "\t",
        // A view has this sign for quotes as well.
        b';' => byte == b';' && view.source_text(at..at + 1) == ";",
        _ => byte == delimiter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells_of(text: &str, word: &str) -> Vec<String> {
        let view = View::new(text);
        let start = text.find(word).unwrap_or(0);
        let cells = Tables::new(&view).cells(&view, &(start..start + word.len()));
        cells.into_iter().map(|range| text.get(range).unwrap_or("").trim().to_owned()).collect()
    }

    #[test]
    fn columns_of_tables() {
        assert_eq!(cells_of("name,dob,pay\na,1,2\nb,3,4\n", "dob"), ["1", "3"]);
        assert_eq!(cells_of("name,dob,pay\n\"a, b\",1,2", "dob"), ["1"]);
        assert_eq!(cells_of("n\tdob\n1\t5\n2\t6", "dob"), ["5", "6"]);
        assert_eq!(cells_of("| name | pay |\n|---|---|\n| a | 5 |\ntext", "pay"), ["---", "5"]);
        assert_eq!(cells_of("insert into t (a, dob) values ('x', 'y'),\n('z', 'w');", "dob"), ["'y'", "'w'"]);
        assert_eq!(cells_of("name,dob\nno table here", "dob"), [""; 0]);
        assert_eq!(cells_of("dob", "dob"), [""; 0]);
    }
}
