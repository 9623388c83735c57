//! Panels of weights in small integers: how they lie in memory, and how they get there.
//!
//! A tile is 32 steps along K of the 32 columns of a panel. Its scales come first, then its codes,
//! so that a thread reads memory front to back; what several tiles share stands before them. No
//! format is rounded: what is packed has the values that the blocks had.

use half::f16;

use crate::kernels::AlignedBuffer;

use super::block_format::{Block, BlockFormat, GROUP};
use super::packed::{PANEL, paired};
use super::parallel::{SharedMut, for_each_range};
use super::vector::LANES;

/// Steps of a tile.
pub(super) const TILE: usize = 32;
/// Bytes of a line of codes.
pub(super) const LINE_BYTES: usize = 64;

/// How codes are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codes {
    /// A signed byte each.
    Bytes,
    /// A byte of fp8 each.
    Float8,
    /// In one plane of bits or two, see [`Self::planes`].
    Twos,
    Threes,
    Nibbles,
    Fives,
    Sixes,
}

/// How scales are stored, and whether there are offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scales {
    /// An f16 for a tile's column.
    Half,
    /// The same, and an f16 that is added.
    HalfAndOffset,
    /// A power of two, as a bf16.
    Power,
    /// An f32 for four tiles' column.
    Single,
    /// An f16 for eight tiles' column, and multiples of it for sixteen steps each.
    Fine,
    /// The same with multiples of another f16 that are subtracted.
    FineAndOffset,
    /// The same for 32 steps each.
    CoarseAndOffset,
}

impl Scales {
    /// Tiles that share a header, and its bytes.
    pub(super) fn header(self) -> (usize, usize) {
        match self {
            Self::Half | Self::HalfAndOffset | Self::Power => (1, 0),
            Self::Single => (4, 4 * PANEL),
            Self::Fine => (8, 2 * PANEL),
            Self::FineAndOffset | Self::CoarseAndOffset => (8, 4 * PANEL),
        }
    }

    /// Of each tile.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Single => 0,
            Self::Half | Self::Power | Self::Fine | Self::CoarseAndOffset => 2 * PANEL,
            Self::HalfAndOffset | Self::FineAndOffset => 4 * PANEL,
        }
    }

    /// Scales of a tile's column.
    pub(super) fn groups(self) -> usize {
        if matches!(self, Self::Fine | Self::FineAndOffset) { 2 } else { 1 }
    }

    pub(super) fn has_offset(self) -> bool {
        matches!(self, Self::HalfAndOffset | Self::FineAndOffset | Self::CoarseAndOffset)
    }
}

impl Codes {
    /// Bits of a code in the first plane and in the second, which has the higher ones.
    pub(super) const fn planes(self) -> (usize, usize) {
        match self {
            Self::Bytes | Self::Float8 => (8, 0),
            Self::Twos => (2, 0),
            Self::Threes => (2, 1),
            Self::Nibbles => (4, 0),
            Self::Fives => (4, 1),
            Self::Sixes => (4, 2),
        }
    }

    fn bytes(self) -> usize {
        let (first, second) = self.planes();
        plane_bytes(first) + plane_bytes(second)
    }
}

/// Of codes of so many bits.
pub(super) const fn plane_bytes(width: usize) -> usize {
    TILE * PANEL * width / 8
}

/// What a stored code stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The code less a power of two, given by its exponent; no exponent is nothing.
    Above(Option<u32>),
    /// Itself, as a signed byte.
    Signed,
    /// An entry of a table.
    Listed([i8; 16]),
}

/// A matrix packed in tiles.
pub(super) struct Tiles {
    buffer: AlignedBuffer<u8>,
    format: BlockFormat,
    pub codes: Codes,
    pub scales: Scales,
    pub meaning: Meaning,
    num_inputs: usize,
}

