//! The models directory: what lies in it, whether it is sound, and what is being served.

mod folder;
mod models;
mod scan;
mod served;
mod settings;

pub use folder::{FolderError, ModelFolder};
pub use models::{Catalog, CatalogError, ModelState, ModelStatus, ServedModel};
pub use scan::{Candidate, scan};
pub use served::{ReaderFolder, Served, ServedReader, verify_folder};
pub use settings::CatalogSettings;
