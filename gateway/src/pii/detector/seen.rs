//! Short texts of one request that were looked at and held nothing: field names, roles and types, which most of the
//! strings of a request are, and which come again with every message.

use std::collections::HashSet;
use std::hash::{Hash, Hasher};

/// Longer texts hardly come again.
const MAX_LEN: usize = 32;
/// Texts that are remembered.
const MAX_TEXTS: usize = 1_024;

/// Texts that hold nothing, by what they are and where they stood.
#[derive(Debug, Default)]
pub(crate) struct Seen<'t>(HashSet<Place<'t>>);

/// A text under keys of which the indices of arrays do not count: they say nothing about it.
#[derive(Debug, Clone, Copy)]
struct Place<'t> {
    keys: &'t str,
    text: &'t str,
}

impl<'t> Seen<'t> {
    /// Whether this very text held nothing before.
    pub(crate) fn is_clean(&self, keys: &'t str, text: &'t str) -> bool {
        text.len() <= MAX_LEN && self.0.contains(&Place { keys, text })
    }

    /// Remembers a text in which a finished scan found nothing.
    pub(crate) fn add(&mut self, keys: &'t str, text: &'t str) {
        if text.len() <= MAX_LEN && self.0.len() < MAX_TEXTS {
            self.0.insert(Place { keys, text });
        }
    }
}

impl<'t> Place<'t> {
    fn keys(&self) -> impl Iterator<Item = &'t str> {
        // From the last on, in which most differ.
        self.keys.rsplit('/').map(|key| if key.bytes().all(|byte| byte.is_ascii_digit()) { "" } else { key })
    }
}

impl PartialEq for Place<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && (self.keys == other.keys || self.keys().eq(other.keys()))
    }
}

impl Eq for Place<'_> {}

impl Hash for Place<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The keys are compared where the texts are the same.
        self.text.hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_indices_may_differ() {
        let mut seen = Seen::default();
        seen.add("/3/role", "user");
        assert!(seen.is_clean("/3/role", "user") && seen.is_clean("/14/role", "user"));
        for (keys, text) in [("/3/role", "user1"), ("/3/iin", "user"), ("/3x/role", "user"), ("/3/4/role", "user")] {
            assert!(!seen.is_clean(keys, text), "{keys} {text}");
        }
        let long = "x".repeat(MAX_LEN + 1);
        seen.add("", &long);
        assert!(!seen.is_clean("", &long));
    }
}
