//! A tensor as it lies in a file, and the trait of whatever can hand tensors out.

use std::path::PathBuf;

use rayon::prelude::*;

use crate::kernels::cpu::{BlockFormat, WeightDtype};

use super::ConfigError;

/// Bytes that one thread looks at in a go: many enough to be worth handing over.
const CHECKED_TOGETHER: usize = 1 << 20;
/// The same, in blocks.
const BLOCKS_TOGETHER: usize = 1 << 12;

/// Why weights cannot be used. Messages read after "failed to load …".
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    #[error("{} cannot be read", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("no .safetensors file in {}", directory.display())]
    NoWeights { directory: PathBuf },
    #[error("{}: not a valid safetensors file: {reason}", path.display())]
    BadHeader { path: PathBuf, reason: String },
    #[error("{}: truncated or padded: {found} bytes where its header promises {expected}", path.display())]
    WrongLength { path: PathBuf, expected: u64, found: u64 },
    #[error("{}: not a valid weight index: {reason}", path.display())]
    BadIndex { path: PathBuf, reason: String },
    #[error("{}: not a valid GGUF file: {reason}", path.display())]
    BadGguf { path: PathBuf, reason: String },
    #[error("tensor {name} is stored in a format that is not supported (GGUF type {number})")]
    UnsupportedBlocks { name: String, number: u32 },
    #[error(transparent)]
    Config(ConfigError),
    #[error("tensor {name} is missing")]
    MissingTensor { name: String },
    #[error("tensor {name} has shape {found:?}, the configuration asks for {expected:?}")]
    WrongShape { name: String, expected: Vec<usize>, found: Vec<usize> },
    #[error("tensor {name} has dtype {dtype}; supported are BF16, F16, F32 and, for matrices, F8_E4M3")]
    UnsupportedDtype { name: String, dtype: String },
    #[error("tensor {name} has dtype {dtype}; U8 is expected")]
    NotBytes { name: String, dtype: String },
    #[error("tensor {name} holds values that are not finite")]
    NotFinite { name: String },
}

/// Row-major little-endian values.
#[derive(Debug)]
pub struct RawTensor {
    pub dtype: WeightDtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

/// Names and shapes of tensors that a part of a model reads.
pub type TensorList = Vec<(String, Vec<usize>)>;

impl RawTensor {
    /// The rows of `order` of a tensor seen as `[rows, width]`, in that order.
    ///
    /// # Panics
    /// If there are fewer rows.
    #[must_use]
    pub fn rows(&self, width: usize, order: impl Iterator<Item = usize>) -> Self {
        let row_bytes = self.dtype.row_bytes(width);
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut count = 0;
        for row in order {
            bytes.extend_from_slice(&self.bytes[row * row_bytes..(row + 1) * row_bytes]);
            count += 1;
        }
        Self { dtype: self.dtype, shape: vec![count, width], bytes }
    }

    /// A matrix on its side: `[rows, columns]` becomes `[columns, rows]`.
    ///
    /// # Panics
    /// If it is made of blocks, which lie along rows.
    #[must_use]
    pub fn transposed(&self, rows: usize, columns: usize) -> Self {
        assert!(
            !matches!(self.dtype, WeightDtype::Blocks(_) | WeightDtype::PreciseBlocks(_)),
            "blocks cannot be turned"
        );
        let size = self.dtype.row_bytes(1);
        let mut bytes = Vec::with_capacity(self.bytes.len());
        for column in 0..columns {
            for row in 0..rows {
                let at = (row * columns + column) * size;
                bytes.extend_from_slice(&self.bytes[at..at + size]);
            }
        }
        Self { dtype: self.dtype, shape: vec![columns, rows], bytes }
    }

    pub fn to_f32(&self) -> Vec<f32> {
        self.dtype.widen_all(&self.bytes, self.shape.last().copied().unwrap_or(1))
    }

