//! Rows under a header: a word in the header speaks for the cells of its column (CSV, Markdown).

use std::ops::Range;

/// Longest header and row, and most rows that are looked at, per header word.
const MAX_LINE: usize = 400;
const MAX_ROWS: usize = 64;

/// The cells under the word at `word`; none unless it stands in the header of a table.
pub(super) fn cells(view: &[u8], word: &Range<usize>) -> Vec<Range<usize>> {
    let Some((header, delimiter, column)) = header(view, word) else {
        return Vec::new();
    };
    let width = count(view, &header, delimiter);
    let mut cells = Vec::new();
    let mut at = header.end + 1;
    for _ in 0..MAX_ROWS {
        let Some(row) = line_from(view, at) else {
            break;
        };
        if count(view, &row, delimiter) != width {
            break;
        }
        cells.extend(cell(view, &row, delimiter, column));
        at = row.end + 1;
    }
    cells
}

/// The line of the word, what delimits its cells, and the word's column.
fn header(view: &[u8], word: &Range<usize>) -> Option<(Range<usize>, u8, usize)> {
    let from = word.start.saturating_sub(MAX_LINE);
    let before = view.get(from..word.start)?;
    let start = before.iter().rposition(|&byte| byte == b'\n').map_or(from, |at| from + at + 1);
    let line = line_from(view, start)?;
    let is_header = line.end >= word.end && view.get(line.end) == Some(&b'\n');
    if !is_header || view.get(line.clone())?.iter().filter(|byte| byte.is_ascii_digit()).count() > 3 {
        return None;
    }
    let delimiter = [b'|', b';', b','].into_iter().find(|&delimiter| {
        count(view, &line, delimiter) > 0 && is_row(view, line.end + 1, count(view, &line, delimiter), delimiter)
    })?;
    let column = count(view, &(line.start..word.start), delimiter);
    Some((line, delimiter, column))
}

/// Whether a row of the same width follows.
fn is_row(view: &[u8], at: usize, width: usize, delimiter: u8) -> bool {
    line_from(view, at).is_some_and(|row| count(view, &row, delimiter) == width)
}

fn line_from(view: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = view.get(at..).filter(|rest| !rest.is_empty())?;
    let len = rest.iter().take(MAX_LINE).position(|&byte| byte == b'\n').unwrap_or(rest.len());
    (len < MAX_LINE).then_some(at..at + len)
}

fn count(view: &[u8], range: &Range<usize>, delimiter: u8) -> usize {
    view.get(range.clone()).unwrap_or_default().iter().filter(|&&byte| byte == delimiter).count()
}

fn cell(view: &[u8], row: &Range<usize>, delimiter: u8, column: usize) -> Option<Range<usize>> {
    let mut start = row.start;
    for (index, part) in view.get(row.clone())?.split(|&byte| byte == delimiter).enumerate() {
        if index == column {
            return Some(start..start + part.len());
        }
        start += part.len() + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells_of(text: &str, word: &str) -> Vec<String> {
        let start = text.find(word).unwrap_or(0);
        let cells = cells(text.as_bytes(), &(start..start + word.len()));
        cells.into_iter().map(|range| text.get(range).unwrap_or("").trim().to_owned()).collect()
    }

    #[test]
    fn columns_of_tables() {
        assert_eq!(cells_of("name,dob,pay\na,1,2\nb,3,4\n", "dob"), ["1", "3"]);
        assert_eq!(cells_of("| name | pay |\n|---|---|\n| a | 5 |\ntext", "pay"), ["---", "5"]);
        assert_eq!(cells_of("name,dob\nno table here", "dob"), [""; 0]);
        assert_eq!(cells_of("dob", "dob"), [""; 0]);
    }
}
