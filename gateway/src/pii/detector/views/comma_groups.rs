//! A text in which values that are cut by commas ("N,1403,4327", "031,662,521") have dashes instead. Amounts and lists
//! look the same, so this view only adds what words or check digits speak for.

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
        let commas = token.clone().filter(|&at| view.get(at) == Some(&b','));
        for comma in commas {
            decoded.copy(source, copied..comma);
            decoded.map.atomic(decoded.text.len(), comma..comma + 1);
            decoded.text.push('-');
            copied = comma + 1;
        }
    }
    if copied == 0 {
        return None;
    }
    decoded.copy(source, copied..view.len());
    Some(decoded)
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
        let joined = decode("ab 031,662,521".as_bytes());
        assert_eq!(joined.map(|joined| joined.map.source_range(3..14)), Some(3..14));
    }

    #[test]
    fn sentences_and_tables_are_not() {
        for text in ["да,нет,может", "1, 2, 3, 4", "2,711107315651,бейсембаев", "3,14", "a,b", ",,,", "цена 12,50"]
        {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
