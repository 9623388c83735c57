//! `/openapi.json` against what is served: routes, fields of requests, shapes of answers.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use jsonschema::Validator;
use serde_json::{Value, json};
use shekara_inference::server::routes;
use shekara_protocol::sse::SseDecoder;

use crate::speech;
use crate::support::{Answer, Models, Server, answer, copy_folder, fixture, post_to, request, settings, write_parrot};

fn server() -> (Models, Server) {
    let models = Models::new(&["llama-tiny"]);
    write_parrot(&models.path("parrot"), "Zürich 🎉!");
    for name in ["bert", "bert-reranker", "bert-ner"] {
        copy_folder(&fixture("encoders").join(name), &models.path(name));
    }
    copy_folder(&fixture("speech/whisper-tiny"), &models.path("whisper"));
    let server = models.serve(settings());
    (models, server)
}

async fn document(server: &Server) -> Value {
    let answer = server.get("/openapi.json").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/json");
    answer.body
}

/// Checks values against a schema of the document.
fn validator(document: &Value, schema: &Value) -> Validator {
    let mut schema = schema.clone();
    schema["components"] = document["components"].clone();
    jsonschema::validator_for(&schema).expect("a sound schema")
}

fn named(document: &Value, name: &str) -> Validator {
    validator(document, &json!({"$ref": format!("#/components/schemas/{name}")}))
}

fn assert_fits(validator: &Validator, value: &Value) {
    let errors: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{value}\n{errors:#?}");
}

#[tokio::test]
async fn the_document_has_the_routes_that_are_served_and_no_others() {
    let (_models, server) = server();
    let document = document(&server).await;
    assert_eq!(
        (&document["openapi"], &document["info"]["version"]),
        (&json!("3.1.0"), &json!(env!("CARGO_PKG_VERSION")))
    );
    let mut documented = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        for (method, operation) in operations.as_object().expect("operations") {
            let method = method.to_uppercase();
            let url = path.replace("{id}", "parrot");
            let request = Request::builder().method(method.as_str()).uri(&url).body(Body::from("{}"));
            let response = server.send(request.expect("a request")).await;
            let status = response.status().as_u16();
            assert!(![404, 405].contains(&status), "{method} {path} is not served: {status}");
            assert!(!operation["responses"][status.to_string()].is_null(), "{method} {path} answers {status}");
            documented.insert((method, path.clone()));
        }
    }
    let served: BTreeSet<_> = routes().map(|(method, path)| (method.to_string(), path.to_owned())).collect();
    assert_eq!(documented, served);
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
    let (_models, server) = server();
    let document = document(&server).await;
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in &found {
        let pointer = reference.strip_prefix('#').expect("within the document");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    for kind in ["schemas", "responses", "headers"] {
        for name in document["components"][kind].as_object().expect("parts").keys() {
            assert!(found.contains(format!("#/components/{kind}/{name}").as_str()), "{name} is not used");
        }
    }
}

/// A request's fields as its type has them: the names at the first level of its pretty `Debug`.
fn fields(request: &impl std::fmt::Debug) -> BTreeSet<String> {
    let text = format!("{request:#?}");
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("    ").filter(|line| !line.starts_with([' ', '}', ']', ')'])));
    let names = lines.filter_map(|line| line.split_once(": ").map(|(name, _)| name.to_owned()));
    names.filter(|name| name != "object_only").collect()
}

