//! Products of matrices on AMX, of rows that are sums of two bf16 each and columns that are bf16.
//!
//! A tile's product is 16 × 32 by 32 × 16. Both halves of the rows are multiplied, so that sixteen of their bits count
//! instead of eight. For each 32 of the inner dimension the low half's product comes first, whatever the number of
//! rows and columns: an element's bits depend on its own row and column alone.

use std::arch::asm;
use std::marker::PhantomData;
use std::sync::OnceLock;

use super::amx::{Configuration, release};

/// Rows and columns of a tile of sums.
pub(super) const SIDE: usize = 16;
/// The inner dimension that one instruction takes.
pub(super) const DEPTH: usize = 32;
/// Bytes of a row's high halves of one depth, which its low halves follow.
pub(super) const HALF_ROW: usize = DEPTH * 2;
/// Bytes of a column tile of one depth, `[DEPTH / 2][SIDE][2]`.
pub(super) const COLUMN: usize = DEPTH * SIDE * 2;

/// Whether a level with matrix units has what is asked for here: every processor so far that has them does.
pub(super) fn is_available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| {
        const AMX_BF16: u32 = 1 << 22;
        // The level is there, so that the processor knows this leaf.
        std::arch::x86_64::__cpuid_count(7, 0).edx & AMX_BF16 != 0
            && is_x86_feature_detected!("avx512bf16")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
    })
}

/// All eight tiles whole: sixteen rows of 64 bytes.
static WHOLE: Configuration = {
    let mut whole = Configuration::none();
    let mut tile = 0;
    while tile < 8 {
        whole = whole.with(tile, SIDE, 64);
        tile += 1;
    }
    whole
};

/// This thread's tiles, ready for use.
pub(super) struct Tiles(PhantomData<*mut ()>);

/// The two factors and the sums of a product.
#[derive(Clone, Copy)]
pub(super) struct Factors {
    /// Rows `stride` bytes apart, each `[depths][high, low][DEPTH]`.
    pub rows: *const u8,
    pub stride: usize,
    /// The first depth of two columns; the next one is `next` bytes further.
    pub columns: [*const u8; 2],
    pub next: usize,
    /// Not zero.
    pub depths: usize,
    /// Rows of `f32`, `sums_stride` bytes apart.
    pub sums: *mut f32,
    pub sums_stride: usize,
}

// Who has one has configured tiles; their contents are nowhere in memory.
#[allow(clippy::unused_self)]
impl Tiles {
    /// # Safety
    /// The level has matrix units, and [`is_available`].
    pub(super) unsafe fn configured() -> Self {
        // SAFETY: passed on to the caller.
        unsafe { WHOLE.load() };
        Self(PhantomData)
    }

    /// Two tiles of rows by two of columns: `[2 * SIDE, 2 * SIDE]` sums are written.
    ///
    /// # Safety
    /// What `factors` says can be read and written.
    #[inline]
    pub(super) unsafe fn two_by_two(&self, factors: Factors) {
        // SAFETY: passed on to the caller; the tiles are configured, and nothing else uses them.
        unsafe {
            asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                "2:",
                "tileloadd tmm4, [{row0} + {stride} * 1 + 64]",
                "tileloadd tmm6, [{column0} + {line} * 1]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{column1} + {line} * 1]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm5, [{row1} + {stride} * 1 + 64]",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "tileloadd tmm4, [{row0} + {stride} * 1]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm5, [{row1} + {stride} * 1]",
                "tdpbf16ps tmm2, tmm5, tmm6",
                "tdpbf16ps tmm3, tmm5, tmm7",
                "add {row0}, 128",
                "add {row1}, 128",
                "add {column0}, {next}",
                "add {column1}, {next}",
                "dec {depths}",
                "jnz 2b",
                "tilestored [{sums0} + {sums_stride} * 1], tmm0",
                "tilestored [{sums0} + {sums_stride} * 1 + 64], tmm1",
                "tilestored [{sums1} + {sums_stride} * 1], tmm2",
                "tilestored [{sums1} + {sums_stride} * 1 + 64], tmm3",
                row0 = inout(reg) factors.rows => _,
                row1 = inout(reg) factors.rows.wrapping_add(SIDE * factors.stride) => _,
                stride = in(reg) factors.stride,
                column0 = inout(reg) factors.columns[0] => _,
                column1 = inout(reg) factors.columns[1] => _,
                line = in(reg) 64_usize,
                next = in(reg) factors.next,
                depths = inout(reg) factors.depths => _,
                sums0 = in(reg) factors.sums,
                sums1 = in(reg) factors.sums.wrapping_byte_add(SIDE * factors.sums_stride),
                sums_stride = in(reg) factors.sums_stride,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack),
            );
        }
    }

    /// One tile of rows by two of columns: `[SIDE, 2 * SIDE]` sums are written.
    ///
    /// # Safety
    /// What `factors` says can be read and written.
    #[inline]
    pub(super) unsafe fn one_by_two(&self, factors: Factors) {
        // SAFETY: as for `two_by_two`.
        unsafe {
            asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "2:",
                "tileloadd tmm4, [{row} + {stride} * 1 + 64]",
                "tileloadd tmm6, [{column0} + {line} * 1]",
                "tdpbf16ps tmm0, tmm4, tmm6",
                "tileloadd tmm7, [{column1} + {line} * 1]",
                "tdpbf16ps tmm1, tmm4, tmm7",
                "tileloadd tmm5, [{row} + {stride} * 1]",
                "tdpbf16ps tmm0, tmm5, tmm6",
                "tdpbf16ps tmm1, tmm5, tmm7",
                "add {row}, 128",
                "add {column0}, {next}",
                "add {column1}, {next}",
                "dec {depths}",
                "jnz 2b",
                "tilestored [{sums} + {sums_stride} * 1], tmm0",
                "tilestored [{sums} + {sums_stride} * 1 + 64], tmm1",
                row = inout(reg) factors.rows => _,
                stride = in(reg) factors.stride,
                column0 = inout(reg) factors.columns[0] => _,
                column1 = inout(reg) factors.columns[1] => _,
                line = in(reg) 64_usize,
                next = in(reg) factors.next,
                depths = inout(reg) factors.depths => _,
                sums = in(reg) factors.sums,
                sums_stride = in(reg) factors.sums_stride,
                out("tmm0") _, out("tmm1") _, out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nostack),
            );
        }
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: tiles that were configured are there.
        unsafe { release() };
    }
}
