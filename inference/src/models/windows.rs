//! How far back each layer looks, from the several ways in which `config.json` says so.
//!
//! A window of `w` is transformers' `sliding_window`: a token sees `w` tokens, itself and those
//! right before it.

use crate::weights::{ConfigError, HfConfig};

use super::architecture::SlidingWindow;

/// What transformers takes where `max_window_layers` is missing.
const DEFAULT_MAX_WINDOW_LAYERS: usize = 28;

/// Which layers slide, and how far those see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LayerWindows {
    /// One for each layer; none slides where the model has no window.
    pub slides: Vec<bool>,
    /// The window of those that slide; none where it is as long as the context.
    pub window: Option<usize>,
}

impl LayerWindows {
    /// # Errors
    /// If a key is malformed, or the list of layers does not fit the model.
    pub(super) fn read(
        config: &HfConfig,
        (rule, default): (SlidingWindow, Option<usize>),
        num_layers: usize,
        max_positions: usize,
    ) -> Result<Self, ConfigError> {
        let on = match rule {
            SlidingWindow::Never => false,
            SlidingWindow::WhereStated | SlidingWindow::AllButEvery(_) => true,
            SlidingWindow::WhereSwitchedOn => config.flag("use_sliding_window")?.unwrap_or(false),
        };
        let none = Self { slides: vec![false; num_layers], window: None };
        if !on {
            return Ok(none);
        }
        let window = match config.size("sliding_window")? {
            None if !config.is_null("sliding_window") => default,
            stated => stated,
        };
        let Some(window) = window else { return Ok(none) };
        let slides = match (layer_types(config, num_layers)?, rule) {
            (Some(slides), _) => slides,
            (None, SlidingWindow::WhereSwitchedOn) => {
                let first = config.count("max_window_layers")?.unwrap_or(DEFAULT_MAX_WINDOW_LAYERS);
                (0..num_layers).map(|layer| layer >= first).collect()
            }
            (None, SlidingWindow::AllButEvery(default)) => {
                let every = pattern(config)?.unwrap_or(default);
                (0..num_layers).map(|layer| (layer + 1) % every != 0).collect()
            }
            (None, _) => vec![true; num_layers],
        };
        // Within a window as long as the context nothing is ever out of sight.
        Ok(Self { slides, window: Some(window).filter(|window| *window < max_positions) })
    }

    pub(super) fn of(&self, layer: usize) -> Option<usize> {
        self.window.filter(|_| self.slides[layer])
    }
}

/// `sliding_window_pattern`: a number, or letters of which the last names the layers that see all.
fn pattern(config: &HfConfig) -> Result<Option<usize>, ConfigError> {
    let key = "sliding_window_pattern";
    match config.value(key).and_then(|value| value.as_str()) {
        None => config.size(key),
        Some(letters) if letters.ends_with('G') && letters[..letters.len() - 1].chars().all(|letter| letter == 'L') => {
            Ok(Some(letters.len()))
        }
        Some(letters) => Err(ConfigError::Unsupported { feature: format!("{key} {letters}") }),
    }
}

