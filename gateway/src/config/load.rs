//! From a path to a checked [`Config`].

use std::path::{Path, PathBuf};

use super::ConfigError;
use super::error::line_of;
use super::file::ConfigFile;
use super::validate::{Config, Invalid, validate};
use crate::pii::{CustomEntity, Entity};

/// Read when it exists and no `--config` is given; without it the defaults hold.
pub const DEFAULT_PATH: &str = "shekara.toml";

/// A configuration and the file that it came from, if there was one.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    pub path: Option<PathBuf>,
}

/// Loads `path`, or [`DEFAULT_PATH`] if it exists, or the defaults.
///
/// # Errors
/// The file cannot be read, is no TOML, has an unknown key or contradicts itself.
pub fn load(path: Option<&Path>) -> Result<Loaded, ConfigError> {
    let path = match path {
        Some(path) => path.to_owned(),
        None if Path::new(DEFAULT_PATH).exists() => PathBuf::from(DEFAULT_PATH),
        None => return Ok(Loaded { config: parse("", Path::new("defaults"))?, path: None }),
    };
    let text =
        std::fs::read_to_string(&path).map_err(|source| ConfigError::Unreadable { path: path.clone(), source })?;
    Ok(Loaded { config: parse(&text, &path)?, path: Some(path) })
}

/// Parses and checks the text of a configuration; `path` is only named in errors.
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
    let at = |offset: Option<usize>, message: String| match offset {
        Some(offset) => ConfigError::At { path: path.to_owned(), line: line_of(text, offset), message },
        None => ConfigError::Whole { path: path.to_owned(), message },
    };
    declare_entities(text);
    let file: ConfigFile = toml::from_str(text)
        .map_err(|error| at(error.span().map(|span| span.start), error.message().replace('\n', " ")))?;
    validate(file).map_err(|Invalid { offset, message }| at(offset, message))
}

