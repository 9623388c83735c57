//! One adapter's folder, as PEFT's `save_pretrained` writes it, checked whole before anything is loaded.

use std::io::ErrorKind;
use std::path::Path;

use crate::frontend::FormatSettings;
use crate::models::{AdapterConfig, AdapterPlan, DecoderConfig};
use crate::weights::{ConfigError, HfConfig, SafetensorsFolder, WeightSource};

use super::folder::{pickle_of, read_is_empty};
use super::scan::scan_adapters;
use super::{Fingerprint, FolderError, ModelFolder};

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";

/// A sound adapter of a model.
pub(super) struct AdapterFolder {
    pub plan: AdapterPlan,
    pub weights: SafetensorsFolder,
}

/// What a sound adapter's folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdapterSummary {
    /// The highest of its ranks.
    pub rank: usize,
    /// What it takes of the memory.
    pub bytes: u64,
}

/// An adapter's name, and whether it is sound.
pub type AdapterVerdict = (String, Result<AdapterSummary, FolderError>);

impl AdapterFolder {
    /// # Errors
    /// If anything in the folder is missing, malformed, not supported, not of this model or larger than `max_bytes`.
    pub(super) fn open(path: &Path, model: &DecoderConfig, max_bytes: u64) -> Result<Self, FolderError> {
        Fingerprint::of(path)?;
        let config = HfConfig::read(&path.join(CONFIG)).map_err(|error| unread_config(path, error))?;
        let config = AdapterConfig::parse(&config.into_values())?;
        let weights = path.join(WEIGHTS);
        if !weights.exists() {
            return Err(match pickle_of(path) {
                Some(found) => FolderError::OnlyPickles { found },
                None => FolderError::AdapterFileMissing { name: WEIGHTS },
            });
        }
        let weights = SafetensorsFolder::open_file(weights)?;
        let plan = AdapterPlan::new(&config, model, &weights)?;
        if plan.memory_bytes() > max_bytes {
            return Err(FolderError::AdapterTooLarge { found: plan.memory_bytes(), most: max_bytes });
        }
        Ok(Self { plan, weights })
    }

    /// The dtype of its first tensor, as a rule that of all.
    pub(super) fn dtype(&self) -> String {
        let first = self.weights.stored().into_iter().min_by(|one, next| one.name.cmp(&next.name));
        first.map(|first| first.dtype).unwrap_or_default()
    }
}

/// Checks all adapters of a model's folder, whose own files are sound.
///
/// # Errors
/// If the model's folder is broken, or its adapters cannot be listed.
pub fn verify_adapters(model: &Path, max_bytes: u64) -> Result<Vec<AdapterVerdict>, FolderError> {
    let adapters = scan_adapters(model).unwrap_or_default();
    if adapters.is_empty() {
        return Ok(Vec::new());
    }
    let config = ModelFolder::open(model, 1, FormatSettings::default())?.config;
    let verify = |path: &Path| {
        let AdapterFolder { plan, .. } = AdapterFolder::open(path, &config, max_bytes)?;
        Ok(AdapterSummary { rank: plan.rank(), bytes: plan.memory_bytes() })
    };
    Ok(adapters.into_iter().map(|adapter| (adapter.id, verify(&adapter.path))).collect())
}

fn unread_config(folder: &Path, error: ConfigError) -> FolderError {
    match error {
        ConfigError::Io { source, .. } if source.kind() == ErrorKind::NotFound => {
            if read_is_empty(folder) {
                FolderError::Empty
            } else {
                FolderError::AdapterFileMissing { name: CONFIG }
            }
        }
        error => error.into(),
    }
}