    /// Whether no value is infinite or not a number: none whose exponent bits are all ones.
    pub fn is_finite(&self) -> bool {
        let check = match self.dtype {
            WeightDtype::Bf16 => halves_are_finite::<0x7f80>,
            WeightDtype::F16 => halves_are_finite::<0x7c00>,
            WeightDtype::F32 => floats_are_finite,
            WeightDtype::Blocks(format) | WeightDtype::PreciseBlocks(format) => {
                let blocks = self.bytes.par_chunks_exact(format.block_bytes()).with_min_len(BLOCKS_TOGETHER);
                return blocks.all(|block| format.is_finite(block));
            }
        };
        self.bytes.par_chunks(CHECKED_TOGETHER).all(check)
    }
}

// Both look at every value, as a loop that may end early is not compiled to vectors.

fn halves_are_finite<const EXPONENT: u16>(bytes: &[u8]) -> bool {
    let is_special = |value: &[u8; 2]| u16::from_le_bytes(*value) & EXPONENT == EXPONENT;
    !bytes.as_chunks().0.iter().fold(false, |found, value| found | is_special(value))
}

fn floats_are_finite(bytes: &[u8]) -> bool {
    bytes.as_chunks().0.iter().fold(true, |finite, value| finite & f32::from_le_bytes(*value).is_finite())
}

/// What is known of a tensor before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTensor {
    pub name: String,
    pub shape: Vec<usize>,
    /// As the file calls it, in small letters.
    pub dtype: String,
    /// What it takes in memory.
    pub bytes: u64,
}

/// Hands out tensors by their Hugging Face names.
pub trait WeightSource: Sync {
    /// Every tensor that it has, those included that no layer reads; nothing where that is not known beforehand.
    fn stored(&self) -> Vec<StoredTensor> {
        Vec::new()
    }

    /// Checks that the tensor exists with this shape and a supported dtype, without reading it.
    ///
    /// # Errors
    /// If it does not.
    fn check(&self, name: &str, shape: &[usize]) -> Result<(), WeightsError>;

    /// Reads the tensor.
    ///
    /// # Errors
    /// As [`WeightSource::check`], or if reading fails or a value is not finite.
    fn load(&self, name: &str, shape: &[usize]) -> Result<RawTensor, WeightsError>;

    /// Like [`WeightSource::check`], of a tensor of plain bytes.
    ///
    /// # Errors
    /// If there is none of this shape.
    fn check_bytes(&self, name: &str, shape: &[usize]) -> Result<(), WeightsError>;

    /// Reads a tensor of plain bytes.
    ///
    /// # Errors
    /// As [`WeightSource::check_bytes`], or if reading fails.
    fn load_bytes(&self, name: &str, shape: &[usize]) -> Result<Vec<u8>, WeightsError>;

    /// The dtype of blocks that are put together of plain bytes.
    fn blocks_dtype(&self, format: BlockFormat) -> WeightDtype {
        WeightDtype::Blocks(format)
    }
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;

    fn is_finite(dtype: WeightDtype, values: &[f32]) -> bool {
        let bytes = values.iter().flat_map(|value| match dtype {
            WeightDtype::Bf16 => bf16::from_f32(*value).to_le_bytes().to_vec(),
            WeightDtype::F16 => f16::from_f32(*value).to_le_bytes().to_vec(),
            WeightDtype::F32 => value.to_le_bytes().to_vec(),
            WeightDtype::Blocks(_) | WeightDtype::PreciseBlocks(_) => unreachable!("not made of numbers"),
        });
        RawTensor { dtype, shape: vec![values.len()], bytes: bytes.collect() }.is_finite()
    }

    #[test]
    fn one_value_that_is_not_finite_is_found_anywhere() {
        for (dtype, largest) in [
            (WeightDtype::Bf16, bf16::MAX.to_f32()),
            (WeightDtype::F16, f16::MAX.to_f32()),
            (WeightDtype::F32, f32::MAX),
        ] {
            // Odd in length, and longer than what one thread looks at.
            let mut values: Vec<f32> = [0.0, -0.0, 1e-7, -1.0, largest, -largest].repeat(100_001);
            values.push(largest);
            assert!(values.len() * dtype.row_bytes(1) > CHECKED_TOGETHER);
            assert!(is_finite(dtype, &values), "{dtype:?}");
            for at in [0, CHECKED_TOGETHER / dtype.row_bytes(1), values.len() - 1] {
                for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    let good = std::mem::replace(&mut values[at], bad);
                    assert!(!is_finite(dtype, &values), "{dtype:?}: {bad} at {at}");
                    values[at] = good;
                }
            }
        }
        assert!(is_finite(WeightDtype::F32, &[]));
    }
}