#[tokio::test]
async fn requests_have_the_fields_that_the_server_reads() {
    let (_models, server) = server();
    let document = document(&server).await;
    let bytes = |body: Value| body.to_string().into_bytes();
    let messages = json!([{"role": "user", "content": "x"}]);
    let chat = bytes(json!({"model": "m", "messages": messages}));
    let prompt = bytes(json!({"model": "m", "prompt": "x"}));
    let input = bytes(json!({"model": "m", "input": "x"}));
    let message = bytes(json!({"model": "m", "messages": messages, "max_tokens": 1}));
    let tokens = bytes(json!({"tokens": []}));
    let ranking = bytes(json!({"model": "m", "query": "x", "documents": ["y"]}));
    let read = [
        ("EmbeddingRequest", fields(&shekara_protocol::embeddings::parse_request(&input).expect("sound"))),
        ("RerankRequest", fields(&shekara_protocol::rerank::parse_request(&ranking).expect("sound"))),
        ("ClassifyRequest", fields(&shekara_protocol::classify::parse_request(&input).expect("sound"))),
        ("ChatRequest", fields(&shekara_protocol::chat::parse_request(&chat).expect("sound"))),
        ("CompletionRequest", fields(&shekara_protocol::completions::parse_request(&prompt).expect("sound"))),
        ("ResponsesRequest", fields(&shekara_protocol::responses::parse_request(&input).expect("sound"))),
        ("MessagesRequest", fields(&shekara_protocol::messages::parse_request(&message).expect("sound"))),
        ("TokenizeRequest", fields(&shekara_protocol::tokenize::parse_tokenize(&prompt).expect("sound"))),
        ("DetokenizeRequest", fields(&shekara_protocol::tokenize::parse_detokenize(&tokens).expect("sound"))),
    ];
    for (name, read) in read {
        let documented = &document["components"]["schemas"][name]["properties"];
        let documented: BTreeSet<String> = documented.as_object().expect("properties").keys().cloned().collect();
        assert_eq!(documented, read, "{name}");
    }
}

/// Values of every kind, each of which is wrong for most fields.
fn candidates() -> Vec<Value> {
    vec![
        json!(true),
        json!(-7),
        json!(5000),
        json!(-0.5),
        json!(3.5),
        json!(""),
        json!("no such"),
        json!([]),
        json!([true]),
        json!([""]),
        json!(["no such"]),
        json!([[]]),
        json!({}),
        json!({"type": "no such"}),
        json!({"1": true}),
    ]
}

#[tokio::test]
async fn what_the_document_forbids_is_refused_by_name() {
    let (_models, server) = server();
    let document = document(&server).await;
    let messages = json!([{"role": "user", "content": "x"}]);
    let mut chat = request("llama-tiny", "x", 5);
    chat["logprobs"] = json!(true);
    let cases = [
        ("/v1/chat/completions", "ChatRequest", chat),
        ("/v1/completions", "CompletionRequest", json!({"model": "llama-tiny", "prompt": "x", "echo": true})),
        ("/v1/responses", "ResponsesRequest", json!({"model": "llama-tiny", "input": "x"})),
        ("/v1/messages", "MessagesRequest", json!({"model": "llama-tiny", "messages": messages, "max_tokens": 5})),
        ("/v1/messages/count_tokens", "CountTokensRequest", json!({"model": "llama-tiny", "messages": messages})),
        ("/tokenize", "TokenizeRequest", json!({"model": "llama-tiny", "messages": messages})),
        ("/detokenize", "DetokenizeRequest", json!({"model": "llama-tiny", "tokens": []})),
        ("/v1/embeddings", "EmbeddingRequest", json!({"model": "bert", "input": "x"})),
        ("/v1/rerank", "RerankRequest", json!({"model": "bert-reranker", "query": "x", "documents": ["y"]})),
        ("/classify", "ClassifyRequest", json!({"model": "bert-ner", "input": "x"})),
    ];
    let mut wrong = Vec::new();
    for (path, name, base) in cases {
        let schema = &document["components"]["schemas"][name];
        assert_fits(&named(&document, name), &base);
        for (field, property) in schema["properties"].as_object().expect("properties") {
            let property = validator(&document, property);
            let forbidden: Vec<Value> = candidates().into_iter().filter(|value| !property.is_valid(value)).collect();
            assert!(!forbidden.is_empty(), "{name}.{field} takes anything");
            for value in forbidden {
                let mut body = base.clone();
                body[field] = value.clone();
                if path == "/tokenize" && field == "prompt" {
                    body.as_object_mut().expect("an object").remove("messages");
                }
                let answer = server.ask(path, &body).await;
                let param = answer.body["error"]["param"].as_str().or(answer.body["error"]["message"].as_str());
                let named = param.is_some_and(|param| param.contains(field.as_str()));
                if answer.status != 400 || !named {
                    wrong.push(format!("{path} {field} = {value}: {} {:?}", answer.status, answer.body["error"]));
                }
            }
        }
        for field in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let mut body = base.clone();
            body.as_object_mut().expect("an object").remove(field);
            let status = server.ask(path, &body).await.status.as_u16();
            assert_eq!(status, 400, "{path} without {field}");
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(server.model("llama-tiny").engine.stats().steps, 0, "a bad request reached the model");
}

/// The schema that an operation names for its answer.
fn answer_schema(document: &Value, path: &str, method: &str, status: &str, kind: &str) -> Validator {
    let mut response = &document["paths"][path][method]["responses"][status];
    if let Some(reference) = response["$ref"].as_str() {
        response = document.pointer(&reference[1..]).expect("a response");
    }
    let schema = &response["content"][kind]["schema"];
    assert!(schema.is_object(), "{method} {path} {status} {kind}");
    validator(document, schema)
}

fn weather(key: &str) -> Value {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string", "enum": ["Almaty", "Astana"]}},
        "required": ["city"], "additionalProperties": false});
    match key {
        "chat" => json!([{"type": "function", "function": {"name": "weather", "parameters": schema}}]),
        "responses" => json!([{"type": "function", "name": "weather", "parameters": schema}]),
        _ => json!([{"name": "weather", "input_schema": schema}]),
    }
}

