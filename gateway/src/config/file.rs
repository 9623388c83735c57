//! The TOML file as it is written. Every table refuses keys it does not know.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use serde::Deserialize;
use toml::Spanned;

use super::alerts::AlertsFile;
use super::audit::AuditFile;
use super::batches::BatchesFile;
use super::billing::BillingFile;
use super::cluster::ClusterFile;
use super::content::ContentFile;
use super::login::LoginFile;
use super::outward::NetworkFile;
use super::provider_file::ProviderFile;
use super::route_file::RouteFile;
use super::server_tls::ServerTlsFile;
use super::store::StoreFile;
use super::vault::VaultFile;
use crate::auth::DataClass;
use crate::pii::{Action, CustomCheck, Entity};

#[cfg(feature = "local-engine")]
pub type EngineSettings = shekara_inference::engine::EngineSettings;
#[cfg(not(feature = "local-engine"))]
pub type EngineSettings = toml::Table;

#[cfg(feature = "local-engine")]
pub type LoadingSettings = shekara_inference::catalog::LoadingSettings;
#[cfg(not(feature = "local-engine"))]
pub type LoadingSettings = toml::Table;

#[cfg(feature = "local-engine")]
pub type ModelSettings = shekara_inference::catalog::ModelSettings;
#[cfg(not(feature = "local-engine"))]
pub type ModelSettings = toml::Table;

pub type EntityActions = BTreeMap<Entity, Action>;
/// In percent.
pub type EntityThresholds = BTreeMap<Entity, u8>;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConfigFile {
    pub server: ServerFile,
    pub store: StoreFile,
    pub local: LocalFile,
    pub network: NetworkFile,
    pub vault: Option<VaultFile>,
    pub privacy: PrivacyFile,
    pub labels: LabelsFile,
    pub audit: AuditFile,
    pub content: ContentFile,
    pub alerts: AlertsFile,
    pub batches: BatchesFile,
    pub billing: BillingFile,
    pub cluster: Option<ClusterFile>,
    pub login: Option<LoginFile>,
    pub providers: Vec<ProviderFile>,
    pub routes: Vec<RouteFile>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerFile {
    pub listen: SocketAddr,
    /// Largest request body that is taken; above it 413.
    pub max_body_bytes: Spanned<usize>,
    /// The same for a form with a file.
    pub max_upload_bytes: Spanned<usize>,
    /// Of all forms with files under way, in memory; above it 429. Unset: 512 MiB, or one form if that is more.
    pub max_forms_bytes: Option<Spanned<usize>>,
    /// Requests under way at once; above it 429.
    pub max_in_flight: Spanned<usize>,
    /// How long running requests may go on after Ctrl-C.
    pub grace_s: u64,
    pub readyz: ReadyRule,
    /// Of the hours that conditions of targets name.
    pub utc_offset: Spanned<String>,
    pub tls: Option<ServerTlsFile>,
    /// Whose `X-Forwarded-For` is believed where keys may be used from some addresses only.
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for ServerFile {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            max_body_bytes: Spanned::new(0..0, 16 << 20),
            // OpenAI's 25 MB for a file, and the rest of its form.
            max_upload_bytes: Spanned::new(0..0, 26 << 20),
            max_forms_bytes: None,
            max_in_flight: Spanned::new(0..0, 1024),
            grace_s: 30,
            readyz: ReadyRule::All,
            // Kazakhstan's, all year.
            utc_offset: Spanned::new(0..0, "+05:00".to_owned()),
            tls: None,
            trusted_proxies: Vec::new(),
        }
    }
}

/// When `/readyz` is green.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReadyRule {
    /// Every route has a served target, its `sensitive` one included.
    All,
    /// At least one route has one.
    Any,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LocalFile {
    pub enabled: bool,
    pub models_dir: PathBuf,
    /// `auto` or `cpu`.
    pub device: Spanned<String>,
    pub engine: Spanned<EngineSettings>,
    /// When models are loaded and unloaded, and how much memory they may take.
    pub loading: Spanned<LoadingSettings>,
    /// Settings of single models, by id.
    pub models: BTreeMap<String, ModelSettings>,
}

