//! What the catalog would say of a folder.

use std::path::Path;

use serde::Serialize;
use shekara_inference::catalog::verify_folder;
use shekara_inference::engine::EngineSettings;

/// A folder that can be served.
#[derive(Debug, Serialize)]
pub struct Inspection {
    pub architecture: String,
    pub context: usize,
}

/// Does everything that is done before a model is loaded.
///
/// # Errors
/// Says in one line why it would not be.
pub fn inspect(path: &Path) -> Result<Inspection, String> {
    let id = path.file_stem().unwrap_or_default().to_string_lossy();
    let found = verify_folder(path, &id, &EngineSettings::default()).map_err(|error| error.with_causes())?;
    Ok(Inspection { architecture: found.architecture, context: found.max_context })
}
