//! Attention whose keys and values come through a narrow latent projection (DeepSeek-V2, 2024).
//!
//! The cache holds keys and values as they are attended to, expanded: simple, and the arithmetic
//! of a checkpoint's authors; values are padded to the width of keys.

use crate::kernels::cpu::{KvLayer, Level, QueryRows, for_each_row, paged_attention};
use crate::weights::{TensorList, WeightSource, WeightsError};

use super::{
    AdapterSite, Angles, AttentionConfig, ForwardContext, Linear, Norm, NormConfig, NormKind, Projection, Scratch,
};

/// The norms amid the projections have an epsilon of their own, which no configuration changes.
const NORM: NormConfig = NormConfig { kind: NormKind::Rms, epsilon: 1e-6 };

/// Widths of the projections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatentConfig {
    /// Without it, queries are projected at once.
    pub query_rank: Option<usize>,
    pub kv_rank: usize,
    /// Dimensions of a key that are not rotated, and its head's own.
    pub plain_dim: usize,
    /// Dimensions of a key that are rotated, the same for all heads.
    pub rotated_dim: usize,
    pub value_dim: usize,
}

/// One layer of it.
pub struct LatentAttention {
    config: AttentionConfig,
    latent: LatentConfig,
    query_down: Option<(Linear, Norm)>,
    query: Linear,
    kv_down: Linear,
    kv_norm: Norm,
    kv: Linear,
    output: Linear,
}

/// The layer's linears: names and outputs, inputs, and whether `attention_bias` gives them a bias.
struct Parts {
    query_down: Option<(String, usize)>,
    query: ((String, usize), usize),
    kv_down: (String, usize),
    kv: ((String, usize), usize),
    output: ((String, usize), usize),
}

impl Parts {
    fn new(prefix: &str, config: &AttentionConfig, latent: LatentConfig) -> Self {
        let name = |name: &str| format!("{prefix}.{name}");
        let (heads, hidden) = (config.num_heads, config.hidden_size);
        let query = match latent.query_rank {
            Some(rank) => ((name("q_b_proj"), config.query_width()), rank),
            None => ((name("q_proj"), config.query_width()), hidden),
        };
        Self {
            query_down: latent.query_rank.map(|rank| (name("q_a_proj"), rank)),
            query,
            kv_down: (name("kv_a_proj_with_mqa"), latent.kv_rank + latent.rotated_dim),
            kv: ((name("kv_b_proj"), heads * (latent.plain_dim + latent.value_dim)), latent.kv_rank),
            output: ((name("o_proj"), hidden), heads * latent.value_dim),
        }
    }
}

impl LatentAttention {
    /// # Errors
    /// If a tensor is missing or malformed.
    pub fn load(
        source: &dyn WeightSource,
        prefix: &str,
        config: &AttentionConfig,
        latent: LatentConfig,
    ) -> Result<Self, WeightsError> {
        let parts = Parts::new(prefix, config, latent);
        let linear =
            |part: &(String, usize), inputs, bias| Linear::load(source, std::slice::from_ref(part), inputs, bias);
        let norm = |name: &str, width| Norm::load(source, &format!("{prefix}.{name}"), width, NORM);
        let query_down = match &parts.query_down {
            Some(part) => {
                let down = linear(part, config.hidden_size, config.qkv_bias)?;
                Some((down, norm("q_a_layernorm", part.1)?))
            }
            None => None,
        };
        Ok(Self {
            query_down,
            query: linear(&parts.query.0, parts.query.1, false)?,
            kv_down: linear(&parts.kv_down, config.hidden_size, config.qkv_bias)?,
            kv_norm: norm("kv_a_layernorm", latent.kv_rank)?,
            kv: linear(&parts.kv.0, parts.kv.1, false)?,
            output: linear(&parts.output.0, parts.output.1, config.output_bias)?,
            config: config.clone(),
            latent,
        })
    }

    /// What [`Self::load`] reads.
    pub fn tensors(prefix: &str, config: &AttentionConfig, latent: LatentConfig) -> TensorList {
        let parts = Parts::new(prefix, config, latent);
        let mut all = Vec::new();
        let mut linear = |part: (String, usize), inputs, bias| all.extend(Linear::tensors(&[part], inputs, bias));
        if let Some(part) = parts.query_down {
            linear(part, config.hidden_size, config.qkv_bias);
        }
        linear(parts.query.0, parts.query.1, false);
        linear(parts.kv_down, config.hidden_size, config.qkv_bias);
        linear(parts.kv.0, parts.kv.1, false);
        linear(parts.output.0, parts.output.1, config.output_bias);
        if let Some(rank) = latent.query_rank {
            all.extend(Norm::tensors(&format!("{prefix}.q_a_layernorm"), &[rank], NORM));
        }
        all.extend(Norm::tensors(&format!("{prefix}.kv_a_layernorm"), &[latent.kv_rank], NORM));
        all
    }

