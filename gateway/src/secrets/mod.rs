//! Where secrets come from. They never stand in the configuration, only references do.
//!
//! Variables and files are read at each use. What lies in Vault is fetched in the background and kept in memory, so that no
//! request waits for it.

mod keeper;
mod source;
mod vault;

pub use keeper::{Secrets, VaultKeeper};
pub use source::{Secret, SecretError, SecretSource, VaultField};
pub use vault::{VaultError, VaultLogin, VaultSettings, Wire, WireFuture};
