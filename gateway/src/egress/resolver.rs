//! Name resolution that lets a client inside the border connect to nothing else.
//!
//! The check is on the addresses that are connected to, at every connection, so a name that later points elsewhere does
//! not get through. Addresses written into the URL do not come by here and are checked with the configuration.

use std::net::SocketAddr;
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::config::inside_border;

#[derive(Debug, Clone)]
pub(super) struct BorderResolver {
    in_country: Arc<[IpNet]>,
}

#[derive(Debug, thiserror::Error)]
#[error("failed to stay inside the border: a name resolves to an address in no [network] in_country range")]
pub(super) struct OutsideBorder;

impl BorderResolver {
    pub(super) fn new(in_country: &[IpNet]) -> Self {
        Self { in_country: in_country.into() }
    }
}

impl Resolve for BorderResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let in_country = Arc::clone(&self.in_country);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if found.iter().any(|address| !inside_border(address.ip(), &in_country)) {
                return Err(OutsideBorder.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
