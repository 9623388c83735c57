//! Products of a panel of small integers with few rows: codes go from memory to the products at once, without being taken
//! apart into a buffer first, so that memory is waited for and nothing else.

use super::integer_linear::input_sum;
use super::packed::PANEL;
use super::rounded::{Rounded, RoundedRows};
use super::tile_codes::{Quads, TILES, exponent, read_scales, take_apart};
use super::tiles::{LINE_BYTES, TILE, Tiles};
use super::vector::{LANES, Vector};

const QUADS: usize = TILE / 4;
/// Bytes by which memory is asked for before it is needed.
const AHEAD: usize = 4096;

/// Adds to the totals of `R` rows from row `first` on what a panel gives.
///
/// # Safety
/// The processor has the features of `V`; there are so many rows of inputs; `panel` is one of `tiles`, which are not of fp8, have `GROUPS` groups, offsets if `OFFSET`, and codes up to 127 if `SMALL`.
#[inline(always)]
pub(super) unsafe fn at_once<V: Vector, const R: usize, const GROUPS: usize, const OFFSET: bool, const SMALL: bool>(
    (tiles, panel): (&Tiles, &[u8]),
    (input, first): (Rounded<'_>, usize),
    totals: &mut [[f32; PANEL]; R],
) {
    let exponent = exponent(tiles.meaning);
    let tile_bytes = tiles.tile_bytes();
    let (mut scales, mut offsets) = ([0.0; 2 * PANEL], [0.0; 2 * PANEL]);
    // SAFETY: passed on to the caller; a panel holds each of its tiles whole, and their header before them.
    unsafe {
        let mut sums = [(V::splat(0.0), V::splat(0.0)); R];
        for (sum, total) in sums.iter_mut().zip(totals.iter()) {
            *sum = (V::load(total.as_ptr()), V::load(total.as_ptr().add(LANES)));
        }
        for block in 0..tiles.num_tiles().div_ceil(TILES) {
            let rows = input.rows(block, first, R);
            let (header, start) = tiles.place(block * TILES);
            let header = panel.as_ptr().add(header);
            for tile in 0..TILES.min(tiles.num_tiles() - block * TILES) {
                let from = panel.as_ptr().add(start + tile * tile_bytes);
                for line in (0..tile_bytes).step_by(LINE_BYTES) {
                    V::prefetch(from.wrapping_add(AHEAD + line));
                }
                read_scales::<V>(tiles.scales, (header, from), (&mut scales, &mut offsets));
                let mut dots = Dots::<V, R, GROUPS, SMALL>::new(rows, tile, exponent);
                take_apart::<V, false>((tiles.codes, tiles.meaning), from.add(tiles.scales.bytes()), &mut dots);
                for group in 0..GROUPS {
                    let scales = scales.as_ptr().add(group * PANEL);
                    let (low, high) = (V::load(scales), V::load(scales.add(LANES)));
                    for (row, sum) in sums.iter_mut().enumerate() {
                        let scale = V::splat(rows.scale(row, tile));
                        let products = dots.products[group][row];
                        sum.0 = V::to_f32(products.0).mul_add(low.mul(scale), sum.0);
                        sum.1 = V::to_f32(products.1).mul_add(high.mul(scale), sum.1);
                    }
                    if OFFSET {
                        let offsets = offsets.as_ptr().add(group * PANEL);
                        let (low, high) = (V::load(offsets), V::load(offsets.add(LANES)));
                        for (row, sum) in sums.iter_mut().enumerate() {
                            let inputs = V::splat(input_sum::<GROUPS>(rows, row, (tile, group)));
                            *sum = (inputs.mul_add(low, sum.0), inputs.mul_add(high, sum.1));
                        }
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

/// Products of a tile with `R` rows, of which codes above 127 are none if `SMALL`.
struct Dots<V: Vector, const R: usize, const GROUPS: usize, const SMALL: bool> {
    products: [[(V::Words, V::Words); R]; GROUPS],
    rows: RoundedRows,
    tile: usize,
}

impl<V: Vector, const R: usize, const GROUPS: usize, const SMALL: bool> Dots<V, R, GROUPS, SMALL> {
    /// They begin with what codes are too large by, see [`exponent`].
    ///
    /// # Safety
    /// The processor has the features of `V`; there are so many rows, and the tile.
    #[inline(always)]
    unsafe fn new(rows: RoundedRows, tile: usize, exponent: Option<u32>) -> Self {
        // SAFETY: passed on to the caller.
        unsafe {
            let mut products = [[(V::splat_word(0), V::splat_word(0)); R]; GROUPS];
            if let Some(exponent) = exponent {
                for (group, products) in products.iter_mut().enumerate() {
                    for (row, products) in products.iter_mut().enumerate() {
                        let mut codes = rows.negative_codes(row, 2 * tile + group);
                        if GROUPS == 1 {
                            codes += rows.negative_codes(row, 2 * tile + 1);
                        }
                        let start = V::splat_word(codes << exponent);
                        *products = (start, start);
                    }
                }
            }
            Self { products, rows, tile }
        }
    }
}

impl<V: Vector, const R: usize, const GROUPS: usize, const SMALL: bool> Quads<V> for Dots<V, R, GROUPS, SMALL> {
    #[inline(always)]
    unsafe fn take(&mut self, quad: usize, (low, high): (V::Words, V::Words)) {
        // SAFETY: passed on to the caller of `new`.
        unsafe {
            for (row, products) in self.products[quad / (QUADS / GROUPS)].iter_mut().enumerate() {
                let input = V::splat_word(self.rows.quad(row, self.tile * QUADS + quad));
                products.0 = V::dot::<SMALL>(products.0, low, input);
                products.1 = V::dot::<SMALL>(products.1, high, input);
            }
        }
    }
}
