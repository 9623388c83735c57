//! A tile's codes and scales as numbers, from whatever form they are stored in.

use super::packed::PANEL;
use super::tiles::{Codes, Scales, TILE, Tiles, plane_bytes};
use super::vector::{LANES, Vector};

/// Tiles by which memory is asked for before it is needed.
const AHEAD: usize = 2;
const LINE_BYTES: usize = 64;

/// What the kernel multiplies with: small enough to stay in the nearest cache.
#[repr(C, align(64))]
pub(super) struct TileValues {
    /// `[TILE, PANEL]`
    pub codes: [f32; TILE * PANEL],
    /// `[groups, PANEL]`
    pub scales: [f32; 2 * PANEL],
    /// `[groups, PANEL]`, to be added to each weight.
    pub offsets: [f32; 2 * PANEL],
}

impl TileValues {
    pub(super) const fn zeroed() -> Self {
        Self { codes: [0.0; TILE * PANEL], scales: [0.0; 2 * PANEL], offsets: [0.0; 2 * PANEL] }
    }

    /// Reads a tile of a panel.
    ///
    /// # Safety
    /// The processor has the features of `V`, `panel` is a panel of `tiles`, which has the tile.
    #[inline(always)]
    pub(super) unsafe fn read<V: Vector>(&mut self, tiles: &Tiles, panel: &[u8], tile: usize) {
        let (header, start) = tiles.place(tile);
        // SAFETY: a panel holds each of its tiles whole, and the tile's header before it.
        unsafe {
            let (header, start) = (panel.as_ptr().add(header), panel.as_ptr().add(start));
            for line in (0..tiles.tile_bytes()).step_by(LINE_BYTES) {
                V::prefetch(start.wrapping_add(AHEAD * tiles.tile_bytes() + line));
            }
            self.read_scales::<V>(tiles.scales, header, start);
            self.read_codes::<V>(tiles, start.add(tiles.scales.bytes()));
        }
    }

    /// # Safety
    /// As [`Self::read`]; the pointers lead to a tile's header and to the tile.
    // Every load is an unaligned one.
    #[allow(clippy::cast_ptr_alignment)]
    #[inline(always)]
    unsafe fn read_scales<V: Vector>(&mut self, scales: Scales, header: *const u8, tile: *const u8) {
        let (scale, offset) = (self.scales.as_mut_ptr(), self.offsets.as_mut_ptr());
        // SAFETY: what is read lies within the tile's scales and its header by `Scales`' sizes;
        // what is written are halves of rows of PANEL values.
        unsafe {
            for half in 0..PANEL / LANES {
                let at = half * LANES;
                let halves = |from: *const u8, row: usize| V::load_f16(from.cast::<u16>().add(row * PANEL + at));
                let bytes = |row: usize| V::load_i8(tile.cast::<i8>().add(row * PANEL + at));
                let negative = |value: V| value.mul(V::splat(-1.0));
                match scales {
                    Scales::Half => halves(tile, 0).store(scale.add(at)),
                    Scales::HalfAndOffset => {
                        halves(tile, 0).store(scale.add(at));
                        halves(tile, 1).store(offset.add(at));
                    }
                    Scales::Power => {
                        let (low, high) = V::load_bf16_pair(tile.cast());
                        low.store(scale);
                        high.store(scale.add(LANES));
                    }
                    Scales::Single => V::load(header.cast::<f32>().add(at)).store(scale.add(at)),
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
                }
            }
        }
    }

    /// # Safety
    /// As [`Self::read`]; the pointer leads to a tile's codes.
    #[inline(always)]
    unsafe fn read_codes<V: Vector>(&mut self, tiles: &Tiles, from: *const u8) {
        let target = self.codes.as_mut_ptr();
        // SAFETY: a tile has `Codes::bytes` of codes, all of which are read and no more; what is
        // written are halves of the TILE rows of PANEL values.
        unsafe {
            match tiles.codes {
                Codes::Bytes => {
                    for at in (0..TILE * PANEL).step_by(LANES) {
                        V::load_i8(from.cast::<i8>().add(at)).store(target.add(at));
                    }
                }
                Codes::Float8 => {
                    for at in (0..TILE * PANEL).step_by(LANES) {
                        V::load_float8(from.add(at)).store(target.add(at));
                    }
                }
                Codes::Twos => self.read_planes::<V, 2, 0>(tiles, from),
                Codes::Threes => self.read_planes::<V, 2, 1>(tiles, from),
                Codes::Nibbles => self.read_planes::<V, 4, 0>(tiles, from),
                Codes::Fives => self.read_planes::<V, 4, 1>(tiles, from),
                Codes::Sixes => self.read_planes::<V, 4, 2>(tiles, from),
            }
        }
    }

    /// # Safety
    /// As [`Self::read_codes`], of codes of `FIRST` and `SECOND` bits, of which the second are no more.
    #[inline(always)]
    unsafe fn read_planes<V: Vector, const FIRST: u32, const SECOND: u32>(&mut self, tiles: &Tiles, from: *const u8) {
        let steps = TILE / FIRST as usize;
        // SAFETY: a plane has as many rows of PANEL words as a code has bits in it; what is written
        // are halves of the TILE rows of PANEL values.
        unsafe {
            let tables = [V::load(tiles.tables[0].as_ptr()), V::load(tiles.tables[1].as_ptr())];
            let second = from.add(plane_bytes(FIRST as usize));
            for half in 0..PANEL / LANES {
                let words = |plane: *const u8, row: usize| V::load_words(plane.add((row * PANEL + half * LANES) * 4));
                let mut target = self.codes.as_mut_ptr().add(half * LANES);
                let mut high = words(from, 0);
                for row in 0..FIRST as usize {
                    let mut low = words(from, row);
                    if SECOND > 0 && (row * steps).is_multiple_of(TILE / SECOND.max(1) as usize) {
                        high = words(second, row * SECOND as usize / FIRST as usize);
                    }
                    for _ in 0..steps {
                        let value = tables[0].look_up(low);
                        low = V::shift_right::<FIRST>(low);
                        if SECOND > 0 {
                            value.add(tables[1].look_up(high)).store(target);
                            high = V::shift_right::<SECOND>(high);
                        } else {
                            value.store(target);
                        }
                        target = target.add(PANEL);
                    }
                }
            }
        }
    }
}
