//! Entries of the audit on their way to whoever watches over security (SIEM): to a webhook as they were written, to syslog
//! with their place in the chain as structured data and the record as text.

use jiff::Timestamp;

use super::ChannelError;
use super::syslog::Syslog;
use super::webhook::Webhook;
use crate::alerts::{SendError, SyslogHead, host_name, syslog_text};
use crate::audit::Entry;
use crate::config::AuditConfig;

/// "Informational".
const SEVERITY: u8 = 6;

/// One of the ways that the configuration sets.
#[derive(Debug)]
pub struct AuditWay(Way);

#[derive(Debug)]
enum Way {
    Webhook(Webhook),
    Syslog { syslog: Syslog, host: Option<String> },
}

impl AuditWay {
    pub const NAMES: [&str; 2] = ["webhook", "syslog"];

    /// # Errors
    /// The webhook's secret or certificates cannot be used.
    pub fn all(config: &AuditConfig) -> Result<Vec<Self>, ChannelError> {
        let webhook =
            config.webhook.as_ref().map(|webhook| Webhook::new(webhook, "audit")).transpose()?.map(Way::Webhook);
        let syslog = config.syslog.clone().map(|syslog| Way::Syslog { syslog: Syslog::new(syslog), host: host_name() });
        Ok(webhook.into_iter().chain(syslog).map(Self).collect())
    }

    pub fn name(&self) -> &'static str {
        match self.0 {
            Way::Webhook(_) => "webhook",
            Way::Syslog { .. } => "syslog",
        }
    }

    /// Sends an entry once. Ends in bounded time.
    ///
    /// # Errors
    /// It did not arrive, as far as that can be known.
    pub async fn send(&self, entry: &Entry, now: Timestamp) -> Result<(), SendError> {
        match &self.0 {
            Way::Webhook(webhook) => webhook.send(&entry.hash.to_string(), entry.line().into_bytes(), now).await,
            Way::Syslog { syslog, host } => syslog.send_text(&message(entry, syslog, host.as_deref())).await,
        }
    }
}

fn message(entry: &Entry, syslog: &Syslog, host: Option<&str>) -> String {
    let time = entry.time.to_string();
    let head = SyslogHead {
        facility: syslog.facility(),
        severity: SEVERITY,
        time: &time,
        host,
        process_id: std::process::id(),
        message_id: "audit",
    };
    let (writer, sequence, hash) = (entry.writer.to_string(), entry.sequence.to_string(), entry.hash.to_string());
    let fields = [
        ("kind", Some(entry.kind.as_str())),
        ("tenant", Some(entry.tenant.as_str())),
        ("writer", Some(writer.as_str())),
        ("sequence", Some(sequence.as_str())),
        ("hash", Some(hash.as_str())),
    ];
    syslog_text(head, &fields, entry.record.as_str())
}
