//! The prompt of Qwen3's rerankers, which answer yes or no to whether a document meets a query.

use tokenizers::Tokenizer;

use super::super::FrontendError;

/// What a query asks of a document unless a request says something else; the model was trained with it.
pub(super) const DEFAULT_INSTRUCTION: &str =
    "Given a web search query, retrieve relevant passages that answer the query";
const BEFORE: &str = "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the \
                      Instruct provided. Note that the answer can only be \"yes\" or \"no\".<|im_end|>\n\
                      <|im_start|>user\n";
const AFTER: &str = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n";

/// What stands around a pair, in tokens, and the two tokens that may follow.
pub(super) struct ChoiceFrame {
    pub before: Vec<u32>,
    pub after: Vec<u32>,
    pub tokens: [u32; 2],
}

impl ChoiceFrame {
    /// # Errors
    /// If one of the two answers is no single token.
    pub(super) fn new(tokenizer: &Tokenizer, texts: &[String; 2]) -> Result<Self, FrontendError> {
        let failing = |reason: String| FrontendError::FailingTokenizer { reason };
        let encode = |text: &str| {
            let encoding = tokenizer.encode(text, false).map_err(|error| failing(error.to_string()))?;
            Ok::<_, FrontendError>(encoding.get_ids().to_vec())
        };
        let token = |text: &String| {
            tokenizer.token_to_id(text).ok_or_else(|| failing(format!("the answer {text:?} is no token")))
        };
        let tokens = [token(&texts[0])?, token(&texts[1])?];
        Ok(Self { before: encode(BEFORE)?, after: encode(AFTER)?, tokens })
    }

    /// What a pair reads as between the two.
    pub(super) fn body(instruction: &str, query: &str, document: &str) -> String {
        format!("<Instruct>: {instruction}\n<Query>: {query}\n<Document>: {document}")
    }
}