/// The newer spelling: a list that says of each layer whether it slides.
fn layer_types(config: &HfConfig, num_layers: usize) -> Result<Option<Vec<bool>>, ConfigError> {
    let Some(types) = config.texts("layer_types")? else { return Ok(None) };
    if types.len() != num_layers {
        return Err(ConfigError::WrongValue {
            key: "layer_types".to_owned(),
            found: format!("{} entries long", types.len()),
            expected: "one entry for each of num_hidden_layers",
        });
    }
    let slides = types.into_iter().map(|kind| match kind {
        "sliding_attention" => Ok(true),
        "full_attention" => Ok(false),
        other => Err(ConfigError::Unsupported { feature: format!("layer type {other}") }),
    });
    slides.collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn windows(rule: SlidingWindow, values: &Value) -> Result<Vec<Option<usize>>, ConfigError> {
        let values = values.as_object().expect("an object").clone();
        let windows = LayerWindows::read(&HfConfig::from_values(values), (rule, Some(4096)), 3, 100_000)?;
        Ok((0..3).map(|layer| windows.of(layer)).collect())
    }

    const ALL: [Option<usize>; 3] = [None; 3];

    #[test]
    fn mistral_slides_everywhere_unless_it_says_null() {
        let windows = |values| windows(SlidingWindow::WhereStated, &values).expect("valid");
        assert_eq!(windows(json!({"sliding_window": 24})), [Some(24); 3]);
        assert_eq!(windows(json!({"sliding_window": null})), ALL);
        assert_eq!(windows(json!({})), [Some(4096); 3]);
        assert_eq!(windows(json!({"sliding_window": 99_999})), [Some(99_999); 3]);
        assert_eq!(windows(json!({"sliding_window": 100_000})), ALL);
    }

    #[test]
    fn qwen_slides_from_a_layer_on_if_switched_on() {
        let windows = |values| windows(SlidingWindow::WhereSwitchedOn, &values).expect("valid");
        assert_eq!(windows(json!({"sliding_window": 24})), ALL);
        assert_eq!(windows(json!({"use_sliding_window": false, "sliding_window": 24, "max_window_layers": 0})), ALL);
        let on = |first| windows(json!({"use_sliding_window": true, "sliding_window": 24, "max_window_layers": first}));
        assert_eq!(on(json!(0)), [Some(24); 3]);
        assert_eq!(on(json!(2)), [None, None, Some(24)]);
        assert_eq!(on(json!(7)), ALL);
        assert_eq!(on(Value::Null), ALL);
        let null = json!({"use_sliding_window": true, "sliding_window": null, "max_window_layers": 0});
        assert_eq!(windows(null), ALL);
    }

    #[test]
    fn a_list_of_layer_types_goes_before_all_else() {
        let types = json!(["sliding_attention", "full_attention", "sliding_attention"]);
        let mixed = [Some(24), None, Some(24)];
        let stated = json!({"sliding_window": 24, "layer_types": types});
        assert_eq!(windows(SlidingWindow::WhereStated, &stated).expect("valid"), mixed);
        let switched = json!({"sliding_window": 24, "layer_types": types, "use_sliding_window": true,
            "max_window_layers": 0});
        assert_eq!(windows(SlidingWindow::WhereSwitchedOn, &switched).expect("valid"), mixed);
        assert_eq!(windows(SlidingWindow::Never, &stated).expect("valid"), ALL);
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let message = |values: Value| windows(SlidingWindow::WhereStated, &values).expect_err("refused").to_string();
        assert!(message(json!({"sliding_window": 0})).contains("sliding_window"));
        assert!(message(json!({"sliding_window": "4096"})).contains("sliding_window"));
        assert!(message(json!({"layer_types": ["full_attention"]})).contains("num_hidden_layers"));
        assert!(message(json!({"layer_types": "full_attention"})).contains("layer_types"));
        let unknown = json!({"layer_types": ["full_attention", "linear_attention", "full_attention"]});
        assert!(message(unknown).contains("linear_attention"));
    }

    #[test]
    fn every_nth_layer_sees_all_by_number_or_by_letters() {
        let windows = |values| windows(SlidingWindow::AllButEvery(2), &values);
        let valid = |values| windows(values).expect("valid");
        assert_eq!(valid(json!({"sliding_window": 24})), [Some(24), None, Some(24)]);
        let third = [Some(24), Some(24), None];
        assert_eq!(valid(json!({"sliding_window": 24, "sliding_window_pattern": 3})), third);
        assert_eq!(valid(json!({"sliding_window": 24, "sliding_window_pattern": "LLG"})), third);
        assert_eq!(valid(json!({"sliding_window": null})), ALL);
        let refused = windows(json!({"sliding_window": 24, "sliding_window_pattern": "GLG"})).expect_err("refused");
        assert!(refused.to_string().contains("GLG"));
    }
}
