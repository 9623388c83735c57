//! A model that reads whole sequences: an encoder or a decoder, and what is made of its hidden states.
//!
//! What a sequence becomes has the same bits whatever else is in its batch.

use std::ops::Range;

use crate::weights::{SafetensorsFolder, WeightSource, WeightsError};

use super::body::{Encoder, EncoderWorkspace, PackedBatch};
use super::causal::CausalBody;
use super::head::{Classifier, DenseLayer};
use super::pooling::Pooling;
use super::respelled::Respelled;
use super::sequence_config::{BodyConfig, OutputConfig, SequenceConfig};

/// A loaded model and the buffers that it computes in.
pub struct SequenceModel {
    body: Body,
    output: Output,
    hidden_size: usize,
}

enum Body {
    Encoder(Box<(Encoder, EncoderWorkspace)>),
    Decoder(Box<CausalBody>),
}

enum Output {
    Embedding { poolings: Vec<Pooling>, dense: Vec<DenseLayer> },
    Sequence(Pooling, Classifier),
    Tokens(Classifier),
    Choice([u32; 2]),
}

impl SequenceModel {
    /// Reads and packs all weights. `choice` are the two tokens of a model that chooses between them.
    ///
    /// # Errors
    /// If a tensor is missing or malformed.
    pub fn load(
        source: &dyn WeightSource,
        config: &SequenceConfig,
        choice: Option<[u32; 2]>,
    ) -> Result<Self, WeightsError> {
        let output = match &config.output {
            OutputConfig::Embedding(embedder) => Output::Embedding {
                poolings: embedder.poolings.clone(),
                dense: embedder.dense.iter().map(DenseLayer::of_module).collect::<Result<_, _>>()?,
            },
            OutputConfig::Sequence(classifier) => {
                let inside = inside(source, config);
                Output::Sequence(classifier.pooling, Classifier::load(&Respelled::plain(source), &inside, classifier)?)
            }
            OutputConfig::Tokens(classifier) => {
                Output::Tokens(Classifier::load(&Respelled::plain(source), &inside(source, config), classifier)?)
            }
            OutputConfig::Choice { .. } => Output::Choice(choice.unwrap_or_default()),
        };
        let (body, hidden_size) = match &config.body {
            BodyConfig::Encoder(encoder) => {
                let loaded = Encoder::load(source, encoder)?;
                (Body::Encoder(Box::new((loaded, EncoderWorkspace::default()))), encoder.attention.hidden_size)
            }
            BodyConfig::Decoder(decoder) => {
                let hidden_size = decoder.attention.hidden_size;
                (Body::Decoder(Box::new(CausalBody::load(source, decoder.as_ref().clone())?)), hidden_size)
            }
        };
        Ok(Self { body, output, hidden_size })
    }

    /// Checks that every tensor is there in its shape, without reading any but those of sentence vectors' projections.
    ///
    /// # Errors
    /// Of the first tensor that is not.
    pub fn verify(source: &dyn WeightSource, config: &SequenceConfig) -> Result<(), WeightsError> {
        match &config.body {
            BodyConfig::Encoder(encoder) => Encoder::verify(source, encoder)?,
            BodyConfig::Decoder(decoder) => CausalBody::verify(source, decoder)?,
        }
        match &config.output {
            OutputConfig::Sequence(classifier) | OutputConfig::Tokens(classifier) => {
                let [own, of_encoder] = Classifier::tensors(classifier);
                own.iter().try_for_each(|(name, shape)| Respelled::plain(source).check(name, shape))?;
                let inside = inside(source, config);
                of_encoder.iter().try_for_each(|(name, shape)| inside.check(name, shape))
            }
            OutputConfig::Embedding(embedder) => embedder.dense.iter().try_for_each(|dense| {
                let weights = SafetensorsFolder::open(&dense.folder)?;
                weights.check("linear.weight", &[dense.num_outputs, dense.num_inputs])
            }),
            OutputConfig::Choice { .. } => Ok(()),
        }
    }

    /// What each sequence becomes: its vector, its logits, or those of its tokens one after the other.
    ///
    /// # Panics
    /// If a sequence is empty or longer than the model takes.
    pub fn forward(&mut self, batch: &PackedBatch) -> Vec<Vec<f32>> {
        let Self { body, output, hidden_size } = self;
        let width = *hidden_size;
        // A decoder's rows need not all be normed.
        let only_last = match output {
            Output::Embedding { poolings, .. } => poolings[..] == [Pooling::Last],
            Output::Sequence(pooling, _) => *pooling == Pooling::Last,
            Output::Choice(_) => true,
            Output::Tokens(_) => false,
        };
        let (hidden, rows): (&[f32], Vec<Range<usize>>) = match body {
            Body::Encoder(encoder) => {
                let (encoder, workspace) = encoder.as_mut();
                encoder.forward(batch, workspace);
                (&workspace.hidden, batch.sequences.clone())
            }
            Body::Decoder(decoder) => {
                if let Output::Choice(tokens) = output {
                    decoder.forward(batch, true);
                    return decoder.choice(batch.sequences.len(), *tokens);
                }
                let rows = if only_last {
                    (0..batch.sequences.len()).map(|index| index..index + 1).collect()
                } else {
                    batch.sequences.clone()
                };
                (decoder.forward(batch, only_last), rows)
            }
        };
        let sequences = rows.iter().map(|rows| &hidden[rows.start * width..rows.end * width]);
        match output {
            Output::Embedding { poolings, dense } => sequences
                .map(|tokens| {
                    let mut vector = Vec::new();
                    for pooling in &*poolings {
                        pooling.pool(tokens, width, &mut vector);
                    }
                    dense.iter().fold(vector, |vector, dense| dense.forward(&vector))
                })
                .collect(),
            Output::Sequence(pooling, classifier) => sequences
                .map(|tokens| {
                    let mut vector = Vec::new();
                    pooling.pool(tokens, width, &mut vector);
                    classifier.forward(&vector)
                })
                .collect(),
            Output::Tokens(classifier) => sequences.map(|tokens| classifier.forward(tokens)).collect(),
            // Only decoders choose, and theirs was made above.
            Output::Choice(_) => Vec::new(),
        }
    }
}

/// The tensors among which an encoder's own are; a decoder's head has none.
fn inside<'a>(source: &'a dyn WeightSource, config: &SequenceConfig) -> Respelled<'a> {
    match &config.body {
        BodyConfig::Encoder(encoder) => Respelled::new(source, encoder),
        BodyConfig::Decoder(_) => Respelled::plain(source),
    }
}
