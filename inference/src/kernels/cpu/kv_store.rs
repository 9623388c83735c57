//! One layer's keys and values in paged storage.
//!
//! Keys lie transposed in groups of sixteen tokens, `[block][head][group][head_dim][16]`, so that
//! one register holds one dimension of sixteen keys and scores need no horizontal sums. Values
//! lie token by token, `[block][head][token][head_dim rounded up to 16]`.

use half::f16;

use crate::kernels::{AlignedBuffer, NO_SLOT};

use super::parallel::{SharedMut, for_each_range};
use super::vector::{LANES, Vector};

/// Tokens of one group of transposed keys; a block holds a whole number of groups.
pub(super) const GROUP: usize = LANES;

/// Dtype of cached keys and values. Half precision saturates instead of overflowing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KvDtype {
    F16,
    F32,
}

/// What one layer stores for each token, and how many tokens share a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KvShape {
    pub num_kv_heads: usize,
    pub head_dim: usize,
    /// A multiple of sixteen.
    pub block_size: usize,
}

impl KvShape {
    pub(super) fn padded_dim(self) -> usize {
        self.head_dim.next_multiple_of(LANES)
    }

    /// Elements of one head of one block of keys.
    pub(super) fn key_head(self) -> usize {
        self.block_size * self.head_dim
    }

    /// Elements of one head of one block of values.
    pub(super) fn value_head(self) -> usize {
        self.block_size * self.padded_dim()
    }

    /// Bytes of one block in one layer.
    pub fn block_bytes(self, dtype: KvDtype) -> usize {
        let element = match dtype {
            KvDtype::F16 => 2,
            KvDtype::F32 => 4,
        };
        self.num_kv_heads * (self.key_head() + self.value_head()) * element
    }
}

pub(super) enum Storage {
    F16 { keys: AlignedBuffer<u16>, values: AlignedBuffer<u16> },
    F32 { keys: AlignedBuffer<f32>, values: AlignedBuffer<f32> },
}

/// Keys and values of one layer for `num_blocks` blocks.
pub struct KvLayer {
    pub(super) storage: Storage,
    pub(super) shape: KvShape,
    num_blocks: usize,
}

impl KvLayer {
    /// # Panics
    /// If the block size is not a multiple of sixteen.
    pub fn new(shape: KvShape, dtype: KvDtype, num_blocks: usize) -> Self {
        assert_eq!(shape.block_size % GROUP, 0, "block size must be a multiple of {GROUP}");
        let keys = num_blocks * shape.num_kv_heads * shape.key_head();
        let values = num_blocks * shape.num_kv_heads * shape.value_head();
        let storage = match dtype {
            KvDtype::F16 => Storage::F16 { keys: AlignedBuffer::zeroed(keys), values: AlignedBuffer::zeroed(values) },
            KvDtype::F32 => Storage::F32 { keys: AlignedBuffer::zeroed(keys), values: AlignedBuffer::zeroed(values) },
        };
        Self { storage, shape, num_blocks }
    }

    pub fn num_blocks(&self) -> usize {
        self.num_blocks
    }

    /// Tokens of one block.
    pub fn block_size(&self) -> usize {
        self.shape.block_size
    }

    /// Writes the key and value of row `i` to slot `slots[i]` (block times block size plus offset),
    /// or nowhere if that is [`NO_SLOT`].
    ///
    /// `rows` is `[slots.len(), width]`; a row holds its keys from `key_offset` and its values
    /// right behind them, `[num_kv_heads, head_dim]` each.
    ///
    /// # Panics
    /// If a slot lies outside the storage, slots repeat neighbours, or rows are too short.
    pub fn store(&mut self, rows: &[f32], width: usize, key_offset: usize, slots: &[usize]) {
        let shape = self.shape;
        let kv_width = shape.num_kv_heads * shape.head_dim;
        assert!(rows.len() >= slots.len() * width && key_offset + 2 * kv_width <= width, "rows");
        let end = self.num_blocks * shape.block_size;
        assert!(slots.iter().all(|slot| *slot < end || *slot == NO_SLOT), "slot outside the storage");
        let source = Rows { source: rows, width, key_offset, slots, shape };
        match &mut self.storage {
            Storage::F16 { keys, values } => {
                source.write(keys.as_mut_slice(), values.as_mut_slice(), |value| {
                    f16::from_f32(value.clamp(-65504.0, 65504.0)).to_bits()
                });
            }
            Storage::F32 { keys, values } => {
                source.write(keys.as_mut_slice(), values.as_mut_slice(), |value| value);
            }
        }
    }
}

