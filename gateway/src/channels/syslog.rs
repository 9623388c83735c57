//! Alerts to a syslog receiver: a datagram over UDP, counted octets over TCP.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;

use crate::alerts::{Alert, Channel, Facility, SendError, SendFuture, counted, syslog_message};
use crate::config::{SyslogConfig, SyslogTransport};
use crate::egress::LogSocket;

const TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Syslog {
    socket: LogSocket,
    facility: Facility,
}

impl Syslog {
    pub(super) fn new(config: SyslogConfig) -> Self {
        let SyslogConfig { transport, host, port, facility } = config;
        Self { socket: LogSocket { transport, host, port }, facility }
    }

    pub(super) fn facility(&self) -> Facility {
        self.facility
    }

    /// Sends a message once.
    pub(super) async fn send_text(&self, message: &str) -> Result<(), SendError> {
        let framed = match self.socket.transport {
            SyslogTransport::Udp => Cow::Borrowed(message),
            SyslogTransport::Tcp => Cow::Owned(counted(message)),
        };
        match tokio::time::timeout(TIMEOUT, self.socket.send(framed.as_bytes())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(SendError::Unreached { reason: error.to_string() }),
            Err(_) => Err(SendError::TimedOut),
        }
    }
}

impl Channel for Syslog {
    fn send<'c>(&'c self, alert: &'c Alert, _: Timestamp) -> SendFuture<'c> {
        Box::pin(async move { self.send_text(&syslog_message(alert, self.facility, std::process::id())).await })
    }
}
