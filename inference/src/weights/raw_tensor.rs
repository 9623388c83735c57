//! A tensor as it lies in a file, and the trait of whatever can hand tensors out.

use std::path::PathBuf;

use crate::kernels::cpu::WeightDtype;

/// Why weights cannot be used. Messages read after "failed to load …".
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("no .safetensors file in {}", directory.display())]
    NoWeights { directory: PathBuf },
    #[error("{}: not a valid safetensors file: {reason}", path.display())]
    BadHeader { path: PathBuf, reason: String },
    #[error("{}: truncated or padded: {found} bytes where its header promises {expected}", path.display())]
    WrongLength { path: PathBuf, expected: u64, found: u64 },
    #[error("{}: not a valid weight index: {reason}", path.display())]
    BadIndex { path: PathBuf, reason: String },
    #[error("tensor {name} is missing")]
    MissingTensor { name: String },
    #[error("tensor {name} has shape {found:?}, the configuration asks for {expected:?}")]
    WrongShape { name: String, expected: Vec<usize>, found: Vec<usize> },
    #[error("tensor {name} has dtype {dtype}; supported are BF16, F16 and F32")]
    UnsupportedDtype { name: String, dtype: String },
}

/// Row-major little-endian values.
#[derive(Debug)]
pub struct RawTensor {
    pub dtype: WeightDtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

impl RawTensor {
    pub fn to_f32(&self) -> Vec<f32> {
        self.dtype.widen_all(&self.bytes)
    }
}

/// Hands out tensors by their Hugging Face names.
pub trait WeightSource: Sync {
    /// Checks that the tensor exists with this shape and a supported dtype, without reading it.
    ///
    /// # Errors
    /// If it does not.
    fn check(&self, name: &str, shape: &[usize]) -> Result<(), WeightsError>;

    /// Reads the tensor.
    ///
    /// # Errors
    /// As [`WeightSource::check`], or if reading fails.
    fn load(&self, name: &str, shape: &[usize]) -> Result<RawTensor, WeightsError>;
}
