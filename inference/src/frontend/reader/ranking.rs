//! Queries and documents to pairs of tokens, and pairs' logits to scores.

use shekara_protocol::error::ApiError;
use shekara_protocol::rerank::{Document, RerankRequest};

use crate::engine::SequenceInput;

use super::choice_prompt::{ChoiceFrame, DEFAULT_INSTRUCTION};
use super::reader_frontend::{LengthLimit, cut, too_long};
use super::{ReaderFrontend, ReaderPurpose, ScoreFunction};

/// How long pairs may be.
#[derive(Clone, Copy, Debug)]
pub struct PairLimits {
    whole: LengthLimit,
    /// Tokens of a document's own that are read.
    document: Option<usize>,
}

impl ReaderFrontend {
    /// Whether the model can say how well a document fits.
    ///
    /// # Errors
    /// A 400 if it cannot.
    pub fn check_ranks(&self) -> Result<(), ApiError> {
        match self.purpose() {
            ReaderPurpose::Choose { .. } => Ok(()),
            ReaderPurpose::Classify { labels, .. } if labels.len() == 1 => Ok(()),
            _ => Err(ApiError::invalid("model", "The model does not rank documents.").with_code("unsupported_model")),
        }
    }

    /// A pair for each document.
    ///
    /// # Errors
    /// A 400 that names the document that is too long.
    pub fn pairs(&self, request: &RerankRequest) -> Result<Vec<SequenceInput>, ApiError> {
        let limits = PairLimits {
            whole: self.limit(request.truncate_prompt_tokens)?,
            document: request.max_tokens_per_doc.and_then(|count| usize::try_from(count).ok()),
        };
        let instruction = request.instruction.as_deref().unwrap_or(DEFAULT_INSTRUCTION);
        let documents = request.documents.iter().map(Document::text).enumerate();
        let pair = |(index, document): (usize, &str)| {
            let param = format!("documents[{index}]");
            match &self.choice {
                None => self.pair(&request.query, (document, &param), limits),
                Some(frame) => self.chosen(frame, [instruction, &request.query], (document, &param), limits),
            }
        };
        documents.map(pair).collect()
    }

    fn pair(
        &self,
        query: &str,
        (document, param): (&str, &str),
        limits: PairLimits,
    ) -> Result<SequenceInput, ApiError> {
        let LengthLimit { max_tokens, cut: may_cut } = limits.whole;
        let room = max_tokens.saturating_sub(self.num_pair_tokens);
        let query = self.content(query, Some(room), "query")?;
        if query.len() > room {
            return Err(too_long(max_tokens, query.len() + self.num_pair_tokens, "query"));
        }
        let left = room - query.len();
        let bound = (!may_cut && limits.document.is_none()).then_some(left);
        let mut document = self.content(document, bound, param)?;
        cut(&mut document, limits.document.unwrap_or(usize::MAX));
        if document.len() > left {
            if !may_cut {
                return Err(too_long(max_tokens, max_tokens - left + document.len(), param));
            }
            cut(&mut document, left);
        }
        let whole = self.tokenizer.post_process(query, Some(document), true).map_err(|_| ApiError::internal())?;
        Ok(SequenceInput { tokens: whole.get_ids().to_vec(), token_types: whole.get_type_ids().to_vec() })
    }

    fn chosen(
        &self,
        frame: &ChoiceFrame,
        [instruction, query]: [&str; 2],
        (document, param): (&str, &str),
        limits: PairLimits,
    ) -> Result<SequenceInput, ApiError> {
        let LengthLimit { max_tokens, cut: may_cut } = limits.whole;
        let around = frame.before.len() + frame.after.len();
        let room = max_tokens.saturating_sub(around);
        let mut shortened = None;
        if let Some(bound) = limits.document {
            let encoding = self.content(document, None, param)?;
            let end = encoding.get_offsets().get(bound).map(|offsets| offsets.0);
            shortened = end.map(|end| &document[..document.floor_char_boundary(end)]);
        }
        let body = ChoiceFrame::body(instruction, query, shortened.unwrap_or(document));
        let mut content = self.content(&body, (!may_cut).then_some(room), param)?;
        if content.len() > room {
            if !may_cut || room == 0 {
                return Err(too_long(max_tokens, around + content.len(), param));
            }
            cut(&mut content, room);
        }
        let tokens = [frame.before.as_slice(), content.get_ids(), &frame.after].concat();
        Ok(SequenceInput { tokens, token_types: Vec::new() })
    }

    /// How well a pair with these logits fits.
    pub fn relevance(&self, logits: &[f32]) -> f32 {
        let scores = match self.purpose() {
            ReaderPurpose::Choose { .. } => ScoreFunction::Softmax.scores(logits),
            ReaderPurpose::Classify { function, .. } => function.scores(logits),
            _ => Vec::new(),
        };
        // Of two answers the second speaks for the pair; a classifier has but one.
        scores.last().copied().unwrap_or(f32::NAN)
    }
}
