//! Another sample rate, by a windowed sinc.
//!
//! Each new sample is the old ones around it, weighted by a sinc that passes what both rates can hold, under a
//! Blackman-Harris window (92 dB). Weights repeat where the rates' ratio does; a library's resamplers work in chunks with
//! a delay to be cut off again, this one starts and ends with the sound.

use std::f64::consts::PI;

use super::AudioError;

const LOWEST_HERTZ: u32 = 4_000;
const HIGHEST_HERTZ: u32 = 384_000;
/// Zero crossings of the sinc to either side.
const CROSSINGS: usize = 32;
/// What passes of the band that both rates hold; the rest is the filter's slope.
const PASSED: f64 = 0.94;
/// Sets of weights. Rates whose ratio needs more are a thousandth of a sample off at most.
const MAX_PHASES: u64 = 1_024;
/// Partial sums kept side by side, so that the compiler can use vectors in a fixed order.
const PARTS: usize = 8;

/// A stream of samples on its way from one rate to another.
pub(super) struct Resampler {
    hertz: u32,
    /// Both rates without their common factor.
    from: u64,
    to: u64,
    /// Old samples to either side of a new one.
    reach: usize,
    /// `[num_phases, 2 * reach]`
    weights: Vec<f32>,
    num_phases: u64,
    /// Old samples that are still needed, the first of them at place `start`, which counts `reach` zeros before the sound.
    held: Vec<f32>,
    start: u64,
    /// Old samples so far, and new ones.
    num_in: u64,
    num_out: u64,
}

impl Resampler {
    /// # Errors
    /// If a rate is none that sound is recorded at.
    pub(super) fn new(hertz: u32, target: u32) -> Result<Self, AudioError> {
        if !(LOWEST_HERTZ..=HIGHEST_HERTZ).contains(&hertz) {
            return Err(AudioError::SampleRate { hertz });
        }
        let factor = u64::from(common_factor(hertz, target));
        let (from, to) = (u64::from(hertz) / factor, u64::from(target) / factor);
        let num_phases = to.min(MAX_PHASES);
        let narrowing = (to as f64 / from as f64).min(1.0);
        let reach = (CROSSINGS as f64 / narrowing).ceil() as usize;
        let weights =
            (0..num_phases).flat_map(|phase| phase_weights(phase as f64 / num_phases as f64, narrowing, reach));
        let weights = weights.collect();
        let held = vec![0.0; reach];
        Ok(Self { hertz, from, to, reach, weights, num_phases, held, start: 0, num_in: 0, num_out: 0 })
    }

    /// Rate of what is pushed.
    pub(super) fn hertz(&self) -> u32 {
        self.hertz
    }

    pub(super) fn push(&mut self, samples: &[f32], out: &mut dyn FnMut(&[f32])) {
        self.num_in += samples.len() as u64;
        if self.from == self.to {
            return out(samples);
        }
        self.held.extend_from_slice(samples);
        self.drain(u64::MAX, out);
    }

    /// What is left when nothing follows but silence.
    pub(super) fn finish(&mut self, out: &mut dyn FnMut(&[f32])) {
        if self.from != self.to {
            self.held.resize(self.held.len() + self.reach + 1, 0.0);
            self.drain((self.num_in * self.to).div_ceil(self.from), out);
        }
    }

    /// Makes new samples, `most` in all, as far as the old ones go.
    fn drain(&mut self, most: u64, out: &mut dyn FnMut(&[f32])) {
        let mut fresh = Vec::new();
        let width = 2 * self.reach;
        while self.num_out < most {
            // Where the new sample lies among the old, in steps of 1 / to.
            let place = self.num_out * self.from;
            let (mut before, mut phase) = (place / self.to, place % self.to * self.num_phases);
            phase = (phase + self.to / 2) / self.to;
            if phase == self.num_phases {
                (before, phase) = (before + 1, 0);
            }
            // `reach` zeros stand before the sound: the window's first sample is `before + 1 - reach`.
            let first = (before + 1 - self.start) as usize;
            let Some(window) = self.held.get(first..first + width) else { break };
            let weights = &self.weights[phase as usize * width..(phase as usize + 1) * width];
            fresh.push(dot(window, weights));
            self.num_out += 1;
        }
        let done = (self.num_out * self.from / self.to - self.start).min(self.held.len() as u64);
        self.held.drain(..done as usize);
        self.start += done;
        out(&fresh);
    }
}

