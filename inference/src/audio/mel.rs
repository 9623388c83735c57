//! Slaney's mel filterbank (Auditory Toolbox, 1998), as transformers builds it: triangles of equal area, linear below
//! 1 kHz and logarithmic above.

/// Hertz per mel in the linear part.
const LINEAR: f64 = 200.0 / 3.0;
const BREAK_HERTZ: f64 = 1_000.0;
const BREAK_MEL: f64 = BREAK_HERTZ / LINEAR;
/// The logarithm's step per mel is ln(6.4) / 27.
const LOG_RATIO: f64 = 6.4;
const LOG_MELS: f64 = 27.0;

/// One triangle: the first bin that it covers, and the weights from there.
struct Band {
    first: usize,
    weights: Vec<f64>,
}

pub(super) struct MelFilters {
    bands: Vec<Band>,
}

impl MelFilters {
    /// `num_bands` triangles from 0 Hz to half of `sample_rate` over `num_bins` bins.
    pub(super) fn new(num_bands: usize, num_bins: usize, sample_rate: f64) -> Self {
        let highest = sample_rate / 2.0;
        let last = mel(highest);
        let edges: Vec<f64> =
            (0..num_bands + 2).map(|edge| hertz(last * edge as f64 / (num_bands + 1) as f64)).collect();
        let bin_hertz = |bin: usize| highest * bin as f64 / (num_bins - 1) as f64;
        let band = |edges: &[f64]| {
            let area = 2.0 / (edges[2] - edges[0]);
            let weight = |bin: usize| {
                let at = bin_hertz(bin);
                let (up, down) = ((at - edges[0]) / (edges[1] - edges[0]), (edges[2] - at) / (edges[2] - edges[1]));
                up.min(down).max(0.0) * area
            };
            let first = (0..num_bins).find(|bin| weight(*bin) > 0.0).unwrap_or(num_bins);
            let weights = (first..num_bins).map(weight).take_while(|weight| *weight > 0.0).collect();
            Band { first, weights }
        };
        Self { bands: edges.windows(3).map(band).collect() }
    }

    pub(super) fn num_bands(&self) -> usize {
        self.bands.len()
    }

    /// What each band holds of a power spectrum.
    pub(super) fn apply<'a>(&'a self, power: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        self.bands.iter().map(|band| {
            let covered = &power[band.first.min(power.len())..];
            band.weights.iter().zip(covered).map(|(weight, power)| weight * power).sum()
        })
    }
}

fn mel(hertz: f64) -> f64 {
    if hertz < BREAK_HERTZ {
        return hertz / LINEAR;
    }
    BREAK_MEL + (hertz / BREAK_HERTZ).ln() * LOG_MELS / LOG_RATIO.ln()
}

fn hertz(mel: f64) -> f64 {
    if mel < BREAK_MEL {
        return mel * LINEAR;
    }
    BREAK_HERTZ * ((mel - BREAK_MEL) * LOG_RATIO.ln() / LOG_MELS).exp()
}
