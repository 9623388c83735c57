//! `[audit.content]`: whose requests and answers are kept, sealed, beside their records, and for how long.

use std::collections::BTreeSet;

use serde::Deserialize;
use toml::Spanned;

use super::validate::{Invalid, invalid};

/// For all tenants.
const EVERYBODY: &str = "*";
const MAX_KEEP_DAYS: u32 = 36_500;
/// One part is held in memory while it is heard.
const MAX_BYTES: usize = 64 << 20;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditContentFile {
    /// By id; `*` is everybody.
    pub tenants: Vec<Spanned<String>>,
    /// No longer than their records are kept.
    #[serde(default = "default_keep_days")]
    pub keep_days: Spanned<u32>,
    /// Of a request, and of its answer: what is longer is cut.
    #[serde(default = "default_max_bytes")]
    pub max_bytes: Spanned<usize>,
    /// What cannot be kept is not answered.
    #[serde(default)]
    pub required: bool,
}

fn default_keep_days() -> Spanned<u32> {
    Spanned::new(0..0, 30)
}

fn default_max_bytes() -> Spanned<usize> {
    Spanned::new(0..0, 1 << 20)
}

#[derive(Debug, Clone)]
pub struct AuditContentConfig {
    tenants: BTreeSet<String>,
    keep_days: u32,
    pub max_bytes: usize,
    pub required: bool,
}

impl AuditContentConfig {
    pub fn is_for(&self, tenant: &str) -> bool {
        self.tenants.contains(tenant) || self.tenants.contains(EVERYBODY)
    }

    /// Where records of the class are kept for so long.
    pub fn days(&self, record_days: Option<u32>) -> u32 {
        self.keep_days.min(record_days.unwrap_or(u32::MAX))
    }
}

pub(super) fn check_audit_content(file: &AuditContentFile) -> Result<AuditContentConfig, Invalid> {
    if let Some(tenant) = file.tenants.iter().find(|tenant| tenant.get_ref().is_empty()) {
        return Err(invalid(tenant, "[audit.content] tenants are ids of tenants, or \"*\" for all"));
    }
    if !(1..=MAX_KEEP_DAYS).contains(file.keep_days.get_ref()) {
        return Err(invalid(&file.keep_days, format!("[audit.content] keep_days is 1 to {MAX_KEEP_DAYS}")));
    }
    if !(1..=MAX_BYTES).contains(file.max_bytes.get_ref()) {
        return Err(invalid(&file.max_bytes, format!("[audit.content] max_bytes is 1 to {MAX_BYTES}")));
    }
    Ok(AuditContentConfig {
        tenants: file.tenants.iter().map(|tenant| tenant.get_ref().clone()).collect(),
        keep_days: *file.keep_days.get_ref(),
        max_bytes: *file.max_bytes.get_ref(),
        required: file.required,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::parse;

    fn content(text: &str) -> Result<Option<AuditContentConfig>, String> {
        let text = format!("[audit.content]\n{text}\n");
        parse(&text, Path::new("x.toml")).map(|config| config.audit.content).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_kept_of_whom_it_does_not_name() {
        assert!(parse("", Path::new("x.toml")).unwrap().audit.content.is_none());
        let some = content("tenants = [\"bank\"]").unwrap().unwrap();
        assert!(some.is_for("bank") && !some.is_for("clinic") && !some.is_for("*") && !some.required);
        assert_eq!((some.days(None), some.days(Some(7)), some.days(Some(365))), (30, 7, 30));
        assert!(content("tenants = [\"*\"]").unwrap().unwrap().is_for("clinic"));
        assert!(!content("tenants = []").unwrap().unwrap().is_for("bank"));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_line() {
        for text in [
            "tenants = [\"\"]",
            "tenants = [\"*\"]\nkeep_days = 0",
            "tenants = [\"*\"]\nmax_bytes = 0",
            "tenants = [\"*\"]\nroutes = []",
        ] {
            let line = 1 + text.lines().count();
            let refused = content(text).unwrap_err();
            assert!(refused.starts_with(&format!("x.toml:{line}:")), "{text}: {refused}");
        }
        assert!(content("keep_days = 1").is_err());
    }
}
