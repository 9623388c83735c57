//! The ways on which alerts, and entries of the audit, leave: a webhook and syslog, as the configuration sets them. And the one
//! on which exchange rates come in.

mod audit_way;
mod national_bank;
mod syslog;
mod webhook;

pub use national_bank::{NoAnswer, published};

use std::sync::Arc;

use crate::alerts::{Channel, Settings, WeakKey, host_name};
use crate::config::AlertsConfig;
use crate::egress::EgressError;
use crate::secrets::SecretError;
pub use audit_way::AuditWay;
use syslog::Syslog;
use webhook::Webhook;

#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    #[error("failed to set up the webhook of [{table}]: {source}")]
    Egress { table: &'static str, source: EgressError },
    #[error("failed to read the secret of the webhook of [{table}]: {source}")]
    NoSecret { table: &'static str, source: SecretError },
    #[error("failed to use the secret of the webhook of [{table}]: {source}")]
    WeakSecret { table: &'static str, source: WeakKey },
}

/// # Errors
/// The webhook's secret or certificates cannot be used: nothing would arrive.
pub fn channels(config: &AlertsConfig) -> Result<Settings, ChannelError> {
    let webhook = config.webhook.as_ref().map(|webhook| Webhook::new(webhook, "alerts")).transpose()?;
    let syslog = config.syslog.clone().map(Syslog::new);
    Ok(Settings {
        repeat: config.repeat,
        events: config.events.clone(),
        host: host_name(),
        webhook: webhook.map(|webhook| Arc::new(webhook) as Arc<dyn Channel>),
        syslog: syslog.map(|syslog| Arc::new(syslog) as Arc<dyn Channel>),
    })
}
