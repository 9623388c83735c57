//! What a request gets does not depend on what else runs.

use futures_util::future::join_all;
use serde_json::{Value, json};
use shekara_inference::engine::EngineSettings;

use crate::support::{Models, Server, request, settings};

/// Thirty-two requests whose prompts and answers differ in length.
fn requests(model: &str) -> Vec<Value> {
    let words = ["parcel ", "посылка ", "сәлемдеме ", "📦"];
    (0..32usize)
        .map(|index| {
            let content = format!("{index} {}", words[index % 4].repeat(1 + index * 7 % 23));
            let mut request = request(model, &content, 5 + index * 5 % 40);
            request["ignore_eos"] = json!(true);
            request
        })
        .collect()
}

async fn one_by_one(server: &Server, requests: &[Value]) -> Vec<String> {
    let mut texts = Vec::new();
    for request in requests {
        texts.push(server.chat(request).await.content().to_owned());
    }
    texts
}

async fn together(server: &Server, requests: &[Value]) -> Vec<String> {
    // Half of them streamed: the way out must not matter either.
    let answers = requests.iter().enumerate().map(|(index, request)| async move {
        if index % 2 == 0 {
            server.stream(request).await.deltas().concat()
        } else {
            server.chat(request).await.content().to_owned()
        }
    });
    join_all(answers).await
}

/// Settings under which batches look very different from one request alone.
fn variants() -> Vec<(&'static str, EngineSettings)> {
    let with = |change: fn(&mut EngineSettings)| {
        let mut changed = settings();
        change(&mut changed);
        changed
    };
    vec![
        ("plain", settings()),
        ("small chunks", with(|settings| settings.max_num_batched_tokens = 7)),
        ("few at once", with(|settings| settings.max_num_seqs = 3)),
        // 40 blocks of 16 tokens for 32 sequences of up to 200 tokens.
        ("preempting", with(|settings| settings.kv_cache_bytes = Some(40 * 16 * 2 * 2 * 2 * 2 * 24))),
        ("single thread", with(|settings| settings.threads = Some(1))),
    ]
}

async fn same_alone_and_together(model: &str) {
    let models = Models::new(&[model]);
    let requests = requests(model);
    let expected = one_by_one(&models.serve(settings()), &requests).await;
    assert!(expected.iter().all(|text| !text.is_empty()));
    for (name, settings) in variants() {
        let server = models.serve(settings);
        let found = together(&server, &requests).await;
        for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found, expected, "{model}, {name}, request {index}");
        }
        let engine = &server.model(model).engine;
        let stats = engine.wait_for(|stats| stats.running == 0).await.expect("alive");
        assert_eq!(stats.free_blocks, stats.total_blocks, "{name}");
        assert_eq!(stats.preemptions > 0, name == "preempting", "{name}: {stats:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn llama_answers_the_same_alone_batched_chunked_and_preempted() {
    same_alone_and_together("llama-tiny").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn qwen3_answers_the_same_alone_batched_chunked_and_preempted() {
    same_alone_and_together("qwen3-tiny").await;
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
    let requests: Vec<Value> = (0..12).map(|index| seeded(index / 2)).collect();
    let alone = one_by_one(&server, &requests).await;
    assert_eq!(together(&server, &requests).await, alone);
    assert_eq!(alone[0], alone[1]);
    assert_ne!(alone[0], alone[2]);
    let mut unseeded = seeded(0);
    unseeded.as_object_mut().expect("an object").remove("seed");
    let draws = one_by_one(&server, &vec![unseeded; 4]).await;
    assert!(draws.iter().any(|text| *text != draws[0]), "without a seed every draw is the same");
}
