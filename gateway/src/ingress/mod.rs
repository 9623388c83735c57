//! Connections from outside: with TLS where the configuration says so.

mod certificates;
mod listener;

pub use certificates::{Certificates, TlsError};
pub use listener::TlsListener;
