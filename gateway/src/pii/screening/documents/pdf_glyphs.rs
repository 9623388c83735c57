//! Names of glyphs (Adobe Glyph List) as far as Latin and Cyrillic texts use them.

use super::pdf_encoding::MAX_LIGATURE;

/// By name.
const NAMED: [(&str, char); 205] = [
    ("AE", 'Æ'),
    ("Aacute", 'Á'),
    ("Acircumflex", 'Â'),
    ("Adieresis", 'Ä'),
    ("Agrave", 'À'),
    ("Aring", 'Å'),
    ("Atilde", 'Ã'),
    ("Ccedilla", 'Ç'),
    ("Delta", '∆'),
    ("Eacute", 'É'),
    ("Ecircumflex", 'Ê'),
    ("Edieresis", 'Ë'),
    ("Egrave", 'È'),
    ("Eth", 'Ð'),
    ("Euro", '€'),
    ("Gbreve", 'Ğ'),
    ("Iacute", 'Í'),
    ("Icircumflex", 'Î'),
    ("Idieresis", 'Ï'),
    ("Idotaccent", 'İ'),
    ("Igrave", 'Ì'),
    ("Lslash", 'Ł'),
    ("Ntilde", 'Ñ'),
    ("OE", 'Œ'),
    ("Oacute", 'Ó'),
    ("Ocircumflex", 'Ô'),
    ("Odieresis", 'Ö'),
    ("Ograve", 'Ò'),
    ("Omega", 'Ω'),
    ("Oslash", 'Ø'),
    ("Otilde", 'Õ'),
    ("Scaron", 'Š'),
    ("Scedilla", 'Ş'),
    ("Thorn", 'Þ'),
    ("Uacute", 'Ú'),
    ("Ucircumflex", 'Û'),
    ("Udieresis", 'Ü'),
    ("Ugrave", 'Ù'),
    ("Yacute", 'Ý'),
    ("Ydieresis", 'Ÿ'),
    ("Zcaron", 'Ž'),
    ("aacute", 'á'),
    ("acircumflex", 'â'),
    ("acute", '´'),
    ("adieresis", 'ä'),
    ("ae", 'æ'),
    ("afii10055", 'І'),
    ("afii10103", 'і'),
    ("afii61352", '№'),
    ("agrave", 'à'),
    ("ampersand", '&'),
    ("approxequal", '≈'),
    ("aring", 'å'),
    ("asciicircum", '^'),
    ("asciitilde", '~'),
    ("asterisk", '*'),
    ("at", '@'),
    ("atilde", 'ã'),
    ("backslash", '\\'),
    ("bar", '|'),
    ("braceleft", '{'),
    ("braceright", '}'),
    ("bracketleft", '['),
    ("bracketright", ']'),
    ("breve", '˘'),
    ("brokenbar", '¦'),
    ("bullet", '•'),
    ("caron", 'ˇ'),
    ("ccedilla", 'ç'),
    ("cedilla", '¸'),
    ("cent", '¢'),
    ("circumflex", 'ˆ'),
    ("colon", ':'),
    ("comma", ','),
    ("copyright", '©'),
    ("currency", '¤'),
    ("dagger", '†'),
    ("daggerdbl", '‡'),
    ("degree", '°'),
    ("dieresis", '¨'),
    ("divide", '÷'),
    ("dollar", '$'),
    ("dotaccent", '˙'),
    ("dotlessi", 'ı'),
    ("eacute", 'é'),
    ("ecircumflex", 'ê'),
    ("edieresis", 'ë'),
    ("egrave", 'è'),
    ("eight", '8'),
    ("ellipsis", '…'),
    ("emdash", '—'),
    ("endash", '–'),
    ("equal", '='),
    ("eth", 'ð'),
    ("exclam", '!'),
    ("exclamdown", '¡'),
    ("ff", 'ﬀ'),
    ("ffi", 'ﬃ'),
    ("ffl", 'ﬄ'),
    ("fi", 'ﬁ'),
    ("five", '5'),
    ("fl", 'ﬂ'),
    ("florin", 'ƒ'),
    ("four", '4'),
    ("fraction", '⁄'),
    ("gbreve", 'ğ'),
    ("germandbls", 'ß'),
    ("grave", '`'),
    ("greater", '>'),
    ("greaterequal", '≥'),
    ("guillemotleft", '«'),
    ("guillemotright", '»'),
    ("guilsinglleft", '‹'),
    ("guilsinglright", '›'),
    ("hungarumlaut", '˝'),
    ("hyphen", '-'),
    ("iacute", 'í'),
    ("icircumflex", 'î'),
    ("idieresis", 'ï'),
    ("igrave", 'ì'),
    ("infinity", '∞'),
    ("integral", '∫'),
    ("less", '<'),
    ("lessequal", '≤'),
    ("logicalnot", '¬'),
    ("lozenge", '◊'),
    ("lslash", 'ł'),
    ("macron", '¯'),
    ("minus", '−'),
    ("mu", 'µ'),
    ("multiply", '×'),
    ("napostrophe", 'ŉ'),
    ("nbspace", '\u{A0}'),
    ("nine", '9'),
    ("notequal", '≠'),
    ("ntilde", 'ñ'),
    ("numbersign", '#'),
    ("oacute", 'ó'),
    ("ocircumflex", 'ô'),
    ("odieresis", 'ö'),
    ("oe", 'œ'),
    ("ogonek", '˛'),
    ("ograve", 'ò'),
    ("one", '1'),
    ("onehalf", '½'),
    ("onequarter", '¼'),
    ("onesuperior", '¹'),
    ("ordfeminine", 'ª'),
    ("ordmasculine", 'º'),
    ("oslash", 'ø'),
    ("otilde", 'õ'),
    ("paragraph", '¶'),
    ("parenleft", '('),
    ("parenright", ')'),
    ("partialdiff", '∂'),
    ("percent", '%'),
    ("period", '.'),
    ("periodcentered", '·'),
    ("perthousand", '‰'),
    ("pi", 'π'),
    ("plus", '+'),
    ("plusminus", '±'),
    ("product", '∏'),
    ("question", '?'),
    ("questiondown", '¿'),
    ("quotedbl", '"'),
    ("quotedblbase", '„'),
    ("quotedblleft", '“'),
    ("quotedblright", '”'),
    ("quoteleft", '‘'),
    ("quoteright", '’'),
    ("quotesinglbase", '‚'),
    ("quotesingle", '\''),
    ("radical", '√'),
    ("registered", '®'),
    ("ring", '˚'),
    ("scaron", 'š'),
    ("scedilla", 'ş'),
    ("section", '§'),
    ("semicolon", ';'),
    ("seven", '7'),
    ("sfthyphen", '\u{AD}'),
    ("six", '6'),
    ("slash", '/'),
    ("space", ' '),
    ("sterling", '£'),
    ("summation", '∑'),
    ("thorn", 'þ'),
    ("three", '3'),
    ("threequarters", '¾'),
    ("threesuperior", '³'),
    ("tilde", '˜'),
    ("trademark", '™'),
    ("two", '2'),
    ("twosuperior", '²'),
    ("uacute", 'ú'),
    ("ucircumflex", 'û'),
    ("udieresis", 'ü'),
    ("ugrave", 'ù'),
    ("underscore", '_'),
    ("yacute", 'ý'),
    ("ydieresis", 'ÿ'),
    ("yen", '¥'),
    ("zcaron", 'ž'),
    ("zero", '0'),
];

