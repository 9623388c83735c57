//! Letters that are typed or drawn instead of digits: О for 0, l for 1, З for 3 and their kin.

use super::normalize::{is_continuation, is_letter};

/// Look-alikes at one end of a number that are still read as digits.
pub(crate) const MAX_AT_EDGE: usize = 8;

/// The digit at a position and its width: itself, or the one that a letter looks like.
pub(crate) fn digit_at(view: &[u8], at: usize) -> Option<(u8, usize)> {
    let &byte = view.get(at)?;
    let value = match byte {
        b'0'..=b'9' => return Some((byte - b'0', 1)),
        b'o' => 0,
        b'l' | b'i' | b'|' => 1,
        b'z' => 2,
        b's' => 5,
        b'b' => 8,
        0xD0 | 0xD1 => {
            let value = match view.get(at..at + 2)? {
                [0xD0, 0xBE] => 0, // о
                [0xD1, 0x96] => 1, // і
                [0xD0, 0xB7] => 3, // з
                [0xD0, 0xB1] => 6, // б
                [0xD0, 0xB2] => 8, // в
                _ => return None,
            };
            return Some((value, 2));
        }
        _ => return None,
    };
    Some((value, 1))
}

/// The look-alikes that people type for a digit even at the end of a number.
pub(crate) fn is_plain(view: &[u8], at: usize) -> bool {
    match view.get(at) {
        Some(b'o' | b'l' | b'i' | b'|') => true,
        Some(0xD0) => matches!(view.get(at + 1), Some(0xBE | 0xB7)),
        Some(0xD1) => view.get(at + 1) == Some(&0x96),
        _ => false,
    }
}

/// The position from which look-alikes before the first true digit belong to the run: glued to it,
/// or each standing alone ("О 7 О 6"), or a group of their own ("lЗЗ-866").
pub(crate) fn leading(view: &[u8], first_digit: usize, floor: usize) -> usize {
    let mut start = first_digit;
    let mut position = first_digit;
    for _ in 0..MAX_AT_EDGE {
        let gap = usize::from(position > floor && matches!(view.get(position - 1), Some(b' ' | b'-')));
        let Some(before) = previous_character(view, position - gap, floor) else {
            break;
        };
        if !is_plain(view, before) || view.get(before) == Some(&b'|') {
            break;
        }
        position = before;
        let is_inside_word = previous_character(view, position, floor)
            .and_then(|letter| view.get(letter))
            .copied()
            .is_some_and(is_letter);
        if !is_inside_word {
            start = position;
        }
    }
    start
}

fn previous_character(view: &[u8], at: usize, floor: usize) -> Option<usize> {
    let mut before = at.checked_sub(1).filter(|&before| before >= floor)?;
    while before > floor && view.get(before).copied().is_some_and(is_continuation) {
        before -= 1;
    }
    Some(before)
}
