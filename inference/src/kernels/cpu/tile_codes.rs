//! A block of tiles taken apart: codes as bytes, scales as numbers, from whatever form they have.

use super::packed::PANEL;
use super::rounded::BLOCK;
use super::tiles::{Codes, LINE_BYTES, Meaning, Scales, TILE, Tiles, plane_bytes};
use super::vector::{LANES, Vector};

/// Tiles of a block.
pub(super) const TILES: usize = BLOCK / TILE;
/// Bytes of a tile's codes.
pub(super) const TILE_CODES: usize = TILE * PANEL;
/// Tiles by which memory is asked for before it is needed: a block, so that it comes while the one
/// before is multiplied.
const AHEAD: usize = TILES;

/// What the kernel multiplies with: small enough to stay in the nearest cache.
#[repr(C, align(64))]
pub(super) struct BlockCodes {
    /// `[tile, step / 4, PANEL, step % 4]`
    pub codes: [u8; TILES * TILE_CODES],
    /// `[tile, group, PANEL]`
    pub scales: [f32; TILES * 2 * PANEL],
    /// The same, to be added to each weight.
    pub offsets: [f32; TILES * 2 * PANEL],
}

impl BlockCodes {
    pub(super) const fn zeroed() -> Self {
        const VALUES: usize = TILES * 2 * PANEL;
        Self { codes: [0; TILES * TILE_CODES], scales: [0.0; VALUES], offsets: [0.0; VALUES] }
    }

    /// Reads a block of a panel and returns how many tiles it has. Codes are signed bytes if
    /// `SIGNED`; else they are above zero by the power of two that [`exponent`] tells.
    ///
    /// # Safety
    /// The processor has the features of `V`, `panel` is a panel of `tiles`, which has the block
    /// and is not of fp8.
    #[inline(always)]
    pub(super) unsafe fn read<V: Vector, const SIGNED: bool>(
        &mut self,
        tiles: &Tiles,
        panel: &[u8],
        block: usize,
    ) -> usize {
        let first = block * TILES;
        let count = TILES.min(tiles.num_tiles() - first);
        for tile in 0..count {
            let (header, start) = tiles.place(first + tile);
            // SAFETY: a panel holds each of its tiles whole, and the tile's header before it.
            unsafe {
                let (header, start) = (panel.as_ptr().add(header), panel.as_ptr().add(start));
                for line in (0..tiles.tile_bytes()).step_by(LINE_BYTES) {
                    V::prefetch(start.wrapping_add(AHEAD * tiles.tile_bytes() + line));
                }
                let values = tile * 2 * PANEL..(tile + 1) * 2 * PANEL;
                let target = (&mut self.scales[values.clone()], &mut self.offsets[values]);
                read_scales::<V>(tiles.scales, (header, start), target);
                self.read_codes::<V, SIGNED>(tile, tiles, start.add(tiles.scales.bytes()));
            }
        }
        count
    }

    /// # Safety
    /// As [`Self::read`]; the pointer leads to a tile's codes.
    #[inline(always)]
    unsafe fn read_codes<V: Vector, const SIGNED: bool>(&mut self, tile: usize, tiles: &Tiles, from: *const u8) {
        let mut stored = Stored(self.codes[tile * TILE_CODES..][..TILE_CODES].as_mut_ptr());
        // SAFETY: passed on to the caller; what is written are the lines of one tile.
        unsafe { take_apart::<V, SIGNED>((tiles.codes, tiles.meaning), from, &mut stored) }
    }
}

/// Reads a tile's scales, and offsets where there are any: a row of a panel for each group.
///
/// # Safety
/// The processor has the features of `V`; the pointers lead to a tile's header and to the tile.
// Every load is an unaligned one.
#[allow(clippy::cast_ptr_alignment)]
#[inline(always)]
pub(super) unsafe fn read_scales<V: Vector>(
    scales: Scales,
    (header, from): (*const u8, *const u8),
    (scale, offset): (&mut [f32], &mut [f32]),
) {
    let scale = scale[..2 * PANEL].as_mut_ptr();
    let offset = offset[..2 * PANEL].as_mut_ptr();
    // SAFETY: what is read lies within the tile's scales and its header by `Scales`' sizes;
    // what is written are halves of rows of PANEL values.
    unsafe {
        for half in 0..PANEL / LANES {
            let at = half * LANES;
            let halves = |from: *const u8, row: usize| V::load_f16(from.cast::<u16>().add(row * PANEL + at));
            let bytes = |row: usize| V::load_i8(from.cast::<i8>().add(row * PANEL + at));
            let negative = |value: V| value.mul(V::splat(-1.0));
            match scales {
                Scales::Half => halves(from, 0).store(scale.add(at)),
                Scales::HalfAndOffset => {
                    halves(from, 0).store(scale.add(at));
                    halves(from, 1).store(offset.add(at));
                }
                Scales::Power => {
                    let (low, high) = V::load_bf16_pair(from.cast());
                    low.store(scale);
                    high.store(scale.add(LANES));
                }
                Scales::Fine | Scales::FineAndOffset => {
                    let factor = halves(header, 0);
                    for group in 0..2 {
                        factor.mul(bytes(group)).store(scale.add(group * PANEL + at));
                    }
                    if scales == Scales::FineAndOffset {
                        let factor = negative(halves(header, 1));
                        for group in 0..2 {
                            factor.mul(bytes(2 + group)).store(offset.add(group * PANEL + at));
                        }
                    }
                }
                Scales::CoarseAndOffset => {
                    halves(header, 0).mul(bytes(0)).store(scale.add(at));
                    negative(halves(header, 1)).mul(bytes(1)).store(offset.add(at));
                }
                // Of fp8, which has a kernel of its own.
                Scales::Single => {}
            }
        }
    }
}

