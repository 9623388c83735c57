//! What an operator can set about an engine.

use serde::Deserialize;

use crate::kernels::cpu::KvDtype;
use crate::weights::ActivationDtype;

/// Tokens of a block must fill whole registers.
const BLOCK_SIZE_STEP: usize = 16;

/// Settings of every model's engine. All have defaults; unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EngineSettings {
    /// Sequences that run at once.
    pub max_num_seqs: usize,
    /// Tokens of one step, prefill and decode together; longer prompts are cut into chunks. Large
    /// values prefill faster, small ones keep running streams smoother.
    pub max_num_batched_tokens: usize,
    /// Requests that may wait beside those that run; one more is refused with 429.
    pub max_queue: usize,
    /// Memory for keys and values of one model. Without it: 1 GiB or a quarter of what is free,
    /// whichever is less, and never more than all sequences could use.
    pub kv_cache_bytes: Option<u64>,
    /// Tokens of a cache block, a multiple of 16.
    pub block_size: usize,
    /// How keys and values are kept. `f16` halves memory and traffic and saturates instead of overflowing; `f32` is exact.
    pub kv_cache_dtype: KvDtype,
    /// What activations are rounded to before they are multiplied with weights in blocks of integers (GGUF, or rounded at
    /// load): `int8` is fast, `int16` says what the weights say to four digits.
    pub activation_dtype: ActivationDtype,
    /// Threads for computing; without it, one per core.
    pub threads: Option<usize>,
    /// Upper bound for prompt and answer together, below the model's own.
    pub max_context: Option<usize>,
    /// Tokens guessed ahead from a sequence's own text, where that pays; 0 never guesses. What is generated does not
    /// depend on it.
    pub num_speculative_tokens: usize,
    /// Steps of an answer that may wait to be read before its client is cut off.
    pub max_unread_events: usize,
    /// Longest answer when the request does not say.
    pub default_max_tokens: usize,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self {
            max_num_seqs: 64,
            max_num_batched_tokens: 256,
            max_queue: 256,
            kv_cache_bytes: None,
            block_size: 16,
            kv_cache_dtype: KvDtype::F16,
            activation_dtype: ActivationDtype::Int8,
            threads: None,
            max_context: None,
            num_speculative_tokens: 16,
            max_unread_events: 4096,
            default_max_tokens: 1024,
        }
    }
}

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} must be {expected}")]
pub struct SettingsError {
    pub key: &'static str,
    pub expected: &'static str,
}

impl EngineSettings {
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn check(&self) -> Result<(), SettingsError> {
        let positive = [
            ("max_num_seqs", Some(self.max_num_seqs)),
            ("max_num_batched_tokens", Some(self.max_num_batched_tokens)),
            ("threads", self.threads),
            ("max_context", self.max_context),
            ("max_unread_events", Some(self.max_unread_events)),
            ("default_max_tokens", Some(self.default_max_tokens)),
        ];
        for (key, value) in positive {
            if value == Some(0) {
                return Err(SettingsError { key, expected: "at least 1" });
            }
        }
        if self.block_size == 0 || !self.block_size.is_multiple_of(BLOCK_SIZE_STEP) {
            return Err(SettingsError { key: "block_size", expected: "a multiple of 16" });
        }
        if self.max_num_batched_tokens < self.max_num_seqs {
            return Err(SettingsError { key: "max_num_batched_tokens", expected: "at least max_num_seqs" });
        }
        if self.max_num_batched_tokens > 1 << 16 {
            return Err(SettingsError { key: "max_num_batched_tokens", expected: "at most 65536" });
        }
        if self.num_speculative_tokens > 64 {
            return Err(SettingsError { key: "num_speculative_tokens", expected: "at most 64" });
        }
        if self.max_num_seqs.saturating_add(self.max_queue) > 1 << 20 {
            return Err(SettingsError { key: "max_queue", expected: "below a million" });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_valid_and_bad_values_are_named() {
        assert_eq!(EngineSettings::default().check(), Ok(()));
        let bad = EngineSettings { block_size: 17, ..EngineSettings::default() };
        assert_eq!(bad.check().expect_err("refused").key, "block_size");
        let bad = EngineSettings { threads: Some(0), ..EngineSettings::default() };
        assert_eq!(bad.check().expect_err("refused").key, "threads");
        assert!(serde_json::from_str::<EngineSettings>(r#"{"max_seqs": 1}"#).is_err());
    }
}