/// Weights of the old samples from `reach - 1` before the one before the new sample to `reach` behind it, for a new one
/// that lies `offset` behind that.
fn phase_weights(offset: f64, narrowing: f64, reach: usize) -> Vec<f32> {
    let cutoff = narrowing * PASSED;
    let raw: Vec<f64> = (0..2 * reach)
        .map(|tap| {
            let distance = tap as f64 - (reach - 1) as f64 - offset;
            let x = PI * distance * cutoff;
            let sinc = if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
            sinc * window(distance / reach as f64)
        })
        .collect();
    // A constant stays what it is.
    let sum: f64 = raw.iter().sum();
    raw.into_iter().map(|weight| (weight / sum) as f32).collect()
}

/// Blackman and Harris' window of four terms, from −1 to 1.
fn window(place: f64) -> f64 {
    if place.abs() >= 1.0 {
        return 0.0;
    }
    let angle = PI * (place + 1.0);
    0.358_75 - 0.488_29 * angle.cos() + 0.141_28 * (2.0 * angle).cos() - 0.011_68 * (3.0 * angle).cos()
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut parts = [0.0; PARTS];
    let (a, a_rest) = a.as_chunks::<PARTS>();
    let (b, b_rest) = b.as_chunks::<PARTS>();
    for (a, b) in a.iter().zip(b) {
        for (part, (a, b)) in parts.iter_mut().zip(a.iter().zip(b)) {
            *part += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    parts.iter().sum::<f32>() + rest
}

fn common_factor(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f64, rate: u32, seconds: f64) -> Vec<f32> {
        let count = (f64::from(rate) * seconds) as usize;
        (0..count).map(|at| (2.0 * PI * hertz * at as f64 / f64::from(rate)).sin() as f32).collect()
    }

    fn resampled(samples: &[f32], rate: u32, chunk: usize) -> Vec<f32> {
        let mut resampler = Resampler::new(rate, 16_000).unwrap();
        let mut all = Vec::new();
        for chunk in samples.chunks(chunk) {
            resampler.push(chunk, &mut |fresh| all.extend_from_slice(fresh));
        }
        resampler.finish(&mut |fresh| all.extend_from_slice(fresh));
        all
    }

    #[test]
    fn tones_that_both_rates_hold_stay_what_they_are() {
        for rate in [8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 44_101] {
            let found = resampled(&tone(1_000.0, rate, 0.5), rate, 1_000);
            let expected = tone(1_000.0, 16_000, 0.5);
            assert!(found.len().abs_diff(expected.len()) <= 1, "{rate}: {} {}", found.len(), expected.len());
            // A tone that begins and ends at once holds more than itself there.
            let middle = 400..7_600;
            let worst = middle.map(|at| (found[at] - expected[at]).abs()).fold(0.0, f32::max);
            assert!(worst < 2e-3, "{rate}: {worst}");
        }
    }

    #[test]
    fn what_the_new_rate_cannot_hold_is_gone_and_not_folded_down() {
        for (rate, hertz) in [(44_100, 10_000.0), (48_000, 15_000.0), (96_000, 30_000.0)] {
            let found = resampled(&tone(hertz, rate, 0.5), rate, 4_096);
            let loudest = found[400..7_600].iter().fold(0.0_f32, |most, sample| most.max(sample.abs()));
            assert!(loudest < 1e-3, "{rate}: {loudest}");
        }
    }

    #[test]
    fn chunks_make_no_difference() {
        let samples = tone(440.0, 44_100, 0.2);
        let whole = resampled(&samples, 44_100, samples.len());
        for chunk in [1, 7, 1_152] {
            assert!(resampled(&samples, 44_100, chunk) == whole, "{chunk}");
        }
    }

    #[test]
    fn rates_that_nobody_records_at_are_refused() {
        for hertz in [0, 1, 3_999, 384_001, u32::MAX] {
            assert_eq!(Resampler::new(hertz, 16_000).err(), Some(AudioError::SampleRate { hertz }));
        }
    }
}
