//! One TOML file: read, checked and turned into types that cannot hold a contradiction.
//!
//! A file that is wrong is refused whole, with its name and line, before a port is bound. Secrets never stand in it: only
//! where to find them does.

mod aws;
mod content;
mod error;
mod file;
mod load;
mod preset;
mod privacy;
mod route;
mod route_file;
mod validate;

pub use aws::AwsKeys;
pub use content::{CacheConfig, ContentConfig};
pub use error::ConfigError;
pub use file::{ConfigFile, EngineSettings, EntityActions, LocalFile, ProviderKind, ReadyRule, UnsupportedRule};
pub use load::{DEFAULT_PATH, Loaded, load, parse};
pub use preset::Preset;
pub use privacy::{Conversations, LabelsConfig, Privacy, RecognizerExamples, Rule};
pub use route::{
    CanaryConfig, Condition, Price, Retries, RouteConfig, ShadowConfig, TargetConfig, TargetSettings, Timeouts,
};
pub use route_file::{Ability, Sticky, Strategy, TimeoutsFile, UnreadableRule};
pub use validate::{Config, LOCAL_PROVIDER, ProviderConfig, Zone, inside_border};
