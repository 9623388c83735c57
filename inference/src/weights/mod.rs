//! Where weights come from: safetensors folders, GGUF files, Hugging Face configs, dummy weights for benches.

mod dummy;
mod fp8;
mod gguf;
mod hf_config;
mod mxfp4;
mod precise;
mod quantized;
mod quantized_cache;
mod raw_tensor;
mod safetensors;

pub use dummy::DummyWeights;
pub use gguf::{GgufMetadata, GgufValue, GgufWeights};
pub use hf_config::{ConfigError, HfConfig};
pub use mxfp4::{MXFP4_BLOCK, load_mxfp4, mxfp4_tensors};
pub use precise::{ActivationDtype, PreciseWeights};
pub use quantized::{Quantization, QuantizedWeights, UnknownQuantization};
pub use quantized_cache::QuantizedCache;
pub use raw_tensor::{RawTensor, StoredTensor, TensorList, WeightSource, WeightsError};
pub use safetensors::SafetensorsFolder;
