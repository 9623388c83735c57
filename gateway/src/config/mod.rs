//! One TOML file: read, checked and turned into types that cannot hold a contradiction.
//!
//! A file that is wrong is refused whole, with its name and line, before a port is bound. Secrets never stand in it: only
//! where to find them does.

mod alerts;
mod audit;
mod audit_content;
mod aws;
mod batches;
mod billing;
mod cluster;
mod content;
mod error;
mod file;
mod load;
mod login;
mod outward;
mod preset;
mod privacy;
mod provider;
mod provider_file;
mod provider_limits;
mod route;
mod route_file;
mod server_tls;
mod store;
mod supplier;
mod validate;
mod vault;

pub use alerts::{AlertsConfig, SyslogConfig, SyslogTransport, WebhookConfig};
pub use audit::{AuditConfig, AuditMode};
pub use audit_content::AuditContentConfig;
pub use aws::AwsKeys;
pub use batches::{BatchTerms, BatchesConfig, within};
pub use billing::{BillingConfig, ExchangeConfig};
pub use cluster::ClusterConfig;
pub use content::{CacheConfig, ContentConfig};
pub use error::ConfigError;
pub use file::{ConfigFile, EngineSettings, EntityActions, LocalFile, ReadyRule};
pub use load::{DEFAULT_PATH, Loaded, load, parse};
pub use login::{Grant, LoginConfig, OidcConfig, is_guarded};
pub use outward::{Identity, Outward, Proxy};
pub use preset::Preset;
pub use privacy::{Conversations, LabelsConfig, Privacy, RecognizerExamples, Rule};
pub use provider::ProviderConfig;
pub use provider_file::{ProviderKind, UnsupportedRule};
pub use provider_limits::{Ceiling, WeightedKey};
pub use route::{
    CanaryConfig, Condition, Price, Retries, RouteConfig, ShadowConfig, TargetConfig, TargetSettings, Timeouts,
};
pub use route_file::{Ability, Sticky, Strategy, TimeoutsFile, UnreadableRule};
pub use server_tls::ServerTls;
pub use store::{Database, PostgresUrl, StoreConfig};
pub use supplier::Supplier;
pub use validate::{Config, LOCAL_PROVIDER, Zone, inside_border};
pub use vault::VaultConfig;
