//! How far back each layer looks, from the several ways in which `config.json` says so.
//!
//! A window of `w` is transformers' `sliding_window`: a token sees `w` tokens, itself and those
//! right before it.

use crate::weights::{ConfigError, HfConfig};

use super::architectures::SlidingWindow;

/// What transformers takes where an architecture with windows does not name their length.
const DEFAULT_WINDOW: usize = 4096;
/// What transformers takes where `max_window_layers` is missing.
const DEFAULT_MAX_WINDOW_LAYERS: usize = 28;

/// The window of each of `num_layers` layers; none for a layer that looks at everything.
///
/// # Errors
/// If a key is malformed, or the list of layers does not fit the model.
pub(super) fn layer_windows(
    config: &HfConfig,
    rule: SlidingWindow,
    num_layers: usize,
    max_positions: usize,
) -> Result<Vec<Option<usize>>, ConfigError> {
    let on = match rule {
        SlidingWindow::Never => false,
        SlidingWindow::WhereStated => true,
        SlidingWindow::WhereSwitchedOn => config.flag("use_sliding_window")?.unwrap_or(false),
    };
    if !on {
        return Ok(vec![None; num_layers]);
    }
    let window = match config.size("sliding_window")? {
        None if !config.is_null("sliding_window") => Some(DEFAULT_WINDOW),
        stated => stated,
    };
    let slides = match layer_types(config, num_layers)? {
        Some(slides) => slides,
        None if rule == SlidingWindow::WhereSwitchedOn => {
            let first = config.count("max_window_layers")?.unwrap_or(DEFAULT_MAX_WINDOW_LAYERS);
            (0..num_layers).map(|layer| layer >= first).collect()
        }
        None => vec![true; num_layers],
    };
    // Within a window as long as the context nothing is ever out of sight.
    let window = window.filter(|window| *window < max_positions);
    Ok(slides.into_iter().map(|slides| window.filter(|_| slides)).collect())
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
        layer_windows(&HfConfig::from_values(values), rule, 3, 100_000)
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
}
