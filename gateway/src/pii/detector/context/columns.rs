//! The heads of columns: in a table (CSV, Markdown, tab-separated) what stands at the top of a column speaks for every
//! cell below it.

use std::ops::Range;

use super::topics::Topics;

/// Marks between cells.
const MARKS: [u8; 4] = [b'|', b';', b',', b'\t'];
/// Columns of a table that are looked at.
const MAX_COLUMNS: usize = 64;
/// A line with more bytes is no row.
const MAX_LINE_BYTES: usize = 4 << 10;

/// One table: where each of its lines begins and its marks stand, and what its heads speak for.
#[derive(Debug)]
struct Table {
    lines: Range<usize>,
    heads: Vec<Topics>,
    /// Where each line begins, ascending.
    rows: Vec<usize>,
    /// Where each mark stands, ascending.
    marks: Vec<usize>,
}

/// The tables of one view.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    tables: Vec<Table>,
}

impl Columns {
    /// `topics` says what the words of a range speak for.
    pub(crate) fn new(view: &[u8], topics: impl Fn(&Range<usize>) -> Topics) -> Self {
        let mut columns = Self::default();
        let mut from = 0;
        let mut line = None;
        while from < view.len() {
            let head = line.take().unwrap_or_else(|| Line::at(view, from));
            let next = Line::at(view, head.range.end + 1);
            let mark = MARKS.into_iter().zip(head.counts).zip(next.counts);
            let Some(((mark, _), _)) =
                mark.filter(|_| next.is_row()).find(|((_, head), next)| *head > 0 && head == next)
            else {
                from = next.range.start;
                line = Some(next);
                continue;
            };
            let index = MARKS.iter().position(|&known| known == mark).unwrap_or_default();
            let mut end = next.range.end;
            loop {
                let row = Line::at(view, end + 1);
                if !row.is_row() || row.counts.get(index) != head.counts.get(index) {
                    break;
                }
                end = row.range.end;
            }
            let heads: Vec<Topics> =
                cells(view, &head.range, mark).take(MAX_COLUMNS).map(|cell| topics(&cell)).collect();
            if heads.iter().any(|&head| head != 0) {
                columns.tables.push(Table::new(view, next.range.start..end, mark, heads));
            }
            from = end + 1;
        }
        columns
    }

    /// What the head of the column in which `range` begins speaks for.
    pub(crate) fn above(&self, range: &Range<usize>) -> Topics {
        let after = self.tables.partition_point(|table| table.lines.start <= range.start);
        let table = after.checked_sub(1).and_then(|index| self.tables.get(index));
        table.filter(|table| range.start < table.lines.end).map_or(0, |table| table.above(range.start))
    }
}

impl Table {
    fn new(view: &[u8], lines: Range<usize>, mark: u8, heads: Vec<Topics>) -> Self {
        let text = view.get(lines.clone()).unwrap_or_default();
        let breaks = memchr::memchr_iter(b'\n', text).map(|at| lines.start + at + 1);
        let rows = std::iter::once(lines.start).chain(breaks).collect();
        let marks = memchr::memchr_iter(mark, text).map(|at| lines.start + at).collect();
        Self { lines, heads, rows, marks }
    }

    fn above(&self, at: usize) -> Topics {
        let row = self.rows.partition_point(|&start| start <= at).checked_sub(1);
        let row_start = row.and_then(|index| self.rows.get(index)).copied().unwrap_or(self.lines.start);
        let before = |at: usize| self.marks.partition_point(|&mark| mark < at);
        self.heads.get(before(at) - before(row_start)).copied().unwrap_or(0)
    }
}

/// One line of a text.
struct Line {
    range: Range<usize>,
    /// How many of each of [`MARKS`] it holds; of a line too long for a table none are counted.
    counts: [usize; MARKS.len()],
}

impl Line {
    fn at(view: &[u8], from: usize) -> Self {
        let Some(rest) = view.get(from..) else {
            return Self { range: view.len()..view.len(), counts: [0; MARKS.len()] };
        };
        let len = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..len).filter(|line| line.len() <= MAX_LINE_BYTES).unwrap_or_default();
        let counts = MARKS.map(|mark| memchr::memchr_iter(mark, line).count());
        Self { range: from..from + len, counts }
    }

    /// Whether it may be a row of a table. Which table is told by its marks: it has as many as the head.
    fn is_row(&self) -> bool {
        !self.range.is_empty() && self.range.len() <= MAX_LINE_BYTES
    }
}

fn cells<'v>(view: &'v [u8], line: &Range<usize>, mark: u8) -> impl Iterator<Item = Range<usize>> + 'v {
    let mut from = line.start;
    view.get(line.clone()).unwrap_or_default().split(move |&byte| byte == mark).map(move |cell| {
        let range = from..from + cell.len();
        from = range.end + 1;
        range
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_speak_for_their_columns() {
        let view = b"n;iin;sum\n1;850101300123;5\n2;850101300124;6\nend, 850101300123";
        let columns = Columns::new(view, |cell| Topics::from(view.get(cell.clone()) == Some(b"iin")));
        let at = |text: &[u8], from: usize| {
            let start = from + view[from..].windows(text.len()).position(|window| window == text).unwrap();
            columns.above(&(start..start + text.len()))
        };
        assert_eq!((at(b"850101300123", 0), at(b"850101300124", 0), at(b"5\n", 0)), (1, 1, 0));
        assert_eq!(at(b"850101300123", 40), 0);
    }

    #[test]
    fn markdown_and_prose() {
        let view = b"| name | iin |\n|---|---|\n| a | 8501 |\n";
        let columns = Columns::new(view, |cell| Topics::from(view.get(cell.clone()) == Some(b" iin ")));
        assert_eq!(columns.above(&(31..35)), 1);
        let prose = b"one, two\nthree, four\nfive";
        assert!(Columns::new(prose, |_| 0).tables.is_empty());
    }
}
