//! `y = x · Wᵀ + bias` over tiles of small integers and inputs rounded to eight bits.
//!
//! Up to a dozen rows take their weights straight from memory (`few_rows`). For more, a block of tiles
//! is taken apart once for all rows of a pass. Products are summed as integers over the steps that share scales, which is exact in any order; these sums are scaled and added up along
//! K one after another. So each output element has the same bits in any batch, on vector units
//! and on matrix units alike.

use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use super::amx;
use super::few_rows::at_once;
#[cfg(target_arch = "x86_64")]
use super::integer_products::{Products, RING, TileProducts};
use super::level::Kernel;
use super::linear::Target;
use super::packed::PANEL;
use super::rounded::{BLOCK, GROUP, Rounded, RoundedRows};
use super::tile_codes::{BlockCodes, TILE_CODES, TILES, exponent};
use super::tiles::{LINE_BYTES, Meaning, TILE, Tiles};
use super::vector::{LANES, Vector};

/// Rows that a block is taken apart for; more are done in several passes.
const ROWS_OF_PASS: usize = 128;
/// So many rows are worth the matrix units.
const ROWS_OF_MATRIX: usize = 40;
/// Rows of a tile of sums.
pub(super) const TILE_ROWS: usize = 16;

pub(super) struct IntegerKernel<'a> {
    pub tiles: &'a Tiles,
    pub num_outputs: usize,
    pub bias: Option<&'a [f32]>,
    pub input: Rounded<'a>,
    pub panels: Range<usize>,
    pub target: Target,
    /// Whether there are matrix units, where the instruction set may have them.
    pub matrix_units: bool,
    /// Whether answers are added to those that are there already.
    pub adds: bool,
}

type Totals = [[f32; PANEL]; ROWS_OF_PASS];

impl Kernel for IntegerKernel<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let scales = self.tiles.scales;
        let is_small = matches!(self.tiles.meaning, Meaning::Above(_));
        // SAFETY: the caller vouches for the features of `V`.
        unsafe {
            match (scales.groups(), scales.has_offset(), is_small) {
                (1, false, false) => self.all::<V, 1, false, false>(),
                (1, false, true) => self.all::<V, 1, false, true>(),
                (1, true, _) => self.all::<V, 1, true, true>(),
                (_, false, _) => self.all::<V, 2, false, true>(),
                (_, true, _) => self.all::<V, 2, true, true>(),
            }
        }
    }
}

