//! Who may do what: tenants and their projects, virtual keys (kept as keyed hashes, recognised, restricted), roles, and
//! kill switches.

mod buyer;
mod data_class;
mod directory;
mod key;
mod key_settings;
mod names;
mod presented;
mod reach;
mod role;
mod switches;
mod tenancy;

pub use buyer::{BuyerBank, BuyerContract, BuyerDetails};
pub use data_class::DataClass;
pub use directory::{Bearer, Bounds, Directory, DirectoryRecords, KeyError, OwnBound, parts_of_scope, project_scope};
pub use key::{KEY_PREFIX, KeyRecord, KeySecret, MintedKey, NewKey, id_prefix, is_production, mint, mint_named};
pub use key_settings::{AllowedZone, KeySettings};
pub use names::{InvalidName, check_name};
pub use presented::PresentedKey;
pub use reach::{Reach, ReachLevel};
pub use role::{Permission, Role};
pub use switches::{Switch, SwitchKind, Switches};
pub use tenancy::{Department, Project, ProjectSettings, Tenant, TenantSettings};
