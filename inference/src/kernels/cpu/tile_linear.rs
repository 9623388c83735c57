//! `y = x · Wᵀ + bias` over tiles of small integers.
//!
//! A tile is widened once for all rows. Each output element is one chain again: the products of a
//! group of steps are added up from its first to its last, the sum is scaled and added to those of
//! the groups before. Inputs stay `f32`, so the answer is that of the widened weights.

use std::ops::Range;

use super::level::Kernel;
use super::linear::{Blocks, Target};
use super::packed::PANEL;
use super::tile_values::TileValues;
use super::tiles::{TILE, Tiles};
use super::vector::{LANES, Vector};

/// Steps whose inputs are added up together, where weights have offsets.
pub(super) const SUMMED: usize = 16;
/// Rows that a tile is widened for; more are done in several passes.
const ROWS_OF_PASS: usize = 96;

pub(super) struct TileKernel<'a> {
    pub tiles: &'a Tiles,
    pub num_inputs: usize,
    pub num_outputs: usize,
    pub bias: Option<&'a [f32]>,
    /// In blocks, as the linear kernel takes it.
    pub input: &'a [f32],
    /// Sums of the same over [`SUMMED`] steps, in the same blocks; empty where there are no offsets.
    pub sums: &'a [f32],
    pub blocks: Blocks,
    pub panels: Range<usize>,
    pub target: Target,
}

/// What is known of a tile beside its values.
#[derive(Clone, Copy)]
struct Place {
    /// First step along K.
    step: usize,
    steps: usize,
    groups: usize,
    has_offset: bool,
}

type Totals = [[f32; PANEL]; ROWS_OF_PASS];

impl Kernel for TileKernel<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let mut values = TileValues::zeroed();
        let mut totals: Totals = [[0.0; PANEL]; ROWS_OF_PASS];
        for panel in self.panels.clone() {
            let mut block = 0;
            while block < self.blocks.count() {
                let first = block;
                while block < self.blocks.count() && self.rows_between(first, block + 1) <= ROWS_OF_PASS {
                    block += 1;
                }
                // SAFETY: the caller vouches for the features; a block has fewer rows than a pass.
                unsafe { self.pass::<V>(panel, first..block, (&mut values, &mut totals)) };
            }
        }
    }
}

