//! Passwords in tables: a column whose head says so, in Markdown, CSV and tab-separated lines.

use std::ops::Range;

use super::value::{Look, look};
use crate::pii::Entity;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::context::topics::PASSWORD_WORD;
use crate::pii::detector::text::Text;
use crate::pii::detector::views::long_words::cased;

const MAX_LINE: usize = 1024;
const MAX_ROWS: usize = 200;
/// Longer cells hold sentences.
const MAX_CELL: usize = 80;

pub(crate) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    let view = text.bytes();
    let mut done = 0;
    for word in text.context().all(PASSWORD_WORD) {
        if word.start < done {
            continue;
        }
        let head = line_around(view, word.start);
        done = head.end;
        if head.len() > MAX_LINE || view.get(head.end) != Some(&b'\n') || !budget.spend(head.len()) {
            continue;
        }
        let Some(separator) = separator(text, &head, word) else { continue };
        let Some(column) =
            cells(text, &head, separator).iter().position(|cell| cell.start <= word.start && word.start < cell.end)
        else {
            continue;
        };
        done = rows(text, head.end + 1, (separator, column), budget, found);
    }
}

/// Reads the cells of one column until the table ends, and returns where.
fn rows(
    text: &Text<'_>,
    from: usize,
    (separator, column): (u8, usize),
    budget: &mut Budget,
    found: &mut Found,
) -> usize {
    let view = text.bytes();
    let mut at = from;
    for _ in 0..MAX_ROWS {
        let line = line_around(view, at);
        if line.is_empty() || line.len() > MAX_LINE || !budget.spend(line.len()) {
            break;
        }
        let cells = cells(text, &line, separator);
        if cells.len() < 2 {
            break;
        }
        if let Some(cell) = cells.get(column) {
            let value = trimmed(view, cell.clone());
            let bytes = view.get(value.clone()).unwrap_or_default();
            let is_word = !bytes.is_empty() && bytes.len() <= MAX_CELL && !bytes.contains(&b' ');
            if is_word && look(bytes, &cased(text.view(), value.clone())) != Look::None {
                let candidate = Candidate::new(Entity::Secret, value, Strength::Context, "secret/column");
                found.push(candidate.beside(Some("password")));
            }
        }
        at = line.end + 1;
    }
    at
}

fn line_around(view: &[u8], at: usize) -> Range<usize> {
    let before = view.get(..at).unwrap_or_default();
    let start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
    let rest = view.get(at..).unwrap_or_default();
    start..at + memchr::memchr(b'\n', rest).unwrap_or(rest.len())
}

/// What parts the cells of the head line: it stands next to the word, but for spaces and quotes.
fn separator(text: &Text<'_>, head: &Range<usize>, word: &Range<usize>) -> Option<u8> {
    let view = text.bytes();
    let is_padding = |at: usize| matches!(view.get(at), Some(b'"' | b' ')) && !is_tab(text, at);
    let mut before = word.start;
    while before > head.start && is_padding(before - 1) {
        before -= 1;
    }
    let mut behind = word.end
        + view.get(word.end..head.end)?.iter().take_while(|&&byte| byte >= 0x80 || byte.is_ascii_lowercase()).count();
    while behind < head.end && is_padding(behind) {
        behind += 1;
    }
    let sign = |at: usize| match view.get(at) {
        _ if is_tab(text, at) => Some(b'\t'),
        Some(&sign @ (b'|' | b';' | b',')) => Some(sign),
        _ => None,
    };
    let left = if before > head.start { sign(before - 1) } else { None };
    let right = if behind < head.end { sign(behind) } else { None };
    match (left, right) {
        (Some(left), Some(right)) => (left == right).then_some(left),
        (Some(only), None) if behind == head.end => Some(only),
        (None, Some(only)) if before == head.start => Some(only),
        _ => None,
    }
}

fn is_tab(text: &Text<'_>, at: usize) -> bool {
    text.bytes().get(at) == Some(&b' ') && text.view().source_text(at..at + 1).contains('\t')
}

fn cells(text: &Text<'_>, line: &Range<usize>, separator: u8) -> Vec<Range<usize>> {
    let mut cells = Vec::new();
    let mut start = line.start;
    let bytes = text.bytes().get(line.clone()).unwrap_or_default();
    for (offset, &byte) in bytes.iter().enumerate() {
        let at = line.start + offset;
        if byte == separator || separator == b'\t' && byte == b' ' && is_tab(text, at) {
            cells.push(start..at);
            start = at + 1;
        }
    }
    cells.push(start..line.end);
    cells
}

fn trimmed(view: &[u8], cell: Range<usize>) -> Range<usize> {
    let is_padding = |byte: &&u8| matches!(**byte, b' ' | b'"' | b'\'' | b'`');
    let bytes = view.get(cell.clone()).unwrap_or_default();
    let front = bytes.iter().take_while(is_padding).count();
    let back = bytes.iter().rev().take(bytes.len() - front).take_while(is_padding).count();
    cell.start + front..cell.end - back
}
