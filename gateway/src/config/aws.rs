//! How a provider of kind `bedrock` is reached: its region, and the keys that requests are signed with.

use toml::Spanned;

use super::provider_file::{ProviderFile, ProviderKind};
use super::validate::{Invalid, invalid};
use crate::secrets::SecretSource;

/// Keys that requests are signed with.
#[derive(Debug, Clone)]
pub struct AwsKeys {
    pub region: String,
    pub access_key_id: SecretSource,
    pub secret_access_key: SecretSource,
    pub session_token: Option<SecretSource>,
}

impl AwsKeys {
    pub fn sources(&self) -> impl Iterator<Item = &SecretSource> {
        [&self.access_key_id, &self.secret_access_key].into_iter().chain(&self.session_token)
    }
}

/// Where the service of a region stands.
pub(super) fn bedrock_url(file: &ProviderFile) -> Result<String, Invalid> {
    let region = region(file)?;
    // China has a domain of its own.
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    Ok(format!("https://bedrock-runtime.{region}.{domain}"))
}

/// `None`: the requests carry the provider's `api_key`.
pub(super) fn check_aws(file: &ProviderFile) -> Result<Option<AwsKeys>, Invalid> {
    let name = file.name.get_ref();
    let given = [
        ("region", &file.region),
        ("access_key_id", &file.access_key_id),
        ("secret_access_key", &file.secret_access_key),
        ("session_token", &file.session_token),
    ];
    if file.kind != ProviderKind::Bedrock {
        let stray = given.into_iter().find_map(|(field, value)| Some((field, value.as_ref()?)));
        return match stray {
            Some((field, value)) => Err(invalid(value, format!("{field} is for providers of kind 'bedrock' only"))),
            None => Ok(None),
        };
    }
    let has_key = file.api_key.is_some() || !file.api_keys.is_empty();
    match (has_key, &file.access_key_id, &file.secret_access_key) {
        (true, None, None) if file.session_token.is_none() => Ok(None),
        (false, Some(id), Some(secret)) => Ok(Some(AwsKeys {
            region: region(file)?.to_owned(),
            access_key_id: source(id, "access_key_id", name)?,
            secret_access_key: source(secret, "secret_access_key", name)?,
            session_token: match &file.session_token {
                Some(token) => Some(source(token, "session_token", name)?),
                None => None,
            },
        })),
        _ => {
            let message = format!(
                "provider '{name}' needs either api_key, or access_key_id and secret_access_key (and session_token)"
            );
            Err(invalid(&file.name, message))
        }
    }
}

fn region(file: &ProviderFile) -> Result<&str, Invalid> {
    let Some(region) = &file.region else {
        return Err(invalid(&file.name, format!("provider '{}' needs a region", file.name.get_ref())));
    };
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if region.get_ref().is_empty() || !region.get_ref().bytes().all(is_plain) {
        return Err(invalid(region, "a region is like eu-central-1"));
    }
    Ok(region.get_ref())
}

pub(super) fn source(given: &Spanned<String>, field: &str, provider: &str) -> Result<SecretSource, Invalid> {
    let parsed = given.get_ref().parse();
    parsed.map_err(|error: crate::secrets::SecretError| {
        invalid(given, format!("{field} of provider '{provider}': {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    fn parsed(rest: &str) -> Result<super::super::Config, String> {
        let text = format!("[local]\nenabled = false\n[[providers]]\nname = \"aws\"\n{rest}\n");
        parse(&text, "x".as_ref()).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_come_in_pairs_and_a_region_gives_the_address() {
        let keys = "access_key_id = \"env:A\"\nsecret_access_key = \"file:/s\"";
        let config = parsed(&format!("kind = \"bedrock\"\nregion = \"eu-north-1\"\n{keys}")).unwrap();
        let provider = &config.providers[0];
        assert_eq!(provider.base_url, "https://bedrock-runtime.eu-north-1.amazonaws.com");
        assert_eq!(provider.aws.as_ref().unwrap().region, "eu-north-1");
        let bearer = "kind = \"bedrock\"\napi_key = \"env:K\"\nbase_url = \"https://proxy.kz/aws\"";
        assert!(parsed(bearer).unwrap().providers[0].aws.is_none());
        for (wrong, word) in [
            ("kind = \"bedrock\"\nregion = \"eu-north-1\"".to_owned(), "needs either api_key"),
            (format!("kind = \"bedrock\"\n{keys}"), "needs a region"),
            (format!("kind = \"bedrock\"\nregion = \"x.evil.kz/\"\n{keys}"), "a region is like"),
            (format!("kind = \"bedrock\"\nregion = \"a\"\napi_key = \"env:K\"\n{keys}"), "needs either api_key"),
            ("kind = \"bedrock\"\nregion = \"a\"\naccess_key_id = \"env:A\"".to_owned(), "needs either api_key"),
            (
                "kind = \"bedrock\"\nregion = \"a\"\naccess_key_id = \"AKIA\"\nsecret_access_key = \"env:S\""
                    .to_owned(),
                "access_key_id of provider 'aws'",
            ),
            ("kind = \"openai\"\nregion = \"a\"".to_owned(), "for providers of kind 'bedrock' only"),
            (format!("kind = \"bedrock\"\nzone = \"local\"\nregion = \"a\"\n{keys}"), "external by its type"),
        ] {
            let error = parsed(&wrong).unwrap_err();
            assert!(error.contains(word), "{wrong}: {error}");
            assert!(!error.contains("AKIA"), "{error}");
        }
    }
}
