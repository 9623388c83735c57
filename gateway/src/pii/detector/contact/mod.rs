//! Ways to reach a person on the network, and where a person is on the map.

mod checksum;
pub(crate) mod crypto;
pub(crate) mod domain;
pub(crate) mod email;
pub(crate) mod geo;
pub(crate) mod handle;
pub(crate) mod mac;
pub(crate) mod network;
pub(crate) mod spoken_email;
