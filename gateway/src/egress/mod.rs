//! The only place that opens a connection outward: pools, TLS, address checks, datagrams. Redirects are never followed.

mod client;
mod log_socket;
mod resolver;

pub use client::{EgressBody, EgressClient, EgressError, Reach, Way, install_tls};
pub use log_socket::LogSocket;
