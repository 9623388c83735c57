//! `/v1/embeddings`, `/v1/rerank` and `/classify`: what is asked for is what comes, and what is wrong is named.

use serde_json::{Value, json};

use crate::support::{
    Answer, Dtype, Models, Server, copy_folder, fixture, read_safetensors, request, settings, write_safetensors,
};

const EMBEDDINGS: &str = "/v1/embeddings";
const RERANK: &str = "/v1/rerank";
const CLASSIFY: &str = "/classify";

fn models(names: &[&str]) -> Models {
    let models = Models::new(&["llama-tiny"]);
    for name in names {
        copy_folder(&fixture("encoders").join(name), &models.path(name));
    }
    models
}

async fn good(server: &Server, path: &str, body: Value) -> Answer {
    let answer = server.ask(path, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer
}

fn vector(answer: &Answer, index: usize) -> Vec<f32> {
    let value = &answer.body["data"][index]["embedding"];
    serde_json::from_value(value.clone()).unwrap_or_else(|_| panic!("{value}"))
}

fn length(vector: &[f32]) -> f32 {
    vector.iter().map(|value| value * value).sum::<f32>().sqrt()
}

/// Little-endian floats of a text in base64.
fn decoded(text: &str) -> Vec<f32> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> = text.chars().filter_map(|digit| DIGITS.find(digit)).map(|digit| digit as u8).collect();
    let bytes: Vec<u8> = bits
        .chunks(4)
        .flat_map(|four| {
            let joined =
                four.iter().enumerate().fold(0u32, |sum, (at, digit)| sum | u32::from(*digit) << (18 - 6 * at));
            joined.to_be_bytes()[1..four.len()].to_vec()
        })
        .collect();
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().expect("four"))).collect()
}

#[tokio::test]
async fn vectors_come_as_they_are_asked_for() {
    let models = models(&["bert", "bert-dense"]);
    let server = models.serve(settings());
    let whole = good(&server, EMBEDDINGS, json!({"model": "bert", "input": ["письмо завтра", "the river"]})).await;
    assert_eq!((whole.body["object"].as_str(), whole.body["model"].as_str()), (Some("list"), Some("bert")));
    assert_eq!(whole.body["data"][1]["index"], 1);
    assert!(whole.usage("prompt_tokens") == whole.usage("total_tokens") && whole.usage("total_tokens") > 4);
    let whole = vector(&whole, 0);
    assert!(whole.len() == 32 && (length(&whole) - 1.0).abs() < 1e-5);

    let text = json!({"model": "bert", "input": "письмо завтра", "encoding_format": "base64", "user": "u"});
    let encoded = good(&server, EMBEDDINGS, text).await;
    let encoded = encoded.body["data"][0]["embedding"].as_str().expect("a text").to_owned();
    assert_eq!(decoded(&encoded), whole);

    let short = json!({"model": "bert", "input": "письмо завтра", "dimensions": 8});
    let short = vector(&good(&server, EMBEDDINGS, short).await, 0);
    assert!(short.len() == 8 && (length(&short) - 1.0).abs() < 1e-5);
    let factor = 1.0 / length(&whole[..8]);
    assert!(short.iter().zip(&whole).all(|(short, whole)| (short - whole * factor).abs() < 1e-6));

    let narrow = good(&server, EMBEDDINGS, json!({"model": "bert-dense", "input": "письмо"})).await;
    assert_eq!(vector(&narrow, 0).len(), 12);
}

