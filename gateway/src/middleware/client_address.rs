//! Where a request comes from: who has connected, or whom a proxy that is trusted says it speaks for.

use std::net::IpAddr;

use axum::extract::{ConnectInfo, Request};
use http::HeaderMap;
use ipnet::IpNet;

use crate::ingress::PeerAddress;

const FORWARDED_FOR: &str = "x-forwarded-for";

/// `None` where the connection has no address, or a trusted proxy names none that can be read.
pub(super) fn client_address(request: &Request, trusted: &[IpNet]) -> Option<IpAddr> {
    let ConnectInfo(PeerAddress(peer)) = request.extensions().get::<ConnectInfo<PeerAddress>>()?;
    forwarded(*peer, request.headers(), trusted)
}

/// The last address that no trusted proxy has: what stands before it, anybody may have written.
fn forwarded(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    if !is_trusted(&peer) {
        return Some(peer);
    }
    let lines: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().map(|line| line.to_str().unwrap_or("?")).collect();
    let mut nearest = peer;
    for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')).map(str::trim) {
        nearest = hop.parse::<IpAddr>().ok()?.to_canonical();
        if !is_trusted(&nearest) {
            return Some(nearest);
        }
    }
    Some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        forwarded(peer.parse().unwrap(), &headers, &trusted).map(|address| address.to_string())
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_its_last_word() {
        for (peer, lines, address) in [
            ("192.0.2.1", &["198.51.100.7"][..], Some("192.0.2.1")),
            ("10.0.0.1", &[], Some("10.0.0.1")),
            ("10.0.0.1", &["198.51.100.7"], Some("198.51.100.7")),
            ("10.0.0.1", &["203.0.113.9, 198.51.100.7, 10.0.0.2"], Some("198.51.100.7")),
            ("10.0.0.1", &["203.0.113.9", "198.51.100.7"], Some("198.51.100.7")),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], Some("10.0.0.3")),
            ("10.0.0.1", &["198.51.100.7, unknown"], None),
            ("10.0.0.1", &["198.51.100.7:80"], None),
            ("10.0.0.1", &["::ffff:198.51.100.7"], Some("198.51.100.7")),
        ] {
            assert_eq!(seen(peer, lines).as_deref(), address, "{peer} {lines:?}");
        }
    }
}
