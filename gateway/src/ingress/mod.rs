//! Connections from outside: with TLS where the configuration says so.

mod certificates;
mod listener;
mod peer;

pub use certificates::{Certificates, TlsError};
pub use listener::TlsListener;
pub use peer::{PeerAddress, PlainListener};