struct Rows<'a> {
    source: &'a [f32],
    width: usize,
    key_offset: usize,
    slots: &'a [usize],
    shape: KvShape,
}

impl Rows<'_> {
    /// Threads share by head: each writes the slots of its own heads only.
    fn write<T: Send + Copy>(&self, keys: &mut [T], values: &mut [T], encode: impl Fn(f32) -> T + Sync) {
        let shape = self.shape;
        let (keys, values) = (SharedMut::new(keys), SharedMut::new(values));
        let cost = self.slots.len() * shape.head_dim * 4;
        for_each_range(shape.num_kv_heads, cost, |heads| {
            for head in heads {
                for (row, slot) in self.slots.iter().enumerate().filter(|(_, slot)| **slot != NO_SLOT) {
                    let from = row * self.width + self.key_offset + head * shape.head_dim;
                    let key = &self.source[from..from + shape.head_dim];
                    let from = from + shape.num_kv_heads * shape.head_dim;
                    let value = &self.source[from..from + shape.head_dim];
                    let block_head = slot / shape.block_size * shape.num_kv_heads + head;
                    let offset = slot % shape.block_size;
                    let key_at =
                        block_head * shape.key_head() + offset / GROUP * GROUP * shape.head_dim + offset % GROUP;
                    let value_at = block_head * shape.value_head() + offset * shape.padded_dim();
                    for dim in 0..shape.head_dim {
                        // SAFETY: the slot is inside the storage (checked by `store`), so both
                        // offsets are inside their head's part of its block, which only the
                        // thread that owns `head` writes.
                        unsafe {
                            keys.pointer().add(key_at + dim * GROUP).write(encode(key[dim]));
                            values.pointer().add(value_at + dim).write(encode(value[dim]));
                        }
                    }
                }
            }
        });
    }
}

/// How sixteen cached elements are read.
pub(super) trait KvElement: Copy + Sync {
    /// # Safety
    /// The processor has the features of `V` and sixteen elements can be read at `from`.
    unsafe fn load<V: Vector>(from: *const Self) -> V;
}

impl KvElement for u16 {
    #[inline(always)]
    unsafe fn load<V: Vector>(from: *const u16) -> V {
        // SAFETY: passed on to the caller.
        unsafe { V::load_f16(from) }
    }
}

impl KvElement for f32 {
    #[inline(always)]
    unsafe fn load<V: Vector>(from: *const f32) -> V {
        // SAFETY: passed on to the caller.
        unsafe { V::load(from) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_a_slot_is_not_stored() {
        let shape = KvShape { num_kv_heads: 2, head_dim: 4, block_size: 16 };
        let width = 2 * shape.num_kv_heads * shape.head_dim;
        let rows: Vec<f32> = (0..3 * width).map(|at| at as f32 + 1.0).collect();
        for dtype in [KvDtype::F16, KvDtype::F32] {
            let mut some = KvLayer::new(shape, dtype, 2);
            some.store(&rows, width, 0, &[3, NO_SLOT, 20]);
            let mut each = KvLayer::new(shape, dtype, 2);
            each.store(&rows[..width], width, 0, &[3]);
            each.store(&rows[2 * width..], width, 0, &[20]);
            assert!(bits(&some) == bits(&each));
            let before = bits(&some);
            some.store(&rows, width, 0, &[NO_SLOT; 3]);
            assert!(bits(&some) == before && before.iter().any(|bits| *bits != 0));
        }
    }

    fn bits(layer: &KvLayer) -> Vec<u32> {
        match &layer.storage {
            Storage::F16 { keys, values } => {
                keys.as_slice().iter().chain(values.as_slice()).map(|bits| u32::from(*bits)).collect()
            }
            Storage::F32 { keys, values } => {
                keys.as_slice().iter().chain(values.as_slice()).map(|value| value.to_bits()).collect()
            }
        }
    }
}
