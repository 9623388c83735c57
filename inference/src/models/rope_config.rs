//! Rotary settings, from both generations of keys.

use crate::layers::{RopeScaling, RotaryConfig};
use crate::weights::{ConfigError, HfConfig};

use super::architecture::{Architecture, RopeLayers, SecondRope};
use super::windows::LayerWindows;

/// `no_rope_layer_interval` where it is missing.
const DEFAULT_NO_ROPE_INTERVAL: usize = 4;
/// Betas of yarn where they are missing.
const DEFAULT_BETAS: [f64; 2] = [32.0, 1.0];

/// The model's rotations: one, or one for layers that see all and one for those that slide.
///
/// # Errors
/// If a key is malformed, or a type of scaling unknown.
pub(super) fn rotations(
    config: &HfConfig,
    row: &Architecture,
    (head_dim, max_positions): (usize, usize),
) -> Result<Vec<RotaryConfig>, ConfigError> {
    // `rope_parameters` is the newer spelling of `rope_theta` and `rope_scaling`.
    let newer = config.section("rope_parameters");
    let nested = |kind: &str| newer.as_ref().and_then(|section| section.section(kind));
    let section = nested("full_attention").or_else(|| newer.clone()).or_else(|| config.section("rope_scaling"));
    let reader = Reader { config, section: section.unwrap_or_default(), row, head_dim, max_positions };
    let first = reader.read()?;
    let second = match (nested("sliding_attention"), row.rope.second) {
        (_, SecondRope::Same) => return Ok(vec![first]),
        (Some(section), _) => Reader { section, ..reader }.read()?,
        (None, SecondRope::Unscaled) => RotaryConfig { scaling: RopeScaling::None, ..first.clone() },
        (None, SecondRope::OwnBase(key, default)) => {
            let theta = config.number(key)?.unwrap_or(default);
            RotaryConfig { theta, scaling: RopeScaling::None, ..first.clone() }
        }
    };
    Ok(vec![first, second])
}

/// Which rotation each layer uses.
///
/// # Errors
/// If the list of layers does not fit the model.
pub(super) fn layer_rotations(
    config: &HfConfig,
    row: &Architecture,
    windows: &LayerWindows,
) -> Result<Vec<Option<usize>>, ConfigError> {
    let slides = &windows.slides;
    let any = slides.contains(&true);
    let rotates: Vec<bool> = match row.rope.layers {
        RopeLayers::All => vec![true; slides.len()],
        RopeLayers::Sliding => slides.clone(),
        RopeLayers::SlidingIfAny => slides.iter().map(|slides| *slides || !any).collect(),
        RopeLayers::Listed => match config.counts("no_rope_layers")?.filter(|list| !list.is_empty()) {
            Some(list) if list.len() != slides.len() => {
                return Err(ConfigError::WrongValue {
                    key: "no_rope_layers".to_owned(),
                    found: format!("{} entries long", list.len()),
                    expected: "one entry for each of num_hidden_layers",
                });
            }
            // One means that there is a rotation, whatever the name says.
            Some(list) => list.into_iter().map(|rotates| rotates != 0).collect(),
            None => {
                let every = config.size("no_rope_layer_interval")?.unwrap_or(DEFAULT_NO_ROPE_INTERVAL);
                (1..=slides.len()).map(|layer| layer % every != 0).collect()
            }
        },
    };
    let second = row.rope.second != SecondRope::Same;
    let rotation = |(rotates, slides): (bool, &bool)| rotates.then_some(usize::from(second && *slides));
    Ok(rotates.into_iter().zip(slides).map(rotation).collect())
}

/// What scores are multiplied with where yarn stretches DeepSeek's heads.
pub(super) fn latent_score_factor(config: &HfConfig) -> Result<f64, ConfigError> {
    let section = config.section("rope_parameters").or_else(|| config.section("rope_scaling")).unwrap_or_default();
    if kind(&section)? == "default" {
        return Ok(1.0);
    }
    let all_dims = section.amount("mscale_all_dim")?.unwrap_or(0.0);
    let factor = section.number("factor")?.unwrap_or(1.0);
    Ok(if all_dims > 0.0 { yarn_scale(factor, all_dims).powi(2) } else { 1.0 })
}

fn kind(section: &HfConfig) -> Result<&str, ConfigError> {
    let kind = match section.text("rope_type")? {
        Some(kind) => Some(kind),
        None => section.text("type")?,
    };
    Ok(kind.unwrap_or("default"))
}

fn yarn_scale(factor: f64, mscale: f64) -> f64 {
    if factor <= 1.0 { 1.0 } else { 0.1 * mscale * factor.ln() + 1.0 }
}

struct Reader<'a> {
    config: &'a HfConfig,
    section: HfConfig,
    row: &'a Architecture,
    head_dim: usize,
    max_positions: usize,
}

