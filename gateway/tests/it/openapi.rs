//! `/openapi.json` against what is served: routes, keys, fields of requests.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::gateway::{TestGateway, border, finish};
use crate::upstream::{Reply, Then, Upstream};

async fn started() -> (Upstream, TestGateway) {
    let upstream = Upstream::start(Reply::ByHead(Arc::new(reply))).await;
    let gateway = TestGateway::start(&border(&upstream.base_url, &upstream.base_url, "")).await;
    (upstream, gateway)
}

/// What is an answer at the path that is asked for.
fn reply(head: &str) -> Reply {
    let path = head.split(' ').nth(1).unwrap();
    Reply::Json(match path {
        "/v1/completions" => r#"{"choices":[{"index":0,"text":" there","finish_reason":"stop"}]}"#,
        "/v1/embeddings" | "/v1/images/generations" => r#"{"data":[{"embedding":[1.0]}]}"#,
        "/v1/rerank" | "/v1/moderations" => r#"{"results":[{"index":0}]}"#,
        "/v1/audio/speech" => return Reply::Part("audio/mpeg", "ID3", Then::End),
        "/tokenize" | "/detokenize" => r#"{"tokens":[1],"prompt":"x"}"#,
        _ => return Reply::Text("fine"),
    })
}

async fn document(gateway: &TestGateway) -> Value {
    let answer = finish(gateway.client.get(format!("{}/openapi.json", gateway.url))).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    answer.json()
}

/// Method, path and description of everything that is documented.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let mut found = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            found.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    found
}

#[tokio::test]
async fn the_document_has_the_routes_of_the_router_and_no_others() {
    let (_upstream, gateway) = started().await;
    let document = document(&gateway).await;
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut served = BTreeSet::new();
    for line in include_str!("../../src/router.rs").lines() {
        let Some((path, methods)) = line.trim().strip_prefix(".route(\"").and_then(|rest| rest.split_once('"')) else {
            continue;
        };
        for method in ["get", "post", "put", "patch", "delete"] {
            if methods.contains(&format!(" {method}(")) || methods.contains(&format!(".{method}(")) {
                served.insert((method.to_uppercase(), path.replace("{*", "{")));
            }
        }
    }
    assert!(served.len() > 40, "the router was not read: {served:?}");
    let documented: BTreeSet<_> = operations(&document).into_iter().map(|(method, path, _)| (method, path)).collect();
    assert_eq!(documented, served);
}

#[tokio::test]
async fn what_the_document_says_of_keys_is_so() {
    let (_upstream, gateway) = started().await;
    let document = document(&gateway).await;
    for (method, path, operation) in operations(&document) {
        let url = format!("{}{}", gateway.url, path.replace("{id}", "x"));
        let answer = finish(gateway.client.request(method.parse().unwrap(), url)).await;
        let is_open = operation["security"].as_array().is_some_and(Vec::is_empty);
        assert_eq!(answer.status == 401, !is_open, "{method} {path}: {}", answer.status);
        assert!(is_open || operation["security"].is_null(), "{method} {path}");
    }
    for name in ["bearer", "x-api-key", "api-key"] {
        assert!(document["components"]["securitySchemes"][name].is_object(), "{name}");
    }
}

fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_part_is_used() {
    let (_upstream, gateway) = started().await;
    let document = document(&gateway).await;
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in &found {
        assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
    }
    for kind in ["schemas", "responses", "headers", "parameters"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            assert!(found.contains(format!("#/components/{kind}/{name}").as_str()), "{name} is not used");
        }
    }
    let ids: BTreeSet<_> =
        operations(&document).iter().map(|(_, _, operation)| operation["operationId"].to_string()).collect();
    assert_eq!(ids.len(), operations(&document).len(), "two operations have one name");
}

/// A request's fields as its type has them: the names at the first level of its pretty `Debug`.
fn fields(request: &impl Debug) -> BTreeSet<String> {
    let text = format!("{request:#?}");
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("    ").filter(|line| !line.starts_with([' ', '}', ']', ')'])));
    let names = lines.filter_map(|line| line.split_once(": ").map(|(name, _)| name.to_owned()));
    names.filter(|name| name != "object_only").collect()
}

