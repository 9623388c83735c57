//! Weight matrices packed for the linear kernel, in the dtype they came in.
//!
//! Panels of 32 output columns, stored row of K by row of K: one step along K reads one or two
//! cache lines, and a thread that walks its panels reads memory front to back. bf16 columns `j`
//! and `j + 16` lie beside each other, which makes widening them one shift and one mask.

use half::{bf16, f16};

use crate::kernels::AlignedBuffer;

use super::parallel::{SharedMut, for_each_range};

/// Output columns of one panel.
pub(super) const PANEL: usize = 32;

/// Dtype of weights as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightDtype {
    Bf16,
    F16,
    F32,
}

impl WeightDtype {
    pub fn size_in_bytes(self) -> usize {
        match self {
            Self::Bf16 | Self::F16 => 2,
            Self::F32 => 4,
        }
    }

    fn widen(self, bytes: &[u8]) -> f32 {
        match self {
            Self::Bf16 => bf16::from_le_bytes([bytes[0], bytes[1]]).to_f32(),
            Self::F16 => f16::from_le_bytes([bytes[0], bytes[1]]).to_f32(),
            Self::F32 => f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]),
        }
    }

    /// Values of a little-endian tensor.
    pub fn widen_all(self, bytes: &[u8]) -> Vec<f32> {
        bytes.chunks_exact(self.size_in_bytes()).map(|bytes| self.widen(bytes)).collect()
    }
}

pub(super) enum Panels {
    Bf16(AlignedBuffer<u16>),
    F16(AlignedBuffer<u16>),
    F32(AlignedBuffer<f32>),
}

/// A `[num_outputs, num_inputs]` matrix, packed.
pub struct PackedMatrix {
    pub(super) panels: Panels,
    num_outputs: usize,
    num_inputs: usize,
}

impl PackedMatrix {
    /// Packs row-major little-endian `[num_outputs, num_inputs]` values, in parallel.
    ///
    /// # Panics
    /// If `bytes` is not exactly that many values.
    pub fn pack(bytes: &[u8], dtype: WeightDtype, num_outputs: usize, num_inputs: usize) -> Self {
        assert_eq!(bytes.len(), num_outputs * num_inputs * dtype.size_in_bytes(), "matrix size");
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
                let read = |at: usize| dtype.widen(&bytes[4 * at..]);
                fill(buffer.as_mut_slice(), [num_outputs, num_inputs], false, read);
                Panels::F32(buffer)
            }
        };
        Self { panels, num_outputs, num_inputs }
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
        }
    }

    /// Writes row `output` of the matrix, widened, to `row` of `[num_inputs]`: an embedding
    /// look-up in a table that doubles as the output head.
    pub fn read_row(&self, output: usize, row: &mut [f32]) {
        let panel = output / PANEL * PANEL * self.num_inputs;
        let column = output % PANEL;
        for (step, value) in row.iter_mut().enumerate() {
            let at = panel + step * PANEL;
            *value = match &self.panels {
                Panels::Bf16(buffer) => bf16::from_bits(buffer.as_slice()[at + paired(column)]).to_f32(),
                Panels::F16(buffer) => f16::from_bits(buffer.as_slice()[at + column]).to_f32(),
                Panels::F32(buffer) => buffer.as_slice()[at + column],
            };
        }
    }
}

/// Where column `j` lies in a panel row whose halves are interleaved.
fn paired(column: usize) -> usize {
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
