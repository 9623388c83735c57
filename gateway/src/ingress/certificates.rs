//! The server's certificate, and whose certificates its clients must show: read from files, and anew when these change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ServerConfig, VerifierBuilderError, WebPkiClientVerifier};

use crate::config::ServerTls;

/// How often the files are looked at. A change counts once they have stood still for as long.
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("failed to read certificates or a key in PEM from {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: rustls::pki_types::pem::Error },
    #[error("failed to read certificates in PEM from {}: it has none", path.display())]
    Empty { path: PathBuf },
    #[error("failed to set up TLS: {source}")]
    Refused { source: rustls::Error },
    #[error("failed to set up [server.tls] client_ca: {source}")]
    ClientCa { source: VerifierBuilderError },
}

/// What is in force. Connections keep what they began with.
pub struct Certificates {
    files: ServerTls,
    /// The files as they were before they were read.
    read_from: Look,
    current: ArcSwap<ServerConfig>,
}

impl Certificates {
    /// # Errors
    /// A file is not what it should be, or the key is another certificate's.
    pub fn read(files: ServerTls) -> Result<Self, TlsError> {
        let read_from = look(&files);
        let current = ArcSwap::from(server_config(&files)?);
        Ok(Self { files, read_from, current })
    }

    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }

    /// Reads the files anew.
    ///
    /// # Errors
    /// As [`Self::read`]; what was in force stays.
    pub fn refresh(&self) -> Result<(), TlsError> {
        self.current.store(server_config(&self.files)?);
        Ok(())
    }

    /// Reads the files anew whenever they have changed, for as long as it is polled.
    pub async fn follow(&self) {
        let (mut known, mut last) = (self.read_from.clone(), self.read_from.clone());
        let mut refused = None;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = look(&self.files);
            // Files that are being written, or a certificate whose key is still to come, are left alone.
            let stands_still = now == last;
            last.clone_from(&now);
            if now == known || !stands_still {
                continue;
            }
            match self.refresh() {
                Ok(()) => {
                    tracing::info!("the certificates of [server.tls] were read anew");
                    (known, refused) = (now, None);
                }
                // Tried again, for a file may become readable without being changed; told once.
                Err(error) if refused.as_ref() != Some(&now) => {
                    tracing::error!(%error, "the certificates of [server.tls] stay as they were");
                    refused = Some(now);
                }
                Err(_) => {}
            }
        }
    }
}

/// When each file was changed last, and its length.
type Look = Vec<Option<(SystemTime, u64)>>;

fn look(files: &ServerTls) -> Look {
    let ServerTls { cert, key, client_ca } = files;
    let look = |path: &PathBuf| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    [Some(cert), Some(key), client_ca.as_ref()].into_iter().flatten().map(look).collect()
}

fn server_config(files: &ServerTls) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates(&files.cert)?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|source| TlsError::Unreadable { path: files.key.clone(), source })?;
    let builder = ServerConfig::builder();
    let builder = match &files.client_ca {
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|source| TlsError::Refused { source })?;
            }
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build();
            builder.with_client_cert_verifier(verifier.map_err(|source| TlsError::ClientCa { source })?)
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|source| TlsError::Refused { source })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |source| TlsError::Unreadable { path: path.to_owned(), source };
    let found = CertificateDer::pem_file_iter(path).map_err(unreadable)?;
    let found = found.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    if found.is_empty() { Err(TlsError::Empty { path: path.to_owned() }) } else { Ok(found) }
}
