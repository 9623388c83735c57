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
                self.read_scales::<V>(tile, tiles.scales, (header, start));
                self.read_codes::<V, SIGNED>(tile, tiles, start.add(tiles.scales.bytes()));
            }
        }
        count
    }

    /// # Safety
    /// As [`Self::read`]; the pointers lead to a tile's header and to the tile.
    // Every load is an unaligned one.
    #[allow(clippy::cast_ptr_alignment)]
    #[inline(always)]
    unsafe fn read_scales<V: Vector>(&mut self, tile: usize, scales: Scales, (header, from): (*const u8, *const u8)) {
        let values = tile * 2 * PANEL;
        let scale = self.scales[values..][..2 * PANEL].as_mut_ptr();
        let offset = self.offsets[values..][..2 * PANEL].as_mut_ptr();
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

    /// # Safety
    /// As [`Self::read`]; the pointer leads to a tile's codes.
    #[inline(always)]
    unsafe fn read_codes<V: Vector, const SIGNED: bool>(&mut self, tile: usize, tiles: &Tiles, from: *const u8) {
        let target = self.codes[tile * TILE_CODES..][..TILE_CODES].as_mut_ptr();
        // SAFETY: a tile has `Codes::bytes` of codes, all of which are read and no more; what is
        // written are the lines of one tile.
        unsafe {
            match tiles.codes {
                Codes::Bytes => {
                    let flip = V::splat_word(if SIGNED { 0 } else { 0x8080_8080_u32.cast_signed() });
                    for at in (0..TILE_CODES).step_by(LINE_BYTES) {
                        V::store_words(V::xor(V::load_words(from.add(at)), flip), target.add(at));
                    }
                }
                Codes::Twos => planes::<V, SIGNED, 2, 0>(tiles.meaning, from, target),
                Codes::Threes => planes::<V, SIGNED, 2, 1>(tiles.meaning, from, target),
                Codes::Nibbles => planes::<V, SIGNED, 4, 0>(tiles.meaning, from, target),
                Codes::Fives => planes::<V, SIGNED, 4, 1>(tiles.meaning, from, target),
                Codes::Sixes => planes::<V, SIGNED, 4, 2>(tiles.meaning, from, target),
                // Has a kernel of its own.
                Codes::Float8 => {}
            }
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
/// The processor has the features of `V`; `from` leads to both planes, `target` to a tile's codes.
#[inline(always)]
unsafe fn planes<V: Vector, const SIGNED: bool, const FIRST: usize, const SECOND: usize>(
    meaning: Meaning,
    from: *const u8,
    target: *mut u8,
) {
    let lines = plane_bytes(FIRST) / LINE_BYTES;
    let high_lines = (plane_bytes(SECOND) / LINE_BYTES).max(1);
    let bytes = |byte: u8| u32::from_ne_bytes([byte; 4]).cast_signed();
    // SAFETY: a plane has as many lines as its bits say; what is written are sixteen lines.
    unsafe {
        let mask = V::splat_word(bytes((1 << FIRST) - 1));
        let high_mask = V::splat_word(bytes((1 << SECOND) - 1));
        let (bias, flip) = match meaning {
            Meaning::Above(Some(exponent)) if SIGNED => (V::splat_word(bytes(1 << exponent)), V::splat_word(0)),
            _ => (V::splat_word(0), V::splat_word(if SIGNED { 0 } else { bytes(128) })),
        };
        for line in 0..lines {
            let mut low = V::load_words(from.add(line * LINE_BYTES));
            let mut high = low;
            if SECOND > 0 {
                let plane = from.add(plane_bytes(FIRST));
                high = V::load_words(plane.add(line % high_lines * LINE_BYTES));
                high = V::shift_right(high, (line / high_lines * SECOND) as u32);
            }
            for above in 0..8 / FIRST {
                let mut codes = V::and(low, mask);
                if SECOND > 0 {
                    codes = V::or(codes, V::shift_left(V::and(high, high_mask), FIRST as u32));
                    high = V::shift_right(high, FIRST as u32);
                }
                match meaning {
                    Meaning::Listed(table) => codes = V::xor(V::look_up_bytes(&table, codes), flip),
                    _ if SIGNED => codes = V::subtract_bytes(codes, bias),
                    _ => {}
                }
                V::store_words(codes, target.add((above * lines + line) * LINE_BYTES));
                low = V::shift_right(low, FIRST as u32);
            }
        }
    }
}
