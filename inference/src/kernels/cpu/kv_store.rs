//! One layer's keys and values in paged storage, `[block][head][group]`: groups of sixteen tokens, as `kv_format` lays
//! them out.

use crate::kernels::{AlignedBuffer, NO_SLOT};

use super::kv_format::{Brain, GROUP, Half, KvFormat, Single};
use super::parallel::{SharedMut, for_each_range};
use super::vector::LANES;

/// Dtype of cached keys and values. Half precision saturates instead of overflowing; bf16 keeps eight bits instead of
/// eleven, and is what matrix units multiply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KvDtype {
    F16,
    Bf16,
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
    pub(super) fn key_head<F: KvFormat>(self) -> usize {
        self.block_size * F::key_dim(self.head_dim)
    }

    /// Elements of one head of one block of values.
    pub(super) fn value_head(self) -> usize {
        self.block_size * self.padded_dim()
    }

    /// Bytes of one block in one layer.
    pub fn block_bytes(self, dtype: KvDtype) -> usize {
        fn bytes<F: KvFormat>(shape: KvShape) -> usize {
            shape.num_kv_heads * (shape.key_head::<F>() + shape.value_head()) * size_of::<F::Element>()
        }
        match dtype {
            KvDtype::F16 => bytes::<Half>(self),
            KvDtype::Bf16 => bytes::<Brain>(self),
            KvDtype::F32 => bytes::<Single>(self),
        }
    }
}

pub(super) struct Buffers<F: KvFormat> {
    pub keys: AlignedBuffer<F::Element>,
    pub values: AlignedBuffer<F::Element>,
}

impl<F: KvFormat> Buffers<F> {
    fn zeroed(shape: KvShape, num_blocks: usize) -> Self {
        let heads = num_blocks * shape.num_kv_heads;
        Self {
            keys: AlignedBuffer::zeroed(heads * shape.key_head::<F>()),
            values: AlignedBuffer::zeroed(heads * shape.value_head()),
        }
    }
}

