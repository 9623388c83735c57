//! The only place that opens a connection outward: pools, TLS, address checks. Redirects are never followed.

mod client;
mod resolver;

pub use client::{EgressBody, EgressClient, EgressError, Reach, Way, install_tls};