impl Default for LocalFile {
    fn default() -> Self {
        Self {
            enabled: cfg!(feature = "local-engine"),
            models_dir: PathBuf::from("models"),
            device: Spanned::new(0..0, "auto".to_owned()),
            engine: Spanned::new(0..0, EngineSettings::default()),
            loading: Spanned::new(0..0, LoadingSettings::default()),
            models: BTreeMap::new(),
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrivacyFile {
    /// The local model that answers sensitive requests of routes without `sensitive`.
    pub default_local: Option<Spanned<String>>,
    /// A scan that takes longer counts as sensitive.
    pub scan_timeout_ms: u64,
    /// The local model that labels tokens, for names and addresses that no rule finds.
    pub classifier: Option<Spanned<String>>,
    /// Where it takes longer for one scan, the text counts as sensitive.
    pub classifier_timeout_ms: u64,
    pub entities: EntityActions,
    /// From which score on findings of an entity count.
    pub thresholds: EntityThresholds,
    pub recognizers: Vec<RecognizerFile>,
    pub rules: Vec<RuleFile>,
    pub conversations: ConversationsFile,
}

impl Default for PrivacyFile {
    fn default() -> Self {
        Self {
            default_local: None,
            scan_timeout_ms: 2_000,
            classifier: None,
            classifier_timeout_ms: 1_500,
            entities: EntityActions::new(),
            thresholds: EntityThresholds::new(),
            recognizers: Vec::new(),
            rules: Vec::new(),
            conversations: ConversationsFile::default(),
        }
    }
}

/// An entity of the operator's own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecognizerFile {
    /// Lower-case letters, digits and underscores.
    pub entity: Spanned<String>,
    /// A regular expression, matched without regard to case against the folded text.
    pub pattern: Spanned<String>,
    pub check: Option<CustomCheck>,
    /// If not empty, one of these words must stand near.
    #[serde(default)]
    pub context: Vec<String>,
    #[serde(default = "default_score")]
    pub score: Spanned<u8>,
    #[serde(default = "default_recognizer_action")]
    pub action: Action,
    /// Texts in which `shekara pii test` must find it, and texts in which it must not.
    #[serde(default)]
    pub matches: Vec<String>,
    #[serde(default)]
    pub rejects: Vec<String>,
}

fn default_score() -> Spanned<u8> {
    Spanned::new(0..0, 85)
}

fn default_recognizer_action() -> Action {
    Action::Local
}

/// Who is treated more strictly than their route says. A rule without selectors holds for everybody.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RuleFile {
    pub tenant: Option<String>,
    pub project: Option<String>,
    pub environment: Option<String>,
    /// A key's id.
    pub key: Option<String>,
    pub entities: EntityActions,
    pub thresholds: EntityThresholds,
    pub data_class: DataClass,
}

/// What is remembered between the requests of one conversation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConversationsFile {
    /// Forgotten after this long without a request.
    pub ttl_s: u64,
    /// Above it a new conversation with masked values is answered locally.
    pub max_conversations: Spanned<usize>,
    /// `env:NAME` or `file:/path`: masked values are kept encrypted in the store. Unset: in memory only.
    pub vault_key: Option<Spanned<String>>,
}

impl Default for ConversationsFile {
    fn default() -> Self {
        Self { ttl_s: 24 * 3600, max_conversations: Spanned::new(0..0, 10_000), vault_key: None }
    }
}

/// What answers say about themselves.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LabelsFile {
    /// Without one a label says the same, and nobody can show that it was not changed.
    pub signatures: bool,
    /// `env:NAME` or `file:/path` of 32 bytes in hexadecimal. Unset: a key made at the first start, in the data folder.
    pub signing_key: Option<Spanned<String>>,
    /// A visible notice in this language: `ru`, `kk` or `en`.
    pub notice: Option<Spanned<String>>,
}

impl Default for LabelsFile {
    fn default() -> Self {
        Self { signatures: true, signing_key: None, notice: None }
    }
}
