//! `y = x · Wᵀ + bias` over tiles of fp8.
//!
//! A tile is widened once for all rows. Each output element is one chain: the products of a tile's
//! steps are added up from its first to its last, the sum is scaled and added to those of the
//! tiles before. Inputs stay `f32`, so the answer is that of the widened weights.

use std::ops::Range;

use super::level::Kernel;
use super::linear::{Blocks, Target};
use super::packed::PANEL;
use super::tiles::{LINE_BYTES, TILE, Tiles};
use super::vector::{LANES, Vector};

/// Rows that a tile is widened for; more are done in several passes.
const ROWS_OF_PASS: usize = 96;
/// Tiles by which memory is asked for before it is needed.
const AHEAD: usize = 2;

pub(super) struct Float8Kernel<'a> {
    pub tiles: &'a Tiles,
    pub num_inputs: usize,
    pub num_outputs: usize,
    pub bias: Option<&'a [f32]>,
    /// In blocks, as the linear kernel takes it.
    pub input: &'a [f32],
    pub blocks: Blocks,
    pub panels: Range<usize>,
    pub target: Target,
}

/// What the kernel multiplies with: small enough to stay in the nearest cache.
#[repr(C, align(64))]
struct TileValues {
    /// `[TILE, PANEL]`
    values: [f32; TILE * PANEL],
    scales: [f32; PANEL],
}

type Totals = [[f32; PANEL]; ROWS_OF_PASS];

impl Kernel for Float8Kernel<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let mut values = TileValues { values: [0.0; TILE * PANEL], scales: [0.0; PANEL] };
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

impl Float8Kernel<'_> {
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
            for block in blocks.clone() {
                let (first, height) = self.blocks.get(block);
                let totals = &mut totals[first - first_row..first - first_row + height];
                // SAFETY: the caller vouches for the features.
                unsafe { self.block::<V>(values, tile, first, totals) };
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
    unsafe fn block<V: Vector>(&self, values: &TileValues, tile: usize, first: usize, totals: &mut [[f32; PANEL]]) {
        macro_rules! by_height {
            ($($rows:literal)*) => {
                match totals.len() {
                    // SAFETY: passed on to the caller.
                    $($rows => unsafe { self.rows::<V, $rows>(values, tile, first, totals) },)*
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
        tile: usize,
        first: usize,
        totals: &mut [[f32; PANEL]],
    ) {
        let steps = TILE.min(self.num_inputs - tile * TILE);
        // SAFETY: `input` holds an interleaved block of `R` rows from row `first` on, of which the
        // steps of this tile are read; `values` has TILE rows of PANEL values, and PANEL scales;
        // `totals` are `R` rows of PANEL values.
        unsafe {
            let input = self.input.as_ptr().add(first * self.num_inputs + tile * TILE * R);
            let weights = values.values.as_ptr();
            let mut parts = [(V::splat(0.0), V::splat(0.0)); R];
            for step in 0..steps {
                let low = V::load(weights.add(step * PANEL));
                let high = V::load(weights.add(step * PANEL + LANES));
                for (row, part) in parts.iter_mut().enumerate() {
                    let value = V::splat(*input.add(step * R + row));
                    *part = (value.mul_add(low, part.0), value.mul_add(high, part.1));
                }
            }
            let scales = values.scales.as_ptr();
            let (low, high) = (V::load(scales), V::load(scales.add(LANES)));
            for (part, total) in parts.iter().zip(totals.iter_mut()) {
                let total = total.as_mut_ptr();
                part.0.mul_add(low, V::load(total)).store(total);
                part.1.mul_add(high, V::load(total.add(LANES))).store(total.add(LANES));
            }
        }
    }
}

impl TileValues {
    /// Reads a tile of a panel.
    ///
    /// # Safety
    /// The processor has the features of `V`, `panel` is a panel of `tiles`, which has the tile.
    // Every load is an unaligned one.
    #[allow(clippy::cast_ptr_alignment)]
    #[inline(always)]
    unsafe fn read<V: Vector>(&mut self, tiles: &Tiles, panel: &[u8], tile: usize) {
        let (header, start) = tiles.place(tile);
        // SAFETY: a panel holds each of its tiles whole, TILE rows of PANEL codes, and PANEL scales
        // in the tile's header before it.
        unsafe {
            let (header, start) = (panel.as_ptr().add(header), panel.as_ptr().add(start));
            for line in (0..tiles.tile_bytes()).step_by(LINE_BYTES) {
                V::prefetch(start.wrapping_add(AHEAD * tiles.tile_bytes() + line));
            }
            for at in (0..PANEL).step_by(LANES) {
                V::load(header.cast::<f32>().add(at)).store(self.scales.as_mut_ptr().add(at));
            }
            for at in (0..TILE * PANEL).step_by(LANES) {
                V::load_float8(start.add(at)).store(self.values.as_mut_ptr().add(at));
            }
        }
    }
}
