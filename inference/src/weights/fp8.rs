//! Weights of eight bits with four of exponent, as safetensors files have them.
//!
//! Their scales stand beside them: one for each 128 × 128 weights (`weight_scale_inv`, DeepSeek-V3
//! and Qwen3), one for each row, or one for all (`weight_scale`). They stay in eight bits.

use crate::kernels::cpu::{BlockFormat, WeightDtype};

use super::{RawTensor, WeightsError};

/// Rows and columns that share a scale.
const BLOCK: usize = 128;

/// Names that the scales of a matrix may have.
pub(super) fn scale_names(name: &str) -> [String; 2] {
    let stem = name.strip_suffix(".weight").unwrap_or(name);
    [format!("{stem}.weight_scale_inv"), format!("{stem}.weight_scale")]
}

/// The scale of each block of a row, by row and block.
#[derive(Debug)]
pub(super) struct Scales {
    values: Vec<f32>,
    /// Rows that share scales.
    rows: usize,
    /// Scales of a row.
    columns: usize,
}

impl Scales {
    /// # Errors
    /// If they fit the matrix in none of the known ways.
    pub(super) fn new(name: &str, scales: &RawTensor, [rows, columns]: [usize; 2]) -> Result<Self, WeightsError> {
        let values = scales.to_f32();
        let blocks = [rows.div_ceil(BLOCK), columns.div_ceil(BLOCK)];
        let (rows, columns) = match scales.shape[..] {
            [] | [1] | [1, 1] => (rows, 1),
            [found, columns] if [found, columns] == blocks => (BLOCK, columns),
            [found] | [found, 1] if found == rows => (1, 1),
            _ => {
                let (expected, found) = (blocks.to_vec(), scales.shape.clone());
                return Err(WeightsError::WrongShape { name: name.to_owned(), expected, found });
            }
        };
        Ok(Self { values, rows, columns })
    }

    fn of(&self, row: usize, block: usize) -> f32 {
        self.values[row / self.rows * self.columns + block.min(self.columns - 1)]
    }
}

/// Puts each block's scale before its codes.
pub(super) fn blocks(codes: &[u8], scales: &Scales, shape: [usize; 2]) -> RawTensor {
    let format = BlockFormat::Float8;
    let mut bytes = Vec::with_capacity(shape[0] * format.row_bytes(shape[1]));
    for (row, codes) in codes.chunks_exact(shape[1]).enumerate() {
        for (block, codes) in codes.chunks(BLOCK).enumerate() {
            bytes.extend(scales.of(row, block).to_le_bytes());
            bytes.extend_from_slice(codes);
            bytes.resize(bytes.len() + BLOCK - codes.len(), 0);
        }
    }
    RawTensor { dtype: WeightDtype::Blocks(format), shape: shape.to_vec(), bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scales(shape: &[usize]) -> RawTensor {
        let count: usize = shape.iter().product();
        let bytes = (0..count).flat_map(|index| (1.0 + index as f32).to_le_bytes()).collect();
        RawTensor { dtype: WeightDtype::F32, shape: shape.to_vec(), bytes }
    }

    #[test]
    fn each_weight_has_the_scale_of_its_block_its_row_or_all() {
        let shape = [130, 200];
        // The code of one.
        let codes = vec![0x38; shape[0] * shape[1]];
        let value = |of: &[usize], row: usize, column: usize| {
            let scales = Scales::new("w", &scales(of), shape).expect("they fit");
            blocks(&codes, &scales, shape).to_f32()[row * shape[1] + column] as usize
        };
        assert_eq!([value(&[2, 2], 0, 0), value(&[2, 2], 127, 128), value(&[2, 2], 128, 199)], [1, 2, 4]);
        assert_eq!([value(&[130, 1], 0, 0), value(&[130, 1], 129, 199), value(&[130], 2, 3)], [1, 130, 3]);
        assert_eq!([value(&[], 129, 199), value(&[1], 129, 199)], [1, 1]);
        assert!(Scales::new("w", &scales(&[2, 3]), shape).is_err());
    }
}
