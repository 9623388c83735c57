//! What the catalog would say of a folder.

use std::path::Path;

use serde::Serialize;
use shekara_inference::catalog::{AdapterSummary, AdapterVerdict, LoadingSettings, verify_adapters, verify_folder};
use shekara_inference::engine::EngineSettings;

/// What the catalog would say of each adapter of a model's folder: its id, and its rank and bytes or why it would not
/// be served. None of a model that is broken itself, since there is nothing to hold them against.
pub fn inspect_adapters(id: &str, path: &Path) -> Vec<(String, Result<AdapterSummary, String>)> {
    let max_bytes = LoadingSettings::default().max_adapter_bytes;
    let adapters = verify_adapters(path, max_bytes).unwrap_or_default();
    let line = |(name, result): AdapterVerdict| (format!("{id}:{name}"), result.map_err(|error| error.with_causes()));
    adapters.into_iter().map(line).collect()
}

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