#[tokio::test]
async fn what_cannot_be_embedded_is_named() {
    let models = models(&["bert", "bert-reranker"]);
    let server = models.serve(settings());
    let long = "river ".repeat(200);
    let cases = [
        (json!({"input": ""}), "invalid_value", "input"),
        (json!({"input": ["a", ""]}), "invalid_value", "input[1]"),
        (json!({"input": []}), "empty_array", "input"),
        (json!({"input": [[]]}), "empty_array", "input[0]"),
        (json!({"input": [[5, 99_999]]}), "invalid_value", "input[0]"),
        (json!({"input": vec!["a"; 2049]}), "array_above_max_length", "input"),
        (json!({"input": long}), "context_length_exceeded", "input"),
        (json!({"input": ["a", "river ".repeat(100_000)]}), "context_length_exceeded", "input[1]"),
        (json!({"input": vec![7; 97]}), "context_length_exceeded", "input"),
        (json!({"dimensions": 0}), "invalid_value", "dimensions"),
        (json!({"dimensions": 33}), "invalid_value", "dimensions"),
        (json!({"truncate_prompt_tokens": 97}), "invalid_value", "truncate_prompt_tokens"),
        (json!({"truncate_prompt_tokens": 0}), "invalid_value", "truncate_prompt_tokens"),
        (json!({"model": "llama-tiny"}), "unsupported_model", "model"),
        (json!({"model": "bert-reranker"}), "unsupported_model", "model"),
        (json!({"model": "nobody"}), "model_not_found", "model"),
    ];
    for (fields, code, param) in cases {
        let mut body = json!({"model": "bert", "input": "a"});
        let fields = fields.as_object().expect("an object").clone();
        body.as_object_mut().expect("an object").extend(fields);
        let answer = server.ask(EMBEDDINGS, &body).await;
        let (status, found_code, found_param) = answer.error();
        assert!(status == 400 || status == 404 && code == "model_not_found", "{}", answer.body);
        assert_eq!((found_code, found_param), (code, param), "{}", answer.body);
    }
    let cut = json!({"model": "bert", "input": [long.as_str(), "river"], "truncate_prompt_tokens": 9});
    let cut = good(&server, EMBEDDINGS, cut).await;
    assert_eq!(cut.usage("prompt_tokens"), 9 + 3);
    // What is wrong with the other endpoints of an embedder.
    for (path, body) in [
        ("/v1/chat/completions", request("bert", "x", 5)),
        ("/v1/completions", json!({"model": "bert", "prompt": "x"})),
        (RERANK, json!({"model": "bert", "query": "x", "documents": ["y"]})),
        (CLASSIFY, json!({"model": "bert", "input": "x"})),
    ] {
        let answer = server.ask(path, &body).await;
        assert_eq!(answer.error(), (400, "unsupported_model", "model"), "{path}");
    }
    let list = server.get("/v1/models").await;
    let bert = list.body["data"].as_array().expect("data").iter().find(|model| model["id"] == "bert").cloned();
    assert_eq!(bert.expect("listed")["max_model_len"], 96);
}

#[tokio::test]
async fn special_tokens_in_a_text_are_plain_text() {
    let models = models(&["bert"]);
    let server = models.serve(settings());
    let tokens = |text: &str| json!({"model": "bert", "input": text});
    let forged = good(&server, EMBEDDINGS, tokens("a [SEP] b")).await;
    let plain = good(&server, EMBEDDINGS, tokens("a b")).await;
    // More than one token more: brackets and letters.
    assert!(forged.usage("prompt_tokens") > plain.usage("prompt_tokens") + 1);
}

#[tokio::test]
async fn documents_are_ranked() {
    let models = models(&["bert-reranker", "qwen3-reranker"]);
    let server = models.serve(settings());
    for model in ["bert-reranker", "qwen3-reranker"] {
        let documents = json!(["the river", {"text": "Anna Smith"}, "total payment", "the river"]);
        let ask = |fields: Value| {
            let mut body = json!({"model": model, "query": "weather", "documents": documents});
            body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
            body
        };
        let all = good(&server, RERANK, ask(json!({"return_documents": true}))).await;
        let results = all.body["results"].as_array().expect("results").clone();
        assert!(results.len() == 4 && all.usage("total_tokens") > 8);
        for result in &results {
            let index = result["index"].as_u64().expect("an index") as usize;
            let document = documents[index]["text"].as_str().or(documents[index].as_str());
            assert_eq!(result["document"]["text"].as_str(), document);
        }
        // Equal documents have equal scores, and stay in their order.
        let place = |index: u64| results.iter().position(|result| result["index"] == index).expect("ranked");
        assert_eq!(place(0) + 1, place(3));
        let best = good(&server, RERANK, ask(json!({"top_n": 2}))).await;
        let best = best.body["results"].as_array().expect("results").clone();
        assert!(best.len() == 2 && best[0]["index"] == results[0]["index"] && best[0]["document"].is_null());
        let too_long = json!(["x ".repeat(2000)]);
        let answer = server.ask(RERANK, &ask(json!({"documents": too_long}))).await;
        assert_eq!(answer.error(), (400, "context_length_exceeded", "documents[0]"));
        good(&server, RERANK, ask(json!({"documents": too_long, "max_tokens_per_doc": 5}))).await;
        good(&server, RERANK, ask(json!({"documents": too_long, "truncate_prompt_tokens": -1}))).await;
    }
    let told =
        |instruction| json!({"model": "qwen3-reranker", "query": "a", "documents": ["b"], "instruction": instruction});
    let plain = good(&server, RERANK, told(Value::Null)).await;
    let other = good(&server, RERANK, told(json!("Find a letter."))).await;
    assert_ne!(plain.body["results"][0]["relevance_score"], other.body["results"][0]["relevance_score"]);
}

