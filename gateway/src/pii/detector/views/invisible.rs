//! A text without the characters that nobody sees: zero-width ones, soft hyphens, byte order marks. The view of a text
//! drops them anyway; decoders read the text itself.

use super::escapes::Decoded;
use super::offset_map::OffsetMap;

/// The text without them and the way back; `None` where there is none.
pub(crate) fn without(source: &str) -> Option<Decoded> {
    // The first bytes of all of them; most texts have few of these.
    let mut leads = memchr::memchr3_iter(0xC2, 0xE2, 0xEF, source.as_bytes());
    if !leads.any(|at| source.get(at..).is_some_and(|rest| rest.starts_with(is_invisible))) {
        return None;
    }
    let mut visible = Decoded { text: String::with_capacity(source.len()), map: OffsetMap::default() };
    let mut copied = 0;
    for (at, hidden) in source.match_indices(is_invisible) {
        visible.copy(source, copied..at);
        copied = at + hidden.len();
    }
    visible.copy(source, copied..source.len());
    Some(visible)
}

const fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_left_out() {
        let visible =
            without("a\u{200b}b\u{ad}\u{feff}c").map(|visible| (visible.map.source_range(1..3), visible.text));
        assert_eq!(visible, Some((4..11, "abc".to_owned())));
        assert!(without("a – b").is_none());
    }
}
