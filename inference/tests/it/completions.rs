//! `/v1/completions`: prompts of all shapes, several choices, echo, log probabilities, streams.

use serde_json::{Map, Value, json};

use crate::support::{Answer, Models, Server, fixture, settings};

const PATH: &str = "/v1/completions";

fn server(name: &str) -> (Models, Server) {
    let models = Models::new(&[name]);
    let server = models.serve(settings());
    (models, server)
}

fn ask(fields: Value) -> Value {
    let mut request = json!({"model": "llama-tiny", "prompt": "Once upon", "max_tokens": 12, "seed": 7,
        "ignore_eos": true});
    let Value::Object(fields) = fields else { unreachable!("tests pass objects") };
    request.as_object_mut().expect("an object").extend(fields);
    request
}

fn choices(answer: &Answer) -> &Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body["choices"].as_array().expect("choices")
}

fn texts(answer: &Answer) -> Vec<&str> {
    choices(answer).iter().map(|choice| choice["text"].as_str().expect("a text")).collect()
}

fn usage(answer: &Answer, key: &str) -> u64 {
    answer.body["usage"][key].as_u64().expect("a count")
}

/// Puts a stream together: per choice its text, columns and ending.
fn assembled(chunks: &[Value]) -> Vec<Value> {
    let mut whole: Vec<Map<String, Value>> = Vec::new();
    for chunk in chunks {
        assert_eq!((&chunk["object"], &chunk["id"]), (&json!("text_completion"), &chunks[0]["id"]));
        for choice in chunk["choices"].as_array().expect("choices") {
            let index = choice["index"].as_u64().expect("an index") as usize;
            while whole.len() <= index {
                let logprobs = json!({"text_offset": [], "token_logprobs": [], "tokens": [], "top_logprobs": []});
                whole.push(Map::from_iter([("text".into(), json!("")), ("logprobs".into(), logprobs)]));
            }
            let so_far = &mut whole[index];
            let text = [so_far["text"].as_str().expect("text"), choice["text"].as_str().expect("text")].concat();
            so_far.insert("text".into(), json!(text));
            for (key, column) in choice["logprobs"].as_object().into_iter().flatten() {
                let rows = so_far["logprobs"][key].as_array_mut().expect("a column");
                rows.extend(column.as_array().expect("rows").clone());
            }
            if !choice["finish_reason"].is_null() {
                assert!(!so_far.contains_key("finish_reason"), "two endings");
                so_far.insert("finish_reason".into(), choice["finish_reason"].clone());
                so_far.insert("stop_reason".into(), choice["stop_reason"].clone());
            }
        }
    }
    whole.into_iter().map(Value::Object).collect()
}

async fn streamed(server: &Server, request: &Value) -> Vec<Value> {
    let events = server.events(PATH, request).await;
    let (last, events) = events.split_last().expect("events");
    assert_eq!(last.data, "[DONE]");
    events.iter().map(|event| serde_json::from_str(&event.data).expect("JSON")).collect()
}

#[tokio::test]
async fn a_plain_answer_has_openais_shape() {
    let (_models, server) = server("llama-tiny");
    let answer = server.ask(PATH, &ask(json!({}))).await;
    let choice = &choices(&answer)[0];
    assert_eq!((&answer.body["object"], &answer.body["model"]), (&json!("text_completion"), &json!("llama-tiny")));
    assert!(answer.body["id"].as_str().expect("an id").starts_with("cmpl-"));
    assert_eq!(answer.headers["x-shekara-synthetic"], "1");
    assert_eq!(
        (&choice["index"], &choice["logprobs"], &choice["finish_reason"]),
        (&json!(0), &json!(null), &json!("length"))
    );
    let tokens = server.ask("/tokenize", &json!({"prompt": "Once upon"})).await;
    assert_eq!(json!(usage(&answer, "prompt_tokens")), tokens.body["count"]);
    assert_eq!(usage(&answer, "completion_tokens"), 12);
    assert_eq!(usage(&answer, "total_tokens"), usage(&answer, "prompt_tokens") + 12);
    let silent = server.ask(PATH, &json!({"model": "llama-tiny", "prompt": "x", "ignore_eos": true})).await;
    assert_eq!(usage(&silent, "completion_tokens"), 16, "OpenAI's default");
}