impl IntegerKernel<'_> {
    /// # Safety
    /// The processor has the features of `V`; tiles have `GROUPS` groups, offsets if `OFFSET`, and
    /// codes up to 127 if `SMALL`.
    #[inline(always)]
    unsafe fn all<V: Vector, const GROUPS: usize, const OFFSET: bool, const SMALL: bool>(&self) {
        let num_rows = self.input.num_rows();
        if num_rows > V::FEW_ROWS {
            // SAFETY: passed on to the caller.
            return unsafe { self.many::<V, GROUPS, OFFSET, SMALL>() };
        }
        // Two groups take twice the registers.
        let height = if GROUPS == 1 { V::INTEGER_ROWS } else { V::INTEGER_ROWS.div_ceil(2) };
        let parts = num_rows.div_ceil(height);
        for panel in self.panels.clone() {
            for part in 0..parts {
                let (first, end) = (part * num_rows / parts, (part + 1) * num_rows / parts);
                macro_rules! by_height {
                    ($($rows:literal)*) => {
                        match end - first {
                            // SAFETY: passed on to the caller; there are so many rows from `first` on.
                            $($rows => unsafe { self.few::<V, $rows, GROUPS, OFFSET, SMALL>(panel, first) },)*
                            _ => {}
                        }
                    };
                }
                if V::INTEGER_ROWS > 2 {
                    by_height!(1 2 3 4 5 6);
                } else {
                    by_height!(1 2);
                }
            }
        }
    }

    /// # Safety
    /// As [`Self::all`]; there are `R` rows from `first` on.
    #[inline(always)]
    unsafe fn few<V: Vector, const R: usize, const GROUPS: usize, const OFFSET: bool, const SMALL: bool>(
        &self,
        panel: usize,
        first: usize,
    ) {
        let mut totals = [[0.0; PANEL]; R];
        // SAFETY: passed on to the caller.
        unsafe {
            self.begin(panel, first, &mut totals);
            let bytes = self.tiles.panel(panel);
            at_once::<V, R, GROUPS, OFFSET, SMALL>((self.tiles, bytes), (self.input, first), &mut totals);
            self.finish(panel, first, &totals);
        }
    }

    /// # Safety
    /// As [`Self::all`].
    #[inline(always)]
    unsafe fn many<V: Vector, const GROUPS: usize, const OFFSET: bool, const SMALL: bool>(&self) {
        let mut codes = BlockCodes::zeroed();
        let mut totals: Totals = [[0.0; PANEL]; ROWS_OF_PASS];
        let num_rows = self.input.num_rows();
        let passes = num_rows.div_ceil(ROWS_OF_PASS);
        for panel in self.panels.clone() {
            for pass in 0..passes {
                let rows = pass * num_rows / passes..(pass + 1) * num_rows / passes;
                let totals = &mut totals[..rows.len()];
                // SAFETY: passed on to the caller; the rows exist, as do their totals.
                unsafe {
                    self.begin(panel, rows.start, totals);
                    if V::MATRIX_UNITS && self.matrix_units && rows.len() >= ROWS_OF_MATRIX {
                        self.on_matrix_units::<V, GROUPS, OFFSET>(panel, rows.start, (&mut codes, totals));
                    } else {
                        self.on_vectors::<V, GROUPS, OFFSET, SMALL>(panel, rows.start, (&mut codes, totals));
                    }
                    self.finish(panel, rows.start, totals);
                }
            }
        }
    }

    /// First column of a panel, and how many it has.
    #[inline(always)]
    fn columns(&self, panel: usize) -> (usize, usize) {
        (panel * PANEL, PANEL.min(self.num_outputs - panel * PANEL))
    }

    /// What a panel's totals of rows from `first` on begin with.
    ///
    /// # Safety
    /// The target has these rows, and this thread alone has the panel.
    #[inline(always)]
    unsafe fn begin(&self, panel: usize, first: usize, totals: &mut [[f32; PANEL]]) {
        let (column, width) = self.columns(panel);
        let mut start = [0.0; PANEL];
        if let Some(bias) = self.bias {
            start[..width].copy_from_slice(&bias[column..column + width]);
        }
        totals.fill(start);
        if self.adds {
            for (row, totals) in totals.iter_mut().enumerate() {
                // SAFETY: the caller vouches for the row; it has `width` columns from `column` on.
                let answers = unsafe { std::slice::from_raw_parts(self.target.at(first + row, column), width) };
                totals[..width].copy_from_slice(answers);
            }
        }
    }

    /// Writes a panel's totals of rows from `first` on.
    ///
    /// # Safety
    /// As [`Self::begin`].
    #[inline(always)]
    unsafe fn finish(&self, panel: usize, first: usize, totals: &[[f32; PANEL]]) {
        let (column, width) = self.columns(panel);
        for (row, totals) in totals.iter().enumerate() {
            // SAFETY: the caller vouches for the row; it has `width` columns from `column` on.
            unsafe {
                let target = self.target.at(first + row, column);
                if width == PANEL {
                    // Of a length that is known: no call for 128 bytes.
                    target.cast::<[f32; PANEL]>().write(*totals);
                } else {
                    target.copy_from_nonoverlapping(totals.as_ptr(), width);
                }
            }
        }
    }

    /// # Safety
    /// As [`Self::many`]; there are as many rows as totals from `first` on.
    #[inline(always)]
    unsafe fn on_vectors<V: Vector, const GROUPS: usize, const OFFSET: bool, const SMALL: bool>(
        &self,
        panel: usize,
        first: usize,
        (codes, totals): (&mut BlockCodes, &mut [[f32; PANEL]]),
    ) {
        let bytes = self.tiles.panel(panel);
        let parts = totals.len().div_ceil(V::INTEGER_ROWS);
        let exponent = exponent(self.tiles.meaning);
        for block in 0..self.tiles.num_tiles().div_ceil(TILES) {
            // SAFETY: passed on to the caller; `bytes` is a panel, which has the block.
            let count = unsafe { codes.read::<V, false>(self.tiles, bytes, block) };
            for part in 0..parts {
                let range = part * totals.len() / parts..(part + 1) * totals.len() / parts;
                let rows = self.input.rows(block, first + range.start, range.len());
                let totals = &mut totals[range];
                macro_rules! by_height {
                    ($($rows:literal)*) => {
                        match totals.len() {
                            // SAFETY: passed on to the caller; the rows are those of the totals.
                            $($rows => unsafe {
                                multiply::<V, $rows, GROUPS, OFFSET, SMALL>((codes, count), exponent, rows, totals);
                            },)*
                            _ => {}
                        }
                    };
                }
                if V::INTEGER_ROWS > 2 {
                    by_height!(1 2 3 4 5 6);
                } else {
                    by_height!(1 2);
                }
            }
        }
    }

    /// # Safety
    /// As [`Self::on_vectors`], and there are matrix units.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn on_matrix_units<V: Vector, const GROUPS: usize, const OFFSET: bool>(
        &self,
        panel: usize,
        first: usize,
        (codes, totals): (&mut BlockCodes, &mut [[f32; PANEL]]),
    ) {
        let bytes = self.tiles.panel(panel);
        let mut ring = [const { Products([[0; LANES]; TILE_ROWS]) }; RING];
        // SAFETY: passed on to the caller; `bytes` is a panel, which has the block; the rows are
        // those of the totals, which are as many as configured or sixteen and more.
        unsafe {
            amx::configure(totals.len().min(TILE_ROWS), TILE / GROUPS);
            for block in 0..self.tiles.num_tiles().div_ceil(TILES) {
                let count = codes.read::<V, true>(self.tiles, bytes, block);
                let rows = self.input.rows(block, first, totals.len());
                let mut tiles =
                    TileProducts::new((codes, count * GROUPS), TILE / GROUPS, (rows, totals.len()), &mut ring);
                for totals in totals.chunks_mut(TILE_ROWS) {
                    for half in 0..PANEL / LANES {
                        match totals.len() {
                            0..=4 => tiles.scale::<V, 4, GROUPS, OFFSET, false>(half, totals),
                            5..=8 => tiles.scale::<V, 8, GROUPS, OFFSET, false>(half, totals),
                            9..TILE_ROWS => tiles.scale::<V, TILE_ROWS, GROUPS, OFFSET, false>(half, totals),
                            _ => tiles.scale::<V, TILE_ROWS, GROUPS, OFFSET, true>(half, totals),
                        }
                    }
                }
            }
            amx::release();
        }
    }

    /// # Safety
    /// Never called: there are no matrix units.
    #[cfg(not(target_arch = "x86_64"))]
    unsafe fn on_matrix_units<V: Vector, const GROUPS: usize, const OFFSET: bool>(
        &self,
        _: usize,
        _: usize,
        _: (&mut BlockCodes, &mut [[f32; PANEL]]),
    ) {
    }
}

