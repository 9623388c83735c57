//! Encodings of fonts that have one byte per character (ISO 32000-1, annex D).

use super::pdf_glyphs::text_of;
use super::pdf_object::Object;

/// Letters of one ligature.
pub(super) const MAX_LIGATURE: usize = 8;

/// Codes 0x80 to 0xFF.
const MAC_ROMAN: &str = "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»… ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\u{F8FF}ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ";
/// Codes 0x80 to 0x9F; those above are Latin-1.
const WIN_ANSI: &str = "€•‚ƒ„…†‡ˆ‰Š‹Œ•Ž••‘’“”•–—˜™š›œ•žŸ";
/// Codes 0xA0 to 0xFF; a space has no character.
const STANDARD: &str =
    " ¡¢£⁄¥ƒ§¤'“«‹›ﬁﬂ –†‡· ¶•‚„”»…‰ ¿ `´ˆ˜¯˘˙¨ ˚¸ ˝˛ˇ—                Æ ª    ŁØŒº     æ   ı  łøœß    ";

/// What a font begins with before its own differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BaseEncoding {
    WinAnsi,
    MacRoman,
    Standard,
    /// The font file knows.
    BuiltIn,
}

impl BaseEncoding {
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"WinAnsiEncoding" => Some(Self::WinAnsi),
            b"MacRomanEncoding" => Some(Self::MacRoman),
            b"StandardEncoding" => Some(Self::Standard),
            _ => None,
        }
    }

    fn char_of(self, code: u8) -> Option<char> {
        let upper = |table: &str, first: u8| table.chars().nth(usize::from(code.checked_sub(first)?));
        match (self, code) {
            (Self::BuiltIn, _) | (_, 0..=0x1F | 0x7F) => None,
            (Self::Standard, 0x27) => Some('’'),
            (Self::Standard, 0x60) => Some('‘'),
            (_, 0x20..=0x7E) => Some(char::from(code)),
            (Self::WinAnsi, 0x80..=0x9F) => upper(WIN_ANSI, 0x80),
            (Self::WinAnsi, _) => Some(char::from(code)),
            (Self::MacRoman, _) => upper(MAC_ROMAN, 0x80),
            (Self::Standard, _) => upper(STANDARD, 0xA0).filter(|char| *char != ' '),
        }
    }

    /// The texts of all codes that have one: those of the encoding, else what the font's own program says, with
    /// `differences` applied: numbers, each with the names from there on.
    pub(super) fn texts(self, built_in: Vec<(u8, String)>, differences: &[Object]) -> Vec<(u32, String)> {
        let mut texts: Vec<Option<String>> =
            (0..=u8::MAX).map(|code| self.char_of(code).map(|char| char.to_string())).collect();
        for (code, text) in built_in {
            if let Some(place) = texts.get_mut(usize::from(code)).filter(|place| place.is_none()) {
                *place = Some(text);
            }
        }
        let mut code = 0;
        for item in differences {
            match item {
                Object::Name(name) => {
                    if let Some(text) = texts.get_mut(code) {
                        *text = text_of(name);
                    }
                    code += 1;
                }
                other => code = other.as_count().unwrap_or(usize::MAX / 2),
            }
        }
        (0..).zip(texts).filter_map(|(code, text)| Some((code, text?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_their_characters() {
        assert_eq!(MAC_ROMAN.chars().count(), 128);
        assert_eq!(WIN_ANSI.chars().count(), 32);
        assert_eq!(STANDARD.chars().count(), 96);
        assert_eq!(BaseEncoding::WinAnsi.char_of(0x97), Some('—'));
        assert_eq!(BaseEncoding::WinAnsi.char_of(0xE9), Some('é'));
        assert_eq!(BaseEncoding::MacRoman.char_of(0x8E), Some('é'));
        assert_eq!(BaseEncoding::Standard.char_of(0xD0), Some('—'));
        assert_eq!(BaseEncoding::Standard.char_of(0xFB), Some('ß'));
        assert_eq!(BaseEncoding::Standard.char_of(0xB0), None);
    }

    #[test]
    fn differences_replace_what_they_name() {
        let name = |name: &[u8]| Object::Name(name.to_vec());
        let differences = [Object::Number(65.0), name(b"afii10026"), name(b"g7"), Object::Number(-5.0), name(b"A")];
        let texts = BaseEncoding::Standard.texts(Vec::new(), &differences);
        let at = |code: u32| texts.iter().find(|(known, _)| *known == code).map(|(_, text)| text.as_str());
        assert_eq!((at(65), at(66), at(67)), (Some("И"), None, Some("C")));
        let built_in = vec![(65, "А".to_owned()), (66, "Б".to_owned()), (68, "Г".to_owned())];
        let texts = BaseEncoding::BuiltIn.texts(built_in, &differences);
        assert_eq!(texts, [(65, "И".to_owned()), (68, "Г".to_owned())]);
    }
}
