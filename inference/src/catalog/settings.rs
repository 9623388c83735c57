//! What an operator can set about a directory of models.

use std::collections::BTreeMap;

use crate::engine::EngineSettings;
use crate::frontend::FormatSettings;

/// Settings of all models' engines, and of single models by id.
#[derive(Clone, Debug, Default)]
pub struct CatalogSettings {
    pub engine: EngineSettings,
    pub models: BTreeMap<String, FormatSettings>,
}

impl From<EngineSettings> for CatalogSettings {
    fn from(engine: EngineSettings) -> Self {
        Self { engine, models: BTreeMap::new() }
    }
}
