//! What a request gets does not depend on what else runs: text and log probabilities have the same
//! bits alone, batched, chunked, preempted, from the prefix cache and with guesses ahead.

use futures_util::future::join_all;
use serde_json::{Value, json};
use shekara_inference::engine::EngineSettings;

use crate::support::{Models, Server, request, settings};

/// What a client sees of an answer.
#[derive(Debug, PartialEq)]
struct Seen {
    content: String,
    logprobs: Vec<Value>,
    finish_reason: String,
}

/// Thirty-two requests whose prompts and answers differ in length; every other one is sampled.
pub fn requests(model: &str) -> Vec<Value> {
    let words = ["parcel ", "посылка ", "сәлемдеме ", "📦"];
    (0..32usize)
        .map(|index| {
            let content = format!("{index} {}", words[index % 4].repeat(1 + index * 7 % 23));
            let mut request = request(model, &content, 5 + index * 5 % 40);
            request["ignore_eos"] = json!(true);
            request["logprobs"] = json!(true);
            request["top_logprobs"] = json!(2);
            if index % 2 == 1 {
                request["temperature"] = json!(1.1);
                request["top_p"] = json!(0.9);
                request["seed"] = json!(index);
            }
            request
        })
        .collect()
}

async fn whole(server: &Server, request: &Value) -> (Seen, u64) {
    let answer = server.chat(request).await;
    let choice = &answer.body["choices"][0];
    let seen = Seen {
        content: answer.content().to_owned(),
        logprobs: choice["logprobs"]["content"].as_array().cloned().unwrap_or_default(),
        finish_reason: answer.finish_reason().to_owned(),
    };
    (seen, answer.cached_tokens())
}

async fn streamed(server: &Server, request: &Value) -> (Seen, u64) {
    let mut request = request.clone();
    request["stream_options"] = json!({"include_usage": true});
    let streamed = server.stream(&request).await;
    let chunks = streamed.chunks();
    let logprobs = chunks.iter().filter_map(|chunk| chunk["choices"][0]["logprobs"]["content"].as_array());
    let usage = &chunks.last().expect("chunks")["usage"];
    let seen = Seen {
        content: streamed.deltas().concat(),
        logprobs: logprobs.flatten().cloned().collect(),
        finish_reason: streamed.finish_reason(),
    };
    (seen, usage["prompt_tokens_details"]["cached_tokens"].as_u64().expect("a count"))
}

async fn one_by_one(server: &Server, requests: &[Value]) -> Vec<(Seen, u64)> {
    let mut seen = Vec::new();
    for request in requests {
        seen.push(whole(server, request).await);
    }
    seen
}

async fn together(server: &Server, requests: &[Value]) -> Vec<(Seen, u64)> {
    // Half of them streamed: the way out must not matter either.
    let answers = requests.iter().enumerate().map(|(index, request)| async move {
        if index / 2 % 2 == 0 { streamed(server, request).await } else { whole(server, request).await }
    });
    join_all(answers).await
}

/// Settings under which batches look very different from one request alone.
fn variants(few_bytes: u64) -> Vec<(&'static str, EngineSettings)> {
    let with = |change: &dyn Fn(&mut EngineSettings)| {
        let mut changed = settings();
        change(&mut changed);
        changed
    };
    let chunked = |tokens: usize, drafts: usize| {
        with(&|settings| {
            settings.max_num_batched_tokens = tokens;
            settings.max_num_seqs = tokens.min(32);
            settings.num_speculative_tokens = drafts;
        })
    };
    let preempting =
        |drafts: usize| EngineSettings { kv_cache_bytes: Some(few_bytes), max_num_seqs: 32, ..chunked(48, drafts) };
    vec![
        ("chunks of 8", chunked(8, 0)),
        ("chunks of 8, guessing", chunked(8, 16)),
        ("chunks of 16", chunked(16, 0)),
        ("chunks of 48, guessing", chunked(48, 16)),
        ("chunks of 256", chunked(256, 0)),
        ("chunks of 256, guessing", chunked(256, 16)),
        ("few at once", with(&|settings| settings.max_num_seqs = 3)),
        ("preempting", preempting(0)),
        ("preempting, guessing", preempting(16)),
        ("single thread", with(&|settings| settings.threads = Some(1))),
    ]
}

fn compare(label: &str, found: &[(Seen, u64)], expected: &[(Seen, u64)]) {
    for (index, ((found, _), (expected, _))) in found.iter().zip(expected).enumerate() {
        assert_eq!(found, expected, "{label}, request {index}");
    }
}

