//! The models directory: what lies in it, whether it is sound, and what is being served.
//!
//! `reconcile` compares the directory with what is known and queues what must be loaded; `loader` loads it beside what
//! is served and exchanges the two; `demand` is how requests get a model; `control` is what an operator asks for;
//! `watch` calls all of it when something changes.

mod adapter_folder;
mod adapter_loader;
mod adapters;
mod control;
mod demand;
mod entry;
mod fingerprint;
mod folder;
mod loader;
mod manifest;
mod memory;
mod models;
mod reader_folder;
mod reconcile;
mod room;
mod scan;
mod served;
mod settings;
mod status;
mod transcriber_folder;
mod watch;

pub use adapter_folder::{AdapterSummary, AdapterVerdict, verify_adapters};
pub use control::{Action, ControlError};
pub use demand::AcquireError;
pub use fingerprint::{Fingerprint, UnusableError};
pub use folder::{FolderError, ModelFolder};
pub use manifest::{MANIFEST, Manifest, ManifestFile, ManifestModel};
pub use memory::{MemoryBudget, Reservation, Shortage};
pub use models::{Catalog, CatalogError, Clock};
pub use reader_folder::{FolderSummary, ReaderFolder, verify_folder};
pub use scan::{Candidate, scan};
pub use served::{Served, ServedInfo, ServedModel, ServedReader, ServedTranscriber};
pub use settings::{CatalogSettings, LoadingSettings, ModelSettings};
pub use status::{ModelState, ModelStatus, NextRevision};
pub use transcriber_folder::TranscriberFolder;
pub use watch::CatalogWatch;
