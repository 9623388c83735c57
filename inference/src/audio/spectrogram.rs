//! Log-mel frames as Whisper's feature extractor makes them (Radford et al. 2022; transformers' `WhisperFeatureExtractor`):
//! windows of 25 ms every 10 ms, Hann, power, Slaney's mel bands, decimal logarithm, cut 80 dB below the loudest, scaled.

use std::f64::consts::PI;
use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

use super::SAMPLE_RATE;
use super::mel::MelFilters;

pub const FRAMES_PER_SECOND: usize = SAMPLE_RATE as usize / HOP;

/// Samples of a window and between the middles of two.
const WINDOW: usize = 400;
const HOP: usize = 160;
const NUM_BINS: usize = WINDOW / 2 + 1;
/// Power below which there is silence.
const SILENCE: f64 = 1e-10;
/// What is quieter than the loudest by this many powers of ten is cut.
const RANGE: f32 = 8.0;

/// A sound's frames. What follows its end is silence.
pub struct Spectrogram {
    num_mels: usize,
    /// `[frames, num_mels]`, decimal logarithms of power; some frames beyond the end hold its echo.
    logarithms: Vec<f32>,
    num_samples: usize,
    loudest: f32,
}

impl Spectrogram {
    /// Whole frames of the sound itself.
    pub fn num_frames(&self) -> usize {
        self.num_samples / HOP
    }

    pub fn num_mels(&self) -> usize {
        self.num_mels
    }

    pub fn seconds(&self) -> f64 {
        self.num_samples as f64 / f64::from(SAMPLE_RATE)
    }

    /// Frames `first..first + count` as a model reads them, `[count, num_mels]`; silence behind the end.
    pub fn window(&self, first: usize, count: usize) -> Vec<f32> {
        let floor = self.loudest - RANGE;
        let scaled = |logarithm: f32| (logarithm.max(floor) + 4.0) / 4.0;
        let from = (first * self.num_mels).min(self.logarithms.len());
        let heard = self.logarithms[from..].iter().take(count * self.num_mels);
        let mut window: Vec<f32> = heard.map(|logarithm| scaled(*logarithm)).collect();
        window.resize(count * self.num_mels, scaled(SILENCE.log10() as f32));
        window
    }
}

/// Frames of samples as they come.
pub(super) struct SpectrogramBuilder {
    filters: MelFilters,
    transform: Arc<dyn RealToComplex<f64>>,
    hann: Vec<f64>,
    /// The window that is transformed, its spectrum, and what that takes beside.
    windowed: Vec<f64>,
    spectrum: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
    /// Samples of frames that are still to come.
    held: Vec<f32>,
    has_begun: bool,
    num_samples: usize,
    logarithms: Vec<f32>,
    loudest: f32,
}

impl SpectrogramBuilder {
    pub(super) fn new(num_mels: usize) -> Self {
        let transform = RealFftPlanner::<f64>::new().plan_fft_forward(WINDOW);
        Self {
            filters: MelFilters::new(num_mels, NUM_BINS, f64::from(SAMPLE_RATE)),
            // Periodic: the window after the last value would begin anew.
            hann: (0..WINDOW).map(|at| 0.5 - 0.5 * (2.0 * PI * at as f64 / WINDOW as f64).cos()).collect(),
            windowed: transform.make_input_vec(),
            spectrum: transform.make_output_vec(),
            scratch: transform.make_scratch_vec(),
            transform,
            held: Vec::new(),
            has_begun: false,
            num_samples: 0,
            logarithms: Vec::new(),
            loudest: SILENCE.log10() as f32,
        }
    }

    pub(super) fn num_samples(&self) -> usize {
        self.num_samples
    }

    pub(super) fn push(&mut self, samples: &[f32]) {
        self.num_samples += samples.len();
        self.extend(samples);
    }

    /// None if there was no sound at all.
    pub(super) fn finish(mut self) -> Option<Spectrogram> {
        if self.num_samples == 0 {
            return None;
        }
        // Until no window reaches back into the sound.
        self.extend(&[0.0; WINDOW]);
        let num_mels = self.filters.num_bands();
        let touched = (self.num_samples + WINDOW / 2).div_ceil(HOP);
        self.logarithms.truncate(touched * num_mels);
        let Self { logarithms, num_samples, loudest, .. } = self;
        Some(Spectrogram { num_mels, logarithms, num_samples, loudest })
    }

    fn extend(&mut self, samples: &[f32]) {
        self.held.extend_from_slice(samples);
        if !self.has_begun {
            if self.held.len() <= WINDOW / 2 {
                return;
            }
            // The first window's middle is the first sample: what is before it is what is behind it, mirrored.
            let mirrored: Vec<f32> = self.held[1..=WINDOW / 2].iter().rev().copied().collect();
            self.held.splice(..0, mirrored);
            self.has_begun = true;
        }
        let mut first = 0;
        while first + WINDOW <= self.held.len() {
            self.frame(first);
            first += HOP;
        }
        self.held.drain(..first);
    }

    fn frame(&mut self, first: usize) {
        let samples = &self.held[first..first + WINDOW];
        for ((target, sample), weight) in self.windowed.iter_mut().zip(samples).zip(&self.hann) {
            *target = f64::from(*sample) * weight;
        }
        let transformed =
            self.transform.process_with_scratch(&mut self.windowed, &mut self.spectrum, &mut self.scratch);
        // Its buffers are its own: their lengths fit.
        debug_assert!(transformed.is_ok());
        let power: Vec<f64> = self.spectrum.iter().map(Complex::norm_sqr).collect();
        for band in self.filters.apply(&power) {
            let logarithm = band.max(SILENCE).log10() as f32;
            self.loudest = self.loudest.max(logarithm);
            self.logarithms.push(logarithm);
        }
    }
}
