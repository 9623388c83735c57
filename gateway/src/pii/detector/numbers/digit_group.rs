//! What a run of digits is made of: groups without separators, gaps between them, a plus before.

use std::ops::Range;

use crate::pii::detector::views::lookalike::{self, MAX_AT_EDGE, digit_at};
use crate::pii::detector::views::normalize::is_letter;

/// Characters of a gap, and how many of them may be something other than white space.
const MAX_GAP: usize = 8;
const MAX_GAP_MARKS: usize = 3;
/// Look-alikes in a row inside a group.
const MAX_IN_A_ROW: usize = 12;

/// Digits and look-alikes without a separator. `core` leaves out look-alikes at the ends, which may
/// be letters after all; it is empty when there is no true digit.
pub(crate) struct Group {
    pub(crate) from: usize,
    pub(crate) till: usize,
    pub(crate) core: Range<usize>,
}

impl Group {
    pub(crate) fn read(view: &[u8], from: usize) -> Option<Self> {
        let mut core = from..from;
        let mut end = from;
        let mut edge_is_plain = true;
        let mut lookalikes = 0;
        let mut leading = 0;
        while let Some((_, width)) = digit_at(view, end) {
            let is_digit = view.get(end).is_some_and(u8::is_ascii_digit);
            if is_digit {
                if core.is_empty() {
                    if !edge_is_plain || lookalikes > MAX_AT_EDGE {
                        return None;
                    }
                    core.start = end;
                    leading = lookalikes;
                }
                core.end = end + 1;
                (lookalikes, edge_is_plain) = (0, true);
            } else {
                lookalikes += 1;
                edge_is_plain &= lookalike::is_plain(view, end);
                if lookalikes > MAX_IN_A_ROW {
                    break;
                }
            }
            end += width;
        }
        let edge_holds = edge_is_plain && lookalikes <= MAX_AT_EDGE && !view.get(end).copied().is_some_and(is_letter);
        if core.is_empty() {
            // "|" alone is a table's border, no digit.
            let stands = edge_holds && end > from && view.get(from) != Some(&b'|');
            return stands.then_some(Self { from, till: end, core: from..from });
        }
        let from = if leading > 0 && view.get(from) == Some(&b'|') { core.start } else { from };
        let till = if edge_holds && view.get(end.saturating_sub(1)) != Some(&b'|') { end } else { core.end };
        Some(Self { from, till, core })
    }
}

/// What stands between two groups.
pub(crate) struct Gap {
    pub(crate) till: usize,
    /// A new line, or more than one space.
    pub(crate) wide: bool,
    /// A single dot.
    pub(crate) dotted: bool,
}

impl Gap {
    pub(crate) fn read(view: &[u8], from: usize) -> Option<Self> {
        let mut till = from;
        let mut marks = 0;
        let mut spaces = 0;
        let mut wide = false;
        while till - from < MAX_GAP {
            match view.get(till) {
                Some(b' ') => spaces += 1,
                Some(b'\n') => wide = true,
                Some(b'-' | b'.' | b'_' | b'/' | b'\\' | b'(' | b')' | b'`') => marks += 1,
                // Bold type in Markdown.
                Some(b'*') if view.get(till + 1) == Some(&b'*') => {
                    marks += 1;
                    till += 1;
                }
                _ => break,
            }
            till += 1;
        }
        (till > from && marks <= MAX_GAP_MARKS).then_some(Self {
            till,
            wide: wide || spaces > 1,
            dotted: view.get(from..till) == Some(b"."),
        })
    }
}

/// A mark that parts groups only where it parts all of them: "9,0,1,1", "9011:2330:0258", "9011*2330*0258".
pub(crate) fn listing_mark(view: &[u8], from: usize) -> Option<(u8, usize)> {
    let rest = view.get(from..from + MAX_GAP).or_else(|| view.get(from..))?;
    let spaces = rest.iter().take_while(|&&byte| byte == b' ').count();
    let &mark = rest.get(spaces)?;
    if !matches!(mark, b',' | b':' | b';' | b'*' | b'|' | b'+' | b'=' | b'~' | b'#' | b'\'' | b'"') {
        return None;
    }
    let after = rest.get(spaces + 1..).unwrap_or_default().iter().take_while(|&&byte| byte == b' ').count();
    (spaces <= 1 && after <= 1).then_some((mark, from + spaces + 1 + after))
}

/// Where a plus stands directly before the digits (a bracket and a space may stand between) that does not add
/// two numbers.
pub(crate) fn plus_before(view: &[u8], at: usize) -> Option<usize> {
    let before = view.get(at.saturating_sub(3)..at)?;
    let plus = before
        .iter()
        .rposition(|&byte| !matches!(byte, b' ' | b'(' | b'-' | b','))
        .filter(|&index| before.get(index) == Some(&b'+'))?;
    let plus_at = at - before.len() + plus;
    let preceding = view.get(..plus_at).unwrap_or_default();
    let is_spaced = before.get(plus + 1) == Some(&b' ');
    let operand = match preceding.split_last() {
        Some((b' ', rest)) if is_spaced => rest.last(),
        Some((last, _)) => Some(last),
        None => None,
    };
    (!operand.is_some_and(u8::is_ascii_digit)).then_some(plus_at)
}
