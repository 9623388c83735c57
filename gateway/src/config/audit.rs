//! `[audit]`: how durable a record is before a request leaves, what the trail is signed with, and how long it is kept.

use std::collections::BTreeMap;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;

use super::alerts::{SyslogConfig, SyslogFile, WebhookConfig, WebhookFile, check_syslog, check_webhook};
use super::audit_content::{AuditContentConfig, AuditContentFile, check_audit_content};
use super::outward::Outward;
use super::privacy::secret;
use super::validate::{Invalid, invalid};
use crate::auth::DataClass;
use crate::secrets::SecretSource;
use crate::signing::PublicKey;

const MAX_STRICT_TIMEOUT_MS: u64 = 60_000;
const MAX_CHECKPOINT_S: u64 = 3_600;
const MAX_KEEP_DAYS: u32 = 36_500;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditFile {
    pub mode: AuditMode,
    /// `strict`: how long a request waits for the database before it is refused.
    pub strict_timeout_ms: Spanned<u64>,
    /// How often the heads of all chains are signed.
    pub checkpoint_s: Spanned<u64>,
    /// `env:NAME` or `file:/path` of 32 bytes in hexadecimal. Unset: a key made at the first start, in the data folder.
    pub signing_key: Option<Spanned<String>>,
    /// Public keys of earlier signatures, in base64.
    pub earlier_keys: Vec<Spanned<String>>,
    /// By data class, after how many days records are sealed and removed; a class that is not named is kept.
    pub keep_days: BTreeMap<DataClass, Spanned<u32>>,
    /// Where each entry is sent, as in `[alerts]`.
    pub webhook: Option<WebhookFile>,
    pub syslog: Option<SyslogFile>,
    /// Whose requests and answers are kept too; nobody's where it is not there.
    pub content: Option<AuditContentFile>,
}

impl Default for AuditFile {
    fn default() -> Self {
        Self {
            mode: AuditMode::Batched,
            strict_timeout_ms: Spanned::new(0..0, 5_000),
            checkpoint_s: Spanned::new(0..0, 60),
            signing_key: None,
            earlier_keys: Vec::new(),
            keep_days: BTreeMap::new(),
            webhook: None,
            syslog: None,
            content: None,
        }
    }
}

/// What must have happened before a request leaves the border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditMode {
    /// Its record is written; it is durable within 100 ms, and the database follows.
    Batched,
    /// Its record is in the database.
    Strict,
}

#[derive(Debug, Clone)]
pub struct AuditConfig {
    pub mode: AuditMode,
    pub strict_timeout: Duration,
    pub checkpoint_every: Duration,
    pub signing_key: Option<SecretSource>,
    pub earlier_keys: Vec<PublicKey>,
    pub keep_days: BTreeMap<DataClass, u32>,
    pub webhook: Option<WebhookConfig>,
    pub syslog: Option<SyslogConfig>,
    pub content: Option<AuditContentConfig>,
}

pub(super) fn check_audit(file: &AuditFile, in_country: &[IpNet], outward: &Outward) -> Result<AuditConfig, Invalid> {
    let strict_timeout_ms = *file.strict_timeout_ms.get_ref();
    if !(1..=MAX_STRICT_TIMEOUT_MS).contains(&strict_timeout_ms) {
        let message = format!("[audit] strict_timeout_ms is 1 to {MAX_STRICT_TIMEOUT_MS}");
        return Err(invalid(&file.strict_timeout_ms, message));
    }
    let checkpoint_s = *file.checkpoint_s.get_ref();
    if !(1..=MAX_CHECKPOINT_S).contains(&checkpoint_s) {
        return Err(invalid(&file.checkpoint_s, format!("[audit] checkpoint_s is 1 to {MAX_CHECKPOINT_S}")));
    }
    let key = |text: &Spanned<String>| {
        PublicKey::from_base64(text.get_ref()).map_err(|error| invalid(text, format!("[audit] earlier_keys: {error}")))
    };
    let days = |(class, days): (&DataClass, &Spanned<u32>)| {
        let fits = (1..=MAX_KEEP_DAYS).contains(days.get_ref());
        let message = format!("[audit] keep_days is 1 to {MAX_KEEP_DAYS} for each data class");
        if fits { Ok((*class, *days.get_ref())) } else { Err(invalid(days, message)) }
    };
    Ok(AuditConfig {
        mode: file.mode,
        strict_timeout: Duration::from_millis(strict_timeout_ms),
        checkpoint_every: Duration::from_secs(checkpoint_s),
        signing_key: file.signing_key.as_ref().map(|source| secret("signing_key", source)).transpose()?,
        earlier_keys: file.earlier_keys.iter().map(key).collect::<Result<_, _>>()?,
        keep_days: file.keep_days.iter().map(days).collect::<Result<_, _>>()?,
        webhook: file.webhook.as_ref().map(|webhook| check_webhook(webhook, in_country, outward)).transpose()?,
        syslog: file.syslog.as_ref().map(check_syslog).transpose()?,
        content: file.content.as_ref().map(check_audit_content).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::parse;

    fn audit(text: &str) -> Result<AuditConfig, String> {
        let text = format!("[audit]\n{text}\n");
        parse(&text, Path::new("x.toml")).map(|config| config.audit).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_said_is_batched_and_kept() {
        let usual = audit("").unwrap();
        assert_eq!((usual.mode, usual.checkpoint_every), (AuditMode::Batched, Duration::from_mins(1)));
        assert!(usual.keep_days.is_empty() && usual.signing_key.is_none());
        let strict = audit("mode = \"strict\"\nkeep_days = { public = 365, special = 30 }").unwrap();
        assert_eq!(strict.mode, AuditMode::Strict);
        assert_eq!(strict.keep_days, [(DataClass::Public, 365), (DataClass::Special, 30)].into());
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_line() {
        for text in [
            "mode = \"sometimes\"",
            "strict_timeout_ms = 0",
            "checkpoint_s = 0",
            "signing_key = \"plain\"",
            "earlier_keys = [\"AAAA\"]",
            "keep_days = { public = 0 }",
            "keep_days = { secret = 1 }",
        ] {
            let refused = audit(text).unwrap_err();
            assert!(refused.starts_with("x.toml:2:"), "{text}: {refused}");
        }
    }
}
