//! Where the shared counts are, and what happens without them.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use redis::{Client, ConnectionAddr, IntoConnectionInfo, TlsCertificates};

use crate::limits::UtcOffset;

/// What a gateway does while Redis is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenAway {
    /// Nothing is let through.
    Deny,
    /// Each of so many gateways lets through its share of every limit, counted in its own memory.
    Local { gateways: NonZeroU32 },
}

/// Secrets are in the address: it is shown nowhere.
#[derive(Clone)]
pub struct SharedSettings {
    /// `redis://`, `rediss://` or `redis+unix://`, with user and password if it needs them.
    pub url: String,
    /// Whom `rediss://` trusts (PEM), instead of the authorities that browsers trust.
    pub roots_pem: Option<Vec<u8>>,
    /// Before all names. Gateways that count together have the same.
    pub prefix: String,
    /// This process and no other, nor one before it.
    pub gateway: String,
    /// No request waits longer for Redis.
    pub timeout: Duration,
    /// After so long without a sign of its gateway, a request's places come back.
    pub lease: Duration,
    pub when_away: WhenAway,
    /// Where days and months begin. The same for all gateways.
    pub offset: UtcOffset,
}

/// What cannot be a way to Redis. Says nothing of the address, for secrets are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSettings {
    #[error("the address of Redis is none (redis://, rediss:// or redis+unix://)")]
    Address,
    #[error("the address of Redis asks for TLS that proves nothing (#insecure)")]
    Insecure,
    #[error("the authorities that Redis is trusted by are no certificates in PEM")]
    Roots,
    #[error("authorities are given, but the address of Redis is not one of rediss://")]
    RootsWithoutTls,
    #[error("a lease must be longer than three time-outs")]
    ShortLease,
}

impl fmt::Debug for SharedSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSettings")
            .field("prefix", &self.prefix)
            .field("gateway", &self.gateway)
            .field("timeout", &self.timeout)
            .field("lease", &self.lease)
            .field("when_away", &self.when_away)
            .finish_non_exhaustive()
    }
}

impl SharedSettings {
    pub(super) fn client(&self) -> Result<Client, BadSettings> {
        if self.lease <= self.timeout * 3 {
            return Err(BadSettings::ShortLease);
        }
        let address = self.url.as_str().into_connection_info().map_err(|_| BadSettings::Address)?;
        let (is_tls, is_insecure) = match address.addr() {
            ConnectionAddr::TcpTls { insecure, .. } => (true, *insecure),
            _ => (false, false),
        };
        if is_insecure {
            return Err(BadSettings::Insecure);
        }
        let Some(roots) = self.roots_pem.clone() else {
            return Client::open(address).map_err(|_| BadSettings::Address);
        };
        if !is_tls {
            return Err(BadSettings::RootsWithoutTls);
        }
        let certificates = TlsCertificates { client_tls: None, root_cert: Some(roots) };
        Client::build_with_tls(address, certificates).map_err(|_| BadSettings::Roots)
    }
}
