//! Rows under a header: a word in the header speaks for the cells of its column (CSV, TSV, Markdown, and the tuples of
//! an SQL INSERT).

use std::ops::Range;

use crate::pii::detector::views::normalize::View;

/// Longest header and row, and most rows that are looked at, per header word.
const MAX_LINE: usize = 400;
const MAX_ROWS: usize = 64;
/// Tabs have become spaces in a view.
const DELIMITERS: [u8; 4] = [b'|', b';', b',', b'\t'];

/// The cells under the word at `word`; none unless it stands in the header of a table.
pub(super) fn cells(view: &View<'_>, word: &Range<usize>) -> Vec<Range<usize>> {
    let table = Table { view };
    let cells = table.column(word);
    if cells.is_empty() { table.tuples(word) } else { cells }
}

struct Table<'t, 'v> {
    view: &'t View<'v>,
}

impl Table<'_, '_> {
    fn bytes(&self) -> &[u8] {
        self.view.bytes()
    }

    fn column(&self, word: &Range<usize>) -> Vec<Range<usize>> {
        let Some((header, delimiter, column)) = self.header(word) else {
            return Vec::new();
        };
        let width = self.split(&header, delimiter).len();
        let mut cells = Vec::new();
        let mut at = header.end + 1;
        for _ in 0..MAX_ROWS {
            let Some(mut row) = self.line(at).map(|line| self.split(&line, delimiter)).filter(|row| row.len() == width)
            else {
                break;
            };
            at = row.last().map_or(at, |cell| cell.end + 1);
            if column < row.len() {
                cells.push(row.swap_remove(column));
            }
        }
        cells
    }

    /// The line of the word, what delimits its cells, and the word's column.
    fn header(&self, word: &Range<usize>) -> Option<(Range<usize>, u8, usize)> {
        let from = word.start.saturating_sub(MAX_LINE);
        let before = self.bytes().get(from..word.start)?;
        let start = before.iter().rposition(|&byte| byte == b'\n').map_or(from, |at| from + at + 1);
        let line = self.line(start).filter(|line| line.end >= word.end)?;
        let next = self.line(line.end + 1)?;
        let digits = self.bytes().get(line.clone())?.iter().filter(|byte| byte.is_ascii_digit());
        // "Диагноз: ..." is a line of a form.
        let is_field = matches!(self.bytes().get(word.end..), Some([b':' | b'=', ..] | [b' ', b':' | b'=', ..]));
        if digits.count() > 2 || is_field {
            return None;
        }
        let delimiter = DELIMITERS.into_iter().find(|&delimiter| {
            let width = self.split(&line, delimiter).len();
            width > 1 && self.split(&next, delimiter).len() == width
        })?;
        let column = self.split(&(line.start..word.start), delimiter).len() - 1;
        Some((line, delimiter, column))
    }

    /// "(name, snils) VALUES ('...', '...'), (...)"
    fn tuples(&self, word: &Range<usize>) -> Vec<Range<usize>> {
        self.tuples_behind(word).unwrap_or_default()
    }

    fn tuples_behind(&self, word: &Range<usize>) -> Option<Vec<Range<usize>>> {
        let bytes = self.bytes();
        let from = word.start.saturating_sub(MAX_LINE);
        let open = from + bytes.get(from..word.start)?.iter().rposition(|byte| matches!(byte, b'(' | b')'))?;
        let close = word.end + bytes.get(word.end..)?.iter().take(MAX_LINE).position(|&byte| byte == b')')?;
        let rest = bytes.get(close + 1..)?;
        let skip = rest.iter().take(4).take_while(|byte| byte.is_ascii_whitespace()).count();
        if bytes.get(open) != Some(&b'(') || !rest.get(skip..)?.starts_with(b"values") {
            return None;
        }
        let column = self.split(&(open + 1..word.start), b',').len() - 1;
        let mut cells = Vec::new();
        let mut at = close + 1 + skip + "values".len();
        for _ in 0..MAX_ROWS {
            let gap = bytes.get(at..)?.iter().take(8).take_while(|byte| matches!(byte, b' ' | b'\n' | b',')).count();
            if bytes.get(at + gap) != Some(&b'(') {
                break;
            }
            let start = at + gap + 1;
            let Some(len) = bytes.get(start..)?.iter().take(MAX_LINE).position(|&byte| byte == b')') else {
                break;
            };
            let mut row = self.split(&(start..start + len), b',');
            if column < row.len() {
                cells.push(row.swap_remove(column));
            }
            at = start + len + 1;
        }
        Some(cells)
    }

    /// The line that begins at `at`.
    fn line(&self, at: usize) -> Option<Range<usize>> {
        let rest = self.bytes().get(at..).filter(|rest| !rest.is_empty())?;
        let len = rest.iter().take(MAX_LINE).position(|&byte| byte == b'\n').unwrap_or(rest.len());
        (len < MAX_LINE).then_some(at..at + len)
    }

    /// The cells of a line; a delimiter inside quotes is none.
    fn split(&self, line: &Range<usize>, delimiter: u8) -> Vec<Range<usize>> {
        let mut cells = Vec::new();
        let mut start = line.start;
        let mut quote = None;
        for at in line.clone() {
            let byte = self.bytes().get(at).copied().unwrap_or(b' ');
            match quote {
                Some(open) if byte == open => quote = None,
                None if matches!(byte, b'"' | b'\'')
                    && at == start + usize::from(self.bytes().get(start) == Some(&b' ')) =>
                {
                    quote = Some(byte);
                }
                None if self.is_delimiter(at, byte, delimiter) => {
                    cells.push(start..at);
                    start = at + 1;
                }
                _ => {}
            }
        }
        cells.push(start..line.end);
        cells
    }

    fn is_delimiter(&self, at: usize, byte: u8, delimiter: u8) -> bool {
        match delimiter {
            b'\t' => byte == b' ' && self.view.source_text(at..at + 1) == "\t",
            // A view has this sign for quotes as well.
            b';' => byte == b';' && self.view.source_text(at..at + 1) == ";",
            _ => byte == delimiter,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells_of(text: &str, word: &str) -> Vec<String> {
        let view = View::new(text);
        let start = text.find(word).unwrap_or(0);
        let cells = cells(&view, &(start..start + word.len()));
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
