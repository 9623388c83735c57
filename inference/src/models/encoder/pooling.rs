//! How a sequence's tokens become one vector.

/// A way of pooling, as sentence-transformers names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    First,
    Max,
    Mean,
    /// The sum over the root of the number of tokens.
    MeanByRoot,
    /// The mean, in which later tokens weigh more.
    WeightedMean,
    Last,
}

impl Pooling {
    /// Appends the pooled vector of a sequence, `[num_tokens, width]`.
    ///
    /// # Panics
    /// If the sequence is empty.
    pub(super) fn pool(self, tokens: &[f32], width: usize, pooled: &mut Vec<f32>) {
        let rows = || tokens.chunks_exact(width);
        let count = tokens.len() / width;
        match self {
            Self::First => pooled.extend_from_slice(&tokens[..width]),
            Self::Last => pooled.extend_from_slice(&tokens[tokens.len() - width..]),
            Self::Max => {
                let mut largest = tokens[..width].to_vec();
                for row in rows().skip(1) {
                    for (largest, value) in largest.iter_mut().zip(row) {
                        *largest = largest.max(*value);
                    }
                }
                pooled.extend(largest);
            }
            Self::Mean => pooled.extend(weighted(rows(), width, |_| 1.0).map(|sum| (sum / count as f64) as f32)),
            Self::MeanByRoot => {
                let root = (count as f64).sqrt();
                pooled.extend(weighted(rows(), width, |_| 1.0).map(|sum| (sum / root) as f32));
            }
            Self::WeightedMean => {
                let weight = |index: usize| (index + 1) as f64;
                let all: f64 = (0..count).map(weight).sum();
                pooled.extend(weighted(rows(), width, weight).map(|sum| (sum / all) as f32));
            }
        }
    }
}

/// Sums of columns, each row times its weight, from the first row to the last.
fn weighted<'a>(
    rows: impl Iterator<Item = &'a [f32]>,
    width: usize,
    weight: impl Fn(usize) -> f64,
) -> impl Iterator<Item = f64> {
    let mut sums = vec![0.0; width];
    for (index, row) in rows.enumerate() {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += weight(index) * f64::from(*value);
        }
    }
    sums.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_matches_its_formula() {
        let tokens = [1.0, -2.0, 3.0, 4.0, 5.0, -6.0];
        let cases = [
            (Pooling::First, [1.0, -2.0]),
            (Pooling::Last, [5.0, -6.0]),
            (Pooling::Max, [5.0, 4.0]),
            (Pooling::Mean, [3.0, -4.0 / 3.0]),
            (Pooling::MeanByRoot, [9.0 / 3f32.sqrt(), -4.0 / 3f32.sqrt()]),
            (Pooling::WeightedMean, [22.0 / 6.0, -2.0]),
        ];
        for (pooling, expected) in cases {
            let mut pooled = Vec::new();
            pooling.pool(&tokens, 2, &mut pooled);
            let close = pooled.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6);
            assert!(close && pooled.len() == 2, "{pooling:?}: {pooled:?}");
        }
    }
}