#[tokio::test]
async fn a_stream_puts_together_to_the_whole() {
    let (_models, server) = server("llama-tiny");
    for fields in [
        json!({}),
        json!({"n": 3, "temperature": 1.0}),
        json!({"prompt": ["Once upon", "a time"], "n": 2, "echo": true}),
        json!({"prompt": ["Once upon", "a time"], "logprobs": 2, "echo": true}),
        json!({"prompt": [[40, 41, 42], [43]], "logprobs": 0, "echo": true, "n": 2}),
        json!({"echo": true, "max_tokens": 0, "logprobs": 1}),
        json!({"echo": true, "max_tokens": 0}),
        json!({"logprobs": 3, "temperature": 0}),
        json!({"stop": ["e"], "max_tokens": 40, "logprobs": 1}),
    ] {
        let request = ask(fields.clone());
        let whole = server.ask(PATH, &request).await;
        let mut with_usage = request.clone();
        with_usage["stream_options"] = json!({"include_usage": true});
        let mut chunks = streamed(&server, &with_usage).await;
        let last = chunks.pop().expect("chunks");
        assert_eq!(last["choices"], json!([]));
        for key in ["prompt_tokens", "completion_tokens", "total_tokens"] {
            assert_eq!(last["usage"][key], whole.body["usage"][key], "{fields} {key}");
        }
        assert!(chunks.iter().all(|chunk| chunk.get("usage").is_none()));
        let pieces = assembled(&chunks);
        assert_eq!(pieces.len(), choices(&whole).len());
        for (piece, choice) in pieces.iter().zip(choices(&whole)) {
            for key in ["text", "finish_reason"] {
                assert_eq!(piece[key], choice[key], "{fields} {key}");
            }
            assert_eq!(piece["stop_reason"], choice.get("stop_reason").cloned().unwrap_or_default());
            if choice["logprobs"].is_null() {
                assert_eq!(piece["logprobs"]["tokens"], json!([]));
            } else {
                assert_eq!(piece["logprobs"], choice["logprobs"], "{fields}");
            }
        }
        assert!(streamed(&server, &request).await.iter().all(|chunk| chunk.get("usage").is_none()));
    }
    let engine = &server.model("llama-tiny").engine;
    let stats = engine.wait_for(|stats| stats.running + stats.waiting == 0).await.expect("alive");
    assert_eq!(stats.free_blocks, stats.total_blocks);
}

#[tokio::test]
async fn prompts_of_all_shapes_get_n_choices_each_in_order() {
    let (_models, server) = server("llama-tiny");
    let tokens = server.ask("/tokenize", &json!({"prompt": "a time"})).await.body["tokens"].clone();
    let first = server.ask(PATH, &ask(json!({"prompt": "Once upon", "n": 2, "echo": true}))).await;
    let second = server.ask(PATH, &ask(json!({"prompt": "a time", "n": 2, "echo": true}))).await;
    let as_tokens = server.ask(PATH, &ask(json!({"prompt": tokens, "n": 2, "echo": true}))).await;
    assert_eq!(texts(&second), texts(&as_tokens));
    assert_ne!(texts(&first)[0], texts(&first)[1], "two choices of one seed");
    let both = server.ask(PATH, &ask(json!({"prompt": ["Once upon", "a time"], "n": 2, "echo": true}))).await;
    assert_eq!(texts(&both), [texts(&first), texts(&second)].concat());
    let indices: Vec<_> = choices(&both).iter().map(|choice| choice["index"].as_u64().expect("an index")).collect();
    assert_eq!(indices, [0, 1, 2, 3]);
    for key in ["prompt_tokens", "completion_tokens"] {
        assert_eq!(usage(&both, key), usage(&first, key) + usage(&second, key), "{key}");
    }
    assert_eq!(usage(&both, "completion_tokens"), 48);
    let lists = server.ask(PATH, &ask(json!({"prompt": [tokens, tokens], "max_tokens": 1}))).await;
    assert_eq!(choices(&lists).len(), 2);
}

#[tokio::test]
async fn the_best_of_several_are_the_likeliest() {
    let (_models, server) = server("llama-tiny");
    // What is half a character at the end is not shown, so its token has no row: a seed whose draws are all whole.
    let is_whole = |choice: &Value| choice["logprobs"]["tokens"].as_array().is_some_and(|rows| rows.len() == 12);
    let mut seed = 0;
    let all = loop {
        let request = ask(json!({"n": 6, "logprobs": 0, "temperature": 1.5, "seed": seed}));
        let all = server.ask(PATH, &request).await;
        if choices(&all).iter().all(is_whole) {
            break all;
        }
        seed += 1;
        assert!(seed < 50, "no draw is whole");
    };
    let mean = |choice: &Value| {
        let rows: Vec<f64> = serde_json::from_value(choice["logprobs"]["token_logprobs"].clone()).expect("numbers");
        rows.iter().sum::<f64>() / rows.len() as f64
    };
    let mut sorted: Vec<&Value> = choices(&all).iter().collect();
    sorted.sort_by(|a, b| mean(b).total_cmp(&mean(a)));
    let expected: Vec<&str> = sorted.iter().take(2).map(|choice| choice["text"].as_str().expect("text")).collect();
    for logprobs in [json!(null), json!(0)] {
        let request = ask(json!({"n": 2, "best_of": 6, "temperature": 1.5, "seed": seed,
            "logprobs": logprobs}));
        let best = server.ask(PATH, &request).await;
        assert_eq!(texts(&best), expected);
        assert_eq!(choices(&best)[0]["logprobs"].is_null(), logprobs.is_null());
        assert_eq!(usage(&best, "completion_tokens"), 72, "what was drawn is counted");
        assert_eq!(usage(&best, "prompt_tokens"), usage(&all, "prompt_tokens"));
    }
}

