//! The scripts that count in Redis, known to it by their hashes.

use std::fmt::Write as _;

use sha1::{Digest, Sha1};

/// What every script begins with.
const COUNTS: &str = include_str!("scripts/counts.lua");

#[derive(Debug)]
pub(super) struct Script {
    pub(super) source: String,
    pub(super) hash: String,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Scripts {
    pub(super) reserve: Script,
    pub(super) settle: Script,
    pub(super) renew: Script,
    pub(super) seed: Script,
    pub(super) note: Script,
    pub(super) state: Script,
}

impl Script {
    fn new(body: &str) -> Self {
        Self::alone(format!("{COUNTS}\n{body}"))
    }

    /// One that counts nothing.
    pub(super) fn alone(source: String) -> Self {
        let mut hash = String::with_capacity(40);
        for byte in Sha1::digest(source.as_bytes()) {
            // Writing to a text never fails.
            let _ = write!(hash, "{byte:02x}");
        }
        Self { source, hash }
    }
}

impl Default for Scripts {
    fn default() -> Self {
        Self {
            reserve: Script::new(include_str!("scripts/reserve.lua")),
            settle: Script::new(include_str!("scripts/settle.lua")),
            renew: Script::new(include_str!("scripts/renew.lua")),
            seed: Script::new(include_str!("scripts/seed.lua")),
            note: Script::new(include_str!("scripts/note.lua")),
            state: Script::new(include_str!("scripts/state.lua")),
        }
    }
}
