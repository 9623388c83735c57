//! What a chat request needs of who answers it, told from its body.

use memchr::memmem;
use serde::Deserialize;
use serde_json::Value;
use shekara_protocol::chat::{ChatMessage, ChatRequest, Content, ContentPart};
use shekara_protocol::completions::{CompletionRequest, Prompt};

use crate::routing::Needs;

/// What a message costs beside its text.
const TOKENS_PER_MESSAGE: u64 = 4;
/// What an image, a file or a sound costs at most providers, more or less.
const TOKENS_PER_PART: u64 = 1_000;

pub(super) fn needs(request: &ChatRequest) -> Needs {
    let mut needs = Needs {
        output_tokens: request.max_completion_tokens.or(request.max_tokens).and_then(|most| u64::try_from(most).ok()),
        further_answers: request.n.map_or(0, beside_the_first),
        tools: request.tools.as_ref().is_some_and(|tools| !tools.is_empty()),
        json_schema: request.response_format.as_ref().is_some_and(|format| format["type"] == "json_schema"),
        logprobs: request.logprobs == Some(true),
        ..Needs::default()
    };
    for message in &request.messages {
        add_message(&mut needs, message);
    }
    let tools = request.tools.iter().flatten().map(|tool| likely_tokens(&tool.to_string()));
    needs.prompt_tokens = tools.fold(needs.prompt_tokens, u64::saturating_add);
    needs
}

/// Of a completion: its texts, for token ids stay inside.
pub(super) fn completion_needs(request: &CompletionRequest) -> Needs {
    let prompt_tokens = match &request.prompt {
        Prompt::Text(text) => likely_tokens(text),
        Prompt::Texts(texts) => texts.iter().map(|text| likely_tokens(text)).fold(0, u64::saturating_add),
        Prompt::Tokens(ids) => ids.len() as u64,
        Prompt::TokenLists(lists) => lists.iter().map(|list| list.len() as u64).sum(),
    };
    let output_tokens = request.max_tokens.and_then(|most| u64::try_from(most).ok());
    let num_prompts = match &request.prompt {
        Prompt::Texts(texts) => texts.len() as u64,
        Prompt::TokenLists(lists) => lists.len() as u64,
        Prompt::Text(_) | Prompt::Tokens(_) => 1,
    };
    // The best of some are all written.
    let of_each = request.n.max(request.best_of).map_or(0, beside_the_first).saturating_add(1);
    let further_answers = num_prompts.saturating_mul(of_each).saturating_sub(1);
    Needs { prompt_tokens, output_tokens, further_answers, ..Needs::default() }
}

fn beside_the_first(answers: i64) -> u64 {
    u64::try_from(answers).unwrap_or(0).saturating_sub(1)
}

fn add_message(needs: &mut Needs, message: &ChatMessage) {
    let mut tokens = TOKENS_PER_MESSAGE;
    match &message.content {
        Some(Content::Text(text)) => tokens += likely_tokens(text),
        Some(Content::Parts(parts)) => {
            for part in parts {
                tokens += part.text.as_ref().map_or(TOKENS_PER_PART, |text| likely_tokens(text));
                note_part(needs, part);
            }
        }
        None => {}
    }
    for call in message.tool_calls.iter().flatten() {
        tokens += call.function.as_ref().map_or(0, |function| likely_tokens(&function.arguments));
    }
    needs.prompt_tokens = needs.prompt_tokens.saturating_add(tokens);
}

fn note_part(needs: &mut Needs, part: &ContentPart) {
    match part.kind.as_str() {
        "image_url" | "input_image" | "image" => needs.vision = true,
        "file" | "input_file" | "document" => needs.files = true,
        "input_audio" | "audio" => needs.audio = true,
        _ => {}
    }
}

/// Tokenizers of today make about four letters of Latin text a token, and two and a half of Cyrillic.
fn likely_tokens(text: &str) -> u64 {
    // Bytes of ASCII, and first bytes of all other characters.
    let ascii = count(text, |byte| byte.is_ascii());
    let others = count(text, |byte| byte >= 0xC0);
    (2 * ascii + 3 * others).div_ceil(8)
}

