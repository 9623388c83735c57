//! The requests that every route is sent. Nothing in them is personal, so that a route's first target answers.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::probe::{Call, Wanted};

/// What a request tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    Normal,
    Streamed,
    Tool,
    Long,
    Embedding,
    Rerank,
}

/// How long prompts and answers are, in tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lengths {
    pub(super) long_prompt: u32,
    pub(super) answer: u32,
}

impl Question {
    pub(super) const OF_CHAT: [Self; 4] = [Self::Normal, Self::Streamed, Self::Tool, Self::Long];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Streamed => "streamed",
            Self::Tool => "tool",
            Self::Long => "long",
            Self::Embedding => "embedding",
            Self::Rerank => "rerank",
        }
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Normal | Self::Streamed | Self::Tool | Self::Long => "/v1/chat/completions",
            Self::Embedding => "/v1/embeddings",
            Self::Rerank => "/v1/rerank",
        }
    }

    pub(super) fn wanted(self) -> Wanted {
        match self {
            Self::Normal | Self::Tool | Self::Long => Wanted::Chat,
            Self::Streamed => Wanted::ChatStream,
            Self::Embedding => Wanted::Embeddings,
            Self::Rerank => Wanted::Rerank,
        }
    }

    pub(super) fn body(self, model: &str, lengths: Lengths) -> Value {
        let chat = |text: &str| {
            json!({
                "model": model, "max_completion_tokens": lengths.answer,
                "messages": [{ "role": "user", "content": text }],
            })
        };
        let with = |mut body: Value, members: Value| {
            if let (Some(body), Value::Object(members)) = (body.as_object_mut(), members) {
                body.extend(members);
            }
            body
        };
        match self {
            Self::Normal => chat("Say in one short sentence what a library is."),
            Self::Streamed => with(
                chat("Say in one short sentence what a bridge is."),
                json!({ "stream": true, "stream_options": { "include_usage": true } }),
            ),
            Self::Tool => with(
                chat("What will the weather be in the capital over the next three days? Use the tool."),
                json!({ "tools": [tool()], "tool_choice": "auto" }),
            ),
            Self::Long => chat(&long_text(lengths.long_prompt)),
            Self::Embedding => json!({ "model": model, "input": "A bridge leads over the river." }),
            Self::Rerank => json!({
                "model": model, "query": "What leads over the river?",
                "documents": ["A bridge leads over the river.", "A library lends books."],
            }),
        }
    }
}

/// About as many tokens as wanted: a word of plain English is one, more in tokenizers made for other languages.
fn long_text(tokens: u32) -> String {
    const SENTENCE: &str = "The river carries water past the mill and under the old bridge. ";
    const WORDS: u32 = 12;
    let times = usize::try_from(tokens.div_ceil(WORDS)).unwrap_or(usize::MAX);
    format!("{}\nSay in one short sentence what the text is about.", SENTENCE.repeat(times))
}

const TOOL: &str = "weather_forecast";

fn tool() -> Value {
    json!({ "type": "function", "function": {
        "name": TOOL,
        "description": "The forecast for a place.",
        "parameters": {
            "type": "object",
            "properties": {
                "place": { "type": "string", "description": "A town, or what it is to a country." },
                "days": { "type": "integer", "minimum": 1, "maximum": 7 },
                "unit": { "type": "string", "enum": ["celsius", "fahrenheit"] },
            },
            "required": ["place", "days"],
            "additionalProperties": false,
        },
    } })
}

/// What [`tool`]'s schema takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    place: String,
    days: u8,
    #[serde(default, rename = "unit")]
    _unit: Option<Unit>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    Celsius,
    Fahrenheit,
}

/// Why a call does not fit the tool, if it does not.
pub(super) fn misfit(call: &Call) -> Option<String> {
    if call.name != TOOL {
        return Some("a tool was called that there is not".to_owned());
    }
    if serde_json::from_str::<Value>(&call.arguments).is_err() {
        return Some("the tool's arguments are no JSON".to_owned());
    }
    match serde_json::from_str::<Arguments>(&call.arguments) {
        Ok(arguments) if !(1..=7).contains(&arguments.days) || arguments.place.is_empty() => {
            Some("the tool's arguments are out of their range".to_owned())
        }
        Ok(_) => None,
        Err(_) => Some("the tool's arguments do not fit its schema".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(name: &str, arguments: &str) -> Option<String> {
        misfit(&Call { name: name.to_owned(), arguments: arguments.to_owned() })
    }

    #[test]
    fn arguments_are_held_against_the_schema() {
        assert_eq!(call(TOOL, r#"{"place":"Astana","days":3}"#), None);
        assert_eq!(call(TOOL, r#"{"place":"Astana","days":3,"unit":"celsius"}"#), None);
        for (arguments, words) in [
            (r#"{"place":"Astana","days":"#, "no JSON"),
            (r#"{"place":"Astana"}"#, "schema"),
            (r#"{"place":"Astana","days":"3"}"#, "schema"),
            (r#"{"place":"Astana","days":2.5}"#, "schema"),
            (r#"{"place":"Astana","days":3,"unit":"kelvin"}"#, "schema"),
            (r#"{"place":"Astana","days":3,"hours":1}"#, "schema"),
            (r#"{"place":"Astana","days":8}"#, "range"),
        ] {
            assert!(call(TOOL, arguments).is_some_and(|why| why.contains(words)), "{arguments}");
        }
        assert!(call("another", r#"{"place":"Astana","days":3}"#).is_some());
    }

    #[test]
    fn a_long_prompt_has_about_as_many_words_as_tokens_are_wanted() {
        let body = Question::Long.body("m", Lengths { long_prompt: 4_000, answer: 64 });
        let words = body["messages"][0]["content"].as_str().unwrap().split_whitespace().count();
        assert!((3_900..4_100).contains(&words), "{words}");
    }
}
