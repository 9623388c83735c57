//! How one request wants its tokens drawn. Values are checked where requests are parsed.

/// Sampling parameters. The default draws from the model's own distribution.
#[derive(Clone, Debug, PartialEq)]
pub struct SamplingParams {
    /// 0 takes the most likely token.
    pub temperature: f32,
    /// Smallest set of tokens whose probabilities reach this sum; 1 keeps all.
    pub top_p: f32,
    /// This many most likely tokens; 0 keeps all.
    pub top_k: usize,
    /// Tokens at least this fraction as likely as the most likely one; 0 keeps all.
    pub min_p: f32,
    /// Tokens whose surprise is nearest to the expected one, until their probabilities reach this
    /// sum (Meister et al. 2022); 1 keeps all.
    pub typical_p: f32,
    /// Draws depend on this and the token's position alone, not on what else is in the batch.
    pub seed: u64,
    /// Subtracted once from the logit of each token that was generated before.
    pub presence_penalty: f32,
    /// Subtracted for each time that a token was generated before.
    pub frequency_penalty: f32,
    /// Divides (or multiplies, below zero) logits of tokens in prompt or output; 1 changes nothing.
    pub repetition_penalty: f32,
    /// Added to the logits of these tokens.
    pub logit_bias: Vec<(u32, f32)>,
    /// The only tokens that may be drawn; empty means any.
    pub allowed_token_ids: Vec<u32>,
    /// Report the log probability of each drawn token and of this many likeliest ones.
    pub logprobs: Option<usize>,
    /// The same for the prompt's tokens but the first.
    pub prompt_logprobs: Option<usize>,
}

impl Default for SamplingParams {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            typical_p: 1.0,
            seed: 0,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            repetition_penalty: 1.0,
            logit_bias: Vec::new(),
            allowed_token_ids: Vec::new(),
            logprobs: None,
            prompt_logprobs: None,
        }
    }
}
