//! One spelling for names in all their alphabets and transliterations: Айгүл, Айгуль, Aigul and Aygul read alike, and
//! so do Жумабаев, Zhumabayev and Jumabaev. A key is lower-case ASCII; what stands for what is a convention of this
//! file alone (j for ж, w for ш, q for ч, c for ц).

/// Longer words are no names.
const MAX_LEN: usize = 28;

/// The alphabet of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Latin,
    Cyrillic,
}

impl Script {
    /// The alphabet of a word of a view, by its first letter.
    pub(super) fn of(word: &[u8]) -> Option<Self> {
        Some(if word.first()?.is_ascii() { Self::Latin } else { Self::Cyrillic })
    }
}

/// The key of one word.
#[derive(Debug, Clone)]
pub(super) struct Key {
    letters: [u8; MAX_LEN + 4],
    len: usize,
    /// Of its first letter.
    pub(super) script: Script,
}

impl Key {
    /// The key of a word of a view; `None` for other alphabets and for what is longer than any name.
    pub(super) fn of(word: &[u8]) -> Option<Self> {
        let script = Script::of(word)?;
        let mut key = Self { letters: [0; MAX_LEN + 4], len: 0, script };
        let mut rest = word;
        while let Some((&byte, after)) = rest.split_first() {
            if key.len > MAX_LEN {
                return None;
            }
            let width = match byte {
                b'a'..=b'z' => key.push_latin(rest),
                0xC3..=0xC9 => {
                    key.push_diacritic(code_point(byte, after)?)?;
                    2
                }
                0xD0..=0xD4 => {
                    key.push_cyrillic(code_point(byte, after)?)?;
                    2
                }
                // Modifier letters: the apostrophe of Uzbek.
                0xCA | 0xCB => 2,
                _ => return None,
            };
            rest = rest.get(width..).unwrap_or_default();
        }
        (key.len > 0 && key.len <= MAX_LEN).then_some(key)
    }

    pub(super) fn letters(&self) -> &[u8] {
        self.letters.get(..self.len).unwrap_or_default()
    }

    fn push(&mut self, letter: u8) {
        let last = self.len.checked_sub(1).and_then(|at| self.letters.get_mut(at));
        match (last, letter) {
            (Some(last), b'i' | b's') if *last == letter => {}
            (Some(last), b's') if *last == b't' => *last = b'c',
            (Some(last), b'j') if *last == b'd' => *last = b'j',
            _ => {
                if let Some(free) = self.letters.get_mut(self.len) {
                    *free = letter;
                    self.len += 1;
                }
            }
        }
    }

    fn push_cyrillic(&mut self, code: u32) -> Option<()> {
        let [first, second] = *CYRILLIC.get(usize::try_from(code).ok()?.checked_sub(0x400)?)?;
        match first {
            0 => return None,
            SILENT => {}
            _ => self.push(first),
        }
        if second != 0 {
            self.push(second);
        }
        Some(())
    }

    /// Pushes what the beginning of `rest` spells and says how long it is.
    fn push_latin(&mut self, rest: &[u8]) -> usize {
        let index = usize::from(rest.first().map_or(0, |byte| byte - b'a'));
        let digraphs = DIGRAPHS.get(index).copied().unwrap_or_default();
        for (spelling, letters) in digraphs {
            if rest.starts_with(spelling.as_bytes()) {
                for &letter in letters.as_bytes() {
                    self.push(letter);
                }
                return spelling.len();
            }
        }
        match rest.first() {
            Some(b'x') => {
                self.push(b'k');
                self.push(b's');
            }
            Some(b'y') => self.push(b'i'),
            Some(b'q' | b'c') => self.push(b'k'),
            Some(b'w') => self.push(b'u'),
            Some(&letter) => self.push(letter),
            None => {}
        }
        1
    }

    fn push_diacritic(&mut self, code: u32) -> Option<()> {
        let letter = match char::from_u32(code)? {
            'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' | 'ə' | 'ɐ' => b'a',
            'ç' | 'č' | 'ć' => b'q',
            'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => b'e',
            'ì'..='ï' | 'ī' | 'ĭ' | 'į' | 'ı' => b'i',
            'ñ' | 'ń' | 'ň' | 'ŋ' | 'ņ' => b'n',
            'ò'..='ö' | 'ø' | 'ō' | 'ő' | 'ŏ' => b'o',
            'ù'..='ü' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ý' => b'u',
            'š' | 'ş' | 'ș' | 'ś' => b'w',
            'ğ' | 'ǵ' | 'ģ' | 'ǧ' | 'ġ' => b'g',
            'ž' | 'ż' | 'ź' => b'j',
            'ķ' => b'k',
            'ł' | 'ļ' | 'ľ' => b'l',
            'ř' => b'r',
            'ţ' | 'ț' | 'ť' => b't',
            'ď' | 'đ' => b'd',
            'ß' => b's',
            _ => return None,
        };
        self.push(letter);
        Some(())
    }
}