/// What becomes of codes: given four steps of a panel at a time, as two lines of bytes.
pub(super) trait Quads<V: Vector> {
    /// # Safety
    /// The processor has the features of `V`; what else is the implementor's to say.
    unsafe fn take(&mut self, quad: usize, lines: (V::Words, V::Words));
}

/// A tile's codes on their way to memory, where there is room for them.
struct Stored(*mut u8);

impl<V: Vector> Quads<V> for Stored {
    #[inline(always)]
    unsafe fn take(&mut self, quad: usize, (low, high): (V::Words, V::Words)) {
        // SAFETY: there is room for all lines.
        unsafe {
            let target = self.0.add(quad * 2 * LINE_BYTES);
            V::store_words(low, target);
            V::store_words(high, target.add(LINE_BYTES));
        }
    }
}

/// Gives each four steps' codes of a tile to `quads`: as signed bytes if `SIGNED`, else above zero by the power of two
/// that [`exponent`] tells.
///
/// # Safety
/// The processor has the features of `V`; `from` leads to a tile's codes, not of fp8; `quads` may be given all of them.
#[inline(always)]
pub(super) unsafe fn take_apart<V: Vector, const SIGNED: bool>(
    (codes, meaning): (Codes, Meaning),
    from: *const u8,
    quads: &mut impl Quads<V>,
) {
    // SAFETY: a tile has `Codes::bytes` of codes, all of which are read and no more.
    unsafe {
        match codes {
            Codes::Bytes => {
                let flip = V::splat_word(if SIGNED { 0 } else { 0x8080_8080_u32.cast_signed() });
                for quad in 0..TILE / 4 {
                    let line = |half: usize| V::load_words(from.add((2 * quad + half) * LINE_BYTES));
                    quads.take(quad, (V::xor(line(0), flip), V::xor(line(1), flip)));
                }
            }
            Codes::Twos => planes::<V, SIGNED, 2, 0>(meaning, from, quads),
            Codes::Threes => planes::<V, SIGNED, 2, 1>(meaning, from, quads),
            Codes::Nibbles => planes::<V, SIGNED, 4, 0>(meaning, from, quads),
            Codes::Fives => planes::<V, SIGNED, 4, 1>(meaning, from, quads),
            Codes::Sixes => planes::<V, SIGNED, 4, 2>(meaning, from, quads),
            // Has a kernel of its own.
            Codes::Float8 => {}
        }
    }
}

/// By which power of two codes that are read without a sign are above what they stand for.
pub(super) fn exponent(meaning: Meaning) -> Option<u32> {
    match meaning {
        Meaning::Above(exponent) => exponent,
        Meaning::Signed | Meaning::Listed(_) => Some(7),
    }
}

/// Codes of `FIRST` and `SECOND` bits, of which the second are no more and higher.
///
/// # Safety
/// As [`take_apart`]; `from` leads to both planes.
#[inline(always)]
unsafe fn planes<V: Vector, const SIGNED: bool, const FIRST: usize, const SECOND: usize>(
    meaning: Meaning,
    from: *const u8,
    quads: &mut impl Quads<V>,
) {
    let lines = plane_bytes(FIRST) / LINE_BYTES;
    let high_lines = (plane_bytes(SECOND) / LINE_BYTES).max(2);
    let bytes = |byte: u8| u32::from_ne_bytes([byte; 4]).cast_signed();
    // SAFETY: a plane has as many lines as its bits say, an even number.
    unsafe {
        let mask = V::splat_word(bytes((1 << FIRST) - 1));
        let high_mask = V::splat_word(bytes((1 << SECOND) - 1));
        let (bias, flip) = match meaning {
            Meaning::Above(Some(exponent)) if SIGNED => (V::splat_word(bytes(1 << exponent)), V::splat_word(0)),
            _ => (V::splat_word(0), V::splat_word(if SIGNED { 0 } else { bytes(128) })),
        };
        let code = |low: V::Words, high: V::Words| {
            let mut code = V::and(low, mask);
            if SECOND > 0 {
                code = V::or(code, V::shift_left(V::and(high, high_mask), FIRST as u32));
            }
            match meaning {
                Meaning::Listed(table) => V::xor(V::look_up_bytes(&table, code), flip),
                _ if SIGNED => V::subtract_bytes(code, bias),
                _ => code,
            }
        };
        for pair in 0..lines / 2 {
            let load = |plane: *const u8, line: usize| {
                (V::load_words(plane.add(line * LINE_BYTES)), V::load_words(plane.add((line + 1) * LINE_BYTES)))
            };
            let shifted = |(a, b): (V::Words, V::Words), bits: u32| (V::shift_right(a, bits), V::shift_right(b, bits));
            let mut low = load(from, 2 * pair);
            let mut high = low;
            if SECOND > 0 {
                let line = 2 * pair % high_lines;
                high = shifted(load(from.add(plane_bytes(FIRST)), line), (2 * pair / high_lines * SECOND) as u32);
            }
            for above in 0..8 / FIRST {
                quads.take(above * (lines / 2) + pair, (code(low.0, high.0), code(low.1, high.1)));
                low = shifted(low, FIRST as u32);
                if SECOND > 0 {
                    high = shifted(high, FIRST as u32);
                }
            }
        }
    }
}
