//! Look-up of every beginning and every ending of a word at once: a hash that grows letter by letter, a filter that
//! answers most questions, and a table with open addressing. Built once, then only read.

const SEED: u64 = 0xCBF2_9CE4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01B3;
const FILTER_BITS: u32 = 17;

/// The hash of the letters so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hash(u64);

impl Hash {
    pub(super) const EMPTY: Self = Self(SEED);

    pub(super) const fn with(self, letter: u8) -> Self {
        Self((self.0 ^ letter as u64).wrapping_mul(PRIME))
    }

    pub(super) fn of<'l>(letters: impl IntoIterator<Item = &'l u8>) -> Self {
        letters.into_iter().fold(Self::EMPTY, |hash, &letter| hash.with(letter))
    }

    /// FNV's low bits know little of the last letters: they are mixed in before use.
    const fn mixed(self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed ^ (mixed >> 29)
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot<V> {
    /// The upper half of the hash, never 0 in use.
    check: u32,
    value: V,
}

/// Values by hash; several may stand under one.
#[derive(Debug)]
pub(super) struct Table<V> {
    slots: Vec<Slot<V>>,
    filter: Vec<u64>,
}

impl<V: Copy + Default> Table<V> {
    /// A table of `entries`, at most half full.
    pub(super) fn new(entries: &[(Hash, V)]) -> Self {
        let len = (entries.len() * 2).next_power_of_two().max(16);
        let mut table = Self { slots: vec![Slot::default(); len], filter: vec![0; (1 << FILTER_BITS) / 64] };
        for &(hash, value) in entries {
            table.insert(hash.mixed(), value);
        }
        table
    }

    fn insert(&mut self, hash: u64, value: V) {
        let bit = filter_bit(hash);
        if let Some(word) = self.filter.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
        let mask = self.slots.len() - 1;
        let mut at = index(hash) & mask;
        while let Some(slot) = self.slots.get_mut(at) {
            if slot.check == 0 {
                *slot = Slot { check: check(hash), value };
                return;
            }
            at = (at + 1) & mask;
        }
    }

    /// Every value under `hash`.
    pub(super) fn all(&self, hash: Hash) -> impl Iterator<Item = V> {
        let hash = hash.mixed();
        let bit = filter_bit(hash);
        let is_known = self.filter.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1);
        let mask = self.slots.len() - 1;
        let mut at = index(hash) & mask;
        std::iter::from_fn(move || {
            while is_known {
                let slot = self.slots.get(at).filter(|slot| slot.check != 0)?;
                at = (at + 1) & mask;
                if slot.check == check(hash) {
                    return Some(slot.value);
                }
            }
            None
        })
    }
}

const fn check(hash: u64) -> u32 {
    (hash >> 32) as u32 | 1
}

const fn index(hash: u64) -> usize {
    (hash & 0xFFFF_FFFF) as usize
}

const fn filter_bit(hash: u64) -> usize {
    (hash >> (64 - FILTER_BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_a_hash_is_found_and_no_other() {
        let words: Vec<String> = (0..3_000).map(|number| format!("w{number}")).collect();
        let mut entries: Vec<_> = words.iter().zip(0_u32..).map(|(word, n)| (Hash::of(word.as_bytes()), n)).collect();
        entries.push((Hash::of(b"w7"), 9_999));
        let table = Table::new(&entries);
        for (word, number) in words.iter().zip(0_u32..) {
            assert!(table.all(Hash::of(word.as_bytes())).any(|found| found == number), "{word}");
        }
        assert_eq!(table.all(Hash::of(b"w7")).count(), 2);
        assert!((3_000..9_000).all(|n| table.all(Hash::of(format!("w{n}").as_bytes())).next().is_none()));
    }
}
