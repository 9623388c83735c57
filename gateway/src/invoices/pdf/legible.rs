//! What a paper says must be seen on it. A character that the typefaces lack stands as its number, `[U+1F600]`, which no one
//! takes for another and which can be searched for; an empty box never stands for anything.

use super::typeface::Typefaces;

/// Breve and diaeresis, as texts from macOS have them apart.
const COMPOSED: [((char, char), char); 6] = [
    (('и', '\u{306}'), 'й'),
    (('И', '\u{306}'), 'Й'),
    (('у', '\u{306}'), 'ў'),
    (('У', '\u{306}'), 'Ў'),
    (('е', '\u{308}'), 'ё'),
    (('Е', '\u{308}'), 'Ё'),
];

/// The text with characters that can be drawn, in the order in which they are to be read.
pub(super) fn legible(typefaces: &Typefaces, text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if let Some(composed) = shown.chars().last().and_then(|last| compose(last, character)) {
            shown.pop();
            shown.push(composed);
        } else if character == '\n' || typefaces.cover(character) {
            shown.push(character);
        } else if character == '\u{202f}' {
            shown.push('\u{a0}');
        } else if character.is_whitespace() {
            shown.push(' ');
        } else {
            shown.extend(format!("[U+{:04X}]", u32::from(character)).chars());
        }
    }
    shown
}

fn compose(base: char, mark: char) -> Option<char> {
    COMPOSED.into_iter().find(|(parts, _)| *parts == (base, mark)).map(|(_, composed)| composed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        legible(&Typefaces::load().unwrap(), text)
    }

    #[test]
    fn what_there_is_stands_as_it_is() {
        let text = "ТОО «Қазына-Өңір», ₸ 1\u{a0}000,00 — Ғылым & Co.";
        assert_eq!(shown(text), text);
        assert_eq!(shown("Йогурт Ёж"), "Йогурт Ёж");
        assert_eq!(shown("a\u{2003}b\u{202f}c"), "a b\u{a0}c");
    }

    #[test]
    fn what_there_is_not_stands_as_its_number() {
        assert_eq!(shown("бот 😀"), "бот [U+1F600]");
        assert_eq!(shown("通"), "[U+901A]");
        assert_eq!(shown("a\u{202e}b\u{200b}"), "a[U+202E]b[U+200B]");
    }

    proptest! {
        #[test]
        fn nothing_is_drawn_that_has_no_glyph(text in "\\PC{0,40}") {
            let typefaces = Typefaces::load().unwrap();
            prop_assert!(legible(&typefaces, &text).chars().all(|character| typefaces.cover(character)));
        }
    }
}
