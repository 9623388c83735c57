//! From what providers say they counted to a [`Usage`] whose parts fit into their wholes.
//!
//! OpenAI's shape in all its endpoints, and what others put beside it. Never trusted: a count that is below zero, no
//! number or beyond all reason is as good as not said, a part is at most what its whole has left. Nothing here fails,
//! and nothing becomes negative.

use serde_json::Value;

use super::usage::Usage;

/// More tokens than any request has: what claims more is wrong.
const MAX_COUNT: u64 = 1_000_000_000_000;
/// Characters of a size or a quality.
const MAX_WORD_CHARS: usize = 32;

impl Usage {
    /// The `usage` of chats, completions, responses, embeddings and transcripts. `None` if it counts nothing.
    pub fn read_tokens(usage: &Value) -> Option<Self> {
        let mut read = Self::read_whole_and_parts(usage);
        read.audio_ms = count_ms(usage, &["seconds", "prompt_audio_seconds"]);
        read.searches = usage.get("server_tool_use").and_then(|tools| count(tools, &["web_search_requests"]));
        read.searches = read.searches.or_else(|| count(usage, &["num_search_queries"]));
        (read != Self::default()).then_some(read)
    }

    /// A whole answer of an images endpoint: how many there are, and the tokens where the model counts such. Its size and
    /// quality stand there for some models only; for the others set them from the request.
    pub fn read_images(answer: &Value) -> Option<Self> {
        let usage = &answer["usage"];
        let mut read = Self::read_whole_and_parts(usage);
        // Without details, all that such a model writes is the image.
        if details(usage, &COMPLETION_DETAILS).is_none() {
            read.completion_image_tokens = read.completion_tokens;
        }
        read.images = answer["data"].as_array().map(|images| images.len() as u64);
        read.image_size = word(&answer["size"]);
        read.image_quality = word(&answer["quality"]);
        (read != Self::default()).then_some(read)
    }

    /// A whole answer of a reranker: searches as Cohere bills them, or tokens.
    pub fn read_rerank(answer: &Value) -> Option<Self> {
        let mut read = Self::read_whole_and_parts(&answer["usage"]);
        let billed = &answer["meta"]["billed_units"];
        read.searches = count(billed, &["search_units"]).or_else(|| count(&answer["usage"], &["search_units"]));
        (read != Self::default()).then_some(read)
    }

    fn read_whole_and_parts(usage: &Value) -> Self {
        let mut read = Self {
            prompt_tokens: count(usage, &["prompt_tokens", "input_tokens"]),
            completion_tokens: count(usage, &["completion_tokens", "output_tokens"]),
            ..Self::default()
        };
        // Some embedding models say no more than this.
        if read.prompt_tokens.is_none() && read.completion_tokens.is_none() {
            read.prompt_tokens = count(usage, &["total_tokens"]);
        }
        read.read_prompt_parts(usage);
        read.read_completion_parts(usage);
        read
    }

    fn read_prompt_parts(&mut self, usage: &Value) {
        let details = details(usage, &PROMPT_DETAILS).unwrap_or(&Value::Null);
        let cached = count(details, &["cached_tokens", "cache_read_input_tokens"])
            .or_else(|| count(usage, &["prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens"]));
        let written = count(details, &["cache_write_tokens", "cache_creation_tokens"])
            .or_else(|| count(usage, &["cache_creation_input_tokens"]));
        let by_hour = [&details["cache_creation_token_details"], &usage["cache_creation"]];
        let written_1h = count(details, &["cache_write_1h_tokens"])
            .or_else(|| by_hour.iter().find_map(|kinds| count(kinds, &["ephemeral_1h_input_tokens"])));
        // Anthropic's own count of a prompt has neither.
        let is_anthropic = usage.get("prompt_tokens").is_none()
            && ["cache_read_input_tokens", "cache_creation_input_tokens"].iter().any(|name| usage.get(name).is_some());
        if is_anthropic {
            let beside = cached.unwrap_or(0) + written.unwrap_or(0);
            self.prompt_tokens = self.prompt_tokens.map(|tokens| tokens + beside);
        }
        let mut left = self.prompt_tokens.unwrap_or(0);
        self.cached_prompt_tokens = part(cached, &mut left);
        // What is kept for an hour is counted in what is kept at all, where both are said.
        self.cache_write_1h_tokens = part(written_1h, &mut left);
        let usual = written.map(|all| all.saturating_sub(self.cache_write_1h_tokens.unwrap_or(0)));
        self.cache_write_tokens = part(usual, &mut left);
        self.prompt_audio_tokens = part(count(details, &["audio_tokens"]), &mut left);
        self.prompt_image_tokens = part(count(details, &["image_tokens"]), &mut left);
    }

    fn read_completion_parts(&mut self, usage: &Value) {
        let details = details(usage, &COMPLETION_DETAILS).unwrap_or(&Value::Null);
        let reasoning = count(details, &["reasoning_tokens", "thinking_tokens"]);
        self.add_thoughts_beside(usage, reasoning.unwrap_or(0));
        let mut left = self.completion_tokens.unwrap_or(0);
        self.completion_audio_tokens = part(count(details, &["audio_tokens"]), &mut left);
        self.completion_image_tokens = part(count(details, &["image_tokens"]), &mut left);
        self.reasoning_tokens = part(reasoning, &mut left);
    }

    /// xAI counts thoughts beside the completion and not in it. Its total says so.
    fn add_thoughts_beside(&mut self, usage: &Value, reasoning: u64) {
        let (Some(prompt), Some(completion)) = (self.prompt_tokens, self.completion_tokens) else { return };
        let is_beside = count(usage, &["total_tokens"]) == Some(prompt + completion + reasoning);
        if is_beside {
            self.completion_tokens = Some(completion + reasoning);
        }
    }
}

/// Chat's name, that of responses and images, and that of transcripts.
const PROMPT_DETAILS: [&str; 3] = ["prompt_tokens_details", "input_tokens_details", "input_token_details"];
const COMPLETION_DETAILS: [&str; 3] = ["completion_tokens_details", "output_tokens_details", "output_token_details"];

fn details<'a>(usage: &'a Value, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| usage.get(name).filter(|details| details.is_object()))
}

/// The first of the names that counts something. Some write whole numbers with a point, or as texts.
fn count(counts: &Value, names: &[&str]) -> Option<u64> {
    let one = |value: &Value| match value {
        Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
        Value::String(digits) => digits.parse().ok(),
        _ => None,
    };
    names.iter().find_map(|name| counts.get(name).and_then(one)).filter(|count| *count <= MAX_COUNT)
}

/// Without what is behind the point. A NaN is none.
fn whole(number: f64) -> Option<u64> {
    (0.0..=MAX_COUNT as f64).contains(&number).then_some(number as u64)
}

fn count_ms(usage: &Value, names: &[&str]) -> Option<u64> {
    let seconds = names.iter().find_map(|name| usage.get(name)?.as_f64())?;
    whole((seconds * 1e3).round())
}

fn part(said: Option<u64>, left: &mut u64) -> Option<u64> {
    let part = said?.min(*left);
    *left -= part;
    Some(part)
}

fn word(value: &Value) -> Option<String> {
    let is_word = |text: &&str| {
        !text.is_empty() && text.len() <= MAX_WORD_CHARS && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    value.as_str().filter(is_word).map(str::to_owned)
}

#[cfg(test)]
#[path = "usage_read_tests.rs"]
mod tests;
