//! The linear kernel against plain sums, and against itself at other batch sizes.

use half::{bf16, f16};

use super::*;
use crate::kernels::cpu::{BlockFormat, WeightDtype};

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
            WeightDtype::Blocks(_) | WeightDtype::PreciseBlocks(_) => unreachable!("made of random bytes"),
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
                let weights = dtype.widen_all(&bytes, inputs);
                let matrix = PackedMatrix::pack(&bytes, dtype, outputs, inputs);
                let (input, bias) = (values(rows * inputs, 2), values(outputs, 3));
                let mut output = vec![f32::NAN; rows * outputs];
                linear(level, &[matrix], Some(&bias), (&input, &mut Vec::new()), &mut output);
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
            let matrix = [PackedMatrix::pack(&encode(&values(outputs * inputs, 4), dtype), dtype, outputs, inputs)];
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
        let plain = dtype.widen_all(&bytes, 9);
        let mut row = vec![0.0; 9];
        for output in 0..70 {
            matrix.read_row(output, &mut row);
            assert_eq!(row, plain[output * 9..(output + 1) * 9]);
        }
    }
}

const FORMATS: [BlockFormat; 13] = [
    BlockFormat::Q4_0,
    BlockFormat::Q4_1,
    BlockFormat::Q5_0,
    BlockFormat::Q5_1,
    BlockFormat::Q8_0,
    BlockFormat::Q2K,
    BlockFormat::Q3K,
    BlockFormat::Q4K,
    BlockFormat::Q5K,
    BlockFormat::Q6K,
    BlockFormat::Iq4Nl,
    BlockFormat::Mxfp4,
    BlockFormat::Float8,
];

/// Rows of blocks of random codes whose scales are near one hundredth.
fn blocks(format: BlockFormat, rows: usize, width: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    let mut bytes: Vec<u8> = (0..rows * format.row_bytes(width)).map(|_| byte()).collect();
    for block in bytes.chunks_exact_mut(format.block_bytes()) {
        let scale = f16::from_f32(0.01 + f32::from(block[7]) / 25600.0).to_le_bytes();
        let mut set = |at: usize| block[at..at + 2].copy_from_slice(&scale);
        match format {
            BlockFormat::Q4_0 | BlockFormat::Q5_0 | BlockFormat::Q8_0 | BlockFormat::Iq4Nl => set(0),
            BlockFormat::Q4_1 | BlockFormat::Q5_1 | BlockFormat::Q4K | BlockFormat::Q5K => {
                [0, 2].into_iter().for_each(set);
            }
            BlockFormat::Q2K => [80, 82].into_iter().for_each(set),
            BlockFormat::Q3K => set(108),
            BlockFormat::Q6K => set(208),
            BlockFormat::Mxfp4 => block[0] = 115 + block[0] % 8,
            BlockFormat::Float8 => {
                block[..4].copy_from_slice(&0.01_f32.to_le_bytes());
                block[4..].iter_mut().filter(|code| **code & 0x7f == 0x7f).for_each(|code| *code = 0);
            }
        }
        assert!(format.is_finite(block));
    }
    bytes
}

