//! One TOML file: read, checked and turned into types that cannot hold a contradiction.
//!
//! A file that is wrong is refused whole, with its name and line, before a port is bound. Secrets never stand in it: only
//! where to find them does.

mod content;
mod error;
mod file;
mod load;
mod privacy;
mod validate;

pub use content::{CacheConfig, ContentConfig};
pub use error::ConfigError;
pub use file::{
    ConfigFile, EngineSettings, EntityActions, LocalFile, ProviderKind, ReadyRule, TimeoutsFile, UnreadableRule,
    UnsupportedRule,
};
pub use load::{DEFAULT_PATH, Loaded, load, parse};
pub use privacy::{Conversations, LabelsConfig, Privacy, RecognizerExamples, Rule};
pub use validate::{
    Config, LOCAL_PROVIDER, ProviderConfig, Retries, RouteConfig, TargetConfig, Timeouts, Zone, inside_border,
};