fn code_point(lead: u8, after: &[u8]) -> Option<u32> {
    let next = *after.first()?;
    Some(u32::from(lead & 0x1F) << 6 | u32::from(next & 0x3F))
}

const SILENT: u8 = b'-';
const NONE: &[(&str, &str)] = &[];

/// What groups of Latin letters spell, by their first letter, the longest first.
const DIGRAPHS: [&[(&str, &str)]; 26] = {
    let mut table = [NONE; 26];
    table[(b'c' - b'a') as usize] = &[("ch", "q"), ("ck", "k")];
    table[(b'd' - b'a') as usize] = &[("dzh", "j")];
    table[(b'g' - b'a') as usize] = &[("gh", "g")];
    table[(b'k' - b'a') as usize] = &[("kh", "h")];
    table[(b'p' - b'a') as usize] = &[("ph", "f")];
    table[(b's' - b'a') as usize] = &[("shch", "w"), ("sch", "w"), ("sh", "w")];
    table[(b't' - b'a') as usize] = &[("th", "t"), ("tz", "c")];
    table[(b'y' - b'a') as usize] = &[("ya", "ia"), ("ye", "e"), ("yo", "e"), ("yu", "iu")];
    table[(b'z' - b'a') as usize] = &[("zh", "j")];
    table
};

/// The key letters of U+0400..U+0530; a zero first means that names do not have the letter.
const CYRILLIC: [[u8; 2]; 0x130] = {
    let mut table = [[0_u8; 2]; 0x130];
    let alphabet: [[u8; 2]; 32] = [
        *b"a\0",
        *b"b\0",
        *b"v\0",
        *b"g\0",
        *b"d\0",
        *b"e\0",
        *b"j\0",
        *b"z\0",
        *b"i\0",
        *b"i\0",
        *b"k\0",
        *b"l\0",
        *b"m\0",
        *b"n\0",
        *b"o\0",
        *b"p\0",
        *b"r\0",
        *b"s\0",
        *b"t\0",
        *b"u\0",
        *b"f\0",
        *b"h\0",
        *b"c\0",
        *b"q\0",
        *b"w\0",
        *b"w\0",
        [SILENT, 0],
        *b"i\0",
        [SILENT, 0],
        *b"e\0",
        *b"iu",
        *b"ia",
    ];
    let mut index = 0;
    while index < alphabet.len() {
        table[0x30 + index] = alphabet[index];
        index += 1;
    }
    // ё є і ї ў and the letters of Kazakh and its neighbours: ғ җ қ ҡ ң ү ұ һ ә ө, ѓ ќ.
    let others: [(usize, u8); 17] = [
        (0x51, b'e'),
        (0x54, b'e'),
        (0x56, b'i'),
        (0x57, b'i'),
        (0x5E, b'u'),
        (0x93, b'g'),
        (0x97, b'j'),
        (0x9B, b'k'),
        (0xA1, b'k'),
        (0xA3, b'n'),
        (0xAF, b'u'),
        (0xB1, b'u'),
        (0xB3, b'h'),
        (0xB7, b'j'),
        (0xBB, b'h'),
        (0xD9, b'a'),
        (0xE9, b'o'),
    ];
    let mut index = 0;
    while index < others.len() {
        table[others[index].0] = [others[index].1, 0];
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn key(word: &str) -> String {
        Key::of(word.as_bytes()).map(|key| String::from_utf8_lossy(key.letters()).into_owned()).unwrap_or_default()
    }

    #[test]
    fn spellings_of_one_name_have_one_key() {
        for spellings in [
            &["айгүл", "айгуль", "aigul", "aygul", "aıgúl"][..],
            &["жумабаев", "жұмабаев", "zhumabayev", "jumabaev", "dzhumabaev", "джумабаев"],
            &["дмитрий", "dmitry", "dmitriy", "dmitrii", "dmitri"],
            &["қасымов", "касымов", "kassymov", "qasymov"],
            &["ерлан", "yerlan", "erlan"],
            &["шыңғыс", "shyngys", "шынгыс", "şyñğys"],
            &["артем", "artyom", "artem"],
            &["ксения", "kseniya", "ksenia"],
        ] {
            for spelling in spellings {
                assert_eq!(key(spelling), key(spellings[0]), "{spelling}");
            }
        }
    }

    #[test]
    fn other_alphabets_and_endless_words_have_no_key() {
        assert!(Key::of("김민수".as_bytes()).is_none());
        assert!(Key::of("a".repeat(40).as_bytes()).is_none());
        assert!(Key::of(b"").is_none());
    }
}
