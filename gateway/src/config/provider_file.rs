//! `[[providers]]` as it is written.

use serde::Deserialize;
use toml::Spanned;

use super::preset::Preset;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderKind {
    /// OpenAI itself: external by its type.
    Openai,
    /// Anthropic's Messages API: external by its type.
    Anthropic,
    /// Google's Gemini API: external by its type.
    Gemini,
    /// OpenAI's models in Azure: external by its type.
    AzureOpenai,
    /// Mistral's own API: external by its type.
    Mistral,
    /// Models behind AWS' Converse: external by its type.
    Bedrock,
    /// vLLM, SGLang, Ollama, DeepSeek and whatever else speaks the same API.
    OpenaiCompatible,
}

impl ProviderKind {
    /// Whether it takes OpenAI's requests as they are, the older endpoints' too.
    pub fn speaks_openai(self) -> bool {
        matches!(self, Self::Openai | Self::OpenaiCompatible | Self::AzureOpenai)
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderFile {
    pub name: Spanned<String>,
    pub kind: ProviderKind,
    /// For `openai-compatible`: whose dialect of the API it is.
    pub preset: Option<Spanned<Preset>>,
    pub base_url: Option<Spanned<String>>,
    /// For `azure-openai`: a dated version of its API. Unset: the one without versions.
    pub api_version: Option<Spanned<String>>,
    /// `env:NAME`, `file:/path` or `vault:path#field`.
    pub api_key: Option<Spanned<String>>,
    /// Several instead, drawn by weight.
    #[serde(default)]
    pub api_keys: Vec<KeyFile>,
    /// Of what is sent there by this process.
    pub limits: Option<LimitsFile>,
    /// The way there, where it is not `[network]`'s.
    pub proxy: Option<Spanned<String>>,
    pub proxy_password: Option<Spanned<String>>,
    /// Certificates of its own, beside those that are trusted anyway: `file:/path.pem`.
    pub ca: Option<Spanned<String>>,
    /// Shown to the server: each `file:/path.pem`.
    pub client_cert: Option<Spanned<String>>,
    pub client_key: Option<Spanned<String>>,
    /// Of AWS, with the keys that requests are signed with: each `env:NAME` or `file:/path`.
    pub region: Option<Spanned<String>>,
    pub access_key_id: Option<Spanned<String>>,
    pub secret_access_key: Option<Spanned<String>>,
    pub session_token: Option<Spanned<String>>,
    pub zone: Option<Spanned<String>>,
    #[serde(default = "default_connect_timeout_ms")]
    pub connect_timeout_ms: u64,
    #[serde(default)]
    pub on_unsupported: UnsupportedRule,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    pub key: Spanned<String>,
    #[serde(default = "default_weight")]
    pub weight: Spanned<u32>,
}

fn default_weight() -> Spanned<u32> {
    Spanned::new(0..0, 1)
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsFile {
    /// In any sixty seconds.
    pub requests_per_minute: Option<Spanned<u32>>,
    /// At once.
    pub in_flight: Option<Spanned<u32>>,
    /// The share that only keys of the environment `prod` may use.
    pub reserve_prod: Option<Spanned<f64>>,
}

/// What happens to fields that a provider's own API has no words for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnsupportedRule {
    /// 400, with the field's name.
    #[default]
    Refuse,
    /// Left out.
    Drop,
}

fn default_connect_timeout_ms() -> u64 {
    3_000
}
