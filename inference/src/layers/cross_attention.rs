//! Attention to another sequence, whose keys and values are computed once and kept.

use crate::kernels::cpu::{AttentionShape, KvLayer, KvShape, Level, QueryRows, SequenceSpan, paged_attention};
use crate::weights::{TensorList, WeightSource, WeightsError};

use super::{Linear, Scratch};

/// Shape and names of a model's cross-attention layers.
#[derive(Clone, Debug)]
pub struct CrossAttentionConfig {
    pub hidden_size: usize,
    pub num_heads: usize,
    pub query: &'static str,
    pub key_value: [&'static str; 2],
    pub output: &'static str,
}

impl CrossAttentionConfig {
    pub fn kv_shape(&self, block_size: usize) -> KvShape {
        KvShape { num_kv_heads: self.num_heads, head_dim: self.hidden_size / self.num_heads, block_size }
    }

    fn part(&self, prefix: &str, name: &str) -> (String, usize) {
        (format!("{prefix}.{name}"), self.hidden_size)
    }

    fn parts(&self, prefix: &str) -> [Vec<(String, usize)>; 3] {
        let key_value = self.key_value.map(|name| self.part(prefix, name)).to_vec();
        [vec![self.part(prefix, self.query)], key_value, vec![self.part(prefix, self.output)]]
    }
}

/// One layer's attention to what was encoded. All projections have biases.
pub struct CrossAttention {
    query: Linear,
    key_value: Linear,
    output: Linear,
    num_heads: usize,
}

impl CrossAttention {
    /// # Errors
    /// If a tensor is missing or malformed.
    pub fn load(source: &dyn WeightSource, prefix: &str, config: &CrossAttentionConfig) -> Result<Self, WeightsError> {
        let [query, key_value, output] = config.parts(prefix);
        let load = |parts: &[(String, usize)]| Linear::load(source, parts, config.hidden_size, true);
        let num_heads = config.num_heads;
        Ok(Self { query: load(&query)?, key_value: load(&key_value)?, output: load(&output)?, num_heads })
    }

    /// What [`Self::load`] reads.
    pub fn tensors(prefix: &str, config: &CrossAttentionConfig) -> TensorList {
        let parts = config.parts(prefix);
        parts.iter().flat_map(|parts| Linear::tensors(parts, config.hidden_size, true)).collect()
    }

    /// Keeps keys and values of `encoded`, `[slots.len(), hidden_size]`, in `slots`.
    pub fn store(&self, encoded: &[f32], cache: &mut KvLayer, slots: &[usize], scratch: &mut Scratch) {
        let Scratch { wide, interleaved, .. } = scratch;
        self.key_value.forward(encoded, interleaved, wide);
        cache.store(wide, self.key_value.num_outputs(), 0, slots);
    }

    /// `input` is `[num_rows, hidden_size]`, and so becomes `output`. Each row has a span of its own: one row at the
    /// place of the last key that it sees.
    pub fn forward(
        &self,
        input: &[f32],
        spans: &[SequenceSpan<'_>],
        cache: &KvLayer,
        (scratch, output): (&mut Scratch, &mut Vec<f32>),
    ) {
        let Scratch { wide, narrow, interleaved, .. } = scratch;
        self.query.forward(input, interleaved, wide);
        narrow.resize(wide.len(), 0.0);
        let width = self.query.num_outputs();
        let head_dim = width / self.num_heads;
        let shape = AttentionShape {
            num_heads: self.num_heads,
            kv: KvShape { num_kv_heads: self.num_heads, head_dim, block_size: cache.block_size() },
            scale: 1.0 / (head_dim as f32).sqrt(),
            window: None,
            softcap: None,
            sinks: None,
        };
        let queries = QueryRows { values: wide, width };
        paged_attention(Level::best(), shape, cache, (queries, spans), narrow);
        self.output.forward(narrow, interleaved, output);
    }
}
