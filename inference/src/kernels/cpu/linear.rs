//! `y = x · Wᵀ + bias` over packed weights.
//!
//! Matrices of small integers take inputs rounded to eight bits, which are rounded once for all of
//! them, or to sixteen, as two numbers of eight; the others take them as they are.
//!
//! Each output element is one chain of multiply-adds from the first input to the last, whatever
//! the number of rows: batching cannot change a bit. Rows only share the loading of weights.

use std::ops::Range;

use super::float8_linear::Float8Kernel;
use super::integer_linear::IntegerKernel;
use super::level::{Kernel, Level};
use super::packed::{PANEL, PackedMatrix, Panels};
use super::parallel::{SharedMut, for_each_range};
use super::rounded::{Digits, Rounded, SPARE_WORDS, words_of_row};
use super::vector::{LANES, Vector};

/// Computes `output[row] = input[row] · Wᵀ + bias` for every row, where `W` is several matrices one
/// below the other.
///
/// `input` is `[num_rows, num_inputs]`, `output` `[num_rows, num_outputs]`; `bias`, when given,
/// holds `num_outputs` values. `scratch` becomes as long as [`scratch_len`] says, at most.
///
/// # Panics
/// If the lengths do not fit the matrices, or there is none.
pub fn linear(
    level: Level,
    matrices: &[PackedMatrix],
    bias: Option<&[f32]>,
    (input, scratch): (&[f32], &mut Vec<f32>),
    output: &mut [f32],
) {
    let num_inputs = matrices[0].num_inputs();
    let num_outputs: usize = matrices.iter().map(PackedMatrix::num_outputs).sum();
    let num_rows = input.len() / num_inputs;
    assert!(matrices.iter().all(|matrix| matrix.num_inputs() == num_inputs), "matrices of one width");
    assert_eq!(input.len(), num_rows * num_inputs, "input shape");
    assert_eq!(output.len(), num_rows * num_outputs, "output shape");
    assert!(bias.is_none_or(|bias| bias.len() == num_outputs), "bias shape");
    if num_rows == 0 {
        return;
    }
    let values = SharedMut::new(output);
    let mut first_column = 0;
    let parts: Vec<Part<'_>> = matrices
        .iter()
        .map(|matrix| {
            let target = Target { values, stride: num_outputs, first_column };
            let bias = bias.map(|bias| &bias[first_column..first_column + matrix.num_outputs()]);
            first_column += matrix.num_outputs();
            Part { matrix, bias, target }
        })
        .collect();
    let (integers, numbers): (Vec<_>, Vec<_>) = parts.iter().partition(|part| part.matrix.takes_rounded());
    if !integers.is_empty() {
        let rounded = Rounded::new(level, (input, num_inputs), Digits::First, scratch);
        for_each_panel(&integers, num_rows, |part, panels| part.on_integers(level, rounded, Digits::First, panels));
    }
    let precise: Vec<_> = integers.into_iter().filter(|part| part.matrix.is_precise).collect();
    if !precise.is_empty() {
        let rounded = Rounded::new(level, (input, num_inputs), Digits::Second, scratch);
        for_each_panel(&precise, num_rows, |part, panels| part.on_integers(level, rounded, Digits::Second, panels));
    }
    if !numbers.is_empty() {
        let blocks = Blocks { num_rows, count: num_rows.div_ceil(level.run(MaxRows)) };
        let input = if num_rows == 1 { input } else { interleave(input, blocks, scratch) };
        for_each_panel(&numbers, num_rows, |part, panels| part.on_numbers(level, input, blocks, panels));
    }
}

/// Calls `task` with all panels of all parts, shared out in one go.
fn for_each_panel(parts: &[&Part<'_>], num_rows: usize, task: impl Fn(&Part<'_>, Range<usize>) + Sync) {
    let num_panels = |part: &Part<'_>| part.matrix.num_outputs().div_ceil(PANEL);
    let count = parts.iter().map(|part| num_panels(part)).sum();
    let cost = num_rows * PANEL * parts[0].matrix.num_inputs();
    for_each_range(count, cost, |range| {
        let mut first = 0;
        for part in parts {
            let end = first + num_panels(part);
            let panels = range.start.max(first)..range.end.min(end);
            if !panels.is_empty() {
                task(part, panels.start - first..panels.end - first);
            }
            first = end;
        }
    });
}