/// `few_blocks` is a cache too small for the requests, which are to the model or one of its adapters.
pub async fn same_alone_and_together(models: &Models, model: &str, requests: &[Value], few_blocks: u64) {
    let alone = models.serve(EngineSettings { num_speculative_tokens: 0, ..settings() });
    let expected = one_by_one(&alone, requests).await;
    for (seen, cached_tokens) in &expected {
        assert!(!seen.content.is_empty() && seen.logprobs.len() >= 5 && *cached_tokens == 0);
    }
    let guessing = models.serve(settings());
    compare("alone, guessing", &one_by_one(&guessing, requests).await, &expected);
    assert!(guessing.idle(model).await.accepted_tokens > 0, "no guess was ever right");
    let few_bytes = few_blocks * (8 << 20) / alone.idle(model).await.total_blocks as u64;
    for (name, settings) in variants(few_bytes) {
        let server = models.serve(settings);
        for round in 0..2 {
            let found = together(&server, requests).await;
            compare(&format!("{model}, {name}, round {round}"), &found, &expected);
            let hits = found.iter().filter(|(_, cached_tokens)| *cached_tokens > 0).count();
            if !name.starts_with("preempting") {
                // In the second round every prompt longer than a block is in the cache.
                assert_eq!(hits > 0, round == 1, "{model}, {name}, round {round}");
            }
        }
        // Who meets whom is up to the machine: behind a window few blocks are held at a time.
        let mut rounds = 0;
        while name.starts_with("preempting") && server.idle(model).await.preemptions == 0 && rounds < 20 {
            compare(&format!("{model}, {name}, again"), &together(&server, requests).await, &expected);
            rounds += 1;
        }
        let stats = server.idle(model).await;
        assert_eq!(stats.preemptions > 0, name.starts_with("preempting"), "{model}, {name}: {stats:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn llama_answers_the_same_alone_batched_chunked_and_preempted() {
    same_alone_and_together(&Models::new(&["llama-tiny"]), "llama-tiny", &requests("llama-tiny"), 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn qwen3_answers_the_same_alone_batched_chunked_and_preempted() {
    same_alone_and_together(&Models::new(&["qwen3-tiny"]), "qwen3-tiny", &requests("qwen3-tiny"), 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistral_answers_the_same_alone_batched_chunked_and_preempted() {
    same_alone_and_together(&Models::new(&["mistral-tiny"]), "mistral-tiny", &requests("mistral-tiny"), 14).await;
}

/// A prompt that is wholly in the cache: all but its last token is taken from there.
async fn a_full_hit_computes_one_token(model: &str) {
    let models = Models::new(&[model]);
    for num_speculative_tokens in [0, 16] {
        let server = models.serve(EngineSettings { num_speculative_tokens, ..settings() });
        let mut content = "0 ".repeat(60);
        let full = loop {
            let mut request = request(model, &content, 20);
            (request["logprobs"], request["ignore_eos"]) = (json!(true), json!(true));
            let answer = server.chat(&request).await;
            if answer.usage("prompt_tokens").is_multiple_of(16) {
                break request;
            }
            content.push('0');
        };
        let before = server.idle(model).await.computed_tokens;
        let (first, _) = whole(&server, &full).await;
        let (again, cached_tokens) = whole(&server, &full).await;
        let prompt_tokens = server.chat(&full).await.usage("prompt_tokens");
        assert!(prompt_tokens > 48 && cached_tokens == prompt_tokens - 1, "{model}: {cached_tokens}");
        assert_eq!(again, first, "{model}");
        if num_speculative_tokens == 0 {
            // One token of the prompt, then all tokens of the answer but the last.
            assert_eq!(server.idle(model).await.computed_tokens - before, 3 * 20, "{model}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_hit_computes_the_last_token_only() {
    for model in ["llama-tiny", "qwen3-tiny", "mistral-tiny"] {
        a_full_hit_computes_one_token(model).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_gives_the_same_draws_in_any_batch() {
    let models = Models::new(&["qwen3-tiny"]);
    let server = models.serve(settings());
    let seeded = |seed: u64| {
        let mut request = request("qwen3-tiny", "hello", 24);
        request["temperature"] = json!(1.2);
        request["top_p"] = json!(0.9);
        request["seed"] = json!(seed);
        request["ignore_eos"] = json!(true);
        request
    };
    let texts = |seen: Vec<(Seen, u64)>| -> Vec<String> { seen.into_iter().map(|(seen, _)| seen.content).collect() };
    let requests: Vec<Value> = (0..12).map(|index| seeded(index / 2)).collect();
    let alone = texts(one_by_one(&server, &requests).await);
    assert_eq!(texts(together(&server, &requests).await), alone);
    assert_eq!(alone[0], alone[1]);
    assert_ne!(alone[0], alone[2]);
    let mut unseeded = seeded(0);
    unseeded.as_object_mut().expect("an object").remove("seed");
    let draws = texts(one_by_one(&server, &vec![unseeded; 4]).await);
    assert!(draws.iter().any(|text| *text != draws[0]), "without a seed every draw is the same");
}
