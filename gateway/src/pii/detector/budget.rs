//! A bound on the work that one segment may cost. The unit is about one byte looked at or one
//! check tried. A scan that would exceed it stops and says so, and its text then counts as
//! sensitive: hostile input can make a request local, never slow and never clean.

/// What is left of a segment's allowance.
#[derive(Debug)]
pub(crate) struct Budget {
    left: usize,
    exhausted: bool,
}

impl Budget {
    /// Units per byte of text: a few times what any honest text needs (see the tests).
    const PER_BYTE: usize = 64;
    const FLOOR: usize = 16 * 1024;

    pub(crate) fn for_text(bytes: usize) -> Self {
        Self { left: bytes.saturating_mul(Self::PER_BYTE).saturating_add(Self::FLOOR), exhausted: false }
    }

    /// Pays for work about to be done; false when the allowance does not reach.
    pub(crate) fn spend(&mut self, units: usize) -> bool {
        match self.left.checked_sub(units) {
            Some(left) if !self.exhausted => {
                self.left = left;
                true
            }
            _ => {
                self.exhausted = true;
                false
            }
        }
    }

    pub(crate) fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    #[cfg(test)]
    pub(crate) fn left(&self) -> usize {
        self.left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overdrawn_budget_stays_exhausted() {
        let mut budget = Budget::for_text(0);
        assert!(budget.spend(Budget::FLOOR));
        assert!(!budget.spend(1));
        assert!(budget.is_exhausted());
        assert!(!budget.spend(0));
    }
}
