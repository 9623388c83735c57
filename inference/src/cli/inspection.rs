//! What the catalog would say of a folder.

use std::path::Path;

use serde::Serialize;
use shekara_inference::catalog::ModelFolder;
use shekara_inference::engine::EngineSettings;
use shekara_inference::frontend::FormatSettings;

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
    let default_max_tokens = EngineSettings::default().default_max_tokens;
    let folder = ModelFolder::open(path, default_max_tokens, FormatSettings::default());
    let config = folder.map_err(|error| error.with_causes())?.config;
    Ok(Inspection { architecture: config.architecture.to_owned(), context: config.max_positions })
}