/// Requests to every endpoint that generates.
fn generating() -> Vec<(&'static str, Value)> {
    let chat = |fields: Value| (request("parrot", "hi", 100), "/v1/chat/completions", fields);
    let responses = |model: &str, fields| (json!({"model": model, "input": "hi", "seed": 1}), "/v1/responses", fields);
    let messages = |model: &str, fields| {
        let messages = json!([{"role": "user", "content": "hi"}]);
        (json!({"model": model, "messages": messages, "max_tokens": 100}), "/v1/messages", fields)
    };
    let completions = |fields| (json!({"model": "llama-tiny", "prompt": "hi"}), "/v1/completions", fields);
    let all = [
        chat(json!({})),
        chat(json!({"logprobs": true, "top_logprobs": 2, "n": 2, "stop": "ich"})),
        chat(json!({"model": "llama-tiny", "tools": weather("chat"), "tool_choice": "required"})),
        completions(json!({})),
        completions(json!({"echo": true, "logprobs": 2, "n": 2, "stop_token_ids": [50, 60, 70]})),
        responses("parrot", json!({"include": ["message.output_text.logprobs"], "top_logprobs": 1})),
        responses(
            "llama-tiny",
            json!({"tools": weather("responses"), "tool_choice": "required", "metadata": {"a": "b"}}),
        ),
        responses("parrot", json!({"max_output_tokens": 2})),
        messages("parrot", json!({"stop_sequences": ["ich"]})),
        messages("llama-tiny", json!({"tools": weather("messages"), "tool_choice": {"type": "any"}})),
    ];
    let merged = |(mut body, path, fields): (Value, &'static str, Value)| {
        let Value::Object(fields) = fields else { unreachable!("tests pass objects") };
        body.as_object_mut().expect("an object").extend(fields);
        (path, body)
    };
    all.into_iter().map(merged).collect()
}

