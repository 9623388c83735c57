//! Which experts a row goes to, and with what weights.

/// What makes scores of a router's outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RouterScore {
    /// Over all experts, before the best are chosen.
    Softmax,
    /// Over the chosen ones.
    SoftmaxOfChosen,
    Sigmoid,
    /// PhiMoE's: each choice has a softmax of its own, among the experts that come near it.
    SparseMixer {
        jitter: f32,
    },
}

/// How the best groups of experts are found, before the best experts among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpertGroups {
    pub count: usize,
    pub chosen: usize,
    /// A group is as good as this many of its best experts together.
    pub judged_by: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoutingConfig {
    pub num_experts: usize,
    pub chosen: usize,
    pub score: RouterScore,
    pub groups: Option<ExpertGroups>,
    /// The chosen weights are made to sum to one.
    pub renormalise: bool,
    /// What weights are multiplied with in the end.
    pub scale: f32,
}

impl RoutingConfig {
    /// Turns one row of router outputs into weights, zero for the experts that are not chosen.
    /// `correction` is added where experts are chosen, not where they are weighed. Of two equal
    /// scores the first wins.
    pub(super) fn weigh(&self, values: &mut [f32], correction: Option<&[f32]>) {
        if let RouterScore::SparseMixer { jitter } = self.score {
            sparse_mixer(values, jitter, self.chosen);
            return;
        }
        match self.score {
            RouterScore::Softmax => softmax(values),
            RouterScore::Sigmoid => values.iter_mut().for_each(|value| *value = 1.0 / (1.0 + (-*value).exp())),
            RouterScore::SoftmaxOfChosen | RouterScore::SparseMixer { .. } => {}
        }
        let corrected: Vec<f32> = match correction {
            Some(correction) => values.iter().zip(correction).map(|(value, correction)| value + correction).collect(),
            None => values.to_vec(),
        };
        let mut allowed = vec![true; values.len()];
        if let Some(groups) = self.groups {
            groups.allow(&corrected, &mut allowed);
        }
        let chosen = best(&corrected, &allowed, self.chosen);
        let mut weights: Vec<f32> = chosen.iter().map(|expert| values[*expert]).collect();
        if self.score == RouterScore::SoftmaxOfChosen {
            softmax(&mut weights);
        }
        let sum = if self.renormalise { weights.iter().sum() } else { 1.0 };
        values.fill(0.0);
        for (expert, weight) in chosen.iter().zip(weights) {
            values[*expert] = weight / sum * self.scale;
        }
    }
}

impl ExpertGroups {
    fn allow(self, scores: &[f32], allowed: &mut [bool]) {
        let size = scores.len() / self.count;
        let judged: Vec<f32> = scores
            .chunks_exact(size)
            .map(|group| {
                let best = best(group, &vec![true; size], self.judged_by);
                best.into_iter().map(|expert| group[expert]).sum()
            })
            .collect();
        let chosen = best(&judged, &vec![true; self.count], self.chosen);
        for (group, allowed) in allowed.chunks_exact_mut(size).enumerate() {
            allowed.fill(chosen.contains(&group));
        }
    }
}

/// The `count` best of those allowed, best first.
fn best(scores: &[f32], allowed: &[bool], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).filter(|index| allowed[*index]).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    order.truncate(count);
    order
}

fn softmax(values: &mut [f32]) {
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for value in values.iter_mut() {
        *value = (*value - largest).exp();
    }
    let sum: f32 = values.iter().sum();
    for value in values {
        *value /= sum;
    }
}

/// One choice after the other: the best that is left, weighed among those that come within twice
/// `jitter` of it.
fn sparse_mixer(values: &mut [f32], jitter: f32, chosen: usize) {
    let scores = values.to_vec();
    let mut left = scores.clone();
    values.fill(0.0);
    for _ in 0..chosen {
        let Some(&expert) = best(&left, &vec![true; left.len()], 1).first() else { return };
        let largest = left[expert];
        let near = |index: &usize| {
            let distance = (largest - scores[*index]) / scores[*index].abs().max(largest);
            left[*index].is_finite() && distance <= 2.0 * jitter
        };
        let sum: f32 = (0..scores.len()).filter(near).map(|index| (left[index] - largest).exp()).sum();
        values[expert] = 1.0 / sum;
        left[expert] = f32::NEG_INFINITY;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: RoutingConfig = RoutingConfig {
        num_experts: 4,
        chosen: 2,
        score: RouterScore::Softmax,
        groups: None,
        renormalise: false,
        scale: 1.0,
    };

    fn weights(config: RoutingConfig, correction: Option<&[f32]>) -> Vec<f32> {
        let mut values = [1.0, 3.0, -1.0, 2.0];
        config.weigh(&mut values, correction);
        values.to_vec()
    }

    fn near(found: &[f32], expected: [f32; 4]) {
        let close = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6);
        assert!(close, "{found:?} not {expected:?}");
    }

    #[test]
    fn the_chosen_weigh_as_much_as_before_or_one_together() {
        let sum: f32 = [1f32, 3.0, -1.0, 2.0].iter().map(|value| value.exp()).sum();
        near(&weights(PLAIN, None), [0.0, 3f32.exp() / sum, 0.0, 2f32.exp() / sum]);
        let first = 1.0 / (1.0 + (-1f32).exp());
        let both = [0.0, first, 0.0, 1.0 - first];
        near(&weights(RoutingConfig { renormalise: true, ..PLAIN }, None), both);
        near(&weights(RoutingConfig { score: RouterScore::SoftmaxOfChosen, ..PLAIN }, None), both);
        let scaled = RoutingConfig { renormalise: true, scale: 2.0, ..PLAIN };
        near(&weights(scaled, None), both.map(|weight| 2.0 * weight));
    }

    #[test]
    fn a_correction_chooses_and_does_not_weigh() {
        let sigmoid = RoutingConfig { score: RouterScore::Sigmoid, chosen: 1, ..PLAIN };
        let of = |value: f32| 1.0 / (1.0 + (-value).exp());
        near(&weights(sigmoid, None), [0.0, of(3.0), 0.0, 0.0]);
        near(&weights(sigmoid, Some(&[0.0, 0.0, 5.0, 0.0])), [0.0, 0.0, of(-1.0), 0.0]);
    }

    #[test]
    fn groups_are_chosen_before_experts() {
        let groups = ExpertGroups { count: 2, chosen: 1, judged_by: 2 };
        let sigmoid = RoutingConfig { score: RouterScore::Sigmoid, groups: Some(groups), ..PLAIN };
        let found = weights(sigmoid, None);
        assert!(found[0] > 0.0 && found[1] > 0.0 && found[2] == 0.0 && found[3] == 0.0, "{found:?}");
        let best_alone = Some(ExpertGroups { judged_by: 1, ..groups });
        let corrected = RoutingConfig { groups: best_alone, ..sigmoid };
        let found = weights(corrected, Some(&[0.0, 0.0, 0.0, 9.0]));
        assert!(found[2] > 0.0 && found[3] > 0.0, "{found:?}");
    }

    #[test]
    fn a_sparse_mixer_weighs_among_those_near() {
        let near_only = RoutingConfig { score: RouterScore::SparseMixer { jitter: 0.01 }, ..PLAIN };
        near(&weights(near_only, None), [0.0, 1.0, 0.0, 1.0]);
        let wide = RoutingConfig { score: RouterScore::SparseMixer { jitter: 0.2 }, ..PLAIN };
        let first = 1.0 / (1.0 + (-1f32).exp());
        near(&weights(wide, None), [0.0, first, 0.0, 1.0]);
    }
}
