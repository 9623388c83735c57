//! What an encoder's first layer reads: words, kinds of token and positions, summed and normed.

use crate::kernels::cpu::add_assign;
use crate::layers::{Embedding, Linear, Norm};
use crate::weights::{TensorList, WeightSource, WeightsError};

use super::config::PositionTable;
use super::{EncoderConfig, PackedBatch};

/// Name of the projection that widens embeddings.
const PROJECTION: &str = "embeddings.embed_proj";

pub(super) struct Embeddings {
    words: Embedding,
    /// `[num_token_types, embedding_size]`
    token_types: Vec<f32>,
    /// `[rows, embedding_size]`
    positions: Option<(PositionTable, Vec<f32>)>,
    projection: Option<Linear>,
    norm: Norm,
    embedding_size: usize,
}

impl Embeddings {
    /// # Errors
    /// If a tensor is missing or malformed.
    pub(super) fn load(source: &dyn WeightSource, config: &EncoderConfig) -> Result<Self, WeightsError> {
        let (names, width) = (&config.names, config.embedding_size);
        let words = Embedding::load(source, names.words, config.vocab_size, width)?;
        let read = |name: &str, rows| Ok(source.load(&format!("{name}.weight"), &[rows, width])?.to_f32());
        let token_types =
            if config.num_token_types > 0 { read(names.token_types, config.num_token_types)? } else { Vec::new() };
        let positions = match config.table {
            Some(table) => Some((table, read(names.positions, table.rows)?)),
            None => None,
        };
        let projection = match projection_parts(config) {
            Some(parts) => Some(Linear::load(source, &parts, width, false)?),
            None => None,
        };
        let norm = Norm::load(source, names.embedding_norm, config.attention.hidden_size, config.norm)?;
        Ok(Self { words, token_types, positions, projection, norm, embedding_size: width })
    }

    /// What [`Self::load`] reads.
    pub(super) fn tensors(config: &EncoderConfig) -> TensorList {
        let (names, width) = (&config.names, config.embedding_size);
        let mut all = vec![(format!("{}.weight", names.words), vec![config.vocab_size, width])];
        if config.num_token_types > 0 {
            all.push((format!("{}.weight", names.token_types), vec![config.num_token_types, width]));
        }
        if let Some(table) = config.table {
            all.push((format!("{}.weight", names.positions), vec![table.rows, width]));
        }
        if let Some(parts) = projection_parts(config) {
            all.extend(Linear::tensors(&parts, width, false));
        }
        all.extend(Norm::tensors(names.embedding_norm, &[config.attention.hidden_size], config.norm));
        all
    }

    /// `hidden` becomes `[num_rows, hidden_size]`; `scratch` is reused.
    pub(super) fn forward(&self, batch: &PackedBatch, [sums, interleaved]: [&mut Vec<f32>; 2], hidden: &mut Vec<f32>) {
        let width = self.embedding_size;
        self.words.forward(&batch.tokens, sums);
        if !self.token_types.is_empty() {
            for (row, kind) in sums.chunks_exact_mut(width).zip(&batch.token_types) {
                // A tokenizer may know more kinds than the model.
                let kind = (*kind as usize).min(self.token_types.len() / width - 1);
                add_assign(row, &self.token_types[kind * width..(kind + 1) * width]);
            }
        }
        if let Some((table, values)) = &self.positions {
            for sequence in &batch.sequences {
                let rows = sums[sequence.start * width..sequence.end * width].chunks_exact_mut(width);
                for (row, position) in rows.zip(positions(&batch.tokens[sequence.clone()], *table)) {
                    add_assign(row, &values[position * width..(position + 1) * width]);
                }
            }
        }
        match &self.projection {
            None => self.norm.forward(sums, hidden),
            Some(projection) => {
                let mut widened = Vec::new();
                projection.forward(sums, interleaved, &mut widened);
                self.norm.forward(&widened, hidden);
            }
        }
    }
}

/// Rows of the table for a sequence's tokens.
fn positions(tokens: &[u32], table: PositionTable) -> impl Iterator<Item = usize> {
    let mut counted = 0;
    tokens.iter().enumerate().map(move |(index, token)| {
        let Some(padding) = table.padding else { return index.min(table.rows - 1) };
        if *token == padding {
            return padding as usize;
        }
        counted += 1;
        (padding as usize + counted).min(table.rows - 1)
    })
}

fn projection_parts(config: &EncoderConfig) -> Option<[(String, usize); 1]> {
    let hidden = config.attention.hidden_size;
    (config.embedding_size != hidden).then(|| [(PROJECTION.to_owned(), hidden)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_behind_padding_do_not_count_it() {
        let plain = PositionTable { rows: 4, padding: None };
        assert_eq!(positions(&[5, 1, 7], plain).collect::<Vec<_>>(), [0, 1, 2]);
        let after = PositionTable { rows: 10, padding: Some(1) };
        assert_eq!(positions(&[5, 1, 7, 8], after).collect::<Vec<_>>(), [2, 1, 3, 4]);
    }
}
