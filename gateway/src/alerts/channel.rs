//! A way out for alerts, as this module sees it: something that takes one alert or says why not.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Alert, Event};

pub type SendFuture<'c> = Pin<Box<dyn Future<Output = Result<(), SendError>> + Send + 'c>>;

pub trait Channel: Debug + Send + Sync {
    /// Sends it once. Ends in bounded time, whatever the other side does.
    ///
    /// # Errors
    /// It did not arrive, as far as that can be known.
    fn send<'c>(&'c self, alert: &'c Alert, now: Timestamp) -> SendFuture<'c>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelKind {
    Webhook,
    Syslog,
}

impl ChannelKind {
    pub const ALL: [Self; 2] = [Self::Webhook, Self::Syslog];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Syslog => "syslog",
        }
    }
}

/// Why an alert was not taken. What the receiver answered beside its status is not looked at.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("failed to reach the receiver: {reason}")]
    Unreached { reason: String },
    #[error("failed to have it taken: the receiver answered with status {status}")]
    Refused { status: u16 },
    #[error("failed to send it in time")]
    TimedOut,
    #[error("failed to sign it: {reason}")]
    Unsigned { reason: String },
}

impl SendError {
    /// Whether the same would be said again.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::Refused { status } => !matches!(status, 408 | 425 | 429 | 500..),
            Self::Unreached { .. } | Self::TimedOut | Self::Unsigned { .. } => false,
        }
    }
}

/// What the configuration says of alerts. By default nothing leaves.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The same event about the same thing is not told again within this time.
    pub repeat: Duration,
    /// Those that are sent; unset: all.
    pub events: Option<BTreeSet<Event>>,
    /// This machine's name.
    pub host: Option<String>,
    pub webhook: Option<Arc<dyn Channel>>,
    pub syslog: Option<Arc<dyn Channel>>,
}

impl Settings {
    pub fn channel(&self, kind: ChannelKind) -> Option<&Arc<dyn Channel>> {
        match kind {
            ChannelKind::Webhook => self.webhook.as_ref(),
            ChannelKind::Syslog => self.syslog.as_ref(),
        }
    }

    pub(super) fn sends(&self, event: Event) -> bool {
        let is_chosen = self.events.as_ref().is_none_or(|events| events.contains(&event));
        is_chosen && (self.webhook.is_some() || self.syslog.is_some())
    }
}