#[tokio::test]
async fn spans_are_counted_in_characters_and_long_texts_read_in_windows() {
    let models = models(&["bert-ner"]);
    let server = models.serve(settings());
    let text = "Аскар живет Алматы банк Anna Smith London письмо ".repeat(40);
    let answer = good(&server, CLASSIFY, json!({"model": "bert-ner", "input": [text, "река"]})).await;
    let spans = answer.body["data"][0]["spans"].as_array().expect("spans").clone();
    assert!(!spans.is_empty());
    let characters = text.chars().count() as u64;
    let mut last = 0;
    for span in &spans {
        let at = |key: &str| span[key].as_u64().expect("a number");
        assert!(at("start") >= last && at("start") < at("end") && at("end") <= characters, "{span}");
        assert!(["PER", "LOC"].contains(&span["label"].as_str().expect("a label")));
        last = at("end");
    }
    // Read far beyond the model's own length: windows overlap.
    assert!(answer.usage("prompt_tokens") > 400);
    let ids = server.ask(CLASSIFY, &json!({"model": "bert-ner", "input": [[5, 6]]})).await;
    assert_eq!(ids.error(), (400, "unsupported_value", "input"));
}

#[tokio::test]
async fn a_checkpoint_may_be_stored_below_a_head_and_with_old_names() {
    let models = models(&["bert", "xlm-roberta", "qwen3-embedding"]);
    for (name, class, prefix) in
        [("bert", "BertForPreTraining", "bert."), ("xlm-roberta", "XLMRobertaForTokenClassification", "roberta.")]
    {
        let path = models.path(&format!("{name}-other"));
        copy_folder(&models.path(name), &path);
        let mut tensors = read_safetensors(&path.join("model.safetensors"));
        for tensor in &mut tensors {
            let old =
                tensor.name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
            tensor.name = [prefix, &old].concat();
        }
        write_safetensors(&path.join("model.safetensors"), &tensors, Dtype::Bf16);
        let text = std::fs::read_to_string(path.join("config.json")).expect("a config");
        let mut config: Value = serde_json::from_str(&text).expect("JSON");
        config["architectures"] = json!([class]);
        std::fs::write(path.join("config.json"), config.to_string()).expect("write");
    }
    // The names of a whole decoder, whose head is not read.
    let path = models.path("qwen3-embedding-other");
    copy_folder(&models.path("qwen3-embedding"), &path);
    let mut tensors = read_safetensors(&path.join("model.safetensors"));
    for tensor in &mut tensors {
        tensor.name = ["model.", &tensor.name].concat();
    }
    write_safetensors(&path.join("model.safetensors"), &tensors, Dtype::Bf16);
    let server = models.serve(settings());
    for name in ["bert", "xlm-roberta", "qwen3-embedding"] {
        let ask = |model: &str| json!({"model": model, "input": ["письмо завтра", "the river"]});
        let (one, other) = (ask(name), ask(&format!("{name}-other")));
        let (one, other) = (good(&server, EMBEDDINGS, one).await, good(&server, EMBEDDINGS, other).await);
        assert!(one.body["data"] == other.body["data"], "{name}");
    }
}

#[tokio::test]
async fn broken_folders_say_why() {
    let models = models(&["bert", "modernbert", "bert-dense"]);
    let edit = |name: &str, file: &str, from: &str, to: &str| {
        let path = models.path(name).join(file);
        let text = std::fs::read_to_string(&path).expect("a file");
        assert!(text.contains(from), "{text}");
        std::fs::write(path, text.replace(from, to)).expect("write");
    };
    edit("bert", "config.json", "\"hidden_size\": 32", "\"hidden_size\": 64");
    edit("modernbert", "config.json", "\"hidden_activation\": \"gelu\"", "\"hidden_activation\": \"mish\"");
    std::fs::remove_file(models.path("bert-dense").join("2_Dense/model.safetensors")).expect("remove");
    let server = models.serve(settings());
    assert!(
        server.failure("bert").contains("embeddings.word_embeddings.weight has shape"),
        "{}",
        server.failure("bert")
    );
    assert!(server.failure("modernbert").contains("mish"), "{}", server.failure("modernbert"));
    assert!(server.failure("bert-dense").contains("no .safetensors file"), "{}", server.failure("bert-dense"));
    assert_eq!(server.chat(&request("llama-tiny", "x", 2)).await.status, 200);
}