/// How many bytes are so; as many of them at a time as one byte can count, so that many are looked at together.
fn count(text: &str, is: impl Fn(u8) -> bool) -> u64 {
    let chunks = text.as_bytes().chunks(usize::from(u8::MAX));
    chunks.map(|chunk| u64::from(chunk.iter().fold(0, |count, &byte| count + u8::from(is(byte))))).sum()
}

/// Whether the provider itself would run tools: searches, code, servers of tools. Done twice, they may do harm twice.
pub(super) fn runs_tools_at_provider(request: &ChatRequest, body: &[u8]) -> bool {
    let is_own = |tool: &Value| matches!(tool["type"].as_str(), Some("function" | "custom"));
    request.tools.iter().flatten().any(|tool| !is_own(tool)) || names_search(body)
}

/// Fields that ask for a search without a tool. They are rare, and so is the second reading of a body.
fn names_search(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Asked {
        web_search_options: Option<Value>,
        search_parameters: Option<Value>,
        plugins: Option<Value>,
    }
    let is_mentioned = ["web_search_options", "search_parameters", "plugins"]
        .iter()
        .any(|name| memmem::find(body, name.as_bytes()).is_some());
    is_mentioned
        && serde_json::from_slice::<Asked>(body).is_ok_and(|asked| {
            asked.web_search_options.is_some() || asked.search_parameters.is_some() || asked.plugins.is_some()
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shekara_protocol::chat::parse_request;

    use super::*;

    fn read(body: &Value) -> (Needs, bool) {
        let body = body.to_string();
        let request = parse_request(body.as_bytes()).unwrap();
        (needs(&request), runs_tools_at_provider(&request, body.as_bytes()))
    }

    #[test]
    fn all_answers_are_counted() {
        let answers = |body: Value| {
            let body = body.to_string();
            completion_needs(&serde_json::from_str(&body).unwrap()).of_all_answers(10)
        };
        assert_eq!(answers(json!({ "model": "m", "prompt": "a" })), 10);
        assert_eq!(answers(json!({ "model": "m", "prompt": ["a", "b"], "n": 3 })), 60);
        assert_eq!(answers(json!({ "model": "m", "prompt": ["a", "b"], "n": 2, "best_of": 5 })), 100);
        let chat = json!({ "model": "m", "n": 4, "messages": [{ "role": "user", "content": "hi" }] });
        assert_eq!(read(&chat).0.of_all_answers(10), 40);
    }

    #[test]
    fn what_a_request_needs_is_told_from_its_body() {
        let (plain, runs) = read(&json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }] }));
        assert!(!runs && !plain.tools && !plain.vision && plain.prompt_tokens < 10, "{plain:?}");
        let (rich, runs) = read(&json!({ "model": "m", "max_tokens": 7, "logprobs": true,
            "tools": [{ "type": "function", "function": { "name": "f", "parameters": {} } }],
            "response_format": { "type": "json_schema", "json_schema": { "name": "a", "schema": {} } },
            "messages": [{ "role": "user", "content": [{ "type": "text", "text": "х".repeat(1_000) },
                { "type": "image_url", "image_url": { "url": "https://a/b.png" } }] }] }));
        assert!(!runs && rich.tools && rich.vision && rich.json_schema && rich.logprobs && !rich.files, "{rich:?}");
        assert_eq!(rich.output_tokens, Some(7));
        assert!((1_300..1_500).contains(&rich.prompt_tokens), "{rich:?}");
    }

    #[test]
    fn tools_that_a_provider_runs_are_noticed() {
        let messages = json!([{ "role": "user", "content": "about plugins" }]);
        assert!(!read(&json!({ "model": "m", "messages": messages })).1);
        for more in [
            json!({ "web_search_options": {} }),
            json!({ "plugins": [{ "id": "web" }] }),
            json!({ "tools": [{ "type": "web_search" }] }),
        ] {
            let mut body = json!({ "model": "m", "messages": messages });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            assert!(read(&body).1, "{body}");
        }
    }
}