#[tokio::test]
async fn answers_fit_their_schemas_whole_and_streamed() {
    let (_models, server) = server();
    let document = document(&server).await;
    for (path, body) in generating() {
        let request = &document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"];
        assert_fits(&validator(&document, request), &body);
        let whole = server.ask(path, &body).await;
        assert_eq!(whole.status, 200, "{}", whole.body);
        assert_fits(&answer_schema(&document, path, "post", "200", "application/json"), &whole.body);
        let event = answer_schema(&document, path, "post", "200", "text/event-stream");
        let mut streamed = body.clone();
        if path.ends_with("completions") {
            streamed["stream_options"] = json!({"include_usage": true});
        }
        let events = server.events(path, &streamed).await;
        assert!(events.len() > 2);
        for data in events.iter().filter(|event| event.data != "[DONE]") {
            assert_fits(&event, &serde_json::from_str(&data.data).expect("JSON"));
        }
    }
}

#[tokio::test]
async fn other_answers_and_errors_fit_theirs() {
    let (_models, server) = server();
    let document = document(&server).await;
    let check = |method: &str, path: &str, answer: &Answer| {
        let status = answer.status.as_u16().to_string();
        assert_fits(&answer_schema(&document, path, method, &status, "application/json"), &answer.body);
    };
    for path in ["/v1/models", "/readyz", "/openapi.json", "/admin/v1/models"] {
        check("get", path, &server.get(path).await);
    }
    check("get", "/v1/models/{id}", &server.get("/v1/models/parrot").await);
    check("get", "/v1/models/{id}", &server.get("/v1/models/nobody").await);
    check("get", "/readyz", &Models::new(&[]).serve(settings()).get("/readyz").await);
    let pin = json!({"id": "parrot", "action": "pin"});
    check("post", "/admin/v1/models", &server.ask("/admin/v1/models", &pin).await);
    let text = json!({"model": "parrot", "prompt": "x", "return_token_strs": true});
    check("post", "/tokenize", &server.ask("/tokenize", &text).await);
    check("post", "/detokenize", &server.ask("/detokenize", &json!({"model": "parrot", "tokens": [40]})).await);
    for format in ["float", "base64"] {
        let embed = json!({"model": "bert", "input": ["x", "y"], "encoding_format": format});
        check("post", "/v1/embeddings", &server.ask("/v1/embeddings", &embed).await);
    }
    let rank =
        json!({"model": "bert-reranker", "query": "x", "documents": ["y", {"text": "z"}], "return_documents": true});
    check("post", "/v1/rerank", &server.ask("/v1/rerank", &rank).await);
    for model in ["bert-reranker", "bert-ner"] {
        let classify = json!({"model": model, "input": "Anna lives in Astana.", "return_logits": true});
        let answer = server.ask("/classify", &classify).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        check("post", "/classify", &answer);
    }
    let count = json!({"model": "parrot", "messages": [{"role": "user", "content": "x"}]});
    check("post", "/v1/messages/count_tokens", &server.ask("/v1/messages/count_tokens", &count).await);
    let form = |fields: &[(&str, &str)]| {
        let fields = [&[("model", "whisper"), ("language", "en")][..], fields].concat();
        server.send(speech::form("/v1/audio/transcriptions", &fields, ("a.flac", &speech::clip("flac"))))
    };
    for format in ["json", "verbose_json"] {
        let answer = answer(form(&[("response_format", format)]).await).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        check("post", "/v1/audio/transcriptions", &answer);
    }
    let events = form(&[("stream", "true")]).await.into_body().collect().await.expect("a body").to_bytes();
    let event = answer_schema(&document, "/v1/audio/transcriptions", "post", "200", "text/event-stream");
    let events = SseDecoder::new(1 << 20).push(&events).expect("small events");
    for data in events.iter().filter(|event| event.data != "[DONE]") {
        assert_fits(&event, &serde_json::from_str(&data.data).expect("JSON"));
    }
    for (method, path) in routes().filter(|(method, _)| method == "POST") {
        let method = method.as_str().to_lowercase();
        for body in ["{".to_owned(), json!({"model": "nobody", "tokens": [1]}).to_string(), "x".repeat(2 << 20)] {
            let answer = answer(server.send(post_to(path, body)).await).await;
            assert!(answer.status.is_client_error());
            check(&method, path, &answer);
        }
    }
}
