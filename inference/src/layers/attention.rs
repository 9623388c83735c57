//! Grouped-query self-attention over the paged cache.

use crate::kernels::cpu::{AttentionShape, KvLayer, KvShape, Level, QueryRows, for_each_row, paged_attention};
use crate::weights::{TensorList, WeightSource, WeightsError};

use super::{
    AdapterSite, Angles, ForwardContext, LatentConfig, Linear, Projection, QueryKeyNorm, QueryKeyNormConfig, Scratch,
};

/// How the projections of queries, keys and values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QkvLayout {
    /// A tensor for each, by their names.
    Split([&'static str; 3]),
    /// One tensor: all queries, all keys, all values.
    Stacked(&'static str),
    /// One tensor: of each key-value head its queries, its key, its value.
    Grouped(&'static str),
}

/// Shape and knobs of a model's attention layers.
#[derive(Clone, Debug)]
pub struct AttentionConfig {
    pub hidden_size: usize,
    pub num_heads: usize,
    pub num_kv_heads: usize,
    pub head_dim: usize,
    pub layout: QkvLayout,
    /// The output projection's name.
    pub output: &'static str,
    pub qkv_bias: bool,
    pub output_bias: bool,
    pub query_key_norm: Option<QueryKeyNormConfig>,
    /// Queries, keys and values are cut to ± this.
    pub clip: Option<f32>,
    /// What scores are multiplied with.
    pub scale: f32,
    /// Scores are squeezed between ± this.
    pub softcap: Option<f32>,
    /// One learnt score a head that takes its share of the weights.
    pub sinks: bool,
    /// So many of the latest tokens a token looks at, itself among them; without it, at all.
    pub sliding_window: Option<usize>,
    /// Which of the model's rotations turns queries and keys; without it, none does.
    pub rotation: Option<usize>,
    /// Keys and values come through a narrow latent projection (DeepSeek).
    pub latent: Option<LatentConfig>,
}

impl AttentionConfig {
    pub fn kv_shape(&self, block_size: usize) -> KvShape {
        KvShape { num_kv_heads: self.num_kv_heads, head_dim: self.head_dim, block_size }
    }

    /// Values of one row's queries.
    pub fn query_width(&self) -> usize {
        self.num_heads * self.head_dim
    }

    /// Values of one row's keys, and of its values.
    pub fn kv_width(&self) -> usize {
        self.num_kv_heads * self.head_dim
    }

    fn qkv_parts(&self, prefix: &str) -> Vec<(String, usize)> {
        let widths = [self.query_width(), self.kv_width(), self.kv_width()];
        match self.layout {
            QkvLayout::Split(names) => {
                names.iter().zip(widths).map(|(name, width)| (format!("{prefix}.{name}"), width)).collect()
            }
            QkvLayout::Stacked(name) | QkvLayout::Grouped(name) => {
                vec![(format!("{prefix}.{name}"), widths.iter().sum())]
            }
        }
    }

    fn heads(&self) -> ([usize; 2], usize) {
        ([self.num_heads, self.num_kv_heads], self.head_dim)
    }

    pub(super) fn attention_shape<'a>(&self, cache: &KvLayer, sinks: Option<&'a [f32]>) -> AttentionShape<'a> {
        AttentionShape {
            num_heads: self.num_heads,
            kv: self.kv_shape(cache.block_size()),
            scale: self.scale,
            window: self.sliding_window,
            softcap: self.softcap,
            sinks,
        }
    }
}

/// One attention layer: queries, keys and values in one fused projection.
pub struct Attention {
    config: AttentionConfig,
    qkv: Linear,
    output: Linear,
    norms: Option<QueryKeyNorm>,
    /// `[num_heads]`
    sinks: Option<Vec<f32>>,
}

impl Attention {
    /// # Errors
    /// If a tensor is missing or malformed.
    pub fn load(source: &dyn WeightSource, prefix: &str, config: &AttentionConfig) -> Result<Self, WeightsError> {
        let parts = config.qkv_parts(prefix);
        let qkv = match config.layout {
            QkvLayout::Grouped(_) => load_grouped(source, &parts[0], config)?,
            QkvLayout::Split(_) | QkvLayout::Stacked(_) => {
                Linear::load(source, &parts, config.hidden_size, config.qkv_bias)?
            }
        };
        let parts = [(format!("{prefix}.{}", config.output), config.hidden_size)];
        let output = Linear::load(source, &parts, config.query_width(), config.output_bias)?;
        let norms = config.query_key_norm.as_ref();
        let norms = norms.map(|norm| QueryKeyNorm::load(source, prefix, norm, config.heads())).transpose()?;
        let sinks = if config.sinks {
            Some(source.load(&format!("{prefix}.sinks"), &[config.num_heads])?.to_f32())
        } else {
            None
        };
        Ok(Self { config: config.clone(), qkv, output, norms, sinks })
    }

    /// What [`Self::load`] reads.
    pub fn tensors(prefix: &str, config: &AttentionConfig) -> TensorList {
        let mut all = Linear::tensors(&config.qkv_parts(prefix), config.hidden_size, config.qkv_bias);
        let parts = [(format!("{prefix}.{}", config.output), config.hidden_size)];
        all.extend(Linear::tensors(&parts, config.query_width(), config.output_bias));
        if let Some(norm) = &config.query_key_norm {
            all.extend(QueryKeyNorm::tensors(prefix, norm, config.heads()));
        }
        if config.sinks {
            all.push((format!("{prefix}.sinks"), vec![config.num_heads]));
        }
        all
    }

    /// What adapters may add to.
    pub fn sites(layer: usize, prefix: &str, config: &AttentionConfig) -> [AdapterSite; 2] {
        let output = vec![(format!("{prefix}.{}", config.output), config.hidden_size)];
        [
            AdapterSite {
                layer,
                projection: Projection::Attention,
                parts: config.qkv_parts(prefix),
                num_inputs: config.hidden_size,
                order: matches!(config.layout, QkvLayout::Grouped(_)).then(|| grouped_order(config)),
            },
            AdapterSite {
                layer,
                projection: Projection::AttentionOutput,
                parts: output,
                num_inputs: config.query_width(),
                order: None,
            },
        ]
    }

    /// `input` is `[num_rows, hidden_size]`, and so becomes `output`; `scratch` is reused.
    pub fn forward(
        &self,
        context: &ForwardContext<'_>,
        cache: &mut KvLayer,
        input: &[f32],
        (scratch, output): (&mut Scratch, &mut Vec<f32>),
    ) {
        let query_width = self.config.query_width();
        let Scratch { wide: qkv, narrow: attended, interleaved, adapters, .. } = scratch;
        let width = self.qkv.num_outputs();
        self.qkv.forward(input, interleaved, qkv);
        context.adapt(Projection::Attention, input, qkv, adapters);
        let angles = self.config.rotation.map(|index| &context.angles[index]);
        for_each_row(qkv, width, |row, values| self.position(row, values, angles));
        cache.store(qkv, width, query_width, &context.batch.slots);
        attended.resize(context.batch.num_rows() * query_width, 0.0);
        let shape = self.config.attention_shape(cache, self.sinks.as_deref());
        let queries = QueryRows { values: qkv, width };
        paged_attention(Level::best(), shape, cache, (queries, &context.spans), attended);
        self.output.forward(attended, interleaved, output);
        context.adapt(Projection::AttentionOutput, attended, output, adapters);
    }

    /// Clips, norms and rotates the query and key heads of one row.
    fn position(&self, row: usize, values: &mut [f32], angles: Option<&Angles>) {
        let (queries, rest) = values.split_at_mut(self.config.query_width());
        let (keys, values) = rest.split_at_mut(self.config.kv_width());
        let norms = self.norms.as_ref();
        if let Some(norms) = norms.filter(|norms| !norms.after_rotation()) {
            norms.forward(queries, keys);
        }
        if let Some(clip) = self.config.clip {
            for part in [&mut *queries, &mut *keys, values] {
                for value in part {
                    *value = value.clamp(-clip, clip);
                }
            }
        }
        if let Some(angles) = angles {
            let head_dim = self.config.head_dim;
            angles.rotate_heads(row, queries, head_dim);
            angles.rotate_heads(row, keys, head_dim);
        }
        if let Some(norms) = norms.filter(|norms| norms.after_rotation()) {
            norms.forward(queries, keys);
        }
    }
}

/// Reads a projection whose rows go by key-value head, and puts them in the order of the others.
fn load_grouped(
    source: &dyn WeightSource,
    (name, outputs): &(String, usize),
    config: &AttentionConfig,
) -> Result<Linear, WeightsError> {
    let weight = source.load(&format!("{name}.weight"), &[*outputs, config.hidden_size])?;
    let order = grouped_order(config);
    let bias = if config.qkv_bias {
        let bias = source.load(&format!("{name}.bias"), &[*outputs])?;
        Some(bias.rows(1, order.iter().copied()).to_f32())
    } else {
        None
    };
    Ok(Linear::new(&weight.rows(config.hidden_size, order.into_iter()), bias))
}

/// Where the rows of queries, keys and values lie in a projection that is stored by group.
fn grouped_order(config: &AttentionConfig) -> Vec<usize> {
    let (head_dim, group) = (config.head_dim, config.num_heads / config.num_kv_heads);
    let rows = |group_index: usize, head: usize| {
        let first = (group_index * (group + 2) + head) * head_dim;
        first..first + head_dim
    };
    let groups = 0..config.num_kv_heads;
    let queries = groups.clone().flat_map(|index| (0..group).flat_map(move |head| rows(index, head)));
    let keys = groups.clone().flat_map(|index| rows(index, group));
    let values = groups.flat_map(|index| rows(index, group + 1));
    queries.chain(keys).chain(values).collect()
}
