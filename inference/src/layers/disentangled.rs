//! Disentangled attention (He et al. 2021): beside content and content, a score is made of content and distance.
//!
//! Distances fall into buckets, exact when small and logarithmic when large, each with an embedding that a layer
//! projects to a key and to a query of its own. Both projections depend on the weights alone and are made when loading.

use crate::kernels::cpu::{Level, PackedMatrix, PackedShape, WeightDtype, linear};
use crate::weights::{TensorList, WeightSource, WeightsError};

use super::Linear;

/// Which scores there are beside content and content, and how distances are counted.
#[derive(Clone, Debug)]
pub struct DisentangledConfig {
    /// Buckets to either side of zero.
    pub span: usize,
    /// Distances beyond half of `span` are counted by their logarithm, up to this one; without it, one by one.
    pub logarithmic_up_to: Option<usize>,
    /// Longest sequence.
    pub max_positions: usize,
    /// Name of the projection of distances to keys, if content asks for distances.
    pub key: Option<&'static str>,
    /// The same of queries, if distances ask for content.
    pub query: Option<&'static str>,
}

impl DisentangledConfig {
    /// The parts that a score is the sum of.
    pub(super) fn num_parts(&self) -> usize {
        1 + usize::from(self.key.is_some()) + usize::from(self.query.is_some())
    }

    /// The bucket of a distance, counted from that of the furthest before.
    fn bucket(&self, distance: i64) -> usize {
        let span = signed(self.span);
        let bucket = match self.logarithmic_up_to {
            None => distance,
            Some(furthest) => {
                let middle = span / 2;
                if distance.abs() <= middle {
                    distance
                } else {
                    distance.signum() * logarithmic(distance, middle, furthest)
                }
            }
        };
        (bucket + span).clamp(0, 2 * span - 1) as usize
    }
}

fn signed(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The bucket of a distance beyond the middle: the logarithm runs over the other half of the buckets.
fn logarithmic(distance: i64, middle: i64, furthest: usize) -> i64 {
    let middle_size = middle as f32;
    let share = (distance.abs() as f32 / middle_size).ln() / ((furthest as f32 - 1.0) / middle_size).ln();
    (share * (middle_size - 1.0)).ceil() as i64 + middle
}

/// One layer's keys and queries of distances, a matrix for each head, `[2 * span, head_dim]`.
pub(super) struct Disentangled {
    num_buckets: usize,
    /// The bucket of each distance, from that of the longest sequence's last query and first key on backwards.
    buckets: Vec<usize>,
    keys: Option<Vec<PackedMatrix>>,
    queries: Option<Vec<PackedMatrix>>,
}

/// One head's scores of every row and bucket, `[num_rows, 2 * span]`, times the scale.
pub(super) struct DistanceScores {
    /// Of queries and the keys of distances.
    queries: Option<Vec<f32>>,
    /// Of keys and the queries of distances.
    keys: Option<Vec<f32>>,
}

impl Disentangled {
    /// `distances` is `[2 * span, hidden_size]`.
    ///
    /// # Errors
    /// If a tensor is missing or malformed.
    pub(super) fn load(
        source: &dyn WeightSource,
        prefix: &str,
        config: &DisentangledConfig,
        (num_heads, head_dim): (usize, usize),
        distances: &[f32],
    ) -> Result<Self, WeightsError> {
        let width = num_heads * head_dim;
        let hidden_size = distances.len() / (2 * config.span);
        let project = |name: Option<&'static str>| {
            let Some(name) = name else { return Ok(None) };
            let projection = Linear::load(source, &[(format!("{prefix}.{name}"), width)], hidden_size, true)?;
            let (mut scratch, mut projected) = (Vec::new(), Vec::new());
            projection.forward(distances, &mut scratch, &mut projected);
            let of_head = |head: usize| {
                let rows = projected.chunks_exact(width);
                let values = rows.flat_map(|row| &row[head * head_dim..(head + 1) * head_dim]);
                let bytes: Vec<u8> = values.flat_map(|value| value.to_le_bytes()).collect();
                PackedMatrix::pack(&bytes, WeightDtype::F32, 2 * config.span, head_dim)
            };
            Ok(Some((0..num_heads).map(of_head).collect()))
        };
        let furthest = signed(config.max_positions) - 1;
        let buckets = (-furthest..=furthest).rev().map(|distance| config.bucket(distance)).collect();
        let (keys, queries) = (project(config.key)?, project(config.query)?);
        Ok(Self { num_buckets: 2 * config.span, buckets, keys, queries })
    }

    /// What [`Self::load`] reads.
    pub(super) fn tensors(prefix: &str, config: &DisentangledConfig, hidden_size: usize) -> TensorList {
        let names = [config.key, config.query].into_iter().flatten();
        names
            .flat_map(|name| Linear::tensors(&[(format!("{prefix}.{name}"), hidden_size)], hidden_size, true))
            .collect()
    }

    /// One head's scores of content and distances. `rows` holds `[queries, keys, values]`.
    pub(super) fn scores(&self, head: usize, shape: PackedShape, rows: &[f32]) -> DistanceScores {
        let width = shape.num_heads * shape.head_dim;
        let score = |matrices: Option<&[PackedMatrix]>, part: usize| {
            let matrix = &matrices?[head];
            let start = part * width + head * shape.head_dim;
            let contents = rows.chunks_exact(3 * width).flat_map(|row| &row[start..start + shape.head_dim]);
            let contents: Vec<f32> = contents.map(|value| value * shape.scale).collect();
            let mut scores = vec![0.0; contents.len() / shape.head_dim * matrix.num_outputs()];
            linear(Level::best(), std::slice::from_ref(matrix), None, (&contents, &mut Vec::new()), &mut scores);
            Some(scores)
        };
        DistanceScores { queries: score(self.keys.as_deref(), 0), keys: score(self.queries.as_deref(), 1) }
    }

    /// Adds what distances say to the scores of query `query` of the sequence that begins at row `first_row`.
    pub(super) fn add(&self, scores: &DistanceScores, first_row: usize, query: usize, row: &mut [f32]) {
        let nearest = self.buckets.len() / 2 - query;
        for ((key, score), bucket) in row.iter_mut().enumerate().zip(&self.buckets[nearest..]) {
            if let Some(queries) = &scores.queries {
                *score += queries[(first_row + query) * self.num_buckets + bucket];
            }
            if let Some(keys) = &scores.keys {
                *score += keys[(first_row + key) * self.num_buckets + bucket];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(span: usize, logarithmic_up_to: Option<usize>) -> DisentangledConfig {
        DisentangledConfig { span, logarithmic_up_to, max_positions: 100, key: Some("key_proj"), query: None }
    }

    #[test]
    fn small_distances_are_exact_and_large_ones_share_buckets() {
        let config = config(8, Some(64));
        let buckets = |distances: &[i64]| distances.iter().map(|distance| config.bucket(*distance)).collect::<Vec<_>>();
        assert_eq!(buckets(&[-4, -1, 0, 1, 4]), [4, 7, 8, 9, 12]);
        assert_eq!(buckets(&[5, 10, 11, 63]), [13, 13, 14, 15]);
        // Beyond all buckets: the outermost.
        assert_eq!(buckets(&[-63, -1000, 1000]), [1, 0, 15]);
    }

    #[test]
    fn without_logarithms_distances_are_cut() {
        let config = config(3, None);
        assert_eq!([-9, -3, -1, 0, 2, 3, 9].map(|distance| config.bucket(distance)), [0, 0, 2, 3, 5, 5, 5]);
    }
}
