//! What providers count and charge for, each in one unit of its own.

use std::fmt;

/// Prices are for a million tokens, an hour of sound, a thousand searches: of all of these one is a whole number of parts,
/// so that a request's cost is one sum without a rest. Their least common multiple.
pub(super) const PARTS: u64 = 18_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Of text that no cache had, was given to no cache, and is neither sound nor an image.
    PromptTokens,
    CachedPromptTokens,
    CacheWriteTokens,
    CacheWrite1hTokens,
    PromptAudioTokens,
    PromptImageTokens,
    /// Of text that is an answer and no thought.
    CompletionTokens,
    ReasoningTokens,
    CompletionAudioTokens,
    CompletionImageTokens,
    Images,
    AudioMs,
    Characters,
    Requests,
    Searches,
}

impl Measure {
    pub const ALL: [Self; 15] = [
        Self::PromptTokens,
        Self::CachedPromptTokens,
        Self::CacheWriteTokens,
        Self::CacheWrite1hTokens,
        Self::PromptAudioTokens,
        Self::PromptImageTokens,
        Self::CompletionTokens,
        Self::ReasoningTokens,
        Self::CompletionAudioTokens,
        Self::CompletionImageTokens,
        Self::Images,
        Self::AudioMs,
        Self::Characters,
        Self::Requests,
        Self::Searches,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::PromptTokens => "prompt tokens",
            Self::CachedPromptTokens => "cached prompt tokens",
            Self::CacheWriteTokens => "tokens written to a cache",
            Self::CacheWrite1hTokens => "tokens written to a cache for an hour",
            Self::PromptAudioTokens => "audio tokens of a prompt",
            Self::PromptImageTokens => "image tokens of a prompt",
            Self::CompletionTokens => "completion tokens",
            Self::ReasoningTokens => "reasoning tokens",
            Self::CompletionAudioTokens => "audio tokens of a completion",
            Self::CompletionImageTokens => "image tokens of a completion",
            Self::Images => "images",
            Self::AudioMs => "time of sound",
            Self::Characters => "characters",
            Self::Requests => "requests",
            Self::Searches => "searches",
        }
    }

    pub fn is_tokens(self) -> bool {
        self <= Self::CompletionImageTokens
    }

    /// Whose price holds where it has none of its own. What a provider charges more for has no such price: it is unknown.
    pub(super) fn as_if(self) -> Option<Self> {
        match self {
            // A list that names no discount for what a cache had grants none.
            Self::CachedPromptTokens | Self::PromptImageTokens => Some(Self::PromptTokens),
            Self::ReasoningTokens => Some(Self::CompletionTokens),
            _ => None,
        }
    }

    /// Of [`PARTS`], how many one of these is of what its price is for.
    pub(super) fn parts(self) -> i128 {
        match self {
            Self::Images | Self::Requests => 18_000_000,
            Self::Searches => 18_000,
            // Milliseconds in an hour: 3,600,000.
            Self::AudioMs => 5,
            _ => 18,
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_all_of_its_parts() {
        for measure in Measure::ALL {
            let in_its_unit = match measure {
                Measure::Images | Measure::Requests => 1,
                Measure::Searches => 1_000,
                Measure::AudioMs => 3_600_000,
                _ => 1_000_000,
            };
            assert_eq!(measure.parts() * in_its_unit, i128::from(PARTS), "{measure}");
        }
    }

    #[test]
    fn tokens_stand_first() {
        assert_eq!(Measure::ALL.iter().filter(|measure| measure.is_tokens()).count(), 10);
        assert!(Measure::ALL.is_sorted());
    }
}