/// Makes the names of the file's own entities known, so that its tables may use them wherever they stand. Names that
/// cannot be entities are refused later, with their line.
fn declare_entities(text: &str) {
    let Ok(table) = text.parse::<toml::Table>() else { return };
    let recognizers =
        table.get("privacy").and_then(|privacy| privacy.get("recognizers")).and_then(toml::Value::as_array);
    for recognizer in recognizers.into_iter().flatten() {
        let name = recognizer.get("entity").and_then(toml::Value::as_str).unwrap_or_default();
        if Entity::BUILT_IN.iter().all(|entity| entity.as_str() != name) {
            let _ = CustomEntity::declare(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Zone;

    fn refused(text: &str) -> String {
        parse(text, Path::new("shekara.toml")).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let message = refused("[server]\nlisten = \"127.0.0.1:1\"\nlisen = 1\n");
        assert!(message.starts_with("shekara.toml:3: ") && message.contains("lisen"), "{message}");
        let message =
            refused("[[providers]]\nname = \"a\"\nkind = \"openai\"\n\n[[providers]]\nname = \"b\"\nkimd = 1\n");
        assert!(message.starts_with("shekara.toml:7: "), "{message}");
    }

    #[test]
    fn a_secret_in_the_file_is_refused_without_repeating_it() {
        let message = refused("[[providers]]\nname = \"a\"\nkind = \"openai\"\napi_key = \"sk-very-secret\"\n");
        assert!(message.starts_with("shekara.toml:4: ") && !message.contains("very-secret"), "{message}");
    }

    #[test]
    fn numbers_out_of_range_are_named_with_their_line() {
        for text in ["[server]\nmax_in_flight = 0", "[server]\nmax_in_flight = 9223372036854775807"] {
            assert!(refused(text).starts_with("shekara.toml:2: max_in_flight"), "{}", refused(text));
        }
    }

    #[test]
    fn targets_must_exist_and_sensitive_ones_stay_inside() {
        let provider =
            "[[providers]]\nname = \"a\"\nkind = \"openai-compatible\"\nbase_url = \"http://127.0.0.1:1/v1\"\n";
        let route = |extra: &str| format!("{provider}[[routes]]\nmodel = \"m\"\n{extra}\n");
        assert!(refused(&route("targets = [{ provider = \"b\", model = \"x\" }]")).contains("'b'"));
        assert!(refused(&route("targets = []")).starts_with("shekara.toml:7: "));
        let outside =
            "targets = [{ provider = \"a\", model = \"x\" }]\nsensitive = [{ provider = \"a\", model = \"x\" }]";
        assert!(refused(&route(outside)).contains("external"));
        let fine =
            "targets = [{ provider = \"a\", model = \"x\" }]\nsensitive = [{ provider = \"local\", model = \"x\" }]";
        assert!(parse(&route(fine), Path::new("x")).is_ok());
    }

    #[test]
    fn a_zone_inside_the_border_is_checked_against_the_address() {
        let text = |url: &str, zone: &str, nets: &str| {
            format!(
                "[network]\nin_country = [{nets}]\n[[providers]]\nname = \"v\"\nkind = \"openai-compatible\"\nbase_url = \"{url}\"\nzone = \"{zone}\"\n"
            )
        };
        assert!(refused(&text("http://8.8.8.8/v1", "local", "\"10.0.0.0/8\"")).contains("in_country"));
        assert!(parse(&text("http://10.1.2.3/v1", "in-country", "\"10.0.0.0/8\""), Path::new("x")).is_ok());
        assert!(parse(&text("http://127.0.0.1:9/v1", "local", ""), Path::new("x")).is_ok());
        for url in ["http://134744072/v1", "http://0x08080808/v1", "http://8.8.2056/v1", "http://[::ffff:8.8.8.8]/v1"] {
            assert!(refused(&text(url, "local", "\"10.0.0.0/8\"")).contains("in_country"), "{url}");
        }
        assert!(refused("[[providers]]\nname = \"o\"\nkind = \"openai\"\nzone = \"local\"\n").contains("external"));
    }

    #[test]
    fn clouds_are_external_by_their_kind_or_preset() {
        let provider = |rest: &str| format!("[[providers]]\nname = \"p\"\n{rest}\n");
        for kind in ["gemini", "mistral", "azure-openai\"\nbase_url = \"http://127.0.0.1"] {
            let text = provider(&format!("kind = \"{kind}\""));
            assert_eq!(parse(&text, Path::new("x")).unwrap().providers[0].zone, Zone::External);
            assert!(refused(&provider(&format!("zone = \"local\"\nkind = \"{kind}\""))).contains("external"));
        }
        let preset =
            |name: &str| provider(&format!("kind = \"openai-compatible\"\npreset = \"{name}\"\nzone = \"local\""));
        assert!(refused(&preset("deepseek")).contains("external"));
        let own = parse(&preset("ollama"), Path::new("x")).unwrap();
        assert_eq!((own.providers[0].zone, &*own.providers[0].base_url), (Zone::Local, "http://127.0.0.1:11434/v1"));
        for (text, words) in [
            ("kind = \"openai\"\npreset = \"groq\"", "openai-compatible"),
            ("kind = \"openai\"\napi_version = \"2024-10-21\"", "azure-openai"),
            (
                "kind = \"azure-openai\"\nbase_url = \"https://x.openai.azure.com\"\napi_version = \"1&x=y\"",
                "api_version",
            ),
            ("kind = \"azure-openai\"", "base_url"),
        ] {
            assert!(refused(&provider(text)).contains(words), "{text}");
        }
    }

    #[test]
    fn entities_of_the_file_are_known_to_all_of_it() {
        let text = "[privacy.entities]\nbadge_id = \"block\"\n[[privacy.recognizers]]\nentity = \"badge_id\"\npattern = 'b-\\d{6}'\n";
        assert!(parse(text, Path::new("x")).is_ok(), "{:?}", parse(text, Path::new("x")));
        assert!(refused("[privacy.entities]\nbadge_no = \"block\"\n").contains("badge_no"));
        let bad = |pattern: &str| format!("[[privacy.recognizers]]\nentity = \"badge_id\"\npattern = '{pattern}'\n");
        assert!(refused(&bad("(")).starts_with("shekara.toml:3: "), "{}", refused(&bad("(")));
        assert!(refused(&bad("x*")).contains("empty"));
        for name in ["iin", "Bad Name"] {
            let text = format!("[[privacy.recognizers]]\nentity = \"{name}\"\npattern = 'x'\n");
            assert!(refused(&text).starts_with("shekara.toml:2: "), "{}", refused(&text));
        }
    }

    #[cfg(feature = "local-engine")]
    #[test]
    fn the_example_file_is_valid() {
        let text = include_str!("../../../shekara.example.toml");
        parse(text, Path::new("shekara.example.toml")).unwrap();
    }
}
