//! What a model that reads sequences is for, as its text side needs to know it.

/// What the model's outputs mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReaderPurpose {
    /// A vector for a text.
    Embed {
        /// Vectors have length one.
        normalise: bool,
        width: usize,
    },
    /// A logit for each label, of a text or a pair of them.
    Classify { labels: Vec<String>, function: ScoreFunction },
    /// A logit for each label and token.
    Tag { labels: Vec<String>, constrained: bool },
    /// Logits of the two tokens that speak against a pair and for it.
    Choose { texts: [String; 2] },
}

/// What makes scores of logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreFunction {
    Identity,
    Sigmoid,
    Softmax,
}

/// What a folder says beside its tokenizer.
#[derive(Clone, Debug)]
pub struct ReaderSettings {
    pub purpose: ReaderPurpose,
    /// Longest input in tokens.
    pub max_tokens: usize,
    pub vocab_size: usize,
    /// Texts are put into lower case before they are read.
    pub lower_case: bool,
}

impl ScoreFunction {
    /// # Panics
    /// Never: no logits have no scores.
    pub fn scores(self, logits: &[f32]) -> Vec<f32> {
        match self {
            Self::Identity => logits.to_vec(),
            Self::Sigmoid => logits.iter().map(|logit| 1.0 / (1.0 + (-logit).exp())).collect(),
            Self::Softmax => {
                let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let powers: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
                let sum: f32 = powers.iter().sum();
                powers.into_iter().map(|power| power / sum).collect()
            }
        }
    }
}