impl Reader<'_> {
    fn read(&self) -> Result<RotaryConfig, ConfigError> {
        let theta = match self.section.number("rope_theta")? {
            Some(theta) => theta,
            None => self.first(&["rope_theta", "rotary_emb_base"])?.unwrap_or(self.row.defaults.theta),
        };
        let partial = match self.section.number("partial_rotary_factor")? {
            Some(partial) => Some(partial),
            None => self.first(&["partial_rotary_factor", "rotary_pct", "rope_pct"])?,
        };
        let partial = partial.unwrap_or(self.row.defaults.partial_rotary);
        let dim = (self.head_dim as f64 * partial) as usize;
        if dim == 0 || !dim.is_multiple_of(2) || dim > self.head_dim {
            return Err(ConfigError::WrongValue {
                key: "partial_rotary_factor".to_owned(),
                found: format!("{partial} of heads of {}", self.head_dim),
                expected: "an even number of dimensions",
            });
        }
        let implied = self.row.rope.interleaved;
        let stated = if self.row.knows("rope_interleave") { self.config.flag("rope_interleave")? } else { None };
        let interleaved = stated.unwrap_or(implied);
        Ok(RotaryConfig { theta, dim, interleaved, scaling: self.scaling(dim)? })
    }

    fn first(&self, keys: &[&str]) -> Result<Option<f64>, ConfigError> {
        keys.iter().find(|key| self.config.value(key).is_some()).map_or(Ok(None), |key| self.config.number(key))
    }

    fn scaling(&self, dim: usize) -> Result<RopeScaling, ConfigError> {
        let number = |key: &'static str| self.section.number(key)?.ok_or(ConfigError::Missing { key });
        if self.section.value("mrope_section").is_some() {
            return Err(ConfigError::Unsupported { feature: "mrope_section".to_owned() });
        }
        match kind(&self.section)? {
            "default" => Ok(RopeScaling::None),
            "linear" => Ok(RopeScaling::Linear { factor: number("factor")? }),
            // Without an alpha it starts beyond the model's context, where nothing is served.
            "dynamic" => match self.section.number("alpha")? {
                Some(alpha) => Ok(RopeScaling::StaticNtk { alpha }),
                None => Ok(RopeScaling::None),
            },
            "llama3" => Ok(RopeScaling::Llama3 {
                factor: number("factor")?,
                low_freq_factor: number("low_freq_factor")?,
                high_freq_factor: number("high_freq_factor")?,
                original_context: self.original_context()?,
            }),
            // Some of Phi-3's files call it by another's name.
            "yarn" if self.section.value("short_factor").is_none() => self.yarn(),
            "longrope" | "su" | "yarn" => self.longrope(dim),
            other => Err(ConfigError::Unsupported { feature: format!("rope type {other}") }),
        }
    }

    fn original_context(&self) -> Result<f64, ConfigError> {
        let key = "original_max_position_embeddings";
        Ok(match self.config.number(key)? {
            Some(context) => context,
            None => self.section.number(key)?.unwrap_or(self.max_positions as f64),
        })
    }

    fn factor(&self) -> Result<f64, ConfigError> {
        Ok(match self.section.number("factor")? {
            Some(factor) => factor,
            None => self.max_positions as f64 / self.original_context()?,
        })
    }

    fn yarn(&self) -> Result<RopeScaling, ConfigError> {
        let factor = self.factor()?;
        let mscale = self.section.amount("mscale")?.filter(|scale| *scale > 0.0);
        let all_dims = self.section.amount("mscale_all_dim")?.filter(|scale| *scale > 0.0);
        let attention_factor = match (self.section.number("attention_factor")?, mscale.zip(all_dims)) {
            (Some(factor), _) => factor,
            (None, Some((mscale, all_dims))) => yarn_scale(factor, mscale) / yarn_scale(factor, all_dims),
            (None, None) => yarn_scale(factor, 1.0),
        };
        Ok(RopeScaling::Yarn {
            factor,
            original_context: self.original_context()?,
            beta_fast: self.section.number("beta_fast")?.unwrap_or(DEFAULT_BETAS[0]),
            beta_slow: self.section.number("beta_slow")?.unwrap_or(DEFAULT_BETAS[1]),
            truncate: self.section.flag("truncate")?.unwrap_or(true),
            attention_factor,
        })
    }

    fn longrope(&self, dim: usize) -> Result<RopeScaling, ConfigError> {
        let list = |key: &'static str| {
            let factors = self.section.numbers(key)?.ok_or(ConfigError::Missing { key })?;
            if factors.len() == dim / 2 {
                return Ok(factors);
            }
            let found = format!("{} entries long", factors.len());
            Err(ConfigError::WrongValue {
                key: key.to_owned(),
                found,
                expected: "one entry for each pair of dimensions",
            })
        };
        let original_context = self.original_context()?;
        let factor = self.factor()?;
        let derived = if factor <= 1.0 { 1.0 } else { (1.0 + factor.ln() / original_context.ln()).sqrt() };
        let stated = self.section.number("attention_factor")?.unwrap_or(derived);
        let of = |key| Ok::<_, ConfigError>(self.section.number(key)?.unwrap_or(stated));
        Ok(RopeScaling::LongRope {
            short: list("short_factor")?,
            long: list("long_factor")?,
            original_context,
            attention_factors: [of("short_mscale")?, of("long_mscale")?],
        })
    }
}
