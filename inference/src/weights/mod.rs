//! Where weights come from: safetensors folders, Hugging Face configs, dummy weights for benches.

mod dummy;
mod hf_config;
mod mxfp4;
mod raw_tensor;
mod safetensors;

pub use dummy::DummyWeights;
pub use hf_config::{ConfigError, HfConfig};
pub use mxfp4::{MXFP4_BLOCK, load_mxfp4, mxfp4_tensors};
pub use raw_tensor::{RawTensor, TensorList, WeightSource, WeightsError};
pub use safetensors::SafetensorsFolder;
