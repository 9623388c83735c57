//! One character of input as the recognisers see it: lower case, digits of any script as ASCII,
//! every space, dash, dot and slash as its ASCII kin, invisible characters gone, and any other
//! punctuation as a neutral breaker. After folding, a character outside ASCII is a letter.

/// The character that a break between words is folded to when it has no meaning of its own.
const BREAKER: char = ';';

/// The folded form of a character outside ASCII, or `None` when it is invisible.
pub(crate) fn fold(character: char) -> Option<char> {
    let code = u32::from(character);
    match code {
        0x0410..=0x042F => char::from_u32(code + 0x20),
        0x0430..=0x044F => Some(character),
        0x0401 | 0x0451 => Some('е'),
        // The other Cyrillic letters, capitals before or in turn with small ones.
        0x0400..=0x040F => char::from_u32(code + 0x50),
        0x0450..=0x045F => Some(character),
        0x048A..=0x04BF | 0x04D0..=0x052F => char::from_u32(code | 1),
        0x00AD
        | 0x034F
        | 0x061C
        | 0x115F
        | 0x1160
        | 0x17B4
        | 0x17B5
        | 0x180B..=0x180F
        | 0x200B..=0x200F
        | 0x202A..=0x202E
        | 0x2060..=0x206F
        | 0x3164
        | 0xFE00..=0xFE0F
        | 0xFEFF
        | 0xFFA0
        | 0xFFF9..=0xFFFB
        | 0xE0000..=0xE0FFF
        // Combining marks: a struck-through or keycap digit is still that digit.
        | 0x0300..=0x036F
        | 0x0483..=0x0489
        | 0x1AB0..=0x1AFF
        | 0x1DC0..=0x1DFF
        | 0x20D0..=0x20FF
        | 0xFE20..=0xFE2F
        // Control characters.
        | 0x0080..=0x0084
        | 0x0086..=0x009F => None,
        0x0085 | 0x2028 | 0x2029 => Some('\n'),
        0x2800 => Some(' '),
        0x02D7
        | 0x058A
        | 0x05BE
        | 0x1806
        | 0x2010..=0x2015
        | 0x2043
        | 0x207B
        | 0x208B
        | 0x2212
        | 0x23AF
        | 0x2500
        | 0x2796
        | 0x2E3A
        | 0x2E3B
        | 0x301C
        | 0x3030
        | 0xFE58
        | 0xFE63 => Some('-'),
        0x00B7 | 0x2022 | 0x2024 | 0x2027 | 0x2219 | 0x22C5 | 0x3002 | 0x30FB | 0xFE52 | 0xFF61
        | 0xFF65 => Some('.'),
        0x2044 | 0x2215 => Some('/'),
        0xFE6B => Some('@'),
        0x2116 => Some('#'),
        0xFF01..=0xFF5E => char::from_u32(code - 0xFEE0).map(|ascii| ascii.to_ascii_lowercase()),
        0x1D400..=0x1D6A3 => mathematical_letter(code - 0x1D400),
        _ => Some(fold_other(character)),
    }
}

/// The mathematical alphabets repeat A–Z a–z once per style.
fn mathematical_letter(index: u32) -> Option<char> {
    char::from_u32(u32::from('a') + index % 26)
}

fn fold_other(character: char) -> char {
    if let Some(digit) = digit_value(u32::from(character)) {
        return char::from(b'0' + digit);
    }
    if character.is_whitespace() {
        return ' ';
    }
    if !character.is_alphanumeric() {
        return BREAKER;
    }
    let mut lower = character.to_lowercase();
    match (lower.next(), lower.next()) {
        // A lower case inside ASCII (the Kelvin sign) is fine; one of several characters is not.
        (Some(single), None) => single,
        _ => character,
    }
}

/// The code points of the zeros of every run of decimal digits outside ASCII (Unicode category
/// Nd, each followed by its one to nine), ascending.
const ZEROS: [u32; 75] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50,
    0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50,
    0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x10D40, 0x11066, 0x110F0,
    0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x116D0, 0x116DA, 0x11730, 0x118E0, 0x11950,
    0x11BF0, 0x11C50, 0x11D50, 0x11DA0, 0x11F50, 0x16130, 0x16A60, 0x16AC0, 0x16B50, 0x16D70, 0x1CCF0, 0x1D7CE,
    0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E4F0, 0x1E5F1, 0x1E950, 0x1FBF0,
];

fn digit_value(code: u32) -> Option<u8> {
    let offset_from = |first: u32, value: u32| u8::try_from(code - first + value).ok();
    match code {
        0x00B2 | 0x00B3 => offset_from(0x00B2, 2),
        0x00B9 => Some(1),
        0x2070 | 0x24EA | 0x24FF | 0x3007 => Some(0),
        0x2074..=0x2079 => offset_from(0x2074, 4),
        0x2080..=0x2089 => offset_from(0x2080, 0),
        // Circled, parenthesised and full-stop one to nine, in their several styles.
        0x2460..=0x2468 => offset_from(0x2460, 1),
        0x2474..=0x247C => offset_from(0x2474, 1),
        0x2488..=0x2490 => offset_from(0x2488, 1),
        0x24F5..=0x24FD => offset_from(0x24F5, 1),
        0x2776..=0x277E => offset_from(0x2776, 1),
        0x2780..=0x2788 => offset_from(0x2780, 1),
        0x278A..=0x2792 => offset_from(0x278A, 1),
        _ => {
            let after = ZEROS.partition_point(|&zero| zero <= code);
            let zero = after.checked_sub(1).and_then(|index| ZEROS.get(index))?;
            let value = u8::try_from(code - zero).ok()?;
            (value < 10).then_some(value)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_every_script_become_ascii() {
        for (input, expected) in [
            ('９', '9'),
            ('٣', '3'),
            ('۷', '7'),
            ('𝟘', '0'),
            ('𝟿', '9'),
            ('²', '2'),
            ('⑤', '5'),
            ('❾', '9'),
            ('꘥', '5'),
        ] {
            assert_eq!(fold(input), Some(expected), "{input}");
        }
        assert!(ZEROS.is_sorted());
    }

    #[test]
    fn cyrillic_letters_become_small() {
        for code in (0x0400..=0x0482).chain(0x048A..=0x052F) {
            let letter = char::from_u32(code).unwrap();
            let small = letter.to_lowercase().next().filter(|_| letter.is_alphabetic()).unwrap_or(BREAKER);
            let small = if small == 'ё' { 'е' } else { small };
            assert_eq!(fold(letter), Some(small), "{letter}");
        }
    }

    #[test]
    fn separators_letters_and_invisible_characters() {
        for (input, expected) in [
            ('\u{a0}', Some(' ')),
            ('\u{202f}', Some(' ')),
            ('\u{3000}', Some(' ')),
            ('–', Some('-')),
            ('—', Some('-')),
            ('−', Some('-')),
            ('\u{2011}', Some('-')),
            ('·', Some('.')),
            ('＿', Some('_')),
            ('\u{200b}', None),
            ('\u{ad}', None),
            ('\u{feff}', None),
            ('\u{20e3}', None),
            ('«', Some(';')),
            ('№', Some('#')),
            ('＠', Some('@')),
            ('И', Some('и')),
            ('Ё', Some('е')),
            ('Ө', Some('ө')),
            ('𝐀', Some('a')),
            ('𝗸', Some('k')),
        ] {
            assert_eq!(fold(input), expected, "{input:?}");
        }
    }
}
