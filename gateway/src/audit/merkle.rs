//! A Merkle tree over the heads of one checkpoint: its root stands for all, a path shows that one head is among them.
//!
//! A leaf is hashed behind the byte 0 and a pair behind the byte 1 (as in RFC 9162, so that neither passes for the
//! other). Leaves are sorted by their hash, so that a place tells nothing of a tenant's name. The lesser hash of a pair
//! comes first, so that a path is a plain list of hashes. A node without a partner moves up as it is.

use super::Digest;

/// Paths are no longer: 2^64 leaves do not exist.
pub(super) const MAX_PATH: usize = 64;

#[derive(Debug)]
pub(super) struct MerkleTree {
    /// From the leaves to the root.
    levels: Vec<Vec<Digest>>,
}

impl MerkleTree {
    /// `None` without leaves.
    pub(super) fn new(mut leaves: Vec<Digest>) -> Option<Self> {
        leaves.sort_unstable();
        let mut levels = vec![leaves];
        while let Some(level) = levels.last().filter(|level| level.len() > 1) {
            let above = level.chunks(2).map(|nodes| match nodes {
                [left, right] => pair(*left, *right),
                alone => alone.first().copied().unwrap_or(Digest::NONE),
            });
            let above = above.collect();
            levels.push(above);
        }
        levels.last().is_some_and(|level| !level.is_empty()).then_some(Self { levels })
    }

    pub(super) fn root(&self) -> Digest {
        self.levels.last().and_then(|level| level.first()).copied().unwrap_or(Digest::NONE)
    }

    /// What [`climb`] needs to come from a leaf to the root; `None` if there is no such leaf.
    pub(super) fn path(&self, leaf: Digest) -> Option<Vec<Digest>> {
        let mut at = self.levels.first()?.binary_search(&leaf).ok()?;
        let mut path = Vec::with_capacity(self.levels.len());
        for level in &self.levels {
            path.extend(level.get(at ^ 1));
            at /= 2;
        }
        Some(path)
    }
}

pub(super) fn leaf(text: &str) -> Digest {
    Digest::of(&[&[0], text.as_bytes()].concat())
}

/// The root of the tree in which a leaf has this path.
pub(super) fn climb(leaf: Digest, path: &[Digest]) -> Digest {
    path.iter().fold(leaf, |below, beside| pair(below, *beside))
}

fn pair(a: Digest, b: Digest) -> Digest {
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    let mut bytes = [1; 65];
    for (byte, from) in bytes.iter_mut().skip(1).zip(first.as_bytes().iter().chain(second.as_bytes())) {
        *byte = *from;
    }
    Digest::of(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leaf_climbs_to_the_root_and_no_other_does() {
        assert!(MerkleTree::new(Vec::new()).is_none());
        for num_leaves in 1..40 {
            let leaves: Vec<Digest> = (0..num_leaves).map(|at| leaf(&format!("leaf {at}"))).collect();
            let tree = MerkleTree::new(leaves.clone()).unwrap();
            for at in leaves {
                let path = tree.path(at).unwrap();
                assert!(path.len() <= 6);
                assert_eq!(climb(at, &path), tree.root());
                assert_ne!(climb(leaf("another"), &path), tree.root());
            }
            assert_eq!(tree.path(leaf("another")), None);
        }
    }

    #[test]
    fn the_root_does_not_depend_on_the_order_of_the_leaves() {
        let leaves: Vec<Digest> = (0..9).map(|at| leaf(&at.to_string())).collect();
        let reversed: Vec<Digest> = leaves.iter().rev().copied().collect();
        assert_eq!(MerkleTree::new(leaves).unwrap().root(), MerkleTree::new(reversed).unwrap().root());
    }
}
