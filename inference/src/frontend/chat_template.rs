//! Hugging Face chat templates: Jinja rendered as transformers does, within a bound.

use std::path::Path;

use jiff::Timestamp;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, ErrorKind};
use serde_json::{Map, Value, json};

use crate::weights::{GgufMetadata, HfConfig};

use super::gguf_tokenizer;
use super::template_functions::{self, REFUSAL};
use super::{FrontendError, TemplateError};

/// Steps of one rendering: thousands of messages fit, an endless loop does not.
const FUEL: u64 = 5_000_000;
const NAME: &str = "chat";

/// A parsed template with the tokens it may name.
pub(super) struct ChatTemplate {
    environment: Environment<'static>,
    source: String,
    constants: Map<String, Value>,
}

impl ChatTemplate {
    /// Finds and parses the template of a model's folder. `now` is what `strftime_now` formats.
    ///
    /// # Errors
    /// If there is none, or it does not parse.
    pub(super) fn load(directory: &Path, now: fn() -> Timestamp) -> Result<Self, FrontendError> {
        let path = directory.join("tokenizer_config.json");
        let config = if path.exists() { HfConfig::read(&path)? } else { HfConfig::default() };
        let source = find(directory, &config)?.ok_or(FrontendError::NoTemplate)?;
        Self::parse(&source, special_tokens(&config), now)
    }

    /// Parses the template of a GGUF file.
    ///
    /// # Errors
    /// If there is none, or it does not parse.
    pub(super) fn of_gguf(metadata: &GgufMetadata, now: fn() -> Timestamp) -> Result<Self, FrontendError> {
        let source = metadata.text("tokenizer.chat_template").ok_or(FrontendError::NoTemplate)?;
        Self::parse(source, gguf_tokenizer::special_tokens(metadata), now)
    }

    pub(super) fn parse(
        source: &str,
        constants: Map<String, Value>,
        now: fn() -> Timestamp,
    ) -> Result<Self, FrontendError> {
        let mut environment = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| FrontendError::BadTemplate { reason: error.to_string() })?);
        environment.set_fuel(Some(FUEL));
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        template_functions::add(&mut environment, now);
        environment
            .add_template_owned(NAME, without_generation_marks(source))
            .map_err(|error| FrontendError::BadTemplate { reason: error.to_string() })?;
        Ok(Self { environment, source: source.to_owned(), constants })
    }

    /// The template as it stands in the model's folder.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Renders messages, with the opening of the answer at the end if that is wanted. `variables`
    /// are what else the template may name.
    ///
    /// # Errors
    /// If the template refuses the messages, runs out of fuel or fails.
    pub(super) fn render(
        &self,
        messages: Value,
        variables: Map<String, Value>,
        opens_answer: bool,
    ) -> Result<String, TemplateError> {
        self.run(messages, variables, opens_answer).map_err(|error| match error.kind() {
            _ if error.detail().is_some_and(|detail| detail.starts_with(REFUSAL)) => TemplateError::Refused,
            ErrorKind::OutOfFuel => TemplateError::OutOfFuel,
            kind => TemplateError::Failed { kind: kind.to_string() },
        })
    }

    /// Renders a conversation of one plain message, which every sound template does.
    ///
    /// # Errors
    /// If this one does not; with the template's own words, as there is no prompt to quote.
    pub(super) fn render_plain(&self) -> Result<String, FrontendError> {
        let messages = json!([{"role": "user", "content": "x"}]);
        self.run(messages, Map::new(), true)
            .map_err(|error| FrontendError::FailingTemplate { reason: error.to_string() })
    }

    fn run(
        &self,
        messages: Value,
        variables: Map<String, Value>,
        opens_answer: bool,
    ) -> Result<String, minijinja::Error> {
        let mut context = variables;
        // What the model's folder says stands above what a caller sends.
        context.extend(self.constants.clone());
        context.insert("messages".to_owned(), messages);
        context.insert("add_generation_prompt".to_owned(), Value::Bool(opens_answer));
        self.environment.get_template(NAME)?.render(Serde(Value::Object(context)))
    }
}

/// The newest of the three places wins, as in transformers.
fn find(directory: &Path, config: &HfConfig) -> Result<Option<String>, FrontendError> {
    let path = directory.join("chat_template.jinja");
    if path.exists() {
        let text = std::fs::read_to_string(&path).map_err(|source| FrontendError::Io { path, source })?;
        return Ok(Some(text));
    }
    let path = directory.join("chat_template.json");
    if path.exists() {
        let text = HfConfig::read(&path)?.text("chat_template")?.map(str::to_owned);
        if text.is_some() {
            return Ok(text);
        }
    }
    Ok(match config.value("chat_template") {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Array(named)) => {
            let default = named.iter().find(|entry| entry["name"] == "default").or(named.first());
            default.and_then(|entry| entry["template"].as_str()).map(str::to_owned)
        }
        _ => None,
    })
}

/// `bos_token` and its like: a string, or an object that holds one.
fn special_tokens(config: &HfConfig) -> Map<String, Value> {
    let mut tokens = Map::new();
    for key in ["bos_token", "eos_token", "pad_token", "unk_token"] {
        let value = config.value(key);
        let text = value.and_then(|value| value.as_str().or_else(|| value["content"].as_str()));
        if let Some(text) = text {
            tokens.insert(key.to_owned(), Value::String(text.to_owned()));
        }
    }
    tokens
}

/// `{% generation %}` marks what to train on; it has no meaning here and no place in the grammar.
fn without_generation_marks(source: &str) -> String {
    let mut text = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find("{%") {
        let Some(length) = rest[start..].find("%}") else { break };
        let end = start + length + 2;
        let inner = rest[start + 2..end - 2].trim_matches(['-', '+']).trim();
        let marks = matches!(inner, "generation" | "endgeneration");
        text.push_str(&rest[..if marks { start } else { end }]);
        rest = &rest[end..];
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
#[path = "chat_template_tests.rs"]
mod tests;