#[test]
fn blocks_match_plain_sums_of_their_values_on_every_level() {
    for format in FORMATS {
        // Rows that end within a block, within a tile and within a group.
        for (rows, outputs, inputs) in
            [(1, 1, 32), (2, 33, 256), (5, 70, 512), (13, 31, 300), (110, 40, 96), (3, 64, 47)]
        {
            let dtype = WeightDtype::Blocks(format);
            let bytes = blocks(format, outputs, inputs, 7);
            let weights = dtype.widen_all(&bytes, inputs);
            let (input, bias) = (values(rows * inputs, 2), values(outputs, 3));
            let matrix = [PackedMatrix::pack(&bytes, dtype, outputs, inputs)];
            for level in Level::available() {
                let mut output = vec![f32::NAN; rows * outputs];
                linear(level, &matrix, Some(&bias), (&input, &mut Vec::new()), &mut output);
                let mut scratch = Vec::new();
                let input = match format {
                    BlockFormat::Float8 => input.clone(),
                    _ => Rounded::new(level, (&input, inputs), Digits::First, &mut scratch).values(inputs),
                };
                for row in 0..rows {
                    for column in 0..outputs {
                        let products = || {
                            let weights = &weights[column * inputs..(column + 1) * inputs];
                            let input = &input[row * inputs..(row + 1) * inputs];
                            input.iter().zip(weights).map(|(a, b)| f64::from(*a) * f64::from(*b))
                        };
                        let expected = products().sum::<f64>() + f64::from(bias[column]);
                        let size = products().map(f64::abs).sum::<f64>() + 1.0;
                        let got = f64::from(output[row * outputs + column]);
                        assert!(
                            (got - expected).abs() < 3e-6 * size,
                            "{} {format:?} {rows}x{outputs}x{inputs}: {got} not {expected}",
                            level.name()
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn precise_blocks_match_plain_sums_over_unrounded_inputs() {
    for (format, (rows, outputs, inputs)) in
        FORMATS.into_iter().flat_map(|format| [(format, (9, 40, 512)), (format, (54, 40, 300))])
    {
        let bytes = blocks(format, outputs, inputs, 7);
        let weights = WeightDtype::Blocks(format).widen_all(&bytes, inputs);
        let (input, bias) = (values(rows * inputs, 2), values(outputs, 3));
        let matrix = [PackedMatrix::pack(&bytes, WeightDtype::PreciseBlocks(format), outputs, inputs)];
        for level in Level::available() {
            let mut output = vec![f32::NAN; rows * outputs];
            linear(level, &matrix, Some(&bias), (&input, &mut Vec::new()), &mut output);
            for (input, output) in input.chunks(inputs).zip(output.chunks(outputs)) {
                for ((weights, bias), got) in weights.chunks(inputs).zip(&bias).zip(output) {
                    let products = || input.iter().zip(weights).map(|(a, b)| f64::from(*a) * f64::from(*b));
                    let (expected, size) =
                        (products().sum::<f64>() + f64::from(*bias), products().map(f64::abs).sum::<f64>());
                    assert!((f64::from(*got) - expected).abs() < 1e-5 * (size + 1.0), "{} {format:?}", level.name());
                }
            }
        }
    }
}

/// Every level and format, with whole blocks and with a last one that is not.
fn cases() -> impl Iterator<Item = (Level, BlockFormat, (usize, usize))> {
    let shapes = [(100, 512), (40, 300)];
    let of_level = move |level| FORMATS.into_iter().flat_map(move |format| shapes.map(|shape| (level, format, shape)));
    Level::available().into_iter().flat_map(of_level)
}

#[test]
fn a_row_has_the_same_bits_in_any_batch_whatever_the_blocks() {
    for (level, format, (outputs, inputs)) in cases() {
        let dtype = WeightDtype::Blocks(format);
        // Two formats one below the other, as files of mixed formats have them.
        let other = WeightDtype::Blocks(BlockFormat::Q6K);
        let matrices = [
            PackedMatrix::pack(&blocks(format, outputs, inputs, 8), dtype, outputs, inputs),
            PackedMatrix::pack(&blocks(BlockFormat::Q6K, 33, inputs, 9), other, 33, inputs),
        ];
        let width = outputs + 33;
        let input = values(230 * inputs, 5);
        let mut together = vec![0.0; 230 * width];
        linear(level, &matrices, None, (&input, &mut Vec::new()), &mut together);
        for rows in [0, 1, 2, 3, 5, 12, 13, 39, 40, 45, 54, 62, 97, 129, 229] {
            let mut apart = vec![0.0; rows * width];
            linear(level, &matrices, None, (&input[..rows * inputs], &mut Vec::new()), &mut apart);
            let same = apart.iter().zip(&together).all(|(a, b)| a.to_bits() == b.to_bits());
            assert!(same, "{} {format:?} {rows} rows", level.name());
        }
    }
}

#[test]
fn rows_of_blocks_read_back_are_the_rows_packed() {
    for format in FORMATS {
        let (dtype, inputs) = (WeightDtype::Blocks(format), 272);
        let bytes = blocks(format, 40, inputs, 6);
        let matrix = PackedMatrix::pack(&bytes, dtype, 40, inputs);
        let plain = dtype.widen_all(&bytes, inputs);
        let mut row = vec![0.0; inputs];
        for output in 0..40 {
            matrix.read_row(output, &mut row);
            let same = row.iter().zip(&plain[output * inputs..]).all(|(a, b)| a.to_bits() == b.to_bits());
            assert!(same || row == plain[output * inputs..(output + 1) * inputs], "{format:?}");
        }
    }
}
