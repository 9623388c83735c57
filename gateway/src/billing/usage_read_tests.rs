//! What providers report, and what they should not: nothing fails, and no part is more than its whole.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(usage: &Value) -> Usage {
    Usage::read_tokens(usage).unwrap()
}

#[test]
fn a_chat_is_read_with_its_parts() {
    let usage = read(&json!({
        "prompt_tokens": 2006, "completion_tokens": 300, "total_tokens": 2306,
        "prompt_tokens_details": { "cached_tokens": 1920, "audio_tokens": 0, "cache_write_tokens": 40 },
        "completion_tokens_details": { "reasoning_tokens": 192, "audio_tokens": 0, "accepted_prediction_tokens": 0 },
    }));
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (Some(2006), Some(300)));
    assert_eq!((usage.cached_prompt_tokens, usage.cache_write_tokens), (Some(1920), Some(40)));
    assert_eq!((usage.reasoning_tokens, usage.prompt_audio_tokens), (Some(192), Some(0)));
    assert_eq!((usage.images, usage.audio_ms, usage.requests, usage.searches), (None, None, None, None));
}

#[test]
fn responses_embeddings_and_transcripts_have_other_names() {
    let responses = read(&json!({
        "input_tokens": 75, "input_tokens_details": { "cached_tokens": 50, "cache_write_tokens": 5 },
        "output_tokens": 1186, "output_tokens_details": { "reasoning_tokens": 1024 }, "total_tokens": 1261,
    }));
    assert_eq!((responses.prompt_tokens, responses.cached_prompt_tokens), (Some(75), Some(50)));
    assert_eq!((responses.completion_tokens, responses.reasoning_tokens), (Some(1186), Some(1024)));
    let embeddings = read(&json!({ "prompt_tokens": 8, "total_tokens": 8 }));
    assert_eq!(embeddings, Usage { prompt_tokens: Some(8), ..Usage::default() });
    assert_eq!(read(&json!({ "total_tokens": 10 })), Usage { prompt_tokens: Some(10), ..Usage::default() });
    let tokens = read(&json!({
        "type": "tokens", "input_tokens": 14, "input_token_details": { "text_tokens": 10, "audio_tokens": 4 },
        "output_tokens": 101, "total_tokens": 115,
    }));
    assert_eq!((tokens.prompt_audio_tokens, tokens.completion_tokens), (Some(4), Some(101)));
    for seconds in [json!(9), json!(9.0)] {
        let duration = read(&json!({ "type": "duration", "seconds": seconds }));
        assert_eq!(duration, Usage { audio_ms: Some(9_000), ..Usage::default() });
    }
    assert_eq!(read(&json!({ "prompt_audio_seconds": 1.2345 })).audio_ms, Some(1_235));
}

#[test]
fn other_providers_say_the_same_elsewhere() {
    let deepseek = read(&json!({
        "prompt_tokens": 100, "completion_tokens": 5, "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36,
    }));
    assert_eq!(deepseek.cached_prompt_tokens, Some(64));
    assert_eq!(read(&json!({ "prompt_tokens": 100, "cached_tokens": 30 })).cached_prompt_tokens, Some(30));
    // xAI counts thoughts beside the completion.
    let xai = json!({
        "prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135,
        "completion_tokens_details": { "reasoning_tokens": 94 },
    });
    assert_eq!((read(&xai).completion_tokens, read(&xai).reasoning_tokens), (Some(103), Some(94)));
    let searched = json!({ "prompt_tokens": 1, "server_tool_use": { "web_search_requests": 2 } });
    assert_eq!(read(&searched).searches, Some(2));
    assert_eq!(read(&json!({ "prompt_tokens": 1, "num_search_queries": 18 })).searches, Some(18));
}

#[test]
fn caches_are_told_apart_by_how_long_they_keep() {
    let anthropic = read(&json!({
        "input_tokens": 10, "cache_read_input_tokens": 200, "cache_creation_input_tokens": 90, "output_tokens": 4,
        "cache_creation": { "ephemeral_5m_input_tokens": 60, "ephemeral_1h_input_tokens": 30 },
    }));
    assert_eq!((anthropic.prompt_tokens, anthropic.cached_prompt_tokens), (Some(300), Some(200)));
    assert_eq!((anthropic.cache_write_tokens, anthropic.cache_write_1h_tokens), (Some(60), Some(30)));
    let as_chat = read(&json!({
        "prompt_tokens": 300, "completion_tokens": 4,
        "prompt_tokens_details": { "cached_tokens": 200, "cache_write_tokens": 90, "cache_write_1h_tokens": 30 },
    }));
    assert_eq!(as_chat, anthropic);
    let litellm = read(&json!({
        "prompt_tokens": 300, "completion_tokens": 4,
        "prompt_tokens_details": {
            "cached_tokens": 200, "cache_creation_tokens": 90,
            "cache_creation_token_details": { "ephemeral_5m_input_tokens": 60, "ephemeral_1h_input_tokens": 30 },
        },
    }));
    assert_eq!(litellm, anthropic);
}

