//! Weight matrices packed for the linear kernels, in the dtype they came in.
//!
//! Panels of 32 output columns, stored row of K by row of K: one step along K reads one or two
//! cache lines, and a thread that walks its panels reads memory front to back. bf16 columns `j`
//! and `j + 16` lie beside each other, which makes widening them one shift and one mask.

use half::{bf16, f16};

use crate::kernels::AlignedBuffer;

use super::block_format::BlockFormat;
use super::parallel::{SharedMut, for_each_range};
use super::tiles::{Codes, Tiles};

/// Output columns of one panel.
pub(super) const PANEL: usize = 32;

/// Dtype of weights as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightDtype {
    Bf16,
    F16,
    F32,
    /// Rows of whole blocks. Unless they are of fp8, what they are multiplied with is rounded to eight bits.
    Blocks(BlockFormat),
    /// The same, but rounded to sixteen bits.
    PreciseBlocks(BlockFormat),
}

impl WeightDtype {
    /// In small letters, as people write it: `bf16`, `q8_0`, `q4k`.
    pub fn name(self) -> String {
        match self {
            Self::Blocks(format) | Self::PreciseBlocks(format) => format!("{format:?}").to_lowercase(),
            plain => format!("{plain:?}").to_lowercase(),
        }
    }

    /// Bytes of a row of `width` values.
    pub fn row_bytes(self, width: usize) -> usize {
        match self {
            Self::Bf16 | Self::F16 => 2 * width,
            Self::F32 => 4 * width,
            Self::Blocks(format) | Self::PreciseBlocks(format) => format.row_bytes(width),
        }
    }

    /// Values of a little-endian tensor whose rows are `width` wide.
    pub fn widen_all(self, bytes: &[u8], width: usize) -> Vec<f32> {
        let pairs = || bytes.as_chunks::<2>().0.iter();
        match self {
            Self::Bf16 => pairs().map(|bytes| bf16::from_le_bytes(*bytes).to_f32()).collect(),
            Self::F16 => pairs().map(|bytes| f16::from_le_bytes(*bytes).to_f32()).collect(),
            Self::F32 => bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            Self::Blocks(format) | Self::PreciseBlocks(format) => {
                let row_bytes = format.row_bytes(width);
                let mut values = Vec::with_capacity(bytes.len() / row_bytes.max(1) * width);
                for row in bytes.chunks_exact(row_bytes.max(1)) {
                    let mut left = width;
                    for block in row.chunks_exact(format.block_bytes()) {
                        let count = left.min(format.block_len());
                        format.widen(block, count, &mut values);
                        left -= count;
                    }
                }
                values
            }
        }
    }
}

pub(super) enum Panels {
    Bf16(AlignedBuffer<u16>),
    F16(AlignedBuffer<u16>),
    F32(AlignedBuffer<f32>),
    Tiles(Tiles),
}

/// A `[num_outputs, num_inputs]` matrix, packed.
pub struct PackedMatrix {
    pub(super) panels: Panels,
    num_outputs: usize,
    num_inputs: usize,
    /// Rounded inputs are rounded to sixteen bits.
    pub(super) is_precise: bool,
}

