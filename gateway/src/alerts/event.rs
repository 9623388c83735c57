//! The events that are alerts, each with its name, how bad it is, and what is said of it.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    ProviderQuotaExhausted,
    ProviderAuthFailed,
    BreakerOpened,
    /// The recovery of the one before.
    BreakerClosed,
    Tripwire,
    VaultUnreachable,
    VaultRecovered,
    AuditNotWritten,
    ConfigReloadFailed,
    NoLocalModel,
    UsageUnpriced,
    BudgetReached,
    /// `shekara alerts test`; no configuration chooses it.
    #[serde(skip_deserializing)]
    Test,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Info,
    Warning,
    Error,
    Critical,
}

impl Event {
    pub const ALL: [Self; 13] = [
        Self::ProviderQuotaExhausted,
        Self::ProviderAuthFailed,
        Self::BreakerOpened,
        Self::BreakerClosed,
        Self::Tripwire,
        Self::VaultUnreachable,
        Self::VaultRecovered,
        Self::AuditNotWritten,
        Self::ConfigReloadFailed,
        Self::NoLocalModel,
        Self::UsageUnpriced,
        Self::BudgetReached,
        Self::Test,
    ];

    /// As it stands in the configuration, in metrics and in what is sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProviderQuotaExhausted => "provider_quota_exhausted",
            Self::ProviderAuthFailed => "provider_auth_failed",
            Self::BreakerOpened => "breaker_opened",
            Self::BreakerClosed => "breaker_closed",
            Self::Tripwire => "tripwire",
            Self::VaultUnreachable => "vault_unreachable",
            Self::VaultRecovered => "vault_recovered",
            Self::AuditNotWritten => "audit_not_written",
            Self::ConfigReloadFailed => "config_reload_failed",
            Self::NoLocalModel => "no_local_model",
            Self::UsageUnpriced => "usage_unpriced",
            Self::BudgetReached => "budget_reached",
            Self::Test => "test",
        }
    }

    /// What it is news about: an outage and its end are news about one thing.
    pub(super) fn subject(self) -> Self {
        match self {
            Self::BreakerClosed => Self::BreakerOpened,
            Self::VaultRecovered => Self::VaultUnreachable,
            other => other,
        }
    }

    pub fn severity(self) -> Severity {
        match self {
            Self::BreakerClosed | Self::VaultRecovered | Self::Test => Severity::Info,
            Self::BreakerOpened | Self::UsageUnpriced | Self::BudgetReached => Severity::Warning,
            Self::ProviderQuotaExhausted
            | Self::ProviderAuthFailed
            | Self::VaultUnreachable
            | Self::ConfigReloadFailed
            | Self::NoLocalModel => Severity::Error,
            Self::Tripwire | Self::AuditNotWritten => Severity::Critical,
        }
    }

    /// Without an end: whom it is about stands behind it.
    pub(super) fn sentence(self) -> &'static str {
        match self {
            Self::ProviderQuotaExhausted => "The quota at a provider is spent, and it is passed over",
            Self::ProviderAuthFailed => "A provider does not take the gateway's key",
            Self::BreakerOpened => "A target fails or has become far slower, and is passed over",
            Self::BreakerClosed => "A target that was passed over answers again",
            Self::Tripwire => "A masked value stood in what was about to leave; the request was stopped",
            Self::VaultUnreachable => "Secrets in Vault cannot be read; known values stay in use",
            Self::VaultRecovered => "Secrets in Vault can be read again",
            Self::AuditNotWritten => "An audit record could not be kept; its request is not answered",
            Self::ConfigReloadFailed => "The changed configuration was refused; the one before stays in force",
            Self::NoLocalModel => "Nobody inside the border could answer a sensitive request",
            Self::UsageUnpriced => {
                "What was used has no price or no exchange rate; its row of the ledger has no amount"
            }
            Self::BudgetReached => "A budget has reached a threshold",
            Self::Test => "This is a test: alerts arrive",
        }
    }
}

impl Severity {
    /// Syslog's numbers (RFC 5424, 6.2.1).
    pub(super) fn syslog(self) -> u8 {
        match self {
            Self::Critical => 2,
            Self::Error => 3,
            Self::Warning => 4,
            Self::Info => 6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_everywhere_and_fit_into_a_syslog_message() {
        for event in Event::ALL {
            let name = serde_json::to_value(event).unwrap();
            assert_eq!(name, event.as_str());
            assert!(event.as_str().len() <= 32 && event.sentence().is_ascii());
            assert_eq!(serde_json::from_value::<Event>(name).is_ok(), event != Event::Test);
        }
    }
}
