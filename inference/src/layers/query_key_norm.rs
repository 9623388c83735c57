//! Norms of queries and keys between their projection and the scores.

use crate::weights::{TensorList, WeightSource, WeightsError};

use super::{Norm, NormConfig};

/// What one norm spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormSpan {
    /// Each head by itself, all with the same weights.
    Head,
    /// Each head by itself, with weights of its own in one table.
    OwnHead,
    /// The same, with a tensor for each head.
    ListedHead,
    /// All heads together.
    Full,
}

/// Where queries and keys are normed, and how.
#[derive(Clone, Debug)]
pub struct QueryKeyNormConfig {
    pub span: NormSpan,
    pub norm: NormConfig,
    /// Names of the queries' norm and of the keys'.
    pub names: [&'static str; 2],
    /// After the rotation, where others norm before it.
    pub after_rotation: bool,
}

/// The norms of one layer.
pub struct QueryKeyNorm {
    config: QueryKeyNormConfig,
    norms: [Norm; 2],
    head_dim: usize,
}

impl QueryKeyNorm {
    /// `heads` are those of queries and of keys.
    ///
    /// # Errors
    /// If a tensor is missing or malformed.
    pub fn load(
        source: &dyn WeightSource,
        prefix: &str,
        config: &QueryKeyNormConfig,
        (heads, head_dim): ([usize; 2], usize),
    ) -> Result<Self, WeightsError> {
        let load = |index: usize| {
            let name = format!("{prefix}.{}", config.names[index]);
            if config.span == NormSpan::ListedHead {
                let one = |head| Norm::load(source, &format!("{name}.norms.{head}"), head_dim, config.norm);
                let all = (0..heads[index]).map(one).collect::<Result<_, _>>()?;
                return Ok(Norm::joined(all, config.norm));
            }
            Norm::load_shaped(source, &name, &shape(config.span, heads[index], head_dim), config.norm)
        };
        Ok(Self { config: config.clone(), norms: [load(0)?, load(1)?], head_dim })
    }

    /// What [`Self::load`] reads.
    pub fn tensors(prefix: &str, config: &QueryKeyNormConfig, (heads, head_dim): ([usize; 2], usize)) -> TensorList {
        let mut all = Vec::new();
        for (name, heads) in config.names.iter().zip(heads) {
            let name = format!("{prefix}.{name}");
            if config.span == NormSpan::ListedHead {
                let one = |head| Norm::tensors(&format!("{name}.norms.{head}"), &[head_dim], config.norm);
                all.extend((0..heads).flat_map(one));
            } else {
                all.extend(Norm::tensors(&name, &shape(config.span, heads, head_dim), config.norm));
            }
        }
        all
    }

    pub fn after_rotation(&self) -> bool {
        self.config.after_rotation
    }

    /// Norms the query heads and the key heads of one row in place.
    pub fn forward(&self, queries: &mut [f32], keys: &mut [f32]) {
        for (norm, heads) in self.norms.iter().zip([queries, keys]) {
            match self.config.span {
                NormSpan::Full => norm.forward_part(heads, 0),
                NormSpan::Head => heads.chunks_exact_mut(self.head_dim).for_each(|head| norm.forward_part(head, 0)),
                NormSpan::OwnHead | NormSpan::ListedHead => {
                    for (index, head) in heads.chunks_exact_mut(self.head_dim).enumerate() {
                        norm.forward_part(head, index * self.head_dim);
                    }
                }
            }
        }
    }
}

fn shape(span: NormSpan, heads: usize, head_dim: usize) -> Vec<usize> {
    match span {
        NormSpan::Head | NormSpan::ListedHead => vec![head_dim],
        NormSpan::OwnHead => vec![heads, head_dim],
        NormSpan::Full => vec![heads * head_dim],
    }
}
