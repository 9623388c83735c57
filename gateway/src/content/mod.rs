//! What must be kept of requests and answers, encrypted: replays of idempotent requests, stored responses, cached
//! answers, files and batches.
//!
//! Here is how it is named, sealed and opened; the rows lie in `store`. Always so: a row is opened only as the item of the
//! tenant, kind and name that it was sealed for; nothing that a caller wrote can be read from a row.

mod item;
mod keys;
mod sealed;

pub use item::{Address, Bounds, Erased, Item, Kind, Owner, Row, Subject, SubjectHashes, Subjects};
pub use keys::{ContentKeys, KeyId, MasterKey};
pub use sealed::{OpenError, RANDOM_BYTES, SealError, open, seal};