#[tokio::test]
async fn an_echo_without_an_answer_counts_no_tokens() {
    let (_models, server) = server("llama-tiny");
    let prompt = "Zürich 👋 <|im_end|> x";
    let fields = json!({"prompt": prompt, "echo": true, "max_tokens": 0, "logprobs": 2});
    let answer = server.ask(PATH, &ask(fields)).await;
    assert_eq!(texts(&answer), [prompt]);
    assert_eq!(choices(&answer)[0]["finish_reason"], "length");
    assert_eq!(usage(&answer, "completion_tokens"), 0);
    assert_eq!(usage(&answer, "total_tokens"), usage(&answer, "prompt_tokens"));
    let logprobs = &choices(&answer)[0]["logprobs"];
    let rows = usage(&answer, "prompt_tokens") as usize;
    let column = |key: &str| logprobs[key].as_array().unwrap_or_else(|| panic!("{key}")).clone();
    for key in ["tokens", "token_logprobs", "text_offset", "top_logprobs"] {
        assert_eq!(column(key).len(), rows, "{key}");
    }
    assert_eq!((&column("token_logprobs")[0], &column("top_logprobs")[0]), (&json!(null), &json!(null)));
    assert!(column("token_logprobs")[1..].iter().all(|logprob| logprob.as_f64().is_some_and(|value| value <= 0.0)));
    assert!(column("top_logprobs")[1..].iter().all(|top| top.as_object().is_some_and(|top| top.len() >= 2)));
    assert_offsets(prompt, logprobs);
}

/// Every whole token stands in the text where its offset says.
fn assert_offsets(text: &str, logprobs: &Value) {
    let characters: Vec<char> = text.chars().collect();
    let tokens = logprobs["tokens"].as_array().expect("tokens");
    let offsets = logprobs["text_offset"].as_array().expect("offsets");
    let mut whole = 0;
    for (token, offset) in tokens.iter().zip(offsets) {
        let (token, offset) = (token.as_str().expect("text"), offset.as_u64().expect("a number") as usize);
        // Special tokens are not shown, and half a character is no text of its own.
        let is_shown = text.contains(token) || !token.starts_with("<|");
        if is_shown && !token.contains('\u{fffd}') {
            let found: String = characters[offset..].iter().take(token.chars().count()).collect();
            assert_eq!(found, token, "at {offset} of {text:?}");
            whole += 1;
        }
    }
    assert!(whole > 2, "nothing was compared");
}

#[tokio::test]
async fn offsets_go_on_from_the_prompt_into_the_answer() {
    let (_models, server) = server("llama-tiny");
    for (echo, stream) in [(true, false), (false, false), (true, true)] {
        let request = ask(json!({"prompt": "Қайрат", "echo": echo, "logprobs": 0, "max_tokens": 30}));
        let choice = if stream {
            assembled(&streamed(&server, &request).await).remove(0)
        } else {
            choices(&server.ask(PATH, &request).await)[0].clone()
        };
        assert_offsets(choice["text"].as_str().expect("text"), &choice["logprobs"]);
    }
}

/// Log probabilities of `logits`.
fn log_softmax(logits: &[f64]) -> Vec<f64> {
    let most = logits.iter().copied().fold(f64::MIN, f64::max);
    let sum: f64 = logits.iter().map(|logit| (logit - most).exp()).sum();
    logits.iter().map(|logit| logit - most - sum.ln()).collect()
}