/// Of requests that are read whole, all of it; of those that are passed on, nothing that is not read.
#[tokio::test]
async fn requests_have_the_fields_that_are_read() {
    use shekara_protocol::{chat, completions, embeddings, messages, rerank, responses, tokenize};
    let (_upstream, gateway) = started().await;
    let document = document(&gateway).await;
    let documented = |name: &str| -> BTreeSet<String> {
        document["components"]["schemas"][name]["properties"].as_object().unwrap().keys().cloned().collect()
    };
    let talk = json!([{ "role": "user", "content": "x" }]);
    let bytes = |body: Value| body.to_string().into_bytes();
    let input = bytes(json!({ "model": "m", "input": "x" }));
    let message = bytes(json!({ "model": "m", "messages": talk, "max_tokens": 1 }));
    let ranking = bytes(json!({ "model": "m", "query": "x", "documents": ["y"] }));
    let prompt = bytes(json!({ "model": "m", "prompt": "x" }));
    let count = fields(&messages::parse_count_request(&message).unwrap());
    for (name, read) in [
        ("ResponsesRequest", fields(&responses::parse_request(&input).unwrap())),
        ("MessagesRequest", fields(&messages::parse_request(&message).unwrap())),
        ("EmbeddingRequest", fields(&embeddings::parse_request(&input).unwrap())),
        ("RerankRequest", fields(&rerank::parse_request(&ranking).unwrap())),
        ("TokenizeRequest", fields(&tokenize::parse_tokenize(&prompt).unwrap())),
        ("DetokenizeRequest", fields(&tokenize::parse_detokenize(br#"{"tokens":[]}"#).unwrap())),
    ] {
        assert_eq!(documented(name), read, "{name}");
    }
    for (name, known) in [
        ("ChatRequest", fields(&chat::parse_request(&bytes(json!({ "model": "m", "messages": talk }))).unwrap())),
        ("CompletionRequest", fields(&completions::parse_request(&prompt).unwrap())),
        ("CountTokensRequest", count),
    ] {
        // `metadata` is read by whoever asks which conversation this is.
        let unknown: Vec<_> = documented(name).into_iter().filter(|field| !known.contains(field)).collect();
        assert!(unknown.iter().all(|field| field == "metadata"), "{name}: {unknown:?}");
    }
}

#[tokio::test]
async fn examples_are_answered_and_what_is_required_is() {
    let (_upstream, gateway) = started().await;
    let document = document(&gateway).await;
    let mut tried = 0;
    for (method, path, operation) in operations(&document) {
        let content = &operation["requestBody"]["content"]["application/json"];
        let Some(example) = content["example"].as_object() else { continue };
        tried += 1;
        let mut example = Value::Object(example.clone());
        if !example["model"].is_null() {
            example["model"] = json!(if path.ends_with("tokenize") { "home/small" } else { "chat" });
        }
        let key = if path.starts_with("/admin") { &gateway.admin_key } else { &gateway.key };
        let answer = gateway.send(&method, &path, key, example.to_string()).await;
        // Of those who speak OpenAI's API none counts without answering.
        let counts = path.ends_with("/count_tokens") && answer.body.contains("does not count tokens");
        assert!(answer.status == 200 || counts, "{path}: {} {}", answer.status, answer.body);
        let is_generated = answer.header("x-shekara-synthetic") == "1";
        let response = operation["responses"]["200"]["$ref"].as_str().unwrap_or_default();
        let is_said = !document.pointer(response.trim_start_matches('#')).unwrap_or(&Value::Null)["headers"]
            ["x-shekara-synthetic"]
            .is_null();
        assert!(is_generated == is_said || counts, "{path}: {response}");
        let name = content["schema"]["$ref"].as_str().unwrap().trim_start_matches('#');
        for field in document.pointer(name).unwrap()["required"].as_array().into_iter().flatten() {
            let mut body = example.clone();
            body.as_object_mut().unwrap().remove(field.as_str().unwrap());
            let answer = gateway.send(&method, &path, key, body.to_string()).await;
            assert_eq!(answer.status, 400, "{path} without {field}");
        }
    }
    assert!(tried >= 12, "only {tried} examples");
}
