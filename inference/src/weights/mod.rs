//! Where weights come from: safetensors folders, Hugging Face configs, dummy weights for benches.

mod dummy;
mod hf_config;
mod raw_tensor;
mod safetensors;

pub use dummy::DummyWeights;
pub use hf_config::{ConfigError, HfConfig};
pub use raw_tensor::{RawTensor, WeightSource, WeightsError};
pub use safetensors::SafetensorsFolder;
