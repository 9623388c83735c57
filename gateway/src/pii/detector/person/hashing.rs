//! Look-up of every beginning or every ending of a word: a hash that grows letter by letter, filters that answer most
//! questions, and a table with open addressing. Built once, then only read.

const SEED: u64 = 0xCBF2_9CE4_8422_2325;
/// Odd, with bits everywhere: the upper half of the product depends on every letter.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
const FILTER_WORDS_LOG2: u32 = 12;

/// The hash of the letters so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hash(u64);

impl Hash {
    pub(super) const EMPTY: Self = Self(SEED);

    pub(super) const fn with(self, letter: u8) -> Self {
        Self((self.0 ^ letter as u64).rotate_right(23).wrapping_mul(FACTOR))
    }

    pub(super) fn of<'l>(letters: impl IntoIterator<Item = &'l u8>) -> Self {
        letters.into_iter().fold(Self::EMPTY, |hash, &letter| hash.with(letter))
    }

    const fn check(self) -> u32 {
        (self.0 >> 32) as u32 | 1
    }

    const fn index(self) -> usize {
        (self.0 >> 20) as u32 as usize
    }

    /// The word of a filter and its two bits there.
    const fn filter_bits(self) -> (usize, u64) {
        let word = (self.0 >> (64 - FILTER_WORDS_LOG2)) as usize;
        let bits = 1 << (self.0 >> 40 & 63) | 1 << (self.0 >> 30 & 63);
        (word, bits)
    }
}

/// A set that sometimes says yes to what is not in it.
#[derive(Debug)]
struct Filter(Vec<u64>);

impl Filter {
    fn new() -> Self {
        Self(vec![0; 1 << FILTER_WORDS_LOG2])
    }

    fn insert(&mut self, hash: Hash) {
        let (word, bits) = hash.filter_bits();
        if let Some(word) = self.0.get_mut(word) {
            *word |= bits;
        }
    }

    fn may_have(&self, hash: Hash) -> bool {
        let (word, bits) = hash.filter_bits();
        self.0.get(word).is_some_and(|word| word & bits == bits)
    }
}

/// Values by letters; several may stand under the same ones.
#[derive(Debug)]
pub(super) struct Table<V> {
    /// The upper half of each hash; 0 where nothing is. Apart from the values, so that what is asked most is small
    /// enough for a processor's nearer cache.
    checks: Vec<u32>,
    values: Vec<V>,
    filter: Filter,
    /// What the keys of more than [`DEPTH`] letters begin with.
    beginnings: Filter,
}

/// After so many letters it is known whether any key goes on from them.
pub(super) const DEPTH: usize = 4;

impl<V: Copy + Default> Table<V> {
    /// A table of `entries`, at most half full.
    pub(super) fn new<K: AsRef<[u8]>>(entries: &[(K, V)]) -> Self {
        let len = (entries.len() * 2).next_power_of_two().max(16);
        let (checks, values) = (vec![0; len], vec![V::default(); len]);
        let mut table = Self { checks, values, filter: Filter::new(), beginnings: Filter::new() };
        for (key, value) in entries {
            table.insert(key.as_ref(), *value);
        }
        table
    }

    fn insert(&mut self, key: &[u8], value: V) {
        let hash = Hash::of(key);
        self.filter.insert(hash);
        if let Some(beginning) = key.get(..DEPTH).filter(|_| key.len() > DEPTH) {
            self.beginnings.insert(Hash::of(beginning));
        }
        let mask = self.checks.len() - 1;
        let mut at = hash.index() & mask;
        while let (Some(check), Some(slot)) = (self.checks.get_mut(at), self.values.get_mut(at)) {
            if *check == 0 {
                (*check, *slot) = (hash.check(), value);
                return;
            }
            at = (at + 1) & mask;
        }
    }

    /// Whether some key may go on from its first [`DEPTH`] letters, which hash to this.
    pub(super) fn may_go_on(&self, beginning: Hash) -> bool {
        self.beginnings.may_have(beginning)
    }

    /// Every value under the letters of `hash`.
    pub(super) fn all(&self, hash: Hash) -> impl Iterator<Item = V> {
        let is_known = self.filter.may_have(hash);
        let mask = self.checks.len() - 1;
        let mut at = hash.index() & mask;
        std::iter::from_fn(move || {
            if !is_known {
                return None;
            }
            // Half of the slots are free, so that one is met.
            loop {
                let check = *self.checks.get(at).filter(|&&check| check != 0)?;
                let found = at;
                at = (at + 1) & mask;
                if check == hash.check() {
                    return self.values.get(found).copied();
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_a_word_is_found_and_no_other() {
        let words: Vec<String> = (0..3_000).map(|number| format!("w{number}")).collect();
        let mut entries: Vec<_> = words.iter().cloned().zip(0_u32..).collect();
        entries.push(("w7".to_owned(), 9_999));
        let table = Table::new(&entries);
        for (word, number) in words.iter().zip(0_u32..) {
            assert!(table.all(Hash::of(word.as_bytes())).any(|found| found == number), "{word}");
        }
        assert_eq!(table.all(Hash::of(b"w7")).count(), 2);
        assert!((3_000..9_000).all(|n| table.all(Hash::of(format!("w{n}").as_bytes())).next().is_none()));
    }

    #[test]
    fn what_goes_on_is_known_from_the_beginning() {
        let table = Table::new(&[("bekzat", 1_u8), ("aida", 2)]);
        assert!(table.may_go_on(Hash::of(b"bekz")));
        assert!(!table.may_go_on(Hash::of(b"aida")));
    }
}