    /// What adapters may add to.
    pub fn sites(layer: usize, prefix: &str, config: &AttentionConfig, latent: LatentConfig) -> Vec<AdapterSite> {
        let Parts { query_down, query, kv_down, kv, output } = Parts::new(prefix, config, latent);
        let hidden = config.hidden_size;
        let all = [
            query_down.map(|part| (Projection::LatentQuery, part, hidden)),
            Some((Projection::Attention, query.0, query.1)),
            Some((Projection::LatentKeyValue, kv_down, hidden)),
            Some((Projection::ExpandedKeyValue, kv.0, kv.1)),
            Some((Projection::AttentionOutput, output.0, output.1)),
        ];
        let site = |(projection, part, num_inputs)| AdapterSite {
            layer,
            projection,
            parts: vec![part],
            num_inputs,
            order: None,
        };
        all.into_iter().flatten().map(site).collect()
    }

    /// `input` is `[num_rows, hidden_size]`, and so becomes `output`; `scratch` is reused.
    pub fn forward(
        &self,
        context: &ForwardContext<'_>,
        cache: &mut KvLayer,
        input: &[f32],
        (scratch, output): (&mut Scratch, &mut Vec<f32>),
    ) {
        let num_rows = context.batch.num_rows();
        let query_width = self.config.query_width();
        let width = 3 * query_width;
        scratch.wide.resize(num_rows * width, 0.0);
        let angles = self.config.rotation.map(|index| &context.angles[index]);
        self.queries(context, input, scratch);
        let expanded = &scratch.expanded;
        for_each_row(&mut scratch.wide, width, |row, values| {
            let queries = &mut values[..query_width];
            queries.copy_from_slice(&expanded[row * query_width..(row + 1) * query_width]);
            if let Some(angles) = angles {
                for head in queries.chunks_exact_mut(self.config.head_dim) {
                    angles.rotate(row, &mut head[self.latent.plain_dim..]);
                }
            }
        });
        self.keys_and_values(context, input, scratch);
        let Scratch { wide, narrow, interleaved, gathered, expanded, adapters, .. } = scratch;
        for_each_row(wide, width, |row, values| {
            self.place(row, &mut values[query_width..], (gathered, expanded), angles);
        });
        cache.store(wide, width, query_width, &context.batch.slots);
        narrow.resize(num_rows * query_width, 0.0);
        let shape = self.config.attention_shape(cache, None);
        paged_attention(Level::best(), shape, cache, (QueryRows { values: wide, width }, &context.spans), narrow);
        gathered.clear();
        for head in narrow.chunks_exact(self.config.head_dim) {
            gathered.extend_from_slice(&head[..self.latent.value_dim]);
        }
        self.output.forward(gathered, interleaved, output);
        context.adapt(Projection::AttentionOutput, gathered, output, adapters);
    }

    /// Leaves all queries in `expanded`.
    fn queries(&self, context: &ForwardContext<'_>, input: &[f32], scratch: &mut Scratch) {
        let Scratch { interleaved, gathered, expanded, routed, adapters, .. } = scratch;
        let input = match &self.query_down {
            Some((down, norm)) => {
                down.forward(input, interleaved, gathered);
                context.adapt(Projection::LatentQuery, input, gathered, adapters);
                norm.forward(gathered, routed);
                routed
            }
            None => input,
        };
        self.query.forward(input, interleaved, expanded);
        context.adapt(Projection::Attention, input, expanded, adapters);
    }

    /// Leaves the latent row and the shared rotated key in `gathered`, keys and values in `expanded`.
    fn keys_and_values(&self, context: &ForwardContext<'_>, input: &[f32], scratch: &mut Scratch) {
        let Scratch { interleaved, gathered, expanded, routed, narrow, adapters, .. } = scratch;
        self.kv_down.forward(input, interleaved, gathered);
        context.adapt(Projection::LatentKeyValue, input, gathered, adapters);
        narrow.clear();
        for row in gathered.chunks_exact(self.kv_down.num_outputs()) {
            narrow.extend_from_slice(&row[..self.latent.kv_rank]);
        }
        self.kv_norm.forward(narrow, routed);
        self.kv.forward(routed, interleaved, expanded);
        context.adapt(Projection::ExpandedKeyValue, routed, expanded, adapters);
    }

    /// Puts one row's keys and values where the cache takes them from.
    fn place(&self, row: usize, target: &mut [f32], (down, expanded): (&[f32], &[f32]), angles: Option<&Angles>) {
        let LatentConfig { kv_rank, plain_dim, rotated_dim, value_dim, .. } = self.latent;
        let head_dim = self.config.head_dim;
        let from = row * (kv_rank + rotated_dim) + kv_rank;
        let (keys, values) = target.split_at_mut(self.config.kv_width());
        let heads = expanded[row * self.kv.num_outputs()..].chunks_exact(plain_dim + value_dim);
        let targets = keys.chunks_exact_mut(head_dim).zip(values.chunks_exact_mut(head_dim));
        for ((key, value), head) in targets.zip(heads) {
            key[..plain_dim].copy_from_slice(&head[..plain_dim]);
            key[plain_dim..].copy_from_slice(&down[from..from + rotated_dim]);
            if let Some(angles) = angles {
                angles.rotate(row, &mut key[plain_dim..]);
            }
            value[..value_dim].copy_from_slice(&head[plain_dim..]);
            value[value_dim..].fill(0.0);
        }
    }
}
