//! `config.json` and `preprocessor_config.json` of a Whisper.

use std::path::Path;

use crate::audio::{FRAMES_PER_SECOND, SAMPLE_RATE};
use crate::layers::{
    Activation, AttentionConfig, CrossAttentionConfig, MlpConfig, NormConfig, NormKind, PackedAttentionConfig,
    QkvLayout, UpLayout,
};
use crate::weights::{ConfigError, HfConfig};

const CLASS: &str = "WhisperForConditionalGeneration";
/// More than these are damage, not a model.
const MAX_LAYERS: usize = 4096;
const MAX_MELS: usize = 1024;
const MAX_POSITIONS: usize = 1 << 14;
const QKV: QkvLayout = QkvLayout::Split(["q_proj", "k_proj", "v_proj"]);
const EPSILON: f32 = 1e-5;

/// One of the two stacks of layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StackConfig {
    pub num_layers: usize,
    pub num_heads: usize,
    pub inner_size: usize,
    pub max_positions: usize,
}

/// Everything that a Whisper needs to know about itself.
#[derive(Clone, Debug)]
pub struct WhisperConfig {
    pub hidden_size: usize,
    pub vocab_size: usize,
    pub num_mels: usize,
    pub encoder: StackConfig,
    pub decoder: StackConfig,
    activation: Activation,
}

impl WhisperConfig {
    /// The class that folders name.
    pub const ARCHITECTURE: &'static str = CLASS;

    /// Whether a folder's class is this one.
    pub fn knows(config: &HfConfig) -> bool {
        config.texts("architectures").is_ok_and(|classes| classes.is_some_and(|classes| classes.contains(&CLASS)))
    }

    /// # Errors
    /// If a key is missing or malformed, or a feature is not supported.
    pub fn read(folder: &Path, config: &HfConfig) -> Result<Self, ConfigError> {
        let parsed = Self::parse(config)?;
        let path = folder.join("preprocessor_config.json");
        if path.exists() {
            parsed.check_preprocessor(&HfConfig::read(&path)?)?;
        }
        Ok(parsed)
    }

    fn parse(config: &HfConfig) -> Result<Self, ConfigError> {
        let size = |key: &'static str, most: usize| {
            let size = config.required_size(&[key])?;
            if size > most {
                return Err(unsupported(format!("{key} = {size}")));
            }
            Ok(size)
        };
        let hidden_size = config.required_size(&["d_model"])?;
        let stack = |[layers, heads, inner, positions]: [&'static str; 4]| {
            let num_heads = config.required_size(&[heads])?;
            if !hidden_size.is_multiple_of(num_heads) {
                let (key, found) = (heads.to_owned(), num_heads.to_string());
                return Err(ConfigError::WrongValue { key, found, expected: "a divisor of d_model" });
            }
            let (num_layers, inner_size) = (size(layers, MAX_LAYERS)?, config.required_size(&[inner])?);
            Ok(StackConfig { num_layers, num_heads, inner_size, max_positions: size(positions, MAX_POSITIONS)? })
        };
        if config.flag("scale_embedding")? == Some(true) {
            return Err(unsupported("scale_embedding".to_owned()));
        }
        let activation = match config.text("activation_function")? {
            None | Some("gelu") => Activation::Gelu,
            Some(other) => return Err(unsupported(format!("the activation {other}"))),
        };
        Ok(Self {
            hidden_size,
            vocab_size: config.required_size(&["vocab_size"])?,
            num_mels: size("num_mel_bins", MAX_MELS)?,
            encoder: stack(["encoder_layers", "encoder_attention_heads", "encoder_ffn_dim", "max_source_positions"])?,
            decoder: stack(["decoder_layers", "decoder_attention_heads", "decoder_ffn_dim", "max_target_positions"])?,
            activation,
        })
    }

    /// Frames are made here in one way: a folder that wants them otherwise is not served.
    fn check_preprocessor(&self, config: &HfConfig) -> Result<(), ConfigError> {
        let expected = [
            ("feature_size", self.num_mels),
            ("n_fft", 400),
            ("hop_length", SAMPLE_RATE as usize / FRAMES_PER_SECOND),
            ("sampling_rate", SAMPLE_RATE as usize),
            ("nb_max_frames", self.window_frames()),
        ];
        for (key, expected) in expected {
            if let Some(found) = config.size(key)?.filter(|found| *found != expected) {
                return Err(unsupported(format!("{key} = {found} in preprocessor_config.json")));
            }
        }
        Ok(())
    }

    /// Frames that the encoder takes at once; the second convolution halves them.
    pub fn window_frames(&self) -> usize {
        2 * self.encoder.max_positions
    }

    pub(super) fn norm() -> NormConfig {
        NormConfig { kind: NormKind::LayerWithBias, epsilon: EPSILON }
    }

    pub(super) fn encoder_attention(&self) -> PackedAttentionConfig {
        PackedAttentionConfig {
            hidden_size: self.hidden_size,
            num_heads: self.encoder.num_heads,
            head_dim: self.hidden_size / self.encoder.num_heads,
            layout: QKV,
            output: "out_proj",
            qkv_bias: true,
            output_bias: true,
            disentangled: None,
        }
    }

    pub(super) fn decoder_attention(&self) -> AttentionConfig {
        let head_dim = self.hidden_size / self.decoder.num_heads;
        AttentionConfig {
            hidden_size: self.hidden_size,
            num_heads: self.decoder.num_heads,
            num_kv_heads: self.decoder.num_heads,
            head_dim,
            layout: QKV,
            output: "out_proj",
            qkv_bias: true,
            output_bias: true,
            query_key_norm: None,
            clip: None,
            scale: 1.0 / (head_dim as f32).sqrt(),
            softcap: None,
            sinks: false,
            sliding_window: None,
            rotation: None,
            latent: None,
        }
    }

    pub(super) fn cross_attention(&self) -> CrossAttentionConfig {
        CrossAttentionConfig {
            hidden_size: self.hidden_size,
            num_heads: self.decoder.num_heads,
            query: "q_proj",
            key_value: ["k_proj", "v_proj"],
            output: "out_proj",
        }
    }

    pub(super) fn mlp(&self, stack: StackConfig) -> MlpConfig {
        MlpConfig {
            hidden_size: self.hidden_size,
            intermediate_size: stack.inner_size,
            layout: UpLayout::Plain("fc1"),
            down: "fc2",
            activation: self.activation,
            learnt_activation: false,
            bias: true,
        }
    }
}

fn unsupported(feature: String) -> ConfigError {
    ConfigError::Unsupported { feature }
}
