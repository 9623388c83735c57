//! Adapters against the formula, in any company.

use super::*;
use crate::kernels::cpu::WeightDtype;

/// Numbers that look random, around zero.
fn numbers(seed: usize, count: usize) -> Vec<f32> {
    (0..count).map(|at| ((at * 7919 + seed * 104_729) % 1009) as f32 / 504.5 - 1.0).collect()
}

fn tensor(values: &[f32], rows: usize, columns: usize) -> RawTensor {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    RawTensor { dtype: WeightDtype::F32, shape: vec![rows, columns], bytes }
}

const INPUTS: usize = 50;
const OUTPUTS: [usize; 3] = [40, 33, 70];
const STRIDE: usize = 143;

/// Two of three parts, of different ranks.
fn parts() -> Vec<(usize, usize, usize, f32)> {
    vec![(5, OUTPUTS[0], 0, 0.5), (17, OUTPUTS[2], OUTPUTS[0] + OUTPUTS[1], 2.0)]
}

fn matrices(index: usize, (rank, outputs, ..): (usize, usize, usize, f32)) -> [Vec<f32>; 2] {
    [numbers(index, rank * INPUTS), numbers(index + 10, outputs * rank)]
}

fn adapter() -> Adapter {
    let mut adapter = Adapter::new(1, 2, None);
    let part = |(index, part): (usize, (usize, usize, usize, f32))| {
        let (rank, outputs, first_output, scale) = part;
        let [down, up] = matrices(index, part);
        LowRankPart { down: tensor(&down, rank, INPUTS), up: tensor(&up, outputs, rank), scale, first_output }
    };
    assert!(adapter.insert((1, Projection::Attention), parts().into_iter().enumerate().map(part).collect()));
    adapter
}

fn run(adapter: &Adapter, rows: &[usize], input: &[f32], output: &mut [f32]) {
    let mut scratch = AdapterScratch::default();
    adapter.add_to((1, Projection::Attention), (input, rows), (output, STRIDE), &mut scratch);
}

#[test]
fn rows_that_ask_for_it_get_what_the_formula_says_and_the_others_nothing() {
    const ROWS: usize = 201;
    let (adapter, input, before) = (adapter(), numbers(3, ROWS * INPUTS), numbers(4, ROWS * STRIDE));
    let rows: Vec<usize> = (0..ROWS).filter(|row| row % 3 != 1).collect();
    let mut output = before.clone();
    run(&adapter, &rows, &input, &mut output);
    for row in 0..ROWS {
        let mut expected: Vec<f64> = before[row * STRIDE..(row + 1) * STRIDE].iter().copied().map(f64::from).collect();
        for (index, part) in parts().into_iter().enumerate().filter(|_| rows.contains(&row)) {
            let (rank, outputs, first_output, scale) = part;
            let [down, up] = matrices(index, part);
            let narrow = |at: usize| -> f64 {
                let (weights, input) = (&down[at * INPUTS..], &input[row * INPUTS..(row + 1) * INPUTS]);
                weights.iter().zip(input).map(|(weight, input)| f64::from(*weight) * f64::from(*input)).sum()
            };
            let narrow: Vec<f64> = (0..rank).map(narrow).collect();
            for output in 0..outputs {
                let weights = &up[output * rank..(output + 1) * rank];
                let sum: f64 = weights.iter().zip(&narrow).map(|(weight, narrow)| f64::from(*weight) * narrow).sum();
                expected[first_output + output] += f64::from(scale) * sum;
            }
        }
        for (found, expected) in output[row * STRIDE..].iter().zip(expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-4, "row {row}: {found} {expected}");
        }
    }
    // To the bit.
    for row in (0..ROWS).filter(|row| !rows.contains(row)) {
        assert_eq!(output[row * STRIDE..(row + 1) * STRIDE], before[row * STRIDE..(row + 1) * STRIDE]);
    }
}

#[test]
fn a_row_has_the_same_bits_alone_and_in_any_company() {
    const ROWS: usize = 150;
    let (adapter, input, before) = (adapter(), numbers(5, ROWS * INPUTS), numbers(6, ROWS * STRIDE));
    let all: Vec<usize> = (0..ROWS).collect();
    let mut together = before.clone();
    run(&adapter, &all, &input, &mut together);
    for step in [1, 2, 7, 64] {
        let mut apart = before.clone();
        for rows in all.chunks(step) {
            run(&adapter, rows, &input, &mut apart);
        }
        assert!(apart == together, "{step} at a time");
    }
}

#[test]
fn what_it_takes_is_known_beforehand() {
    let adapter = adapter();
    let sizes: Vec<_> = parts().into_iter().map(|(rank, outputs, ..)| (4, rank, outputs)).collect();
    assert_eq!(adapter.size_in_bytes(), Adapter::bytes_for(&sizes, INPUTS));
    assert_eq!(adapter.rank(), 17);
    let site = |projection, outputs: &[usize], num_inputs| {
        let parts = outputs.iter().map(|outputs| (String::new(), *outputs)).collect();
        AdapterSite { layer: 0, projection, parts, num_inputs, order: None }
    };
    let sites = [site(Projection::Attention, &OUTPUTS, INPUTS), site(Projection::Down, &[INPUTS], 90)];
    for num_rows in [1, 150] {
        let mut scratch = AdapterScratch::default();
        let rows: Vec<usize> = (0..num_rows).collect();
        let mut output = vec![0.0; num_rows * STRIDE];
        let at = (1, Projection::Attention);
        let input = vec![1.0; num_rows * INPUTS];
        adapter.add_to(at, (&input, &rows), (&mut output, STRIDE), &mut scratch);
        let lengths = AdapterScratch::lengths(&sites, num_rows);
        for (buffer, length) in scratch.buffers().into_iter().zip(lengths) {
            assert!(buffer.len() <= length, "{} {length}", buffer.len());
        }
    }
}

#[test]
fn what_overflows_is_found_when_it_is_loaded() {
    let mut adapter = Adapter::new(1, 1, None);
    let part = |scale| LowRankPart {
        down: tensor(&[1e30; INPUTS], 1, INPUTS),
        up: tensor(&[1.0; 3], 3, 1),
        scale,
        first_output: 0,
    };
    assert!(adapter.insert((0, Projection::Down), vec![part(1.0)]));
    assert!(!adapter.insert((0, Projection::Down), vec![part(1e30)]));
}
