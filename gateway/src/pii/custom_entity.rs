//! Names of entities that a configuration declares. A name is kept for the life of the process, once, so that an entity
//! stays a small copyable value through reloads; their number is bounded.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// More names than this are refused.
const MAX_NAMES: usize = 256;
const MAX_NAME_BYTES: usize = 64;

static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

/// An entity by the name that the configuration gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomEntity(&'static str);

impl CustomEntity {
    /// The entity of this name, made known if it was not. `None` for a name that is not made of lower-case ASCII
    /// letters, digits and underscores, and when there are too many.
    #[must_use]
    pub fn declare(name: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(is_plain) {
            return None;
        }
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.get(name) {
            return Some(Self(known));
        }
        if names.len() >= MAX_NAMES {
            return None;
        }
        let kept: &'static str = Box::leak(name.into());
        names.insert(kept);
        Some(Self(kept))
    }

    /// The entity of this name, if it was declared.
    #[must_use]
    pub fn declared(name: &str) -> Option<Self> {
        NAMES.lock().unwrap_or_else(PoisonError::into_inner).get(name).map(|known| Self(known))
    }

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}
