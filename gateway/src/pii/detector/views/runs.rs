//! The runs that most of a text is made of, folded many bytes at a time: ASCII, and Cyrillic letters of two bytes. Every
//! byte of a run folds to one byte, so that positions stay in step.

use std::sync::LazyLock;

use super::fold::fold;

/// What an ASCII byte folds to; 0 for the control characters that are dropped, and for bytes of other characters.
const ASCII: [u8; 256] = {
    let mut table = [0_u8; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = match byte {
            b'\n' | 0x0B | 0x0C | b'\r' => b'\n',
            b'\t' => b' ',
            0..0x20 | 0x7F => 0,
            _ => byte.to_ascii_lowercase(),
        };
        byte += 1;
    }
    table
};

/// What U+0400 to U+04FF fold to; zeros where that is nothing, or not two bytes.
static CYRILLIC: LazyLock<[[u8; 2]; 256]> = LazyLock::new(|| {
    let mut table = [[0; 2]; 256];
    for (entry, code) in table.iter_mut().zip(0x400_u32..) {
        let folded = char::from_u32(code).and_then(fold).filter(|folded| folded.len_utf8() == 2);
        if let Some(folded) = folded {
            folded.encode_utf8(entry);
        }
    }
    table
});

/// Shorter runs are not worth a look at whole blocks.
const SHORT: usize = 16;
const BLOCK: usize = 32;

/// Folds the ASCII that `source` begins with into `folded`; how many bytes that is.
pub(super) fn ascii(source: &[u8], folded: &mut [u8]) -> usize {
    let mut done = one_by_one(source, folded, SHORT);
    if done < SHORT {
        return done;
    }
    let (Some(rest), Some(free)) = (source.get(done..), folded.get_mut(done..)) else { return done };
    for (block, into) in rest.as_chunks::<BLOCK>().0.iter().zip(free.as_chunks_mut::<BLOCK>().0) {
        let is_printable = block.iter().fold(true, |all, byte| all & (0x20..0x7F).contains(byte));
        if !is_printable {
            break;
        }
        *into = block.map(|byte| byte.to_ascii_lowercase());
        done += BLOCK;
    }
    let (Some(rest), Some(free)) = (source.get(done..), folded.get_mut(done..)) else { return done };
    done + one_by_one(rest, free, usize::MAX)
}

fn one_by_one(source: &[u8], folded: &mut [u8], most: usize) -> usize {
    let mut done = 0;
    for (&byte, into) in source.iter().zip(folded).take(most) {
        let letter = ASCII[usize::from(byte)];
        if letter == 0 {
            break;
        }
        *into = letter;
        done += 1;
    }
    done
}

/// Folds letters of Cyrillic.
pub(super) struct Cyrillic(&'static [[u8; 2]; 256]);

impl Cyrillic {
    pub(super) fn new() -> Self {
        Self(&CYRILLIC)
    }

    /// Folds the letters that `source` begins with into `folded`; how many bytes that is.
    pub(super) fn letters(&self, source: &[u8], folded: &mut [u8]) -> usize {
        let mut done = 0;
        for (&[lead, second], into) in source.as_chunks::<2>().0.iter().zip(folded.as_chunks_mut::<2>().0) {
            let block = lead ^ 0xD0;
            let letter = self.0[usize::from(block << 6 | second & 0x3F)];
            if block > 3 || letter == [0; 2] {
                break;
            }
            *into = letter;
            done += 2;
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_fold_as_their_characters_do() {
        let cyrillic = Cyrillic::new();
        for letter in ('\u{400}'..='\u{4FF}').chain(['\u{3FF}', '\u{500}', 'ñ', 'α', 'a', '€']) {
            let written = letter.to_string().repeat(3);
            let mut folded = [0; 6];
            let done = cyrillic.letters(written.as_bytes(), &mut folded);
            let expected =
                fold(letter).filter(|small| ('\u{400}'..='\u{4FF}').contains(&letter) && small.len_utf8() == 2);
            assert_eq!(done > 0, expected.is_some(), "{letter}");
            if let Some(small) = expected {
                assert_eq!((done, &folded[..]), (6, small.to_string().repeat(3).as_bytes()), "{letter}");
            }
        }
    }

    #[test]
    fn ascii_is_folded_up_to_what_is_dropped() {
        for len in 0..100 {
            for (mark, expected) in [("\u{7F}", 0), ("\0", 0), ("я", 0), ("\t", 2), ("\r", 2)] {
                let source = format!("{}{mark}B", "aZ".repeat(len));
                let mut folded = vec![b'?'; source.len()];
                assert_eq!(ascii(source.as_bytes(), &mut folded), 2 * len + expected, "{source:?}");
                assert!(folded.starts_with("az".repeat(len).as_bytes()), "{source:?}");
            }
        }
    }
}
