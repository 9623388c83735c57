//! Sound as models read it: a file of any common kind → mono at 16 kHz → log-mel frames.
//!
//! It all flows: neither the decoded sound nor the resampled one is ever whole in memory, only frames are, some 30 kB a
//! second. So what an hour takes does not depend on how the file was compressed.

mod decode;
mod error;
mod mel;
mod resample;
mod spectrogram;
mod vorbis_setup;

pub use error::AudioError;
pub use spectrogram::{FRAMES_PER_SECOND, Spectrogram};

use decode::decode;
use resample::Resampler;
use spectrogram::SpectrogramBuilder;

/// Samples a second that models hear.
pub const SAMPLE_RATE: u32 = 16_000;

/// A file's bytes and what its name ends in.
pub struct AudioFile<B> {
    pub bytes: B,
    pub extension: Option<String>,
}

impl<B: AsRef<[u8]> + Send + Sync + 'static> AudioFile<B> {
    /// Decodes the file into frames of `num_mels` bands. `may_go_on` is asked with the seconds so far, at least once each
    /// second of sound and before anything is decoded.
    ///
    /// # Errors
    /// If the file cannot be read, holds no sound, or `may_go_on` says no.
    pub fn spectrogram(
        self,
        num_mels: usize,
        may_go_on: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Spectrogram, AudioError> {
        let mut listener =
            Listener { resampler: None, builder: SpectrogramBuilder::new(num_mels), may_go_on, asked: None };
        listener.ask()?;
        decode(self.bytes, self.extension.as_deref(), &mut |mono, hertz| listener.hear(mono, hertz))?;
        listener.finish()
    }
}

struct Listener<'a> {
    resampler: Option<Resampler>,
    builder: SpectrogramBuilder,
    may_go_on: &'a mut dyn FnMut(usize) -> bool,
    /// The second that was asked about last.
    asked: Option<usize>,
}

impl Listener<'_> {
    fn hear(&mut self, mono: &[f32], hertz: u32) -> Result<(), AudioError> {
        if self.resampler.as_ref().is_some_and(|resampler| resampler.hertz() != hertz) {
            return Err(AudioError::Damaged);
        }
        let resampler = match &mut self.resampler {
            Some(resampler) => resampler,
            None => self.resampler.insert(Resampler::new(hertz, SAMPLE_RATE)?),
        };
        resampler.push(mono, &mut |samples| self.builder.push(samples));
        self.ask()
    }

    fn ask(&mut self) -> Result<(), AudioError> {
        let second = self.builder.num_samples() / SAMPLE_RATE as usize;
        if self.asked != Some(second) {
            self.asked = Some(second);
            if !(self.may_go_on)(second) {
                return Err(AudioError::Halted);
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Spectrogram, AudioError> {
        if let Some(mut resampler) = self.resampler.take() {
            resampler.finish(&mut |samples| self.builder.push(samples));
        }
        self.builder.finish().ok_or(AudioError::Empty)
    }
}

#[cfg(test)]
#[path = "audio_tests.rs"]
mod tests;
