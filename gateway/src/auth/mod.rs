//! Virtual keys: minting, keeping as keyed hashes, recognising.

mod data_class;
mod key;
mod keyring;
mod presented;

pub use data_class::DataClass;
pub use key::{InvalidName, KEY_PREFIX, KeyRecord, KeyRole, KeySecret, MintedKey, NewKey, mint};
pub use keyring::{KeyError, Keyring};
pub use presented::PresentedKey;
