//! The linear kernel against plain sums, and against itself at other batch sizes.

use half::{bf16, f16};

use super::*;
use crate::kernels::cpu::WeightDtype;

/// Small repeatable values.
fn values(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            ((state >> 40) as f32 / (1u64 << 24) as f32) - 0.5
        })
        .collect()
}

fn encode(values: &[f32], dtype: WeightDtype) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| match dtype {
            WeightDtype::Bf16 => bf16::from_f32(*value).to_le_bytes().to_vec(),
            WeightDtype::F16 => f16::from_f32(*value).to_le_bytes().to_vec(),
            WeightDtype::F32 => value.to_le_bytes().to_vec(),
        })
        .collect()
}

const DTYPES: [WeightDtype; 3] = [WeightDtype::Bf16, WeightDtype::F16, WeightDtype::F32];

#[test]
fn matches_plain_sums_on_every_level_over_odd_shapes() {
    for level in Level::available() {
        for dtype in DTYPES {
            for (rows, outputs, inputs) in
                [(1, 1, 1), (1, 32, 64), (2, 33, 7), (3, 31, 65), (13, 70, 129), (25, 96, 48)]
            {
                let bytes = encode(&values(outputs * inputs, 1), dtype);
                let weights = dtype.widen_all(&bytes);
                let matrix = PackedMatrix::pack(&bytes, dtype, outputs, inputs);
                let (input, bias) = (values(rows * inputs, 2), values(outputs, 3));
                let mut output = vec![f32::NAN; rows * outputs];
                linear(level, &matrix, Some(&bias), (&input, &mut Vec::new()), &mut output);
                for row in 0..rows {
                    for column in 0..outputs {
                        let expected: f64 = (0..inputs)
                            .map(|step| {
                                f64::from(input[row * inputs + step]) * f64::from(weights[column * inputs + step])
                            })
                            .sum::<f64>()
                            + f64::from(bias[column]);
                        let got = f64::from(output[row * outputs + column]);
                        assert!(
                            (got - expected).abs() < 1e-5 * inputs as f64,
                            "{} {dtype:?} {rows}x{outputs}x{inputs}: {got} not {expected}",
                            level.name()
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_row_has_the_same_bits_in_any_batch() {
    let (outputs, inputs) = (100, 300);
    for level in Level::available() {
        for dtype in DTYPES {
            let matrix = PackedMatrix::pack(&encode(&values(outputs * inputs, 4), dtype), dtype, outputs, inputs);
            let input = values(40 * inputs, 5);
            let mut together = vec![0.0; 40 * outputs];
            linear(level, &matrix, None, (&input, &mut Vec::new()), &mut together);
            for rows in [0, 1, 2, 3, 5, 8, 12, 13, 39] {
                let mut apart = vec![0.0; rows * outputs];
                linear(level, &matrix, None, (&input[..rows * inputs], &mut Vec::new()), &mut apart);
                let same = apart.iter().zip(&together).all(|(a, b)| a.to_bits() == b.to_bits());
                assert!(same, "{} {dtype:?} {rows} rows", level.name());
            }
        }
    }
}

#[test]
fn rows_read_back_are_the_rows_packed() {
    for dtype in DTYPES {
        let bytes = encode(&values(70 * 9, 6), dtype);
        let matrix = PackedMatrix::pack(&bytes, dtype, 70, 9);
        let plain = dtype.widen_all(&bytes);
        let mut row = vec![0.0; 9];
        for output in 0..70 {
            matrix.read_row(output, &mut row);
            assert_eq!(row, plain[output * 9..(output + 1) * 9]);
        }
    }
}
