//! A loaded Whisper with places for several windows that are read at once.

use crate::kernels::cpu::{KvDtype, KvLayer, SequenceSpan, scratch_len};
use crate::layers::{BatchSequence, Scratch, TokenBatch};
use crate::weights::{WeightSource, WeightsError};

use super::WhisperConfig;
use super::decoder::{DecoderWorkspace, WhisperDecoder};
use super::encoder::{EncoderWorkspace, WhisperEncoder};
use super::key_bias::WithKeyBias;

/// Tokens, or positions of a window, that share a block of a place's caches.
const BLOCK_SIZE: usize = 16;

/// What one place's decoder is to read next.
#[derive(Clone, Copy, Debug)]
pub struct DecoderRows<'a> {
    pub place: usize,
    pub tokens: &'a [u32],
    /// Of the first token; what was read from there on before is forgotten.
    pub first_position: usize,
    /// Logits are wanted of so many of the last tokens.
    pub num_logit_rows: usize,
}

/// Encoder, decoder and what is kept of each place's window and text.
pub struct WhisperModel {
    config: WhisperConfig,
    encoder: WhisperEncoder,
    decoder: WhisperDecoder,
    /// By layer: keys and values of texts, and of windows.
    own: Vec<KvLayer>,
    memory: Vec<KvLayer>,
    /// Blocks of each place's text and window, and how many positions the window has.
    places: Vec<Place>,
    encoder_workspace: EncoderWorkspace,
    decoder_workspace: DecoderWorkspace,
    scratch: Scratch,
}

struct Place {
    own: Vec<u32>,
    memory: Vec<u32>,
    num_heard: usize,
}

impl WhisperModel {
    /// # Errors
    /// If a tensor is missing or malformed.
    pub fn load(
        source: &dyn WeightSource,
        config: &WhisperConfig,
        num_places: usize,
        dtype: KvDtype,
    ) -> Result<Self, WeightsError> {
        let source = WithKeyBias(source);
        let shape = config.cross_attention().kv_shape(BLOCK_SIZE);
        let [own, memory] = blocks(config);
        let layers = |blocks: usize| {
            (0..config.decoder.num_layers).map(|_| KvLayer::new(shape, dtype, blocks * num_places)).collect()
        };
        let place = |index: usize| Place { own: table(index, own), memory: table(index, memory), num_heard: 0 };
        Ok(Self {
            encoder: WhisperEncoder::load(&source, config)?,
            decoder: WhisperDecoder::load(&source, config)?,
            own: layers(own),
            memory: layers(memory),
            places: (0..num_places).map(place).collect(),
            config: config.clone(),
            encoder_workspace: EncoderWorkspace::default(),
            decoder_workspace: DecoderWorkspace::default(),
            scratch: Scratch::default(),
        })
    }

    /// Checks that every tensor is there in its shape, without reading any.
    ///
    /// # Errors
    /// Of the first tensor that is not.
    pub fn verify(source: &dyn WeightSource, config: &WhisperConfig) -> Result<(), WeightsError> {
        let source = WithKeyBias(source);
        let all = [WhisperEncoder::tensors(config), WhisperDecoder::tensors(config)].concat();
        all.iter().try_for_each(|(name, shape)| source.check(name, shape))
    }

    /// Bytes that a place takes.
    pub fn place_bytes(config: &WhisperConfig, dtype: KvDtype) -> u64 {
        let block = config.cross_attention().kv_shape(BLOCK_SIZE).block_bytes(dtype) as u64;
        let blocks: usize = blocks(config).iter().sum();
        block.saturating_mul((blocks * config.decoder.num_layers) as u64)
    }

    /// Bytes of the buffers that a window is encoded in, which are the largest.
    pub fn workspace_bytes(config: &WhisperConfig) -> u64 {
        let (hidden, inner) = (config.hidden_size as u64, config.encoder.inner_size as u64);
        let positions = config.encoder.max_positions as u64;
        let widest = (3 * config.hidden_size).max(6 * config.num_mels).max(config.encoder.inner_size);
        // Hidden states twice over, what attention reads and writes, the inner layer before and after, inputs laid out.
        let row = 7 * hidden + 2 * inner.max(3 * hidden) + scratch_len(widest) as u64;
        positions.saturating_mul(row).saturating_mul(4)
    }

    pub fn config(&self) -> &WhisperConfig {
        &self.config
    }

    pub fn num_places(&self) -> usize {
        self.places.len()
    }

    /// Reads a window, `[2 * positions, num_mels]`, at most as long as the model takes, and keeps it in its place.
    pub fn hear(&mut self, place: usize, features: &[f32]) {
        let Self { encoder, decoder, encoder_workspace, scratch, memory, places, config, .. } = self;
        encoder.forward(features, encoder_workspace, scratch);
        let place = &mut places[place];
        place.num_heard = encoder_workspace.encoded.len() / config.hidden_size;
        let first = place.memory.first().map_or(0, |block| *block as usize * BLOCK_SIZE);
        let slots: Vec<usize> = (first..first + place.num_heard).collect();
        decoder.remember(&encoder_workspace.encoded, memory, &slots, scratch);
    }

    /// Reads tokens of several places at once; what each says does not depend on the others. Returns the logits of the rows
    /// that they are wanted of, one after the other, `[num_logit_rows, vocab_size]`.
    ///
    /// # Panics
    /// If a place has heard nothing, or a position is beyond what the model has.
    pub fn read(&mut self, rows: &[DecoderRows<'_>]) -> Vec<f32> {
        let mut batch = TokenBatch::default();
        let mut heard = Vec::new();
        for rows in rows {
            let place = &self.places[rows.place];
            let num_rows = rows.tokens.len();
            let sequence = BatchSequence {
                num_rows,
                first_position: rows.first_position,
                block_table: place.own.clone(),
                num_cached_rows: 0,
                num_logit_rows: rows.num_logit_rows,
            };
            batch.push(rows.tokens, sequence, BLOCK_SIZE);
            for _ in 0..num_rows {
                let first_position = place.num_heard - 1;
                let first_row = heard.len();
                heard.push(SequenceSpan { first_row, num_rows: 1, first_position, block_table: &place.memory });
            }
        }
        let workspace = (&mut self.decoder_workspace, &mut self.scratch);
        self.decoder.forward(&batch, &heard, (&mut self.own, &self.memory), workspace)
    }
}

/// Blocks of a place's text and of its window.
fn blocks(config: &WhisperConfig) -> [usize; 2] {
    [config.decoder.max_positions, config.encoder.max_positions].map(|positions| positions.div_ceil(BLOCK_SIZE))
}

/// A place's own part of all blocks.
fn table(place: usize, blocks: usize) -> Vec<u32> {
    (place * blocks..(place + 1) * blocks).map(|block| block as u32).collect()
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
