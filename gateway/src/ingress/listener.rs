//! A listener whose connections have shaken hands. Clients that are slow at it keep nobody waiting.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Certificates;

/// Longer takes nobody who means it.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Handshakes at once; for one more the oldest is given up.
const MAX_HANDSHAKES: usize = 256;
/// After an error that is not the client's, e.g. too many open files.
const REST: Duration = Duration::from_millis(200);

pub struct TlsListener {
    listener: TcpListener,
    certificates: Arc<Certificates>,
    handshakes: JoinSet<Option<(TlsStream<TcpStream>, SocketAddr)>>,
    /// In the order in which they began; some have ended.
    begun: VecDeque<AbortHandle>,
}

impl TlsListener {
    pub fn new(listener: TcpListener, certificates: Arc<Certificates>) -> Self {
        Self { listener, certificates, handshakes: JoinSet::new(), begun: VecDeque::new() }
    }

    fn shake_hands(&mut self, stream: TcpStream, peer: SocketAddr) {
        // A stream that cannot be tuned still works.
        let _ = stream.set_nodelay(true);
        let acceptor = TlsAcceptor::from(self.certificates.current());
        self.begun.retain(|handshake| !handshake.is_finished());
        if self.begun.len() >= MAX_HANDSHAKES
            && let Some(oldest) = self.begun.pop_front()
        {
            oldest.abort();
        }
        let handshake = self.handshakes.spawn(async move {
            match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => Some((stream, peer)),
                Ok(Err(error)) => {
                    tracing::info!(%peer, %error, "a client was turned away at its handshake");
                    None
                }
                Err(_) => None,
            }
        });
        self.begun.push_back(handshake);
    }
}

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            tokio::select! {
                Some(done) = self.handshakes.join_next() => {
                    if let Ok(Some(connection)) = done {
                        return connection;
                    }
                }
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.shake_hands(stream, peer),
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be taken");
                        tokio::time::sleep(REST).await;
                    }
                },
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
