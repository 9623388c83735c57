//! A text in which values that are cut by commas ("N,1403,4327", "031,662,521", "46, 08, 14, 86") have dashes instead.
//! Amounts and lists look the same, so this view only adds what words or check digits speak for.

use std::ops::Range;

use super::escapes::Decoded;
use super::offset_map::OffsetMap;

/// Longer groups are cells of a table.
const MAX_GROUP: usize = 6;
const MIN_DIGITS: usize = 4;
const MIN_CHARACTERS: usize = 6;
const MAX_CHARACTERS: usize = 34;

/// The text of a view with such values joined, and the way back to the view; `None` when there is none.
pub(crate) fn decode(view: &[u8]) -> Option<Decoded> {
    let mut decoded = Decoded { text: String::new(), map: OffsetMap::default() };
    let mut source = "";
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = view.get(at..).and_then(|rest| memchr::memchr(b',', rest)) {
        let comma = at + found;
        at = comma + 1;
        if let Some(token) = spaced_digits(view, comma, copied) {
            at = token.end;
            if source.is_empty() {
                source = std::str::from_utf8(view).ok()?;
            }
            copied = with_dashes(&mut decoded, source, token, copied);
            continue;
        }
        if !view.get(at).copied().is_some_and(is_part) || comma == 0 || !is_part(view.get(comma - 1).copied()?) {
            continue;
        }
        let token = token_around(view, comma, copied);
        at = token.end.max(at);
        if !is_cut_value(view.get(token.clone()).unwrap_or_default()) {
            continue;
        }
        if source.is_empty() {
            source = std::str::from_utf8(view).ok()?;
        }
        copied = with_dashes(&mut decoded, source, token, copied);
    }
    if copied == 0 {
        return None;
    }
    decoded.copy(source, copied..view.len());
    Some(decoded)
}

/// Copies up to the last comma of `token`, with a dash for each; returns how far.
fn with_dashes(decoded: &mut Decoded, source: &str, token: Range<usize>, copied: usize) -> usize {
    let mut copied = copied;
    for comma in token.filter(|&at| source.as_bytes().get(at) == Some(&b',')) {
        decoded.copy(source, copied..comma);
        decoded.map.atomic(decoded.text.len(), comma..comma + 1);
        decoded.text.push('-');
        copied = comma + 1;
    }
    copied
}

/// Groups of as many digits each, but for the last, with a comma and a space between any two: the first comma is at
/// `comma`. Years and short lists are none.
fn spaced_digits(view: &[u8], comma: usize, floor: usize) -> Option<Range<usize>> {
    const MAX_DIGITS: usize = 4;
    const MAX_TOTAL: usize = 20;
    const MIN_GROUPS: usize = 3;
    let digits_at = |at: usize| {
        view.get(at..).unwrap_or_default().iter().take(MAX_DIGITS + 1).take_while(|byte| byte.is_ascii_digit()).count()
    };
    if view.get(comma + 1) != Some(&b' ') || digits_at(comma + 2) == 0 {
        return None;
    }
    let before = view.get(floor..comma)?;
    let size = before.iter().rev().take(MAX_DIGITS + 1).take_while(|byte| byte.is_ascii_digit()).count();
    let start = comma - size;
    if !(1..=MAX_DIGITS).contains(&size) || start > floor && is_part(*view.get(start - 1)?) {
        return None;
    }
    let (mut end, mut groups, mut total) = (comma, 1, size);
    let mut are_years = size == 4;
    while view.get(end) == Some(&b',') && view.get(end + 1) == Some(&b' ') {
        let len = digits_at(end + 2);
        if len == 0 || len > size {
            break;
        }
        are_years &= view.get(end + 2..end + 4).is_some_and(|century| matches!(century, b"19" | b"20"));
        (end, groups, total) = (end + 2 + len, groups + 1, total + len);
        if len < size {
            break;
        }
    }
    let stands = !view.get(end).copied().is_some_and(is_part);
    // Single digits are counts more often.
    let min_total = if size == 1 { 8 } else { 6 };
    (stands && !are_years && groups >= MIN_GROUPS && (min_total..=MAX_TOTAL).contains(&total)).then_some(start..end)
}

const fn is_part(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

fn token_around(view: &[u8], comma: usize, floor: usize) -> Range<usize> {
    const REACH: usize = 2 * MAX_CHARACTERS + 16;
    let belongs = |byte: &u8| is_part(*byte) || *byte == b',';
    let before = view.get(floor.max(comma.saturating_sub(REACH))..comma).unwrap_or_default();
    let after = view.get(comma..view.len().min(comma + REACH)).unwrap_or_default();
    let start = comma - before.iter().rev().take_while(|byte| belongs(byte)).count();
    let mut end = comma + after.iter().take_while(|byte| belongs(byte)).count();
    while end > comma && view.get(end - 1) == Some(&b',') {
        end -= 1;
    }
    start..end
}

/// Short groups, most of them digits, at least two commas or two halves.
fn is_cut_value(token: &[u8]) -> bool {
    let groups: Vec<&[u8]> = token.split(|&byte| byte == b',').collect();
    let characters = |part: &[u8]| part.iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
    let digits = token.iter().filter(|byte| byte.is_ascii_digit()).count();
    let total = characters(token) - (groups.len() - 1);
    let is_short = groups.iter().all(|group| (1..=MAX_GROUP).contains(&characters(group)));
    let is_halved = matches!(groups.as_slice(), [first, second] if first.len() == second.len());
    is_short
        && (groups.len() > 2 || is_halved)
        && digits >= MIN_DIGITS
        && (MIN_CHARACTERS..=MAX_CHARACTERS).contains(&total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Option<String> {
        decode(text.as_bytes()).map(|decoded| decoded.text)
    }

    #[test]
    fn cut_values_are_joined() {
        assert_eq!(decoded("паспорт n,1403,4327, 25.05"), Some("паспорт n-1403-4327, 25.05".to_owned()));
        assert_eq!(decoded("(818,ptt,14)."), Some("(818-ptt-14).".to_owned()));
        assert_eq!(decoded("970624,321294?"), Some("970624-321294?".to_owned()));
        assert_eq!(decoded("паспорт 4608, 1486, 93, выдан"), Some("паспорт 4608- 1486- 93, выдан".to_owned()));
        assert_eq!(decoded("0, 2, 9, 5, 9, 6, 2, 4, 0."), Some("0- 2- 9- 5- 9- 6- 2- 4- 0.".to_owned()));
        let joined = decode("ab 031,662,521".as_bytes());
        assert_eq!(joined.map(|joined| joined.map.source_range(3..14)), Some(3..14));
    }

    #[test]
    fn sentences_and_tables_are_not() {
        for text in [
            "да,нет,может",
            "1, 2, 3, 4",
            "2,711107315651,бейсембаев",
            "3,14",
            "a,b",
            ",,,",
            "цена 12,50",
            "2019, 2020, 2021",
            "10, 20, 5, 7",
        ] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
