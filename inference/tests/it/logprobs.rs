//! Log probabilities: a distribution's, in order, with the bytes of the answer, and the reference's.

use futures_util::StreamExt;
use serde_json::{Value, json};
use shekara_inference::engine::{EngineHandle, EngineSettings, GenerationRequest, TokenEvent};
use shekara_inference::kernels::cpu::KvDtype;
use shekara_inference::sampling::{SamplingParams, StopCondition, TokenLogprobs};

use crate::support::{Models, fixture, request, settings, write_parrot};

fn entries(choice: &Value) -> &Vec<Value> {
    choice["logprobs"]["content"].as_array().unwrap_or_else(|| panic!("{choice}"))
}

fn number(entry: &Value) -> f64 {
    entry["logprob"].as_f64().expect("a number")
}

fn bytes(entry: &Value) -> Vec<u8> {
    serde_json::from_value(entry["bytes"].clone()).expect("bytes")
}

fn check_entry(entry: &Value, top: usize, greedy: bool) {
    let tops = entry["top_logprobs"].as_array().expect("a list");
    assert_eq!(tops.len(), top);
    let sum: f64 = tops.iter().map(|top| number(top).exp()).sum();
    assert!(sum <= 1.0 + 1e-5 && number(entry) <= 0.0, "{entry}");
    assert!(tops.windows(2).all(|pair| number(&pair[0]) >= number(&pair[1])), "{entry}");
    for named in tops.iter().chain([entry]) {
        // A token of whole characters reads as its bytes do.
        if let Ok(text) = String::from_utf8(bytes(named)) {
            assert_eq!(named["token"], text);
        }
    }
    if greedy && top > 0 {
        assert_eq!((&tops[0]["bytes"], number(&tops[0])), (&entry["bytes"], number(entry)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_a_distributions_and_in_order() {
    let models = Models::new(&["llama-tiny", "qwen3-tiny", "mistral-tiny"]);
    let server = models.serve(settings());
    for model in ["llama-tiny", "qwen3-tiny", "mistral-tiny"] {
        for (top, temperature) in [(0, 0.0), (1, 0.0), (5, 0.0), (20, 0.0), (3, 1.5), (20, 1.5)] {
            let mut request = request(model, "сәлем 👋", 30);
            (request["logprobs"], request["top_logprobs"]) = (json!(true), json!(top));
            (request["temperature"], request["seed"]) = (json!(temperature), json!(5));
            let answer = server.chat(&request).await;
            let found = entries(&answer.body["choices"][0]).clone();
            assert!(found.len() >= 29);
            for entry in &found {
                check_entry(entry, top, temperature == 0.0);
            }
            let streamed = server.stream(&request).await.chunks();
            let lists = streamed.iter().filter_map(|chunk| chunk["choices"][0]["logprobs"]["content"].as_array());
            assert_eq!(lists.flatten().cloned().collect::<Vec<_>>(), found, "{model} {top}");
        }
    }
    let silent = server.chat(&request("llama-tiny", "x", 3)).await;
    assert_eq!(silent.body["choices"][0]["logprobs"], Value::Null);
}

#[tokio::test]
async fn their_bytes_are_the_answers() {
    let text = "Қайрат 👋 Zürich 🎉!";
    let models = Models::new(&[]);
    write_parrot(&models.path("parrot"), text);
    let server = models.serve(settings());
    let mut request = request("parrot", "hi", 100);
    (request["logprobs"], request["top_logprobs"]) = (json!(true), json!(2));
    let answer = server.chat(&request).await;
    let joined: Vec<u8> = entries(&answer.body["choices"][0]).iter().flat_map(bytes).collect();
    assert_eq!(String::from_utf8(joined).as_deref(), Ok(text));
    // Up to a stop string: the tokens that begin in what is shown.
    request["stop"] = json!("rich");
    let stopped = server.chat(&request).await;
    let joined: Vec<u8> = entries(&stopped.body["choices"][0]).iter().flat_map(bytes).collect();
    assert!(joined.starts_with(stopped.content().as_bytes()) && stopped.content().ends_with("Zü"));
}

async fn generate(
    engine: &EngineHandle,
    prompt: Vec<u32>,
    max_tokens: usize,
) -> (Vec<TokenLogprobs>, Vec<TokenLogprobs>) {
    let sampling =
        SamplingParams { temperature: 0.0, logprobs: Some(512), prompt_logprobs: Some(0), ..SamplingParams::default() };
    let stop = StopCondition { token_ids: Vec::new(), max_tokens, min_tokens: 0 };
    let (grammar, adapter) = (None, None);
    let request = GenerationRequest { prompt, sampling, stop, grammar, priority: 0, cache_salt: "".into(), adapter };
    let mut stream = engine.submit(request).expect("taken");
    let (mut answer, mut of_prompt) = (Vec::new(), Vec::new());
    while let Some(event) = stream.next().await {
        match event {
            TokenEvent::Prompt(logprobs) => of_prompt.extend(logprobs),
            TokenEvent::Tokens(tokens) => answer.extend(tokens.into_iter().filter_map(|token| token.logprobs)),
            TokenEvent::Failed(error) => panic!("{error}"),
            TokenEvent::Started { .. } | TokenEvent::Finished(_) => {}
        }
    }
    (of_prompt, answer)
}

/// Against the logits of transformers, and against themselves as a prompt.
#[tokio::test(flavor = "multi_thread")]
async fn they_agree_with_the_reference() {
    for name in ["llama-tiny", "qwen3-tiny", "mistral-tiny"] {
        let models = Models::new(&[name]);
        let server = models.serve(EngineSettings { kv_cache_dtype: KvDtype::F32, ..settings() });
        let engine = server.model(name).engine.clone();
        let text = std::fs::read_to_string(fixture(&format!("{name}.golden.json"))).expect("a golden");
        let golden: Value = serde_json::from_str(&text).expect("JSON");
        for case in golden["bf16"].as_array().expect("cases") {
            let tokens: Vec<u32> = serde_json::from_value(case["tokens"].clone()).expect("token ids");
            let logits: Vec<f64> = serde_json::from_value(case["logits"].clone()).expect("logits");
            let log_sum = logits.iter().map(|logit| logit.exp()).sum::<f64>().ln();
            let (of_prompt, answer) = generate(&engine, tokens.clone(), 12).await;
            assert_eq!((of_prompt.len(), answer.len()), (tokens.len() - 1, 12));
            let first = &answer[0];
            assert_eq!(first.top.len(), logits.len());
            for (token, logprob) in &first.top {
                let expected = logits[*token as usize] - log_sum;
                assert!((f64::from(*logprob) - expected).abs() < 2e-4, "{name}: {logprob} not {expected}");
            }
            // What was drawn, read as a prompt, has the same bits.
            let whole = [tokens.clone(), answer.iter().map(|drawn| drawn.token).collect()].concat();
            let (again, _) = generate(&engine, whole, 1).await;
            let bits = |all: &[TokenLogprobs]| -> Vec<(u32, u32)> {
                all.iter().map(|one| (one.token, one.logprob.to_bits())).collect()
            };
            assert_eq!(bits(&again), bits(&[of_prompt, answer].concat()), "{name}");
        }
    }
}