impl PackedMatrix {
    /// Packs row-major little-endian `[num_outputs, num_inputs]` values, in parallel.
    ///
    /// # Panics
    /// If `bytes` is not exactly that many values.
    pub fn pack(bytes: &[u8], dtype: WeightDtype, num_outputs: usize, num_inputs: usize) -> Self {
        assert_eq!(bytes.len(), num_outputs * dtype.row_bytes(num_inputs), "matrix size");
        let len = num_outputs.div_ceil(PANEL) * PANEL * num_inputs;
        let bits = |pair: bool| {
            let mut buffer = AlignedBuffer::<u16>::zeroed(len);
            let read = |at: usize| u16::from_le_bytes([bytes[2 * at], bytes[2 * at + 1]]);
            fill(buffer.as_mut_slice(), [num_outputs, num_inputs], pair, read);
            buffer
        };
        let panels = match dtype {
            WeightDtype::Bf16 => Panels::Bf16(bits(true)),
            WeightDtype::F16 => Panels::F16(bits(false)),
            WeightDtype::F32 => {
                let mut buffer = AlignedBuffer::<f32>::zeroed(len);
                let read = |at: usize| f32::from_le_bytes(std::array::from_fn(|byte| bytes[4 * at + byte]));
                fill(buffer.as_mut_slice(), [num_outputs, num_inputs], false, read);
                Panels::F32(buffer)
            }
            WeightDtype::Blocks(format) | WeightDtype::PreciseBlocks(format) => {
                Panels::Tiles(Tiles::pack(bytes, format, num_outputs, num_inputs))
            }
        };
        let is_precise = matches!(dtype, WeightDtype::PreciseBlocks(_));
        Self { panels, num_outputs, num_inputs, is_precise }
    }

    /// What [`Self::size_in_bytes`] will be of plain values of so many bytes each.
    pub fn bytes_for(value_bytes: usize, num_outputs: usize, num_inputs: usize) -> usize {
        num_outputs.div_ceil(PANEL) * PANEL * num_inputs * value_bytes
    }

    pub fn num_outputs(&self) -> usize {
        self.num_outputs
    }

    pub fn num_inputs(&self) -> usize {
        self.num_inputs
    }

    pub fn size_in_bytes(&self) -> usize {
        match &self.panels {
            Panels::Bf16(buffer) | Panels::F16(buffer) => buffer.size_in_bytes(),
            Panels::F32(buffer) => buffer.size_in_bytes(),
            Panels::Tiles(tiles) => tiles.size_in_bytes(),
        }
    }

    /// Whether inputs are rounded before they are multiplied.
    pub(super) fn takes_rounded(&self) -> bool {
        matches!(&self.panels, Panels::Tiles(tiles) if tiles.codes != Codes::Float8)
    }

    /// Writes row `output` of the matrix, widened, to `row` of `[num_inputs]`: an embedding
    /// look-up in a table that doubles as the output head.
    pub fn read_row(&self, output: usize, row: &mut [f32]) {
        if let Panels::Tiles(tiles) = &self.panels {
            return tiles.read_row(output, row);
        }
        let panel = output / PANEL * PANEL * self.num_inputs;
        let column = output % PANEL;
        for (step, value) in row.iter_mut().enumerate() {
            let at = panel + step * PANEL;
            *value = match &self.panels {
                Panels::Bf16(buffer) => bf16::from_bits(buffer.as_slice()[at + paired(column)]).to_f32(),
                Panels::F16(buffer) => f16::from_bits(buffer.as_slice()[at + column]).to_f32(),
                Panels::F32(buffer) => buffer.as_slice()[at + column],
                Panels::Tiles(_) => return,
            };
        }
    }
}

/// Where column `j` lies in a panel row whose halves are interleaved.
pub(super) fn paired(column: usize) -> usize {
    2 * (column % (PANEL / 2)) + column / (PANEL / 2)
}

fn fill<T: Copy + Send>(
    target: &mut [T],
    [num_outputs, num_inputs]: [usize; 2],
    pair: bool,
    read: impl Fn(usize) -> T + Sync,
) {
    let shared = SharedMut::new(target);
    for_each_range(num_outputs.div_ceil(PANEL), PANEL * num_inputs, |range| {
        for panel in range {
            for column in 0..PANEL.min(num_outputs - panel * PANEL) {
                let place = if pair { paired(column) } else { column };
                let from = (panel * PANEL + column) * num_inputs;
                for step in 0..num_inputs {
                    let to = (panel * num_inputs + step) * PANEL + place;
                    // SAFETY: `to` lies inside panel `panel`, which only this thread writes, and
                    // `target` holds all panels.
                    unsafe { shared.pointer().add(to).write(read(from + step)) };
                }
            }
        }
    });
}