/// What [`linear`]'s scratch grows to for an input of `width` values a row, by row.
pub const fn scratch_len(width: usize) -> usize {
    let rounded = words_of_row(width) + SPARE_WORDS;
    if rounded > width { rounded } else { width }
}

/// One of the matrices, and where its answers go.
struct Part<'a> {
    matrix: &'a PackedMatrix,
    bias: Option<&'a [f32]>,
    target: Target,
}

impl Part<'_> {
    fn on_integers(&self, level: Level, input: Rounded<'_>, digits: Digits, panels: Range<usize>) {
        let Panels::Tiles(tiles) = &self.matrix.panels else { return };
        level.run(IntegerKernel {
            tiles,
            num_outputs: self.matrix.num_outputs(),
            bias: self.bias,
            input,
            panels,
            target: self.target,
            matrix_units: level.has_matrix_units(),
            adds: digits == Digits::Second,
        });
    }

    fn on_numbers(&self, level: Level, input: &[f32], blocks: Blocks, panels: Range<usize>) {
        let Part { matrix, bias, target } = *self;
        match &matrix.panels {
            Panels::Tiles(tiles) => level.run(Float8Kernel {
                tiles,
                num_inputs: matrix.num_inputs(),
                num_outputs: matrix.num_outputs(),
                bias,
                input,
                blocks,
                panels,
                target,
            }),
            _ => level.run(LinearKernel { matrix, bias, input, blocks, panels, target }),
        }
    }
}

/// Where a matrix' answers go: some columns of the output.
#[derive(Clone, Copy)]
pub(super) struct Target {
    values: SharedMut<f32>,
    stride: usize,
    first_column: usize,
}

impl Target {
    /// # Safety
    /// The output has this row, and this column of the matrix.
    #[inline(always)]
    pub(super) unsafe fn at(self, row: usize, column: usize) -> *mut f32 {
        // SAFETY: the caller vouches for the place.
        unsafe { self.values.pointer().add(row * self.stride + self.first_column + column) }
    }
}

/// Rows that are computed together, in blocks of nearly equal height: 16 rows run as 8 + 8, not
/// as 12 + 4.
#[derive(Clone, Copy)]
pub(super) struct Blocks {
    num_rows: usize,
    count: usize,
}

impl Blocks {
    pub(super) fn count(self) -> usize {
        self.count
    }

    /// First row and height of a block.
    pub(super) fn get(self, block: usize) -> (usize, usize) {
        let first = block * self.num_rows / self.count;
        (first, (block + 1) * self.num_rows / self.count - first)
    }
}

/// Lays each block out input by input: `[num_inputs, height]`. Rows a power of two apart would
/// all compete for the same few lines of the cache.
fn interleave<'a>(input: &[f32], blocks: Blocks, scratch: &'a mut Vec<f32>) -> &'a [f32] {
    scratch.resize(input.len(), 0.0);
    let num_inputs = input.len() / blocks.num_rows;
    for block in 0..blocks.count {
        let (first, height) = blocks.get(block);
        let range = first * num_inputs..(first + height) * num_inputs;
        let target = &mut scratch[range.clone()];
        for (row, values) in input[range].chunks_exact(num_inputs).enumerate() {
            for (step, value) in values.iter().enumerate() {
                target[step * height + row] = *value;
            }
        }
    }
    scratch
}

/// Steps along K by which weights are asked for before they are needed.
const AHEAD: usize = 32;

struct MaxRows;

impl Kernel for MaxRows {
    type Output = usize;

    #[inline(always)]
    unsafe fn run<V: Vector>(self) -> usize {
        V::MAX_ROWS
    }
}

struct LinearKernel<'a> {
    matrix: &'a PackedMatrix,
    bias: Option<&'a [f32]>,
    /// As [`interleave`] leaves it.
    input: &'a [f32],
    blocks: Blocks,
    panels: Range<usize>,
    target: Target,
}

impl Kernel for LinearKernel<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        // SAFETY: the caller vouches for the features of `V`.
        unsafe {
            match &self.matrix.panels {
                Panels::Bf16(buffer) => self.all::<V, Bf16>(buffer.as_slice()),
                Panels::F16(buffer) => self.all::<V, F16>(buffer.as_slice()),
                Panels::F32(buffer) => self.all::<V, F32>(buffer.as_slice()),
                // These have a kernel of their own.
                Panels::Tiles(_) => {}
            }
        }
    }
}