/// The text that a glyph's name stands for, or `None` if the name says nothing.
pub(super) fn text_of(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    // A variant of the glyph: `a.alt`; a ligature of several: `f_i`.
    let base = name.split('.').next().filter(|base| !base.is_empty())?;
    if base.split('_').count() > MAX_LIGATURE {
        return None;
    }
    base.split('_').map(one).collect()
}

fn one(name: &str) -> Option<char> {
    let mut chars = name.chars();
    if let (Some(letter @ ('A'..='Z' | 'a'..='z')), None) = (chars.next(), chars.next()) {
        return Some(letter);
    }
    if let Ok(place) = NAMED.binary_search_by_key(&name, |(known, _)| known) {
        return NAMED.get(place).map(|(_, char)| *char);
    }
    if let Some(number) = name.strip_prefix("afii10") {
        return cyrillic(number.parse().ok()?);
    }
    let hex = name.strip_prefix("uni").filter(|hex| hex.len() == 4).or_else(|| name.strip_prefix('u'))?;
    let is_hex = (4..=6).contains(&hex.len()) && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u32::from_str_radix(hex, 16).ok().and_then(char::from_u32))?
}

/// `afii10017` is А, and so on in the order of the alphabet, with Ё behind Е.
fn cyrillic(number: u32) -> Option<char> {
    let letter = match number {
        23 => 0x0401,
        71 => 0x0451,
        17..=22 => 0x0410 + number - 17,
        24..=49 => 0x0416 + number - 24,
        65..=70 => 0x0430 + number - 65,
        72..=97 => 0x0436 + number - 72,
        _ => return None,
    };
    char::from_u32(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_and_known() {
        assert!(NAMED.is_sorted_by_key(|(name, _)| *name));
        for (name, text) in [
            ("A", "A"),
            ("seven", "7"),
            ("f_i", "fi"),
            ("a.alt", "a"),
            ("afii10026", "И"),
            ("afii10097", "я"),
            ("afii10071", "ё"),
            ("uni049A", "Қ"),
            ("u1F600", "😀"),
        ] {
            assert_eq!(text_of(name.as_bytes()).as_deref(), Some(text), "{name}");
        }
        for name in ["g12", "cid_34", ".notdef", "uniXYZW", "afii10016", "", "a_b_c_d_e_f_g_h_i"] {
            assert_eq!(text_of(name.as_bytes()), None, "{name}");
        }
    }
}
