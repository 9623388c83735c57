//! A way to a syslog receiver: one datagram, or one connection, for each message. Messages are rare, and a connection that
//! was kept would be found broken only behind the message that it lost.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket, lookup_host};

use crate::config::SyslogTransport;

#[derive(Debug, Clone)]
pub struct LogSocket {
    pub transport: SyslogTransport,
    /// A name or an address, without brackets.
    pub host: String,
    pub port: u16,
}

impl LogSocket {
    /// Sends the bytes as they are. Over UDP nobody says whether they arrived.
    ///
    /// # Errors
    /// The name does not resolve, or the receiver does not take them.
    pub async fn send(&self, message: &[u8]) -> io::Result<()> {
        let place = (self.host.as_str(), self.port);
        match self.transport {
            SyslogTransport::Tcp => {
                let mut stream = TcpStream::connect(place).await?;
                stream.write_all(message).await?;
                stream.shutdown().await
            }
            SyslogTransport::Udp => {
                let found = lookup_host(place).await?.next();
                let address = found.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
                let socket = UdpSocket::bind(any_of_its_kind(address)).await?;
                socket.send_to(message, address).await.map(drop)
            }
        }
    }
}

fn any_of_its_kind(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    }
}
