//! Ways to reach a person on the network.

pub(crate) mod domain;
pub(crate) mod email;
