//! Dense layers behind a sequence's vector or its tokens: classifiers, and projections of sentence vectors.

use crate::kernels::cpu::{Level, ungated};
use crate::layers::{Linear, Norm};
use crate::weights::{SafetensorsFolder, TensorList, WeightSource, WeightsError};

use super::head_config::{ClassifierConfig, HeadActivation, HeadDense};
use super::sentence_transformers::DenseConfig;

/// A projection and what is done to what it gives.
pub(super) struct DenseLayer {
    projection: Linear,
    activation: HeadActivation,
    norm: Option<Norm>,
}

impl DenseLayer {
    /// Of a sentence-transformers module.
    ///
    /// # Errors
    /// If its weights are missing or malformed.
    pub(super) fn of_module(config: &DenseConfig) -> Result<Self, WeightsError> {
        let source = SafetensorsFolder::open(&config.folder)?;
        let parts = [("linear".to_owned(), config.num_outputs)];
        let projection = Linear::load(&source, &parts, config.num_inputs, config.bias)?;
        Ok(Self { projection, activation: config.activation, norm: None })
    }

    /// `input` is `[num_rows, num_inputs]`.
    pub(super) fn forward(&self, input: &[f32]) -> Vec<f32> {
        let (mut scratch, mut values) = (Vec::new(), Vec::new());
        self.projection.forward(input, &mut scratch, &mut values);
        match self.activation {
            HeadActivation::Identity => {}
            HeadActivation::Tanh => values.iter_mut().for_each(|value| *value = value.tanh()),
            HeadActivation::Other(activation) => {
                let before = values.clone();
                ungated(Level::best(), activation, self.projection.num_outputs(), &before, &mut values);
            }
        }
        let Some(norm) = &self.norm else { return values };
        let mut normed = Vec::new();
        norm.forward(&values, &mut normed);
        normed
    }
}

/// From a vector to a logit for each label.
pub(super) struct Classifier {
    dense: Option<DenseLayer>,
    output: Linear,
}

impl Classifier {
    /// `outside` has the head's own tensors, `inside` those of the encoder.
    ///
    /// # Errors
    /// If a tensor is missing or malformed.
    pub(super) fn load(
        outside: &dyn WeightSource,
        inside: &dyn WeightSource,
        config: &ClassifierConfig,
    ) -> Result<Self, WeightsError> {
        let hidden = config.hidden_size;
        let dense = match config.dense {
            None => None,
            Some(dense) => {
                let source = if dense.inside { inside } else { outside };
                let projection = Linear::load(source, &dense_parts(dense, hidden), hidden, dense.bias)?;
                let norm = match dense.norm {
                    Some((name, norm)) => Some(Norm::load(source, name, hidden, norm)?),
                    None => None,
                };
                Some(DenseLayer { projection, activation: dense.activation, norm })
            }
        };
        let output = Linear::load(outside, &output_parts(config), hidden, config.output_bias)?;
        Ok(Self { dense, output })
    }

    /// What [`Self::load`] reads: of the head's own tensors, and of the encoder's.
    pub(super) fn tensors(config: &ClassifierConfig) -> [TensorList; 2] {
        let hidden = config.hidden_size;
        let mut lists = [Linear::tensors(&output_parts(config), hidden, config.output_bias), Vec::new()];
        if let Some(dense) = config.dense {
            let list = &mut lists[usize::from(dense.inside)];
            list.extend(Linear::tensors(&dense_parts(dense, hidden), hidden, dense.bias));
            if let Some((name, norm)) = dense.norm {
                list.extend(Norm::tensors(name, &[hidden], norm));
            }
        }
        lists
    }

    /// `[num_rows, hidden_size]` becomes `[num_rows, num_labels]`.
    pub(super) fn forward(&self, input: &[f32]) -> Vec<f32> {
        let (mut scratch, mut logits) = (Vec::new(), Vec::new());
        match &self.dense {
            Some(dense) => self.output.forward(&dense.forward(input), &mut scratch, &mut logits),
            None => self.output.forward(input, &mut scratch, &mut logits),
        }
        logits
    }
}

fn dense_parts(dense: HeadDense, hidden_size: usize) -> [(String, usize); 1] {
    [(dense.name.to_owned(), hidden_size)]
}

fn output_parts(config: &ClassifierConfig) -> [(String, usize); 1] {
    [(config.output.to_owned(), config.labels.len())]
}
