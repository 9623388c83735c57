//! What the choices of earlier landings cost, so that later ones take the short way.
//!
//! A choice is made where a document could go on in several ways: which key, which variant of a union, which value
//! of an enum. Its cost is the bytes from there to the end of the container that it was made in. Choices not yet
//! tried count as cheap, so that repeated landings from one state try them all and settle on the cheapest.

use std::collections::HashMap;

const MAX_ENTRIES: usize = 16_384;
/// Against endless recursion: what one more open instance of the same choice adds to its cost.
const REPEATED: usize = 4_096;

/// Remembered costs, by place and way.
#[derive(Clone, Default)]
pub(super) struct Decisions {
    costs: HashMap<(u64, u64), usize>,
    /// Whether the last landing taught anything.
    pub changed: bool,
    /// Steps that looking for landings has taken so far.
    pub work: usize,
    /// And how many it may take.
    pub allowance: usize,
}

/// Choices of one landing whose containers are still open.
#[derive(Default)]
pub(super) struct Open {
    choices: Vec<Choice>,
}

struct Choice {
    place: u64,
    way: u64,
    at: usize,
    depth: usize,
}

impl Decisions {
    /// Index of the cheapest of `ways` (hash and length in bytes of each) at `place`.
    pub fn cheapest(&self, place: u64, ways: &[(u64, usize)], open: &Open) -> usize {
        let cost = |&(way, length): &(u64, usize)| {
            let known = self.costs.get(&(place, way)).copied();
            let repeated = open.choices.iter().filter(|choice| choice.place == place && choice.way == way).count();
            known.unwrap_or(length) + repeated * REPEATED
        };
        (0..ways.len()).min_by_key(|&index| (cost(&ways[index]), index)).unwrap_or(0)
    }

    /// Takes note that everything deeper than `depth` closed after `at` bytes.
    pub fn close(&mut self, open: &mut Open, depth: Option<usize>, at: usize) {
        while let Some(choice) = open.choices.last() {
            if depth.is_some_and(|depth| choice.depth <= depth) {
                break;
            }
            let cost = at - choice.at;
            let key = (choice.place, choice.way);
            let known = self.costs.get(&key).copied();
            if known.is_none_or(|known| cost < known) && (known.is_some() || self.costs.len() < MAX_ENTRIES) {
                self.costs.insert(key, cost);
                self.changed = true;
            }
            open.choices.pop();
        }
    }
}

impl Open {
    pub fn push(&mut self, place: u64, way: u64, at: usize, depth: usize) {
        self.choices.push(Choice { place, way, at, depth });
    }
}