#[tokio::test]
async fn a_prompts_log_probabilities_are_those_of_transformers() {
    for name in ["llama-tiny", "qwen3-tiny", "mistral-tiny"] {
        let (_models, server) = server(name);
        let golden = std::fs::read_to_string(fixture(&format!("{name}.golden.json"))).expect("a golden");
        let golden: Value = serde_json::from_str(&golden).expect("JSON");
        for case in golden["bf16"].as_array().expect("cases") {
            let tokens: Vec<u32> = serde_json::from_value(case["tokens"].clone()).expect("tokens");
            let logits: Vec<f64> = serde_json::from_value(case["logits"].clone()).expect("logits");
            let expected = log_softmax(&logits);
            let next: Vec<u32> = (0..logits.len() as u32).step_by(97).collect();
            let prompts: Vec<Vec<u32>> = next.iter().map(|next| [tokens.as_slice(), &[*next]].concat()).collect();
            let request = json!({"model": name, "prompt": prompts, "echo": true, "max_tokens": 0, "logprobs": 0});
            let answer = server.ask(PATH, &request).await;
            for (choice, next) in choices(&answer).iter().zip(next) {
                let rows = choice["logprobs"]["token_logprobs"].as_array().expect("rows");
                assert_eq!(rows.len(), tokens.len() + 1);
                let found = rows[tokens.len()].as_f64().expect("a number");
                let expected = expected[next as usize];
                // Keys and values are kept in half precision.
                assert!((found - expected).abs() < 0.02, "{name} {next}: {found} not {expected}");
            }
        }
    }
}

#[tokio::test]
async fn a_repeated_prompt_is_reported_as_cached_once_per_prompt() {
    let (_models, server) = server("llama-tiny");
    let prompt = "0 1 2 3 4 5 6 7 8 9 ".repeat(4);
    let request = ask(json!({"prompt": [prompt, format!("x{prompt}")], "max_tokens": 1, "n": 3}));
    let cached = |answer: &Answer| answer.body["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64();
    assert_eq!(cached(&server.ask(PATH, &request).await), Some(0));
    let again = server.ask(PATH, &request).await;
    let hit = cached(&again).expect("a count");
    let prompts = usage(&again, "prompt_tokens");
    assert!(hit > prompts / 2 + 16 && hit < prompts, "both prompts were there: {hit} of {prompts}");
}

#[tokio::test]
async fn what_ended_each_choice_is_said() {
    let (_models, server) = server("llama-tiny");
    let free = server.ask(PATH, &ask(json!({"max_tokens": 30}))).await;
    let text = texts(&free)[0].to_owned();
    let stop: String = text.chars().skip(4).take(2).collect();
    let stopped = server.ask(PATH, &ask(json!({"max_tokens": 30, "stop": stop}))).await;
    let choice = &choices(&stopped)[0];
    assert_eq!((&choice["finish_reason"], &choice["stop_reason"]), (&json!("stop"), &json!(stop)));
    assert_eq!(choice["text"], text[..text.find(&stop).expect("it was there")]);
}

#[tokio::test]
async fn bad_requests_name_their_field_and_reach_no_model() {
    let (_models, server) = server("llama-tiny");
    for (fields, expected) in [
        (json!({"prompt": []}), (400, "empty_array", "prompt")),
        (json!({"prompt": ["a", 1]}), (400, "invalid_type", "prompt[1]")),
        (json!({"prompt": [70000]}), (400, "invalid_value", "prompt")),
        (json!({"prompt": [[1], [70000]]}), (400, "invalid_value", "prompt[1]")),
        (json!({"prompt": ["a", ""]}), (400, "invalid_value", "prompt[1]")),
        (json!({"n": 0}), (400, "invalid_value", "n")),
        (json!({"n": 129}), (400, "invalid_value", "n")),
        (json!({"n": 128, "prompt": ["a", "b", "c"]}), (400, "invalid_value", "n")),
        (json!({"n": 3, "best_of": 2}), (400, "invalid_value", "best_of")),
        (json!({"best_of": 3, "stream": true}), (400, "invalid_value", "best_of")),
        (json!({"max_tokens": 0}), (400, "invalid_value", "max_tokens")),
        (json!({"logprobs": 21}), (400, "invalid_value", "logprobs")),
        (json!({"suffix": "x"}), (400, "unsupported_value", "suffix")),
        (json!({"stream_options": {"include_usage": true}}), (400, "invalid_value", "stream_options")),
        (json!({"stop": ["a", "b", "c", "d", "e"]}), (400, "invalid_value", "stop")),
        (json!({"model": "nobody"}), (404, "model_not_found", "model")),
    ] {
        let answer = server.ask(PATH, &ask(fields.clone())).await;
        assert_eq!(answer.error(), expected, "{fields}");
    }
    assert_eq!(server.ask(PATH, &json!("x".repeat(2 << 20))).await.error(), (413, "body_too_large", ""));
    assert_eq!(server.model("llama-tiny").engine.stats().steps, 0, "a bad request reached the model");
}
