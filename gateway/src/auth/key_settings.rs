//! What a key is restricted to, beside what it is. An empty list restricts nothing.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::names::check_name;
use super::{InvalidName, ReachLevel};
use crate::limits::Limits;

/// Entries of each list.
const MAX_ENTRIES: usize = 256;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeySettings {
    /// What it is used for: a product or a scenario, as reports name it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// Who answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Names that a request may ask for as its `model`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_routes: Vec<String>,
    /// Models that may answer: `provider/model`, or `model` of any provider.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_models: Vec<String>,
    /// Where what answers may stand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_zones: Vec<AllowedZone>,
    /// Where requests may come from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_ips: Vec<IpNet>,
    /// Whose things it may see in `/admin/v1`.
    #[serde(skip_serializing_if = "is_default")]
    pub reach: ReachLevel,
    #[serde(skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// Whose key for `/admin/v1` it is, by id: it opens nothing without that person, and nothing that is not theirs to open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// The key that took its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AllowedZone {
    Local,
    InCountry,
    External,
}

impl AllowedZone {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::InCountry => "in-country",
            Self::External => "external",
        }
    }
}

impl KeySettings {
    /// # Errors
    /// A name is empty, too long or has control characters, or a list is too long.
    pub fn check(&self) -> Result<(), InvalidName> {
        let one = [("scenario", &self.scenario), ("owner", &self.owner), ("replaced_by", &self.replaced_by)];
        for (field, name) in one {
            name.iter().try_for_each(|name| check_name(field, name))?;
        }
        for (field, names) in [("allowed_routes", &self.allowed_routes), ("allowed_models", &self.allowed_models)] {
            if names.len() > MAX_ENTRIES || names.iter().any(|name| name.is_empty() || name.len() > MAX_ENTRIES) {
                return Err(InvalidName { field });
            }
        }
        if self.allowed_ips.len() > MAX_ENTRIES {
            return Err(InvalidName { field: "allowed_ips" });
        }
        Ok(())
    }

    pub fn allows_route(&self, alias: &str) -> bool {
        self.allowed_routes.is_empty() || self.allowed_routes.iter().any(|allowed| allowed == alias)
    }

    /// Whether this model of this provider, in this zone, may answer.
    pub fn allows_target(&self, provider: &str, model: &str, zone: &str) -> bool {
        let is_named = |allowed: &String| {
            let of_provider = allowed.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/'));
            allowed == model || of_provider == Some(model)
        };
        let in_zone = self.allowed_zones.is_empty() || self.allowed_zones.iter().any(|own| own.as_str() == zone);
        in_zone && (self.allowed_models.is_empty() || self.allowed_models.iter().any(is_named))
    }

    /// An address that is not known is none of those that are allowed.
    pub fn allows_address(&self, address: Option<IpAddr>) -> bool {
        let is_among = |address: IpAddr| self.allowed_ips.iter().any(|net| net.contains(&address.to_canonical()));
        self.allowed_ips.is_empty() || address.is_some_and(is_among)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_restrict_and_their_absence_does_not() {
        let all = KeySettings::default();
        assert!(all.allows_route("x") && all.allows_target("p", "m", "external") && all.allows_address(None));
        assert_eq!(serde_json::to_string(&all).unwrap(), "{}");
        let text = r#"{"allowed_routes":["chat"],"allowed_models":["openai/gpt-5","qwen"],"allowed_zones":["local","in-country"],"allowed_ips":["10.0.0.0/8","2001:db8::/32"]}"#;
        let some: KeySettings = serde_json::from_str(text).unwrap();
        assert!(some.allows_route("chat") && !some.allows_route("chat2"));
        assert!(some.allows_target("local", "qwen", "local") && some.allows_target("openai", "gpt-5", "in-country"));
        assert!(!some.allows_target("openai", "gpt-5", "external") && !some.allows_target("azure", "gpt-5", "local"));
        for (address, is_allowed) in [("10.1.2.3", true), ("::ffff:10.1.2.3", true), ("11.0.0.1", false)] {
            assert_eq!(some.allows_address(address.parse().ok()), is_allowed, "{address}");
        }
        assert!(!some.allows_address(None));
        assert_eq!(serde_json::to_string(&some).unwrap(), text);
        assert!(serde_json::from_str::<KeySettings>(r#"{"allowed_route":["chat"]}"#).is_err());
    }
}
