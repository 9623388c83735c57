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
        while from < view.len() {
            let head = line_at(view, from);
            let next = line_at(view, head.end + 1);
            let mark =
                MARKS.into_iter().find(|&mark| count(view, &head, mark) > 0 && is_row_of(view, &head, &next, mark));
            let Some(mark) = mark else {
                from = head.end + 1;
                continue;
            };
            let mut end = next.end;
            loop {
                let line = line_at(view, end + 1);
                if line.is_empty() || !is_row_of(view, &head, &line, mark) {
                    break;
                }
                end = line.end;
            }
            let heads: Vec<Topics> = cells(view, &head, mark).take(MAX_COLUMNS).map(|cell| topics(&cell)).collect();
            if heads.iter().any(|&head| head != 0) {
                columns.tables.push(Table::new(view, next.start..end, mark, heads));
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

fn line_at(view: &[u8], from: usize) -> Range<usize> {
    let Some(rest) = view.get(from..) else { return view.len()..view.len() };
    from..from + rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len())
}

fn count(view: &[u8], line: &Range<usize>, mark: u8) -> usize {
    view.get(line.clone()).unwrap_or_default().iter().filter(|&&byte| byte == mark).count()
}

/// As many cells as the head; commas also stand inside of cells, so there may be a few more.
fn is_row_of(view: &[u8], head: &Range<usize>, line: &Range<usize>, mark: u8) -> bool {
    if line.is_empty() || line.len() > MAX_LINE_BYTES || head.len() > MAX_LINE_BYTES {
        return false;
    }
    count(view, head, mark) == count(view, line, mark)
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
