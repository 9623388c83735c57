//! What one attempt used, as its provider counted it or as it was estimated.
//!
//! Always: what a cache had (`cached_prompt_tokens`), what was written to one (`cache_write_tokens`,
//! `cache_write_1h_tokens`), sound and images are parts of `prompt_tokens`, and none is a part of another; thoughts
//! (`reasoning_tokens`), sound and images are such parts of `completion_tokens`. [`Usage::read_tokens`] and its like
//! keep to that whatever a provider says. Absent is what nobody counted.

use serde::{Deserialize, Serialize};

use super::measure::Measure;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u64>,
    /// Read from the provider's cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_prompt_tokens: Option<u64>,
    /// Kept by the provider's cache as long as it usually does: five minutes at Anthropic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_tokens: Option<u64>,
    /// Kept for an hour, which costs more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_1h_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_audio_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_image_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_audio_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion_image_tokens: Option<u64>,
    /// Images made, all of one size and quality.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images: Option<u64>,
    /// As OpenAI writes it: `1024x1536`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_size: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_quality: Option<String>,
    /// Of sound that was heard or made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio_ms: Option<u64>,
    /// Of text that was spoken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub characters: Option<u64>,
    /// Calls, where each has a price; absent is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Searches of the web, or of a reranker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub searches: Option<u64>,
}

impl Usage {
    /// Everything once: the whole counts without their parts. Where the parts are more than the whole, they count and
    /// nothing is left.
    pub(super) fn measures(&self) -> [(Measure, u64); 15] {
        let count = |count: Option<u64>| count.unwrap_or(0);
        let prompt_parts = [
            (Measure::CachedPromptTokens, count(self.cached_prompt_tokens)),
            (Measure::CacheWriteTokens, count(self.cache_write_tokens)),
            (Measure::CacheWrite1hTokens, count(self.cache_write_1h_tokens)),
            (Measure::PromptAudioTokens, count(self.prompt_audio_tokens)),
            (Measure::PromptImageTokens, count(self.prompt_image_tokens)),
        ];
        let completion_parts = [
            (Measure::ReasoningTokens, count(self.reasoning_tokens)),
            (Measure::CompletionAudioTokens, count(self.completion_audio_tokens)),
            (Measure::CompletionImageTokens, count(self.completion_image_tokens)),
        ];
        let [cached, written, written_1h, prompt_audio, prompt_image] = prompt_parts;
        let [reasoning, completion_audio, completion_image] = completion_parts;
        [
            (Measure::PromptTokens, rest(count(self.prompt_tokens), &prompt_parts)),
            cached,
            written,
            written_1h,
            prompt_audio,
            prompt_image,
            (Measure::CompletionTokens, rest(count(self.completion_tokens), &completion_parts)),
            reasoning,
            completion_audio,
            completion_image,
            (Measure::Images, count(self.images)),
            (Measure::AudioMs, count(self.audio_ms)),
            (Measure::Characters, count(self.characters)),
            (Measure::Requests, self.requests.unwrap_or(1)),
            (Measure::Searches, count(self.searches)),
        ]
    }

    /// Whether any tokens were counted.
    pub fn has_tokens(&self) -> bool {
        self.measures().iter().any(|(measure, count)| measure.is_tokens() && *count > 0)
    }
}

fn rest(whole: u64, parts: &[(Measure, u64)]) -> u64 {
    parts.iter().fold(whole, |left, (_, part)| left.saturating_sub(*part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_taken_out_of_the_whole_once() {
        let usage = Usage {
            prompt_tokens: Some(100),
            cached_prompt_tokens: Some(60),
            cache_write_tokens: Some(10),
            completion_tokens: Some(9),
            reasoning_tokens: Some(20),
            ..Usage::default()
        };
        let measures = usage.measures();
        let count = |wanted: Measure| measures.iter().find(|(measure, _)| *measure == wanted).unwrap().1;
        assert_eq!(count(Measure::PromptTokens), 30);
        assert_eq!(count(Measure::CachedPromptTokens), 60);
        assert_eq!((count(Measure::CompletionTokens), count(Measure::ReasoningTokens)), (0, 20));
        assert!(measures.iter().map(|(measure, _)| measure).eq(Measure::ALL.iter()));
    }

    #[test]
    fn what_nobody_counted_is_not_written() {
        let usage = Usage { prompt_tokens: Some(0), image_size: Some("1024x1024".to_owned()), ..Usage::default() };
        let json = serde_json::to_string(&usage).unwrap();
        assert_eq!(json, r#"{"prompt_tokens":0,"image_size":"1024x1024"}"#);
        assert_eq!(serde_json::from_str::<Usage>(&json).unwrap(), usage);
        assert_eq!(serde_json::to_string(&Usage::default()).unwrap(), "{}");
        assert!(!usage.has_tokens());
    }
}
