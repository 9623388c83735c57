//! `[cluster]`: what several gateways share, and what one does when it cannot.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::outward::pem_file;
use super::privacy::secret;
use super::validate::{Invalid, invalid};
use crate::secrets::SecretSource;

const MAX_TIMEOUT_MS: u64 = 10_000;
const MAX_LEASE_S: u64 = 24 * 3_600;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterFile {
    /// `env:NAME` or `file:/path` of `redis://`, `rediss://` or `redis+unix://`.
    pub redis: Spanned<String>,
    /// Trusted by `rediss://` instead of the usual authorities: `file:/path.pem`.
    pub ca: Option<Spanned<String>>,
    /// Before all names, so that two installations may share one Redis.
    #[serde(default = "default_prefix")]
    pub prefix: Spanned<String>,
    /// No request waits longer for it.
    #[serde(default = "default_timeout_ms")]
    pub timeout_ms: Spanned<u64>,
    /// What a gateway that has died held comes back after so long.
    #[serde(default = "default_lease_s")]
    pub lease_s: Spanned<u64>,
    /// While Redis is away: `deny` every request, or let through this one's `local` share of every limit.
    #[serde(default)]
    pub when_away: AwayWord,
    /// How many gateways there are, for `local`.
    pub gateways: Option<Spanned<NonZeroU32>>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AwayWord {
    #[default]
    Deny,
    Local,
}

fn default_prefix() -> Spanned<String> {
    Spanned::new(0..0, "shekara".to_owned())
}

fn default_timeout_ms() -> Spanned<u64> {
    Spanned::new(0..0, 100)
}

fn default_lease_s() -> Spanned<u64> {
    Spanned::new(0..0, 30)
}

#[derive(Debug, Clone)]
pub struct ClusterConfig {
    pub redis: SecretSource,
    pub ca: Option<std::path::PathBuf>,
    pub prefix: String,
    pub timeout: Duration,
    pub lease: Duration,
    /// The share of one of so many gateways, while Redis is away.
    pub local_share_of: Option<NonZeroU32>,
}

pub(super) fn check_cluster(file: &ClusterFile) -> Result<ClusterConfig, Invalid> {
    let timeout_ms = *file.timeout_ms.get_ref();
    if !(1..=MAX_TIMEOUT_MS).contains(&timeout_ms) {
        return Err(invalid(&file.timeout_ms, format!("[cluster] timeout_ms must be 1 to {MAX_TIMEOUT_MS}")));
    }
    let lease_s = *file.lease_s.get_ref();
    if !(1..=MAX_LEASE_S).contains(&lease_s) || lease_s * 1_000 <= timeout_ms * 3 {
        let message = format!("[cluster] lease_s must be more than three times timeout_ms, and {MAX_LEASE_S} at most");
        return Err(invalid(&file.lease_s, message));
    }
    let prefix = file.prefix.get_ref();
    if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte)) {
        return Err(invalid(&file.prefix, "[cluster] prefix is made of letters, digits, '-', '_', '.' and ':'"));
    }
    let local_share_of = match (file.when_away, &file.gateways) {
        (AwayWord::Deny, None) => None,
        (AwayWord::Local, Some(gateways)) => Some(*gateways.get_ref()),
        (AwayWord::Local, None) => {
            return Err(invalid(
                &file.redis,
                "[cluster] when_away = \"local\" needs to know how many gateways there are",
            ));
        }
        (AwayWord::Deny, Some(gateways)) => {
            return Err(invalid(gateways, "[cluster] gateways is for when_away = \"local\""));
        }
    };
    Ok(ClusterConfig {
        redis: secret("redis", &file.redis)?,
        ca: file.ca.as_ref().map(|ca| pem_file("ca", ca)).transpose()?,
        prefix: prefix.clone(),
        timeout: Duration::from_millis(timeout_ms),
        lease: Duration::from_secs(lease_s),
        local_share_of,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::parse;

    fn cluster(text: &str) -> Result<ClusterConfig, String> {
        let text = format!("[cluster]\nredis = \"env:REDIS_URL\"\n{text}\n");
        let config = parse(&text, Path::new("x.toml")).map_err(|error| error.to_string())?;
        Ok(config.cluster.unwrap())
    }

    #[test]
    fn what_contradicts_itself_is_named_with_its_line() {
        assert!(cluster("").unwrap().local_share_of.is_none());
        let share = cluster("when_away = \"local\"\ngateways = 3").unwrap().local_share_of;
        assert_eq!(share, NonZeroU32::new(3));
        for (text, line, words) in [
            ("when_away = \"local\"", 2, "how many gateways"),
            ("gateways = 3", 3, "gateways is for"),
            ("gateways = 0", 3, "nonzero"),
            ("timeout_ms = 0", 3, "timeout_ms"),
            ("timeout_ms = 2000\nlease_s = 6", 4, "lease_s"),
            ("prefix = \"a b\"", 3, "prefix"),
            ("when_away = \"guess\"", 3, "unknown variant"),
        ] {
            let error = cluster(text).unwrap_err();
            assert!(error.starts_with(&format!("x.toml:{line}: ")) && error.contains(words), "{text}: {error}");
        }
        assert!(parse("[cluster]\nredis = \"redis://:pw@h\"\n", Path::new("x")).is_err());
        assert!(parse("", Path::new("x")).unwrap().cluster.is_none());
    }
}
