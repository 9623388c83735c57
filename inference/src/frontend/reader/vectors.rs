//! Sentence vectors as they are asked for: shorter, of length one, as numbers or as bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use shekara_protocol::embeddings::{EmbeddingRequest, EmbeddingValues, EncodingFormat};
use shekara_protocol::error::ApiError;

use super::{ReaderFrontend, ReaderPurpose};

/// How a request wants its vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VectorFormat {
    dimensions: usize,
    normalise: bool,
    encoding: EncodingFormat,
}

impl ReaderFrontend {
    /// What is to be done to each vector that the model gives.
    ///
    /// # Errors
    /// A 400 if the model gives none, or shorter ones than asked for.
    pub fn vector_format(&self, request: &EmbeddingRequest) -> Result<VectorFormat, ApiError> {
        let ReaderPurpose::Embed { normalise, width } = *self.purpose() else {
            let message = "The model does not make embeddings.";
            return Err(ApiError::invalid("model", message).with_code("unsupported_model"));
        };
        let wanted = request.dimensions.map(usize::try_from).transpose().ok().map(|wanted| wanted.unwrap_or(width));
        let Some(dimensions) = wanted.filter(|wanted| (1..=width).contains(wanted)) else {
            let message = format!("Invalid 'dimensions': it must lie between 1 and {width}.");
            return Err(ApiError::invalid("dimensions", message));
        };
        Ok(VectorFormat { dimensions, normalise, encoding: request.encoding_format.unwrap_or_default() })
    }
}

impl VectorFormat {
    /// A vector as it is sent; none if the model has computed something that is no number.
    pub fn apply(self, mut vector: Vec<f32>) -> Option<EmbeddingValues> {
        vector.truncate(self.dimensions);
        if self.normalise {
            let length = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
            // A vector of nothing has no direction, and stays one.
            let factor = if length > 0.0 { 1.0 / length } else { 1.0 };
            for value in &mut vector {
                *value = (f64::from(*value) * factor) as f32;
            }
        }
        if vector.iter().any(|value| !value.is_finite()) {
            return None;
        }
        Some(match self.encoding {
            EncodingFormat::Float => EmbeddingValues::Numbers(vector),
            EncodingFormat::Base64 => {
                let bytes: Vec<u8> = vector.into_iter().flat_map(f32::to_le_bytes).collect();
                EmbeddingValues::Base64(STANDARD.encode(bytes))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_cut_before_they_are_normed() {
        let format = VectorFormat { dimensions: 2, normalise: true, encoding: EncodingFormat::Float };
        let Some(EmbeddingValues::Numbers(found)) = format.apply(vec![3.0, 4.0, 12.0]) else { panic!("numbers") };
        assert!((found[0] - 0.6).abs() < 1e-6 && (found[1] - 0.8).abs() < 1e-6 && found.len() == 2);
        assert!(matches!(format.apply(vec![0.0; 2]), Some(EmbeddingValues::Numbers(zeros)) if zeros == [0.0; 2]));
        assert!(format.apply(vec![f32::NAN, 1.0]).is_none());
    }

    #[test]
    fn base64_is_of_little_endian_floats() {
        let format = VectorFormat { dimensions: 2, normalise: false, encoding: EncodingFormat::Base64 };
        let Some(EmbeddingValues::Base64(found)) = format.apply(vec![1.0, -2.0]) else { panic!("text") };
        assert_eq!(found, "AACAPwAAAMA=");
    }
}
