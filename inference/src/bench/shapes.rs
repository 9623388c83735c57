//! Shapes of real models: their `config.json`, as far as it says what is computed.

use serde_json::{Map, Value};

const DATA: &str = include_str!("shapes.json");

fn all() -> Map<String, Value> {
    // A test reads it: what is built in is valid.
    serde_json::from_str(DATA).unwrap_or_default()
}

/// The configuration of a shape; `None` if there is none of this name.
pub fn shape(name: &str) -> Option<Map<String, Value>> {
    all().get(name)?.as_object().cloned()
}

/// In the order of the table.
pub fn shape_names() -> Vec<String> {
    all().keys().cloned().collect()
}

#[cfg(test)]
mod tests {
    use crate::hub::KnownModels;
    use crate::models::{Decoder, DecoderConfig};
    use crate::weights::HfConfig;

    use super::*;

    #[test]
    fn every_shape_is_computed_and_as_large_as_its_model() {
        assert!(shape("none").is_none());
        let known = KnownModels::load();
        let mut compared = 0;
        for name in shape_names() {
            let values = shape(&name).expect("a shape");
            let config =
                DecoderConfig::parse(&HfConfig::from_values(values)).unwrap_or_else(|error| panic!("{name}: {error}"));
            let parameters = Decoder::num_parameters(&config);
            let Some(model) = known.by_name(&name) else { continue };
            // Some files hold a tied output head twice, and Gemma's has a tower for pictures.
            let twice = if config.tied { (config.vocab_size * config.attention.hidden_size) as u64 } else { 0 };
            let ratio = |parameters: u64| (parameters as f64 / model.parameters as f64 - 1.0).abs();
            let pictures = name == "gemma-3-4b" && parameters > 3_800_000_000;
            assert!(ratio(parameters) < 0.01 || ratio(parameters + twice) < 0.01 || pictures, "{name}: {parameters}");
            compared += 1;
        }
        assert!(compared >= 10, "{compared}");
    }
}