impl LinearKernel<'_> {
    /// # Safety
    /// The processor has the features of `V`.
    #[inline(always)]
    unsafe fn all<V: Vector, W: Weight>(&self, weights: &[W::Bits]) {
        for panel in self.panels.clone() {
            let length = PANEL * self.matrix.num_inputs();
            let weights = &weights[panel * length..(panel + 1) * length];
            for block in 0..self.blocks.count {
                let (first, height) = self.blocks.get(block);
                // SAFETY: the caller vouches for the features; `weights` is one whole panel.
                unsafe { self.block::<V, W>(panel, weights, first, height) };
            }
        }
    }

    /// # Safety
    /// As [`Self::rows`].
    #[inline(always)]
    unsafe fn block<V: Vector, W: Weight>(&self, panel: usize, weights: &[W::Bits], first: usize, height: usize) {
        macro_rules! by_height {
            ($($rows:literal)*) => {
                match height {
                    // SAFETY: passed on to the caller.
                    $($rows => unsafe { self.rows::<V, W, $rows>(panel, weights, first) },)*
                    _ => {}
                }
            };
        }
        if V::MAX_ROWS > 2 {
            by_height!(1 2 3 4 5 6 7 8 9 10 11 12);
        } else {
            by_height!(1 2);
        }
    }

    /// # Safety
    /// The processor has the features of `V`; `weights` is panel `panel`; rows `first..first + R`
    /// exist; no other thread writes this panel's columns.
    #[inline(always)]
    unsafe fn rows<V: Vector, W: Weight, const R: usize>(&self, panel: usize, weights: &[W::Bits], first: usize) {
        let num_inputs = self.matrix.num_inputs();
        let column = panel * PANEL;
        let width = PANEL.min(self.matrix.num_outputs() - column);
        let mut start = [0.0; PANEL];
        if let Some(bias) = self.bias {
            start[..width].copy_from_slice(&bias[column..column + width]);
        }
        // SAFETY: `weights` has `num_inputs` rows of PANEL values, `input` an interleaved
        // block of `R` rows from row `first`, `output` as many of `num_outputs`, `start` PANEL values.
        unsafe {
            let low = V::load(start.as_ptr());
            let high = V::load(start.as_ptr().add(LANES));
            let mut sums = [(low, high); R];
            let input = self.input.as_ptr().add(first * num_inputs);
            for step in 0..num_inputs {
                V::prefetch(weights.as_ptr().wrapping_add((step + AHEAD) * PANEL).cast());
                let (low, high) = W::load_panel_row::<V>(weights.as_ptr().add(step * PANEL));
                for (row, sum) in sums.iter_mut().enumerate() {
                    let value = V::splat(*input.add(step * R + row));
                    *sum = (value.mul_add(low, sum.0), value.mul_add(high, sum.1));
                }
            }
            for (row, sum) in sums.iter().enumerate() {
                let target = self.target.at(first + row, column);
                if width == PANEL {
                    sum.0.store(target);
                    sum.1.store(target.add(LANES));
                } else {
                    let mut whole = [0.0; PANEL];
                    sum.0.store(whole.as_mut_ptr());
                    sum.1.store(whole.as_mut_ptr().add(LANES));
                    target.copy_from_nonoverlapping(whole.as_ptr(), width);
                }
            }
        }
    }
}

/// How one step along K of a panel is read.
trait Weight {
    type Bits: Copy;

    /// # Safety
    /// The processor has the features of `V` and `from` leads to PANEL values.
    unsafe fn load_panel_row<V: Vector>(from: *const Self::Bits) -> (V, V);
}

struct Bf16;
struct F16;
struct F32;

impl Weight for Bf16 {
    type Bits = u16;
    #[inline(always)]
    unsafe fn load_panel_row<V: Vector>(from: *const u16) -> (V, V) {
        // SAFETY: the caller gives PANEL values.
        unsafe { V::load_bf16_pair(from) }
    }
}

impl Weight for F16 {
    type Bits = u16;
    #[inline(always)]
    unsafe fn load_panel_row<V: Vector>(from: *const u16) -> (V, V) {
        // SAFETY: the caller gives PANEL values.
        unsafe { (V::load_f16(from), V::load_f16(from.add(LANES))) }
    }
}

impl Weight for F32 {
    type Bits = f32;
    #[inline(always)]
    unsafe fn load_panel_row<V: Vector>(from: *const f32) -> (V, V) {
        // SAFETY: the caller gives PANEL values.
        unsafe { (V::load(from), V::load(from.add(LANES))) }
    }
}

#[cfg(test)]
#[path = "linear_tests.rs"]
mod tests;
