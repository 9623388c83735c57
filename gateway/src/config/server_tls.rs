//! `[server.tls]`: the certificate that clients see, and whose theirs must be.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::outward::pem_file;
use super::validate::Invalid;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerTlsFile {
    /// Each `file:/path.pem`.
    pub cert: Spanned<String>,
    pub key: Spanned<String>,
    /// Clients must show a certificate of these.
    pub client_ca: Option<Spanned<String>>,
}

/// Files in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTls {
    pub cert: PathBuf,
    pub key: PathBuf,
    pub client_ca: Option<PathBuf>,
}

pub(super) fn check_server_tls(file: &ServerTlsFile) -> Result<ServerTls, Invalid> {
    Ok(ServerTls {
        cert: pem_file("cert", &file.cert)?,
        key: pem_file("key", &file.key)?,
        client_ca: file.client_ca.as_ref().map(|ca| pem_file("client_ca", ca)).transpose()?,
    })
}
