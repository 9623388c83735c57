//! Products of small integers on matrix units: several under way, some stored ahead, and scaled on vectors meanwhile.

use super::amx;
use super::integer_linear::{TILE_ROWS, input_sum};
use super::packed::PANEL;
use super::rounded::{ROW_WORDS, RoundedRows};
use super::tile_codes::BlockCodes;
use super::tiles::LINE_BYTES;
use super::vector::{LANES, Vector};

/// Products that are stored before they are read: right behind the store it would wait.
const STORED_AHEAD: usize = 2;
pub(super) const RING: usize = 4;

#[repr(C, align(64))]
pub(super) struct Products(pub [[i32; LANES]; TILE_ROWS]);

/// Products of a block on matrix units: tile by tile of sixteen rows and half a panel's columns,
/// group by group of steps. Where the last tile is not whole it begins with rows of the one before.
pub(super) struct TileProducts<'a> {
    codes: &'a BlockCodes,
    num_groups: usize,
    steps: usize,
    rows: RoundedRows,
    num_rows: usize,
    ring: &'a mut [Products; RING],
    /// First row, half and group of what is multiplied next.
    next: (usize, usize, usize),
    num_multiplied: usize,
    num_stored: usize,
    num_scaled: usize,
    first_row: usize,
}

impl<'a> TileProducts<'a> {
    /// # Safety
    /// The matrix units are configured for so many steps of a group, and for as many rows as there
    /// are, at most sixteen; there are so many rows of inputs, and groups of codes.
    #[inline(always)]
    pub(super) unsafe fn new(
        (codes, num_groups): (&'a BlockCodes, usize),
        steps: usize,
        (rows, num_rows): (RoundedRows, usize),
        ring: &'a mut [Products; RING],
    ) -> Self {
        let next = (0, 0, 0);
        let [num_multiplied, num_stored, num_scaled, first_row] = [0; 4];
        let mut products = Self {
            codes,
            num_groups,
            steps,
            rows,
            num_rows,
            ring,
            next,
            num_multiplied,
            num_stored,
            num_scaled,
            first_row,
        };
        // SAFETY: passed on to the caller.
        unsafe {
            for _ in 0..amx::UNDER_WAY {
                products.multiply();
            }
            for _ in 0..STORED_AHEAD {
                products.advance();
            }
        }
        products
    }

    /// Stores a product and begins another, if there are any.
    ///
    /// # Safety
    /// As [`Self::new`].
    #[inline(always)]
    unsafe fn advance(&mut self) {
        if self.num_stored < self.num_multiplied {
            let sums = self.ring[self.num_stored % RING].0.as_mut_ptr();
            // SAFETY: passed on to the caller; the product is under way.
            unsafe { amx::store(self.num_stored, sums.cast()) };
            self.num_stored += 1;
        }
        // SAFETY: passed on to the caller.
        unsafe { self.multiply() };
    }

    /// # Safety
    /// As [`Self::new`].
    #[inline(always)]
    unsafe fn multiply(&mut self) {
        let (first_row, half, group) = self.next;
        if first_row >= self.num_rows {
            return;
        }
        let first_input = first_row.min(self.num_rows.saturating_sub(TILE_ROWS));
        // SAFETY: passed on to the caller.
        unsafe {
            let operands = amx::Operands {
                inputs: self.rows.from(first_input).codes().add(group * self.steps),
                input_stride: ROW_WORDS * 4,
                weights: self.codes.codes.as_ptr().add(group * self.steps * PANEL + half * LINE_BYTES),
                weight_stride: 2 * LINE_BYTES,
            };
            amx::multiply(self.num_multiplied, operands);
        }
        self.num_multiplied += 1;
        self.next = match (half, group + 1 == self.num_groups) {
            (_, false) => (first_row, half, group + 1),
            (0, true) => (first_row, 1, 0),
            (_, true) => (first_row + TILE_ROWS, 0, 0),
        };
    }

    /// Scales the products of the next half panel and adds them to the totals of as many rows, at
    /// most `R` of them.
    ///
    /// # Safety
    /// The processor has the features of `V`, and as [`Self::new`]; tiles come in their order.
    #[inline(always)]
    pub(super) unsafe fn scale<
        V: Vector,
        const R: usize,
        const GROUPS: usize,
        const OFFSET: bool,
        const WHOLE: bool,
    >(
        &mut self,
        half: usize,
        totals: &mut [[f32; PANEL]],
    ) {
        // Rows beyond the last are taken for it and not written.
        let last = totals.len() - 1;
        let places: [usize; R] = std::array::from_fn(|row| if WHOLE { row } else { row.min(last) });
        let before = TILE_ROWS.min(self.num_rows) - totals.len();
        // SAFETY: passed on to the caller.
        unsafe {
            let rows = self.rows.from(self.first_row);
            let mut sums = [V::splat(0.0); R];
            for (row, sum) in places.into_iter().zip(&mut sums) {
                *sum = V::load(totals[row].as_ptr().add(half * LANES));
            }
            for index in 0..self.num_groups {
                self.advance();
                let products = self.ring[self.num_scaled % RING].0.as_ptr().add(if WHOLE { 0 } else { before });
                self.num_scaled += 1;
                let (tile, group) = (index / GROUPS, index % GROUPS);
                let values = (tile * 2 + group) * PANEL + half * LANES;
                let scales = V::load(self.codes.scales.as_ptr().add(values));
                for (row, sum) in places.into_iter().zip(&mut sums) {
                    let scale = V::splat(rows.scale(row, tile));
                    let products = V::to_f32(V::load_words(products.add(row).cast()));
                    *sum = products.mul_add(scales.mul(scale), *sum);
                }
                if OFFSET {
                    let offsets = V::load(self.codes.offsets.as_ptr().add(values));
                    for (row, sum) in places.into_iter().zip(&mut sums) {
                        let inputs = input_sum::<GROUPS>(rows, row, (tile, group));
                        *sum = V::splat(inputs).mul_add(offsets, *sum);
                    }
                }
            }
            for (sum, totals) in sums.iter().zip(totals.iter_mut()) {
                sum.store(totals.as_mut_ptr().add(half * LANES));
            }
        }
        if half + 1 == PANEL / LANES {
            self.first_row += totals.len();
        }
    }
}
