//! One layer: attention and feed-forward, their norms, and the sums between.

use crate::kernels::cpu::{KvLayer, add_assign, add_scaled};
use crate::layers::{AdapterSite, Attention, ForwardContext, LatentAttention, Mlp, Moe, Norm, Scratch};
use crate::weights::{TensorList, WeightSource, WeightsError};

use super::{DecoderConfig, FeedForwardConfig};

enum AttentionPart {
    Grouped(Box<Attention>),
    Latent(Box<LatentAttention>),
}

enum FeedForwardPart {
    Dense(Mlp),
    Experts(Box<Moe>),
}

pub(super) struct DecoderLayer {
    /// Before and after attention, before and after the feed-forward part.
    norms: [Option<Norm>; 4],
    attention: AttentionPart,
    feed_forward: FeedForwardPart,
    parallel: bool,
    residual_scale: Option<f32>,
}

impl DecoderLayer {
    /// # Errors
    /// If a tensor is missing or malformed.
    pub(super) fn load(source: &dyn WeightSource, config: &DecoderConfig, index: usize) -> Result<Self, WeightsError> {
        let Paths { layer, attention: path, feed_forward: feed_path } = Paths::new(config, index);
        let width = config.attention.hidden_size;
        let norm = |name: Option<&str>| {
            name.map(|name| Norm::load(source, &format!("{layer}.{name}"), width, config.norm)).transpose()
        };
        let [first, second, third, fourth] = config.placement.norms;
        let attention = config.layer_attention(index);
        let attention = match attention.latent {
            Some(latent) => AttentionPart::Latent(Box::new(LatentAttention::load(source, &path, &attention, latent)?)),
            None => AttentionPart::Grouped(Box::new(Attention::load(source, &path, &attention)?)),
        };
        let feed_forward = match &config.layers[index].feed_forward {
            FeedForwardConfig::Dense(mlp) => FeedForwardPart::Dense(Mlp::load(source, &feed_path, mlp)?),
            FeedForwardConfig::Experts(moe) => FeedForwardPart::Experts(Box::new(Moe::load(source, &feed_path, moe)?)),
        };
        Ok(Self {
            norms: [norm(first)?, norm(second)?, norm(third)?, norm(fourth)?],
            attention,
            feed_forward,
            parallel: config.placement.parallel,
            residual_scale: config.residual_scale,
        })
    }

    /// What [`Self::load`] reads.
    pub(super) fn tensors(config: &DecoderConfig, index: usize) -> TensorList {
        let Paths { layer, attention: path, feed_forward: feed_path } = Paths::new(config, index);
        let width = config.attention.hidden_size;
        let names = config.placement.norms.into_iter().flatten();
        let mut all: TensorList =
            names.flat_map(|name| Norm::tensors(&format!("{layer}.{name}"), &[width], config.norm)).collect();
        all.extend(match config.attention.latent {
            Some(latent) => LatentAttention::tensors(&path, &config.attention, latent),
            None => Attention::tensors(&path, &config.attention),
        });
        all.extend(match &config.layers[index].feed_forward {
            FeedForwardConfig::Dense(mlp) => Mlp::tensors(&feed_path, mlp),
            FeedForwardConfig::Experts(moe) => Moe::tensors(&feed_path, moe),
        });
        all
    }

    /// The plain bytes among what [`Self::load`] reads.
    pub(super) fn byte_tensors(config: &DecoderConfig, index: usize) -> TensorList {
        match &config.layers[index].feed_forward {
            FeedForwardConfig::Dense(_) => Vec::new(),
            FeedForwardConfig::Experts(moe) => Moe::byte_tensors(&Paths::new(config, index).feed_forward, moe),
        }
    }

    /// What adapters may add to: all linear layers but those of experts.
    pub(super) fn adapter_sites(config: &DecoderConfig, index: usize) -> Vec<AdapterSite> {
        let Paths { attention, feed_forward, .. } = Paths::new(config, index);
        let mut sites = match config.attention.latent {
            Some(latent) => LatentAttention::sites(index, &attention, &config.attention, latent),
            None => Attention::sites(index, &attention, &config.attention).to_vec(),
        };
        if let FeedForwardConfig::Dense(mlp) = &config.layers[index].feed_forward {
            sites.extend(Mlp::sites(index, &feed_forward, mlp));
        }
        sites
    }

    /// Adds the layer's two parts to `hidden`, `[num_rows, hidden_size]`; the rest is memory.
    pub(super) fn forward(
        &self,
        context: &ForwardContext<'_>,
        cache: &mut KvLayer,
        (hidden, normed): (&mut Vec<f32>, &mut Vec<f32>),
        (scratch, projected): (&mut Scratch, &mut Vec<f32>),
    ) {
        let [before_attention, after_attention, before_feed_forward, after_feed_forward] = &self.norms;
        let input = before(before_attention.as_ref(), hidden, normed);
        match &self.attention {
            AttentionPart::Grouped(attention) => attention.forward(context, cache, input, (scratch, projected)),
            AttentionPart::Latent(attention) => attention.forward(context, cache, input, (scratch, projected)),
        }
        if self.parallel {
            // The second part reads what the first has read, or its own norm of the same.
            if let Some(norm) = before_feed_forward {
                norm.forward(hidden, normed);
            }
            self.add(hidden, projected);
            self.feed_forward(context, normed, scratch, projected);
        } else {
            after(after_attention.as_ref(), normed, projected);
            self.add(hidden, projected);
            let input = before(before_feed_forward.as_ref(), hidden, normed);
            self.feed_forward(context, input, scratch, projected);
        }
        after(after_feed_forward.as_ref(), normed, projected);
        self.add(hidden, projected);
    }

    fn feed_forward(&self, context: &ForwardContext<'_>, input: &[f32], scratch: &mut Scratch, output: &mut Vec<f32>) {
        match &self.feed_forward {
            FeedForwardPart::Dense(mlp) => mlp.forward(context, input, scratch, output),
            FeedForwardPart::Experts(moe) => moe.forward(input, scratch, output),
        }
    }

    fn add(&self, hidden: &mut [f32], projected: &[f32]) {
        match self.residual_scale {
            None => add_assign(hidden, projected),
            Some(factor) => add_scaled(hidden, projected, factor),
        }
    }
}

/// What a part reads: its input normed, or as it is.
fn before<'a>(norm: Option<&Norm>, hidden: &'a [f32], normed: &'a mut Vec<f32>) -> &'a [f32] {
    let Some(norm) = norm else { return hidden };
    norm.forward(hidden, normed);
    normed
}

/// Norms what a part has said, if it is normed before the sum.
fn after(norm: Option<&Norm>, normed: &mut Vec<f32>, projected: &mut Vec<f32>) {
    if let Some(norm) = norm {
        norm.forward(projected, normed);
        std::mem::swap(projected, normed);
    }
}

/// Where a layer's tensors are.
struct Paths {
    layer: String,
    attention: String,
    feed_forward: String,
}

impl Paths {
    fn new(config: &DecoderConfig, index: usize) -> Self {
        let layer = format!("{}.{index}", config.names.layers);
        let feed_forward = match &config.layers[index].feed_forward {
            FeedForwardConfig::Dense(_) => config.names.mlp,
            FeedForwardConfig::Experts(moe) => moe.name,
        };
        Self {
            attention: format!("{layer}.{}", config.names.attention),
            feed_forward: format!("{layer}.{feed_forward}"),
            layer,
        }
    }
}
