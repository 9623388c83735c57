//! How much is sent to a provider, and under which of its keys.

use toml::Spanned;

use super::aws::{AwsKeys, source};
use super::provider::Surroundings;
use super::provider_file::{LimitsFile, ProviderFile};
use super::validate::{Invalid, invalid};
use crate::secrets::SecretSource;

const MAX_KEYS: usize = 32;
const MAX_WEIGHT: u32 = 1_000_000;

#[derive(Debug, Clone)]
pub struct WeightedKey {
    pub source: SecretSource,
    pub weight: u32,
}

/// What this process sends to a provider at the most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ceiling {
    pub requests_per_minute: Option<u32>,
    pub in_flight: Option<u32>,
    /// The share that is for keys of the environment `prod` alone.
    pub reserve_prod: f64,
}

impl Ceiling {
    /// What is left of `most` for those that nothing is reserved for.
    pub fn for_others(&self, most: u32) -> u32 {
        (f64::from(most) * (1.0 - self.reserve_prod) + 1e-6).floor() as u32
    }
}

pub(super) fn check_keys(file: &ProviderFile) -> Result<Vec<WeightedKey>, Invalid> {
    let name = file.name.get_ref();
    if let (Some(key), false) = (&file.api_key, file.api_keys.is_empty()) {
        return Err(invalid(key, format!("provider '{name}' has api_key and api_keys: one of them is enough")));
    }
    if let Some(key) = &file.api_key {
        return Ok(vec![WeightedKey { source: source(key, "api_key", name)?, weight: 1 }]);
    }
    if file.api_keys.len() > MAX_KEYS {
        return Err(invalid(&file.name, format!("provider '{name}' has more than {MAX_KEYS} api_keys")));
    }
    let keys = file.api_keys.iter().map(|key| {
        if *key.weight.get_ref() > MAX_WEIGHT {
            return Err(invalid(&key.weight, format!("a key's weight is at most {MAX_WEIGHT}")));
        }
        Ok(WeightedKey { source: source(&key.key, "api_keys", name)?, weight: *key.weight.get_ref() })
    });
    let keys: Vec<WeightedKey> = keys.collect::<Result<_, _>>()?;
    if !keys.is_empty() && keys.iter().all(|key| key.weight == 0) {
        return Err(invalid(&file.name, format!("every key of provider '{name}' has weight 0")));
    }
    Ok(keys)
}

pub(super) fn check_limits(limits: &LimitsFile, name: &Spanned<String>) -> Result<Ceiling, Invalid> {
    let LimitsFile { requests_per_minute, in_flight, reserve_prod } = limits;
    for (field, most) in [("requests_per_minute", requests_per_minute), ("in_flight", in_flight)] {
        if let Some(most) = most.as_ref().filter(|most| *most.get_ref() == 0) {
            return Err(invalid(most, format!("{field} must be 1 or more")));
        }
    }
    if requests_per_minute.is_none() && in_flight.is_none() {
        let message = format!("limits of provider '{}' need requests_per_minute or in_flight", name.get_ref());
        return Err(invalid(name, message));
    }
    if let Some(share) = reserve_prod.as_ref().filter(|share| !(0.0..=1.0).contains(share.get_ref())) {
        return Err(invalid(share, "reserve_prod is a share from 0.0 to 1.0"));
    }
    if let Some(share) = reserve_prod.as_ref().filter(|share| *share.get_ref() < 1.0) {
        let reserve_prod = *share.get_ref();
        let ceiling = Ceiling { requests_per_minute: None, in_flight: None, reserve_prod };
        let bounds = [requests_per_minute, in_flight].into_iter().flatten();
        if bounds.into_iter().any(|most| ceiling.for_others(*most.get_ref()) == 0) {
            return Err(invalid(share, "reserve_prod leaves less than one for others; 1.0 says so"));
        }
    }
    Ok(Ceiling {
        requests_per_minute: requests_per_minute.as_ref().map(|most| *most.get_ref()),
        in_flight: in_flight.as_ref().map(|most| *most.get_ref()),
        reserve_prod: reserve_prod.as_ref().map_or(0.0, |share| *share.get_ref()),
    })
}

/// Without a `[vault]` nobody could be asked for what lies there.
pub(super) fn check_vault_is_set(
    file: &ProviderFile,
    (keys, aws): (&[WeightedKey], Option<&AwsKeys>),
    around: Surroundings<'_>,
) -> Result<(), Invalid> {
    let aws = aws.into_iter().flat_map(AwsKeys::sources);
    let mut sources = keys.iter().map(|key| &key.source).chain(aws);
    if !around.has_vault && sources.any(|source| matches!(source, SecretSource::Vault(_))) {
        let at = file.api_key.as_ref().or(file.api_keys.first().map(|key| &key.key)).unwrap_or(&file.name);
        return Err(invalid(at, "vault:path#field needs a [vault] table"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Config, parse};

    fn parsed(rest: &str) -> Result<Config, String> {
        let text = format!("[local]\nenabled = false\n[[providers]]\nname = \"p\"\nkind = \"openai\"\n{rest}\n");
        parse(&text, "x".as_ref()).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_have_weights_and_limits_have_numbers() {
        let config = parsed(
            "api_keys = [{ key = \"env:A\", weight = 9 }, { key = \"file:/b\" }]\n\
             limits = { requests_per_minute = 10, reserve_prod = 0.3 }",
        );
        let provider = &config.unwrap().providers[0];
        assert_eq!(provider.keys.iter().map(|key| key.weight).collect::<Vec<_>>(), [9, 1]);
        assert_eq!(provider.ceiling.unwrap().for_others(10), 7);
        for (wrong, line, word) in [
            ("api_key = \"env:A\"\napi_keys = [{ key = \"env:A\" }]", 6, "one of them"),
            ("api_keys = [\n{ key = \"sk-1\" }]", 7, "never as its value"),
            ("api_keys = [{ key = \"env:A\", weight = 0 }]", 4, "weight 0"),
            ("api_key = \"vault:a#b\"", 6, "[vault]"),
            ("limits = { in_flight = 0 }", 6, "1 or more"),
            ("limits = {}", 4, "need requests_per_minute"),
            ("limits = { in_flight = 2, reserve_prod = 1.5 }", 6, "reserve_prod"),
            ("limits = { in_flight = 1, reserve_prod = 0.3 }", 6, "less than one"),
        ] {
            let error = parsed(wrong).unwrap_err();
            assert!(error.starts_with(&format!("x:{line}: ")) && error.contains(word), "{wrong}: {error}");
            assert!(!error.contains("sk-1"), "{error}");
        }
    }
}
