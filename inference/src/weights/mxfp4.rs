//! Four-bit weights in blocks of 32 that share a power of two (OCP Microscaling, 2023), as gpt-oss
//! stores its experts.
//!
//! They stay in four bits: only the order within a block changes to that of GGUF files.

use crate::kernels::cpu::BlockFormat;

use super::{RawTensor, TensorList, WeightSource, WeightsError};

/// Values that share a scale.
pub const MXFP4_BLOCK: usize = 32;

/// Names and shapes of the two byte tensors behind `[count, rows, columns]` values.
pub fn mxfp4_tensors(name: &str, [count, rows, columns]: [usize; 3]) -> TensorList {
    let blocks = columns / MXFP4_BLOCK;
    vec![
        (format!("{name}_blocks"), vec![count, rows, blocks, MXFP4_BLOCK / 2]),
        (format!("{name}_scales"), vec![count, rows, blocks]),
    ]
}

/// Reads `[count, rows, columns]` values.
///
/// # Errors
/// If a tensor is missing or malformed, or a value is not finite.
pub fn load_mxfp4(source: &dyn WeightSource, name: &str, shape: [usize; 3]) -> Result<RawTensor, WeightsError> {
    let read = |(name, shape): &(String, Vec<usize>)| source.load_bytes(name, shape);
    let tensors = mxfp4_tensors(name, shape);
    let (blocks, scales) = (read(&tensors[0])?, read(&tensors[1])?);
    let format = BlockFormat::Mxfp4;
    let mut bytes = Vec::with_capacity(scales.len() * format.block_bytes());
    for (block, scale) in blocks.chunks_exact(MXFP4_BLOCK / 2).zip(&scales) {
        bytes.push(*scale);
        // Neighbours share a byte there, values half a block apart here.
        let code = |at: usize| block[at / 2] >> (at % 2 * 4) & 0xf;
        bytes.extend((0..MXFP4_BLOCK / 2).map(|at| code(at) | code(at + MXFP4_BLOCK / 2) << 4));
    }
    let tensor = RawTensor { dtype: source.blocks_dtype(format), shape: shape.to_vec(), bytes };
    if tensor.is_finite() { Ok(tensor) } else { Err(WeightsError::NotFinite { name: name.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the lower three bits of a value stand for; the fourth is its sign.
    const VALUES: [f32; 8] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0];

    struct Bytes {
        block: [u8; MXFP4_BLOCK / 2],
        scale: u8,
    }

    impl WeightSource for Bytes {
        fn check(&self, name: &str, _: &[usize]) -> Result<(), WeightsError> {
            Err(WeightsError::MissingTensor { name: name.to_owned() })
        }

        fn load(&self, name: &str, _: &[usize]) -> Result<RawTensor, WeightsError> {
            Err(WeightsError::MissingTensor { name: name.to_owned() })
        }

        fn check_bytes(&self, _: &str, _: &[usize]) -> Result<(), WeightsError> {
            Ok(())
        }

        fn load_bytes(&self, name: &str, _: &[usize]) -> Result<Vec<u8>, WeightsError> {
            Ok(if name.ends_with("_scales") { vec![self.scale] } else { self.block.to_vec() })
        }
    }

    #[test]
    fn every_value_is_its_sign_size_and_scale_low_half_first() {
        let mut block = [0; MXFP4_BLOCK / 2];
        for (index, pair) in block.iter_mut().enumerate() {
            *pair = (index as u8) | ((15 - index as u8) << 4);
        }
        let expected = |nibble: usize| if nibble < 8 { VALUES[nibble] } else { -VALUES[nibble - 8] };
        for (scale, factor) in [(127, 1.0), (130, 8.0), (120, 1.0 / 128.0)] {
            let found = load_mxfp4(&Bytes { block, scale }, "w", [1, 1, 32]).expect("finite").to_f32();
            for (index, pair) in found.chunks(2).enumerate() {
                let expected = [expected(index) * factor, expected(15 - index) * factor];
                assert!(pair.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < f32::EPSILON));
            }
        }
        assert!(load_mxfp4(&Bytes { block, scale: 255 }, "w", [1, 1, 32]).is_err());
    }
}