#[test]
fn images_are_counted_with_their_tokens() {
    let answer = json!({
        "created": 1, "data": [{ "b64_json": "…" }, { "b64_json": "…" }], "size": "1024x1536", "quality": "high",
        "usage": {
            "input_tokens": 50, "input_tokens_details": { "text_tokens": 10, "image_tokens": 40 },
            "output_tokens": 12_416, "total_tokens": 12_466,
        },
    });
    let usage = Usage::read_images(&answer).unwrap();
    assert_eq!((usage.images, usage.prompt_image_tokens), (Some(2), Some(40)));
    assert_eq!((usage.completion_tokens, usage.completion_image_tokens), (Some(12_416), Some(12_416)));
    assert_eq!((usage.image_size.as_deref(), usage.image_quality.as_deref()), (Some("1024x1536"), Some("high")));
    let told = json!({ "data": [], "usage": {
        "output_tokens": 100, "output_tokens_details": { "image_tokens": 90, "text_tokens": 10 } } });
    assert_eq!(Usage::read_images(&told).unwrap().completion_image_tokens, Some(90));
    let plain = json!({ "data": [{ "url": "…" }], "size": "a b", "quality": "x".repeat(33) });
    assert_eq!(Usage::read_images(&plain), Some(Usage { images: Some(1), ..Usage::default() }));
}

#[test]
fn rerankers_search_or_read() {
    let cohere = json!({ "results": [], "meta": { "billed_units": { "search_units": 1 } } });
    assert_eq!(Usage::read_rerank(&cohere), Some(Usage { searches: Some(1), ..Usage::default() }));
    let jina = json!({ "results": [], "usage": { "total_tokens": 815 } });
    assert_eq!(Usage::read_rerank(&jina), Some(Usage { prompt_tokens: Some(815), ..Usage::default() }));
    assert_eq!(Usage::read_rerank(&json!({ "results": [] })), None);
}

#[test]
fn what_is_absurd_is_as_good_as_not_said() {
    for nothing in [json!(null), json!({}), json!([]), json!("prompt_tokens"), json!(7), json!({ "usage": 1 })] {
        assert_eq!(Usage::read_tokens(&nothing), None, "{nothing}");
    }
    for absurd in
        [json!(-5), json!(-0.5), json!("x"), json!("-5"), json!(null), json!([5]), json!(1e300), json!(u64::MAX)]
    {
        let usage = Usage::read_tokens(&json!({ "prompt_tokens": absurd, "completion_tokens": 3 })).unwrap();
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (None, Some(3)), "{absurd}");
    }
    for five in [json!(5), json!(5.0), json!(5.9), json!("5")] {
        assert_eq!(read(&json!({ "prompt_tokens": five })).prompt_tokens, Some(5), "{five}");
    }
    let greedy = read(&json!({
        "prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20,
        "prompt_tokens_details": { "cached_tokens": 8, "cache_write_tokens": 7, "audio_tokens": 50, "image_tokens": 1 },
        "completion_tokens_details": { "reasoning_tokens": 11 },
    }));
    assert_eq!((greedy.cached_prompt_tokens, greedy.cache_write_tokens), (Some(8), Some(2)));
    assert_eq!((greedy.prompt_audio_tokens, greedy.prompt_image_tokens), (Some(0), Some(0)));
    assert_eq!((greedy.completion_tokens, greedy.reasoning_tokens), (Some(10), Some(10)));
    assert_eq!(read(&json!({ "prompt_tokens": 1, "seconds": -3 })).audio_ms, None);
}

/// Names that are read somewhere, with anything below them.
fn usages() -> impl Strategy<Value = Value> {
    let names = [
        "prompt_tokens",
        "input_tokens",
        "completion_tokens",
        "output_tokens",
        "total_tokens",
        "cached_tokens",
        "prompt_tokens_details",
        "input_tokens_details",
        "completion_tokens_details",
        "output_token_details",
        "cache_write_tokens",
        "cache_write_1h_tokens",
        "cache_creation",
        "ephemeral_1h_input_tokens",
        "audio_tokens",
        "image_tokens",
        "reasoning_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "seconds",
        "server_tool_use",
        "web_search_requests",
        "usage",
        "data",
        "meta",
        "billed_units",
        "search_units",
    ];
    let leaf = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0_u64..5_000).prop_map(Value::from),
        "[0-9a-z.-]{0,6}".prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(3, 60, 12, move |inner| {
        let object = prop::collection::vec((prop::sample::select(names.to_vec()), inner.clone()), 0..12);
        prop_oneof![
            object
                .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Value>()),
            prop::collection::vec(inner, 0..3).prop_map(Value::from),
        ]
    })
}

proptest! {
    #[test]
    fn parts_fit_into_their_wholes(usage in usages()) {
        let readings = [Usage::read_tokens(&usage), Usage::read_images(&usage), Usage::read_rerank(&usage)];
        for read in readings.into_iter().flatten() {
            let sum = |parts: &[Option<u64>]| parts.iter().map(|part| part.unwrap_or(0)).sum::<u64>();
            let prompt = sum(&[
                read.cached_prompt_tokens,
                read.cache_write_tokens,
                read.cache_write_1h_tokens,
                read.prompt_audio_tokens,
                read.prompt_image_tokens,
            ]);
            prop_assert!(prompt <= read.prompt_tokens.unwrap_or(0));
            let completion =
                sum(&[read.reasoning_tokens, read.completion_audio_tokens, read.completion_image_tokens]);
            prop_assert!(completion <= read.completion_tokens.unwrap_or(0));
        }
    }
}