pub(super) enum Storage {
    F16(Buffers<Half>),
    Bf16(Buffers<Brain>),
    F32(Buffers<Single>),
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
        let storage = match dtype {
            KvDtype::F16 => Storage::F16(Buffers::zeroed(shape, num_blocks)),
            KvDtype::Bf16 => Storage::Bf16(Buffers::zeroed(shape, num_blocks)),
            KvDtype::F32 => Storage::F32(Buffers::zeroed(shape, num_blocks)),
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
    /// If a slot lies outside the storage or stands there twice, or rows are too short.
    pub fn store(&mut self, rows: &[f32], width: usize, key_offset: usize, slots: &[usize]) {
        let shape = self.shape;
        let kv_width = shape.num_kv_heads * shape.head_dim;
        assert!(rows.len() >= slots.len() * width && key_offset + 2 * kv_width <= width, "rows");
        let end = self.num_blocks * shape.block_size;
        let mut stored: Vec<usize> = slots.iter().copied().filter(|slot| *slot != NO_SLOT).collect();
        stored.sort_unstable();
        assert!(stored.last().is_none_or(|last| *last < end), "slot outside the storage");
        assert!(stored.windows(2).all(|pair| pair[0] != pair[1]), "slot twice");
        let source = Rows { source: rows, width, key_offset, slots, shape };
        match &mut self.storage {
            Storage::F16(buffers) => source.write(buffers),
            Storage::Bf16(buffers) => source.write(buffers),
            Storage::F32(buffers) => source.write(buffers),
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
    /// Threads share by a few rows and a head: rows that lie together are read, and groups of keys written, while they
    /// are in the nearest cache.
    fn write<F: KvFormat>(&self, buffers: &mut Buffers<F>) {
        let heads = self.shape.num_kv_heads;
        let keys = SharedMut::new(buffers.keys.as_mut_slice());
        let values = SharedMut::new(buffers.values.as_mut_slice());
        let cost = GROUP.min(self.slots.len()) * self.shape.head_dim * 4;
        for_each_range(self.slots.len().div_ceil(GROUP) * heads, cost, |range| {
            for unit in range {
                let rows = unit / heads * GROUP..(unit / heads * GROUP + GROUP).min(self.slots.len());
                for row in rows.filter(|row| self.slots[*row] != NO_SLOT) {
                    // SAFETY: slots are inside the storage, each there once (checked by `store`).
                    unsafe { self.write_row::<F>((keys, values), row, unit % heads) };
                }
            }
        });
    }

    /// # Safety
    /// The row's slot is inside the storage, and nobody else writes it or reads it.
    unsafe fn write_row<F: KvFormat>(
        &self,
        (keys, values): (SharedMut<F::Element>, SharedMut<F::Element>),
        row: usize,
        head: usize,
    ) {
        let (shape, slot) = (self.shape, self.slots[row]);
        let from = row * self.width + self.key_offset + head * shape.head_dim;
        let key = &self.source[from..from + shape.head_dim];
        let from = from + shape.num_kv_heads * shape.head_dim;
        let value = &self.source[from..from + shape.head_dim];
        let block_head = slot / shape.block_size * shape.num_kv_heads + head;
        let (group, token) = (slot % shape.block_size / GROUP, slot % GROUP);
        let key_at = block_head * shape.key_head::<F>() + group * GROUP * F::key_dim(shape.head_dim);
        let value_at = block_head * shape.value_head() + group * GROUP * shape.padded_dim();
        // SAFETY: passed on to the caller: both groups are inside their head's part of the slot's block.
        unsafe {
            write_key::<F>(key, keys.pointer().add(key_at), token);
            write_value::<F>(value, values.pointer().add(value_at), token, shape.padded_dim());
        }
    }
}

/// Values that are encoded at a time.
const CHUNK: usize = 64;

/// # Safety
/// `group` leads to a group of keys, of which nobody else writes this token's.
unsafe fn write_key<F: KvFormat>(key: &[f32], group: *mut F::Element, token: usize) {
    let mut stored = [F::ZERO; CHUNK];
    for first in (0..F::key_dim(key.len())).step_by(CHUNK) {
        let count = CHUNK.min(F::key_dim(key.len()) - first);
        let own = &key[first.min(key.len())..key.len().min(first + count)];
        F::encode(own, &mut stored[..own.len()]);
        stored[own.len()..].fill(F::ZERO);
        for (dim, stored) in stored[..count].iter().enumerate() {
            // SAFETY: the dimension is less than those that are stored.
            unsafe { group.add(F::key_at(first + dim, token)).write(*stored) };
        }
    }
}

/// # Safety
/// `group` leads to a group of values, of which nobody else writes this token's.
unsafe fn write_value<F: KvFormat>(value: &[f32], group: *mut F::Element, token: usize, padded_dim: usize) {
    let mut stored = [F::ZERO; CHUNK];
    for (chunk, value) in value.chunks(CHUNK).enumerate() {
        F::encode(value, &mut stored[..value.len()]);
        for (dim, stored) in stored[..value.len()].iter().enumerate() {
            // SAFETY: the dimension is less than `padded_dim`.
            unsafe { group.add(F::value_at(chunk * CHUNK + dim, token, padded_dim)).write(*stored) };
        }
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
        for dtype in [KvDtype::F16, KvDtype::Bf16, KvDtype::F32] {
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

    #[test]
    fn a_slot_is_written_once() {
        let shape = KvShape { num_kv_heads: 1, head_dim: 4, block_size: 16 };
        let stored = |slots: &[usize]| {
            let mut layer = KvLayer::new(shape, KvDtype::F16, 2);
            let rows = vec![1.0; slots.len() * 8];
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| layer.store(&rows, 8, 0, slots))).is_ok()
        };
        assert!(stored(&[31, 3, 4, NO_SLOT, NO_SLOT]));
        assert!(!stored(&[3, 4, 3]) && !stored(&[32, 1]));
    }

    fn bits(layer: &KvLayer) -> Vec<u32> {
        fn half<F: KvFormat<Element = u16>>(buffers: &Buffers<F>) -> Vec<u32> {
            buffers.keys.as_slice().iter().chain(buffers.values.as_slice()).map(|bits| u32::from(*bits)).collect()
        }
        match &layer.storage {
            Storage::F16(buffers) => half(buffers),
            Storage::Bf16(buffers) => half(buffers),
            Storage::F32(buffers) => {
                buffers.keys.as_slice().iter().chain(buffers.values.as_slice()).map(|value| value.to_bits()).collect()
            }
        }
    }
}