impl TileKernel<'_> {
    fn rows_between(&self, first: usize, end: usize) -> usize {
        let (last, height) = self.blocks.get(end - 1);
        last + height - self.blocks.get(first).0
    }

    /// # Safety
    /// The processor has the features of `V`; the blocks have at most `ROWS_OF_PASS` rows; no other
    /// thread writes this panel's columns.
    #[inline(always)]
    unsafe fn pass<V: Vector>(
        &self,
        panel: usize,
        blocks: Range<usize>,
        (values, totals): (&mut TileValues, &mut Totals),
    ) {
        let column = panel * PANEL;
        let width = PANEL.min(self.num_outputs - column);
        let mut start = [0.0; PANEL];
        if let Some(bias) = self.bias {
            start[..width].copy_from_slice(&bias[column..column + width]);
        }
        let first_row = self.blocks.get(blocks.start).0;
        let num_rows = self.rows_between(blocks.start, blocks.end);
        totals[..num_rows].fill(start);
        let bytes = self.tiles.panel(panel);
        for tile in 0..self.tiles.num_tiles() {
            // SAFETY: the caller vouches for the features; `bytes` is a panel, the tile is in it.
            unsafe { values.read::<V>(self.tiles, bytes, tile) };
            let scales = self.tiles.scales;
            let place = Place {
                step: tile * TILE,
                steps: TILE.min(self.num_inputs - tile * TILE),
                groups: scales.groups(),
                has_offset: scales.has_offset(),
            };
            for block in blocks.clone() {
                let (first, height) = self.blocks.get(block);
                let totals = &mut totals[first - first_row..first - first_row + height];
                // SAFETY: the caller vouches for the features.
                unsafe { self.block::<V>(values, place, first, totals) };
            }
        }
        for (row, totals) in totals[..num_rows].iter().enumerate() {
            // SAFETY: the row and `width` columns from `column` on exist, and no other thread
            // writes them.
            unsafe {
                let target = self.target.at(first_row + row, column);
                target.copy_from_nonoverlapping(totals.as_ptr(), width);
            }
        }
    }

    /// # Safety
    /// The processor has the features of `V`; `totals` are those of the block from row `first` on.
    #[inline(always)]
    unsafe fn block<V: Vector>(&self, values: &TileValues, place: Place, first: usize, totals: &mut [[f32; PANEL]]) {
        macro_rules! by_height {
            ($($rows:literal)*) => {
                match totals.len() {
                    // SAFETY: passed on to the caller.
                    $($rows => unsafe { self.rows::<V, $rows>(values, place, first, totals) },)*
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
    /// The processor has the features of `V`; there are `R` rows from `first` on, and `R` totals.
    #[inline(always)]
    unsafe fn rows<V: Vector, const R: usize>(
        &self,
        values: &TileValues,
        place: Place,
        first: usize,
        totals: &mut [[f32; PANEL]],
    ) {
        let num_sums = self.num_inputs.div_ceil(SUMMED);
        let length = TILE / place.groups;
        // SAFETY: `input` holds an interleaved block of `R` rows from row `first` on, of which the
        // steps of this tile are read; `sums` likewise; `values` has TILE rows of PANEL codes, and
        // PANEL scales and offsets for each group; `totals` are `R` rows of PANEL values.
        unsafe {
            for group in 0..place.groups.min(place.steps.div_ceil(length)) {
                let steps = group * length..((group + 1) * length).min(place.steps);
                let input = self.input.as_ptr().add(first * self.num_inputs + place.step * R);
                let codes = values.codes.as_ptr();
                let mut parts = [(V::splat(0.0), V::splat(0.0)); R];
                for step in steps {
                    let low = V::load(codes.add(step * PANEL));
                    let high = V::load(codes.add(step * PANEL + LANES));
                    for (row, part) in parts.iter_mut().enumerate() {
                        let value = V::splat(*input.add(step * R + row));
                        *part = (value.mul_add(low, part.0), value.mul_add(high, part.1));
                    }
                }
                let scales = values.scales.as_ptr().add(group * PANEL);
                let (low, high) = (V::load(scales), V::load(scales.add(LANES)));
                for (part, total) in parts.iter().zip(totals.iter_mut()) {
                    let total = total.as_mut_ptr();
                    part.0.mul_add(low, V::load(total)).store(total);
                    part.1.mul_add(high, V::load(total.add(LANES))).store(total.add(LANES));
                }
                if place.has_offset {
                    let offsets = values.offsets.as_ptr().add(group * PANEL);
                    let (low, high) = (V::load(offsets), V::load(offsets.add(LANES)));
                    let from = (place.step + group * length) / SUMMED;
                    let until = (from + length / SUMMED).min(num_sums);
                    let sums = &self.sums[first * num_sums..];
                    for (row, total) in totals.iter_mut().enumerate() {
                        let sum: f32 = (from..until).map(|index| sums[index * R + row]).sum();
                        let (sum, total) = (V::splat(sum), total.as_mut_ptr());
                        sum.mul_add(low, V::load(total)).store(total);
                        sum.mul_add(high, V::load(total.add(LANES))).store(total.add(LANES));
                    }
                }
            }
        }
    }
}

/// Adds up the inputs of every row over [`SUMMED`] steps, laid out in blocks like the inputs.
pub(super) fn sum_up(input: &[f32], blocks: Blocks, num_inputs: usize, sums: &mut [f32]) {
    let num_sums = num_inputs.div_ceil(SUMMED);
    for block in 0..blocks.count() {
        let (first, height) = blocks.get(block);
        let rows = &input[first * num_inputs..(first + height) * num_inputs];
        let target = &mut sums[first * num_sums..(first + height) * num_sums];
        for (row, values) in rows.chunks_exact(num_inputs).enumerate() {
            for (index, values) in values.chunks(SUMMED).enumerate() {
                target[index * height + row] = values.iter().sum();
            }
        }
    }
}