/// Adds to the totals of `R` rows what a block of so many tiles gives.
///
/// # Safety
/// The processor has the features of `V`; there are `R` rows of inputs and of totals, and as many
/// tiles of codes.
#[inline(always)]
unsafe fn multiply<V: Vector, const R: usize, const GROUPS: usize, const OFFSET: bool, const SMALL: bool>(
    (codes, count): (&BlockCodes, usize),
    exponent: Option<u32>,
    rows: RoundedRows,
    totals: &mut [[f32; PANEL]],
) {
    const QUADS: usize = TILE / 4;
    let quads_of_group = QUADS / GROUPS;
    // SAFETY: passed on to the caller; a tile has QUADS rows of two lines, and PANEL scales for
    // each group.
    unsafe {
        let mut sums = [(V::splat(0.0), V::splat(0.0)); R];
        for (sum, total) in sums.iter_mut().zip(totals.iter()) {
            *sum = (V::load(total.as_ptr()), V::load(total.as_ptr().add(LANES)));
        }
        for tile in 0..count {
            for group in 0..GROUPS {
                let mut products = [(V::splat_word(0), V::splat_word(0)); R];
                if let Some(exponent) = exponent {
                    for (row, products) in products.iter_mut().enumerate() {
                        let start = if GROUPS == 1 {
                            rows.negative_codes(row, 2 * tile) + rows.negative_codes(row, 2 * tile + 1)
                        } else {
                            rows.negative_codes(row, 2 * tile + group)
                        };
                        let start = V::splat_word(start << exponent);
                        *products = (start, start);
                    }
                }
                for quad in group * quads_of_group..(group + 1) * quads_of_group {
                    let line = codes.codes.as_ptr().add(tile * TILE_CODES + quad * 2 * LINE_BYTES);
                    let (low, high) = (V::load_words(line), V::load_words(line.add(LINE_BYTES)));
                    for (row, products) in products.iter_mut().enumerate() {
                        let input = V::splat_word(rows.quad(row, tile * QUADS + quad));
                        products.0 = V::dot::<SMALL>(products.0, low, input);
                        products.1 = V::dot::<SMALL>(products.1, high, input);
                    }
                }
                let values = (tile * 2 + group) * PANEL;
                let scales = codes.scales.as_ptr().add(values);
                let (low, high) = (V::load(scales), V::load(scales.add(LANES)));
                for (row, (sum, products)) in sums.iter_mut().zip(products).enumerate() {
                    let scale = V::splat(rows.scale(row, tile));
                    sum.0 = V::to_f32(products.0).mul_add(low.mul(scale), sum.0);
                    sum.1 = V::to_f32(products.1).mul_add(high.mul(scale), sum.1);
                }
                if OFFSET {
                    let offsets = codes.offsets.as_ptr().add(values);
                    let (low, high) = (V::load(offsets), V::load(offsets.add(LANES)));
                    for (row, sum) in sums.iter_mut().enumerate() {
                        let inputs = V::splat(input_sum::<GROUPS>(rows, row, (tile, group)));
                        *sum = (inputs.mul_add(low, sum.0), inputs.mul_add(high, sum.1));
                    }
                }
            }
        }
        for (sum, total) in sums.iter().zip(totals.iter_mut()) {
            sum.0.store(total.as_mut_ptr());
            sum.1.store(total.as_mut_ptr().add(LANES));
        }
    }
}

/// The sum of the rounded inputs of a group.
///
/// # Safety
/// The row and the tile are among those of `rows`.
#[inline(always)]
pub(super) unsafe fn input_sum<const GROUPS: usize>(
    rows: RoundedRows,
    row: usize,
    (tile, group): (usize, usize),
) -> f32 {
    // SAFETY: passed on to the caller.
    unsafe {
        if GROUPS == 1 {
            rows.sum(row, tile)
        } else {
            -(rows.negative_codes(row, 2 * tile + group) as f32) * rows.scale(row, tile)
        }
    }
}

const _: () = assert!(GROUP == TILE && BLOCK.is_multiple_of(TILE));
