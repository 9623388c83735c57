//! Grouped-query self-attention over the paged cache.

use crate::kernels::cpu::{AttentionShape, KvLayer, KvShape, Level, QueryRows, for_each_row, paged_attention};
use crate::weights::{WeightSource, WeightsError};

use super::{Angles, ForwardContext, Linear, RmsNorm};

/// Shape and knobs of a model's attention layers.
#[derive(Clone, Debug)]
pub struct AttentionConfig {
    pub hidden_size: usize,
    pub num_heads: usize,
    pub num_kv_heads: usize,
    pub head_dim: usize,
    pub qkv_bias: bool,
    pub output_bias: bool,
    /// Each head of queries and keys is normed before rotation, with this epsilon.
    pub head_norm: Option<f32>,
    /// So many of the latest tokens a token looks at, itself among them; without it, at all.
    pub sliding_window: Option<usize>,
}

impl AttentionConfig {
    pub fn kv_shape(&self, block_size: usize) -> KvShape {
        KvShape { num_kv_heads: self.num_kv_heads, head_dim: self.head_dim, block_size }
    }
}

/// One attention layer: queries, keys and values in one fused projection.
pub struct Attention {
    config: AttentionConfig,
    qkv: Linear,
    output: Linear,
    head_norms: Option<(RmsNorm, RmsNorm)>,
}

impl Attention {
    /// # Errors
    /// If a tensor is missing or malformed.
    pub fn load(source: &dyn WeightSource, prefix: &str, config: &AttentionConfig) -> Result<Self, WeightsError> {
        let query_width = config.num_heads * config.head_dim;
        let kv_width = config.num_kv_heads * config.head_dim;
        let parts = [
            (format!("{prefix}.q_proj"), query_width),
            (format!("{prefix}.k_proj"), kv_width),
            (format!("{prefix}.v_proj"), kv_width),
        ];
        let qkv = Linear::load(source, &parts, config.hidden_size, config.qkv_bias)?;
        let parts = [(format!("{prefix}.o_proj"), config.hidden_size)];
        let output = Linear::load(source, &parts, query_width, config.output_bias)?;
        let norm = |name: &str, epsilon| RmsNorm::load(source, &format!("{prefix}.{name}"), config.head_dim, epsilon);
        let head_norms = match config.head_norm {
            Some(epsilon) => Some((norm("q_norm", epsilon)?, norm("k_norm", epsilon)?)),
            None => None,
        };
        Ok(Self { config: config.clone(), qkv, output, head_norms })
    }

    /// `input` is `[num_rows, hidden_size]`, and so becomes `output`; `scratch` is reused.
    pub fn forward(
        &self,
        context: &ForwardContext<'_>,
        cache: &mut KvLayer,
        input: &[f32],
        (scratch, output): (&mut [Vec<f32>; 3], &mut Vec<f32>),
    ) {
        let AttentionConfig { num_heads, head_dim, .. } = self.config;
        let [qkv, attended, interleaved] = scratch;
        let width = self.qkv.num_outputs();
        self.qkv.forward(input, interleaved, qkv);
        for_each_row(qkv, width, |row, values| self.position(row, values, context.angles));
        cache.store(qkv, width, num_heads * head_dim, &context.batch.slots);
        attended.resize(context.batch.num_rows() * num_heads * head_dim, 0.0);
        let shape = AttentionShape {
            num_heads,
            kv: self.config.kv_shape(cache.block_size()),
            scale: 1.0 / (head_dim as f32).sqrt(),
            window: self.config.sliding_window,
        };
        let queries = QueryRows { values: qkv, width };
        paged_attention(Level::best(), shape, cache, (queries, &context.spans), attended);
        self.output.forward(attended, interleaved, output);
    }

    /// Norms and rotates the query and key heads of one row.
    fn position(&self, row: usize, values: &mut [f32], angles: &Angles) {
        let AttentionConfig { num_heads, num_kv_heads, head_dim, .. } = self.config;
        let heads = values.chunks_exact_mut(head_dim).take(num_heads + num_kv_heads);
        for (index, head) in heads.enumerate() {
            if let Some((query_norm, key_norm)) = &self.head_norms {
                let norm = if index < num_heads { query_norm } else { key_norm };
                norm.forward_head(head);
            }
            angles.rotate(row, head);
        }
    }
}