fn meaning(format: BlockFormat) -> Meaning {
    match format {
        BlockFormat::Q3K => Meaning::Above(Some(2)),
        BlockFormat::Q4_0 => Meaning::Above(Some(3)),
        BlockFormat::Q5_0 => Meaning::Above(Some(4)),
        BlockFormat::Q6K => Meaning::Above(Some(5)),
        BlockFormat::Q8_0 | BlockFormat::Float8 => Meaning::Signed,
        BlockFormat::Iq4Nl | BlockFormat::Mxfp4 => Meaning::Listed(format.table()),
        BlockFormat::Q4_1 | BlockFormat::Q5_1 | BlockFormat::Q2K | BlockFormat::Q4K | BlockFormat::Q5K => {
            Meaning::Above(None)
        }
    }
}

impl Meaning {
    /// What is added to signed codes so that they are stored without a sign.
    fn bias(self) -> i8 {
        match self {
            Self::Above(Some(exponent)) => 1 << exponent,
            _ => 0,
        }
    }
}

fn layout(format: BlockFormat) -> (Codes, Scales) {
    match format {
        BlockFormat::Q4_0 | BlockFormat::Iq4Nl => (Codes::Nibbles, Scales::Half),
        BlockFormat::Mxfp4 => (Codes::Nibbles, Scales::Power),
        BlockFormat::Q4_1 => (Codes::Nibbles, Scales::HalfAndOffset),
        BlockFormat::Q5_0 => (Codes::Fives, Scales::Half),
        BlockFormat::Q5_1 => (Codes::Fives, Scales::HalfAndOffset),
        BlockFormat::Q8_0 => (Codes::Bytes, Scales::Half),
        BlockFormat::Q2K => (Codes::Twos, Scales::FineAndOffset),
        BlockFormat::Q3K => (Codes::Threes, Scales::Fine),
        BlockFormat::Q4K => (Codes::Nibbles, Scales::CoarseAndOffset),
        BlockFormat::Q5K => (Codes::Fives, Scales::CoarseAndOffset),
        BlockFormat::Q6K => (Codes::Sixes, Scales::Fine),
        BlockFormat::Float8 => (Codes::Float8, Scales::Single),
    }
}

impl Tiles {
    /// Packs rows of blocks, in parallel.
    ///
    /// # Panics
    /// If `bytes` is not exactly that many rows.
    pub(super) fn pack(bytes: &[u8], format: BlockFormat, num_outputs: usize, num_inputs: usize) -> Self {
        let row_bytes = format.row_bytes(num_inputs);
        assert_eq!(bytes.len(), num_outputs * row_bytes, "matrix size");
        let (codes, scales) = layout(format);
        let meaning = meaning(format);
        let mut tiles = Self { buffer: AlignedBuffer::zeroed(0), format, codes, scales, meaning, num_inputs };
        let num_panels = num_outputs.div_ceil(PANEL);
        let mut buffer = AlignedBuffer::<u8>::zeroed(num_panels * tiles.panel_bytes());
        let shared = SharedMut::new(buffer.as_mut_slice());
        for_each_range(num_panels, PANEL * num_inputs, |range| {
            for panel in range {
                let bytes_of_panel = tiles.panel_bytes();
                // SAFETY: panels are disjoint, lie inside `buffer`, and each is visited by one thread.
                let target = unsafe {
                    std::slice::from_raw_parts_mut(shared.pointer().add(panel * bytes_of_panel), bytes_of_panel)
                };
                for column in 0..PANEL.min(num_outputs - panel * PANEL) {
                    let row = (panel * PANEL + column) * row_bytes;
                    tiles.place_row(&bytes[row..row + row_bytes], column, target);
                }
            }
        });
        tiles.buffer = buffer;
        tiles
    }

    pub(super) fn size_in_bytes(&self) -> usize {
        self.buffer.size_in_bytes()
    }

    pub(super) fn num_tiles(&self) -> usize {
        self.num_inputs.div_ceil(TILE)
    }

    pub(super) fn tile_bytes(&self) -> usize {
        self.scales.bytes() + self.codes.bytes()
    }

    fn panel_bytes(&self) -> usize {
        let (shared_by, header) = self.scales.header();
        self.num_tiles() * self.tile_bytes() + self.num_tiles().div_ceil(shared_by) * header
    }

    /// Bytes of one panel.
    pub(super) fn panel(&self, panel: usize) -> &[u8] {
        &self.buffer.as_slice()[panel * self.panel_bytes()..(panel + 1) * self.panel_bytes()]
    }

