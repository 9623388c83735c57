//! What an operator is to be woken for, and the one channel on which it is said.
//!
//! Raising an alert never waits: the same event about the same thing is held back for a while, the rest goes into a bounded
//! queue for each way out (webhook, syslog) that a task in the background empties. Always so: an alert is made of words of
//! this program and of names that the operator chose; no text of a request, of a provider's error or of a secret is in it.
//! Nothing here opens a connection: the ways out are given as [`Channel`]s.

mod alert;
mod channel;
mod delivery;
mod event;
mod host;
mod outbox;
mod repeats;
mod signature;
mod syslog;

pub use alert::{About, Alert};
pub use channel::{Channel, ChannelKind, SendError, SendFuture, Settings};
pub use event::{Event, Severity};
pub use host::host_name;
pub use outbox::{Alerts, Clock, PauseFuture};
pub use signature::{SigningKey, WeakKey};
pub use syslog::{Facility, SyslogHead, counted, syslog_message, syslog_text};
