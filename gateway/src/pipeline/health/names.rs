//! What deployments are called between gateways: a digest of a provider's name, kind and address and of a model's name.
//! Gateways may have different configurations: only what both have, at the same address, has the same name. What stands in
//! no configuration has none, for it is a caller's text.

use std::collections::HashMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::DeploymentKey;
use crate::config::{Config, ProviderConfig, RouteConfig};

const NAME_BYTES: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Names {
    names: HashMap<DeploymentKey, String>,
    keys: HashMap<String, DeploymentKey>,
}

impl Names {
    /// `host` is what this machine is called, where that is known.
    pub(super) fn of(config: &Config, host: Option<&str>) -> Self {
        let mut names = Self::default();
        for target in config.routes.iter().flat_map(RouteConfig::all_targets) {
            let provider = config.providers.iter().find(|provider| provider.name == target.provider);
            let Some(name) = provider.and_then(|provider| name(provider, &target.model, host)) else { continue };
            let key: DeploymentKey = (target.provider.as_str().into(), target.model.as_str().into());
            names.keys.insert(name.clone(), key.clone());
            names.names.insert(key, name);
        }
        names
    }

    pub(super) fn name(&self, key: &DeploymentKey) -> Option<&String> {
        self.names.get(key)
    }

    pub(super) fn key(&self, name: &str) -> Option<&DeploymentKey> {
        self.keys.get(name)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &DeploymentKey> {
        self.names.keys()
    }
}

/// What listens on this machine alone is another one on the next machine.
fn name(provider: &ProviderConfig, model: &str, host: Option<&str>) -> Option<String> {
    let host = if is_of_this_machine(&provider.base_url) { host? } else { "" };
    let kind = format!("{:?}", provider.kind);
    let mut hasher = Sha256::new();
    for word in ["deployment", &provider.name, &kind, &provider.base_url, model, host] {
        hasher.update(word.as_bytes());
        hasher.update([0]);
    }
    let mut name = String::with_capacity(2 * NAME_BYTES);
    for byte in hasher.finalize().iter().take(NAME_BYTES) {
        // Writing to a text never fails.
        let _ = write!(name, "{byte:02x}");
    }
    Some(name)
}

fn is_of_this_machine(base_url: &str) -> bool {
    let Ok(address) = url::Url::parse(base_url) else { return true };
    match address.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(url::Host::Ipv6(address)) => address.is_loopback() || address.is_unspecified(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::parse;

    fn name_of(address: &str, model: &str, host: Option<&str>) -> Option<String> {
        let text = format!(
            "[[providers]]\nname = \"p\"\nkind = \"openai-compatible\"\nbase_url = \"{address}\"\n[[routes]]\n\
             model = \"chat\"\ntargets = [{{ provider = \"p\", model = \"{model}\" }}]\n"
        );
        let names = Names::of(&parse(&text, Path::new("x.toml")).unwrap(), host);
        names.name(&("p".into(), model.into())).cloned()
    }

    #[test]
    fn the_same_name_has_only_the_same_model_at_the_same_address() {
        let here = name_of("https://api.example.com/v1", "m", Some("one")).unwrap();
        assert!(here.len() == 32 && here.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(name_of("https://api.example.com/v1", "m", None), Some(here.clone()));
        assert_ne!(name_of("https://api.example.com/v2", "m", None), Some(here.clone()));
        assert_ne!(name_of("https://api.example.com/v1", "n", None), Some(here));
    }

    #[test]
    fn what_listens_on_one_machine_is_told_to_that_machine_alone() {
        for address in ["http://127.0.0.1:8000/v1", "http://localhost:8000/v1", "http://[::1]:8000/v1"] {
            let one = name_of(address, "m", Some("one"));
            assert!(one.is_some() && one == name_of(address, "m", Some("one")), "{address}");
            assert_ne!(one, name_of(address, "m", Some("two")));
            assert_eq!(name_of(address, "m", None), None);
        }
    }
}
