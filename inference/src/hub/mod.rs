//! Bringing models in: from a hub that speaks Hugging Face's API, from a mirror of it, or from a copied cache.
//!
//! What always holds: a model appears in the directory whole and verified or not at all; nothing is
//! written outside the directory; a token goes to the endpoint it was given for and to nobody else.

mod cache;
mod checksum;
mod client;
mod client_error;
mod disk;
mod error;
mod folder_check;
mod known_models;
mod listing;
mod manifest;
mod names;
mod pull;
mod selection;
mod staging;
mod token;
mod transfer;

pub use cache::HubCache;
pub use checksum::{Checksum, sha256_of};
pub use client::{DEFAULT_ENDPOINT, HubClient, HubSettings};
pub use client_error::ClientError;
pub use disk::{Disk, SystemDisk};
pub use error::PullError;
pub use folder_check::{FileFault, check_files};
pub use known_models::{KnownModel, KnownModels, Modality, WeightBits};
pub use listing::{Listing, RemoteFile};
pub use manifest::{FileRecord, MANIFEST_FILE, Manifest, ManifestError, ModelRecord};
pub use names::{FileName, ModelId, NameError, RepoId, Revision};
pub use pull::{Origin, PullEvent, PullOrder, Staged, stage};
pub use token::Token;
