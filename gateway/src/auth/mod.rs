//! Who may do what: tenants and their projects, virtual keys (kept as keyed hashes, recognised, restricted), people and
//! their sessions, roles, and kill switches.

mod buyer;
mod data_class;
mod directory;
mod key;
mod key_settings;
mod names;
mod person;
mod presented;
mod reach;
mod role;
mod session;
mod switches;
mod tenancy;

pub use buyer::{BuyerBank, BuyerContract, BuyerDetails};
pub use data_class::DataClass;
pub use directory::{Bearer, Bounds, Directory, DirectoryRecords, KeyError, OwnBound, parts_of_scope, project_scope};
pub use key::{KEY_PREFIX, KeyRecord, KeySecret, MintedKey, NewKey, id_prefix, is_production, mint, mint_named};
pub use key_settings::{AllowedZone, KeySettings};
pub use names::{InvalidName, check_name};
pub use person::{Identity, Person, email_of, person_id};
pub use presented::PresentedKey;
pub use reach::{Reach, ReachLevel};
pub use role::{Permission, Role};
pub use session::{Session, SessionToken, cookie, is_same_origin};
pub use switches::{Switch, SwitchKind, Switches};
pub use tenancy::{Department, Project, ProjectSettings, Tenant, TenantSettings};