    /// Where the header of a tile and the tile itself begin in a panel.
    pub(super) fn place(&self, tile: usize) -> (usize, usize) {
        let (shared_by, header) = self.scales.header();
        let first = tile / shared_by * (header + shared_by * self.tile_bytes());
        (first, first + header + tile % shared_by * self.tile_bytes())
    }

    /// Writes one column of a panel.
    fn place_row(&self, row: &[u8], column: usize, panel: &mut [u8]) {
        let tiles_of_block = self.format.block_len() / TILE;
        for (index, bytes) in row.chunks_exact(self.format.block_bytes()).enumerate() {
            let block = self.format.read(bytes);
            for within in 0..tiles_of_block {
                let tile = index * tiles_of_block + within;
                if tile < self.num_tiles() {
                    let (header, start) = self.place(tile);
                    if within == 0 {
                        self.place_header(&block, column, &mut panel[header..]);
                    }
                    self.place_scales(&block, within * TILE / GROUP, column, &mut panel[start..]);
                    let codes = &block.codes[within * TILE..(within + 1) * TILE];
                    self.place_codes(codes, column, &mut panel[start + self.scales.bytes()..]);
                }
            }
        }
    }

    fn place_header(&self, block: &Block, column: usize, target: &mut [u8]) {
        match self.scales {
            Scales::Half | Scales::HalfAndOffset | Scales::Power => {}
            // Codes are read as if their exponents counted from eight less.
            Scales::Single => put(target, 4 * column, (block.scale * 256.0).to_le_bytes()),
            Scales::Fine => put(target, 2 * column, f16::from_f32(block.scale).to_le_bytes()),
            Scales::FineAndOffset | Scales::CoarseAndOffset => {
                put(target, 2 * column, f16::from_f32(block.scale).to_le_bytes());
                put(target, 2 * (PANEL + column), f16::from_f32(block.min).to_le_bytes());
            }
        }
    }

    fn place_scales(&self, block: &Block, group: usize, column: usize, target: &mut [u8]) {
        let byte = |value: i8| [value.cast_unsigned()];
        match self.scales {
            Scales::Half => put(target, 2 * column, f16::from_f32(block.scale).to_le_bytes()),
            Scales::HalfAndOffset => {
                put(target, 2 * column, f16::from_f32(block.scale).to_le_bytes());
                put(target, 2 * (PANEL + column), f16::from_f32(block.min).to_le_bytes());
            }
            Scales::Power => {
                let upper = (block.scale.to_bits() >> 16) as u16;
                put(target, 2 * paired(column), upper.to_le_bytes());
            }
            Scales::Single => {}
            Scales::Fine => {
                put(target, column, byte(block.scales[group]));
                put(target, PANEL + column, byte(block.scales[group + 1]));
            }
            Scales::FineAndOffset => {
                put(target, column, byte(block.scales[group]));
                put(target, PANEL + column, byte(block.scales[group + 1]));
                put(target, 2 * PANEL + column, byte(block.mins[group]));
                put(target, 3 * PANEL + column, byte(block.mins[group + 1]));
            }
            Scales::CoarseAndOffset => {
                put(target, column, byte(block.scales[group]));
                put(target, PANEL + column, byte(block.mins[group]));
            }
        }
    }

    fn place_codes(&self, codes: &[i8], column: usize, target: &mut [u8]) {
        if self.codes == Codes::Float8 {
            for (step, code) in codes.iter().enumerate() {
                target[step * PANEL + column] = code.cast_unsigned();
            }
            return;
        }
        let (first, second) = self.codes.planes();
        let (low, high) = target.split_at_mut(plane_bytes(first));
        for (quad, codes) in codes.as_chunks::<4>().0.iter().enumerate() {
            let codes = codes.map(|code| code.wrapping_add(self.meaning.bias()).cast_unsigned());
            let word = u32::from_le_bytes(codes);
            Place::new(first, quad, column).write(low, word);
            if second > 0 {
                Place::new(second, quad, column).write(high, word >> first);
            }
        }
    }

