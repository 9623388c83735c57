//! The tokens that steer a Whisper, and those that it must not say.

/// Token ids by what they are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhisperVocabulary {
    /// Begins what is said of a window.
    pub start: u32,
    /// Ends it. Text is below it.
    pub end: u32,
    /// Begins what was said before, where the model knows that.
    pub previous: Option<u32>,
    pub no_speech: u32,
    /// Says that no times are wanted; times are behind it, a fiftieth of a second apart.
    pub no_timestamps: u32,
    /// Transcribe or translate; none in a model of one language.
    pub tasks: Option<[u32; 2]>,
    /// Codes and their tokens; empty in a model of one language.
    pub languages: Vec<(String, u32)>,
    /// Never said.
    pub suppressed: Vec<u32>,
    /// Not said first.
    pub suppressed_first: Vec<u32>,
    /// The latest time, in fiftieths of a second, that may come first.
    pub max_first_timestamp: u32,
    pub vocab_size: u32,
}

impl WhisperVocabulary {
    /// Positions of time a second.
    pub const TIMES_PER_SECOND: usize = 50;

    pub fn first_timestamp(&self) -> u32 {
        self.no_timestamps + 1
    }

    pub fn is_timestamp(&self, token: u32) -> bool {
        token >= self.first_timestamp()
    }

    pub fn language_code(&self, token: u32) -> Option<&str> {
        self.languages.iter().find(|(_, id)| *id == token).map(|(code, _)| code.as_str())
    }
}
