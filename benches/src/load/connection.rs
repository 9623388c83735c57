//! One connection that asks and hears.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Response;
use crate::clock::now_ns;

/// A response's head has to fit.
const BUFFER_BYTES: usize = 16 << 10;

/// How a request can fail, other than by its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("connect")]
    Connect,
    #[error("write")]
    Write,
    #[error("read")]
    Read,
    #[error("closed early")]
    ClosedEarly,
    #[error("malformed response")]
    Malformed,
    /// The measurement is over: no failure of the server's.
    #[error("cut")]
    Cut,
}

/// What a request got.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    pub status: u16,
    /// When the body's first bytes came.
    pub first_ns: u64,
    pub ended_ns: u64,
    pub body_bytes: u64,
    /// Whether the connection can be used again.
    pub keeps_alive: bool,
}

#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Box<[u8]>,
    filled: usize,
}

impl Connection {
    /// # Errors
    /// [`Failure::Connect`].
    pub async fn open(address: SocketAddr) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await.map_err(|_| Failure::Connect)?;
        stream.set_nodelay(true).map_err(|_| Failure::Connect)?;
        Ok(Self { stream, buffer: vec![0; BUFFER_BYTES].into(), filled: 0 })
    }

    /// Sends a request and reads its response until `until_ns`; `heard` gets the body's parts and when they came.
    ///
    /// # Errors
    /// If there is no response.
    pub async fn ask(
        &mut self,
        request: &[u8],
        until_ns: u64,
        mut heard: impl FnMut(&[u8], u64),
    ) -> Result<Answered, Failure> {
        self.stream.write_all(request).await.map_err(|_| Failure::Write)?;
        let mut response = Response::default();
        let (mut first_ns, mut body_bytes) = (0, 0);
        loop {
            let free = &mut self.buffer[self.filled..];
            if free.is_empty() {
                return Err(Failure::Malformed);
            }
            let count = self.stream.read(free).await.map_err(|_| Failure::Read)?;
            let now = now_ns();
            if count == 0 && !response.close() {
                return Err(Failure::ClosedEarly);
            }
            self.filled += count;
            let used = response.advance(&self.buffer[..self.filled], |part| {
                first_ns = if body_bytes == 0 { now } else { first_ns };
                body_bytes += part.len() as u64;
                heard(part, now);
            });
            let used = used.map_err(|_| Failure::Malformed)?;
            self.buffer.copy_within(used..self.filled, 0);
            self.filled -= used;
            if response.is_done() {
                let (status, keeps_alive) = (response.status(), response.keeps_alive());
                return Ok(Answered { status, first_ns, ended_ns: now, body_bytes, keeps_alive });
            }
            if now > until_ns {
                return Err(Failure::Cut);
            }
        }
    }
}