    /// Writes row `output` of the matrix, widened, to `row`.
    pub(super) fn read_row(&self, output: usize, row: &mut [f32]) {
        let panel = self.panel(output / PANEL);
        let column = output % PANEL;
        for (tile, values) in row.chunks_mut(TILE).enumerate() {
            let (header, start) = self.place(tile);
            let codes = &panel[start + self.scales.bytes()..];
            for (step, value) in values.iter_mut().enumerate() {
                let (scale, offset) = self.scale(&panel[header..], &panel[start..], step / GROUP, column);
                *value = scale * self.code(codes, step, column) + offset;
            }
        }
    }

    fn scale(&self, header: &[u8], tile: &[u8], group: usize, column: usize) -> (f32, f32) {
        let half = |bytes: &[u8], at: usize| f16::from_le_bytes([bytes[2 * at], bytes[2 * at + 1]]).to_f32();
        let byte = |at: usize| f32::from(tile[at].cast_signed());
        match self.scales {
            Scales::Half => (half(tile, column), 0.0),
            Scales::HalfAndOffset => (half(tile, column), half(tile, PANEL + column)),
            Scales::Power => {
                let at = 2 * paired(column);
                (f32::from_le_bytes([0, 0, tile[at], tile[at + 1]]), 0.0)
            }
            Scales::Single => {
                let at = 4 * column;
                (f32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]), 0.0)
            }
            Scales::Fine => (half(header, column) * byte(group * PANEL + column), 0.0),
            Scales::FineAndOffset => {
                let offset = half(header, PANEL + column) * byte((2 + group) * PANEL + column);
                (half(header, column) * byte(group * PANEL + column), -offset)
            }
            Scales::CoarseAndOffset => {
                let offset = half(header, PANEL + column) * byte(PANEL + column);
                (half(header, column) * byte(column), -offset)
            }
        }
    }

    fn code(&self, codes: &[u8], step: usize, column: usize) -> f32 {
        if self.codes == Codes::Float8 {
            return super::block_format::widen_float8(codes[step * PANEL + column]) / 256.0;
        }
        let (first, second) = self.codes.planes();
        let mut code = Place::new(first, step / 4, column).read(codes, step % 4);
        if second > 0 {
            code |= Place::new(second, step / 4, column).read(&codes[plane_bytes(first)..], step % 4) << first;
        }
        match self.meaning {
            Meaning::Above(_) => f32::from(code) - f32::from(self.meaning.bias()),
            Meaning::Signed => f32::from(code.cast_signed()),
            Meaning::Listed(table) => f32::from(table[usize::from(code)]),
        }
    }
}

fn put<const N: usize>(target: &mut [u8], at: usize, bytes: [u8; N]) {
    target[at..at + N].copy_from_slice(&bytes);
}

/// Where four steps' codes of `width` bits lie in their plane.
///
/// Four steps of sixteen columns make 64 bytes, column by column, as products of bytes want them;
/// the tile has sixteen such lines, first those of steps 0 to 3. A plane of fewer than eight bits
/// has fewer lines: line `i` lies in line `i % lines`, above what lies there already.
struct Place {
    byte: usize,
    shift: usize,
    mask: u8,
}

impl Place {
    fn new(width: usize, quad: usize, column: usize) -> Self {
        let line = quad * (PANEL / LANES) + column / LANES;
        let lines = plane_bytes(width) / LINE_BYTES;
        let byte = line % lines * LINE_BYTES + column % LANES * 4;
        Self { byte, shift: line / lines * width, mask: ((1_u16 << width) - 1) as u8 }
    }

    /// Adds the lowest bits of four bytes; they are zero before.
    fn write(&self, plane: &mut [u8], codes: u32) {
        let word = &mut plane[self.byte..self.byte + 4];
        let bits = (codes & u32::from_le_bytes([self.mask; 4])) << self.shift;
        for (byte, bits) in word.iter_mut().zip(bits.to_le_bytes()) {
            *byte |= bits;
        }
    }

    fn read(&self, plane: &[u8], step: usize) -> u8 {
        plane[self.byte + step] >> self.shift & self.mask
    }
}
