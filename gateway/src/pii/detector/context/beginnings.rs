//! How words begin: two letters tell most words of a text from all of a list, so that next to none is looked up.

/// A set of beginnings, in which others may seem to be.
#[derive(Debug)]
pub(super) struct Beginnings(Box<[u64; NUM_SETS]>);

const NUM_SETS: usize = 256;

impl Beginnings {
    /// Of words in UTF-8.
    pub(super) fn of<'w>(words: impl Iterator<Item = &'w [u8]>) -> Self {
        let mut beginnings = Self(Box::new([0; NUM_SETS]));
        for word in words {
            match word {
                [first, ..] if word.len() == 1 => (0..=u8::MAX).for_each(|next| beginnings.add(&[*first, next])),
                [0..0x80, ..] | [_, _, _, _, ..] => beginnings.add(word),
                // One letter outside ASCII: whatever follows it.
                _ => beginnings.0.fill(u64::MAX),
            }
        }
        beginnings
    }

    fn add(&mut self, word: &[u8]) {
        let (set, bit) = place(word, 0);
        if let Some(set) = self.0.get_mut(set) {
            *set |= bit;
        }
    }

    /// Whether a word of the list may begin in `text` at `at`; true wherever one does.
    pub(super) fn may_hold(&self, text: &[u8], at: usize) -> bool {
        let (set, bit) = place(text, at);
        self.0.get(set).is_some_and(|set| set & bit != 0)
    }
}

/// Two letters, of ASCII or in two bytes each, mixed: the place of a set, and a bit of it.
fn place(text: &[u8], at: usize) -> (usize, u64) {
    const FACTOR: u32 = 0x9E37_79B1;
    let rest = text.get(at..).unwrap_or_default();
    let four = rest.first_chunk::<4>().map_or_else(
        || rest.iter().rev().fold(0, |all, &byte| all << 8 | u32::from(byte)),
        |bytes| u32::from_le_bytes(*bytes),
    );
    let letters = if four & 0x80 == 0 { four & 0xFFFF } else { four };
    let mixed = letters.wrapping_mul(FACTOR) >> 18;
    ((mixed >> 6) as usize, 1 << (mixed & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_seen_wherever_it_stands_and_most_others_are_not() {
        let words = ["паспорт", "id", "жсн", "вы", "x"];
        let beginnings = Beginnings::of(words.iter().map(|word| word.as_bytes()));
        for word in words {
            for text in [word.to_owned(), format!("{word} 1"), format!("{word}я")] {
                assert!(beginnings.may_hold(format!("№ {text}").as_bytes(), "№ ".len()), "{text}");
            }
        }
        let others = ["корова", "ум", "cat", "", "q"];
        assert!(others.iter().all(|other| !beginnings.may_hold(other.as_bytes(), 0)));
        assert!(Beginnings::of(std::iter::once("я".as_bytes())).may_hold(b"cat", 0));
    }
}
