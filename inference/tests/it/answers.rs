//! What answers look like, plain and streamed, on a model whose text is known.

use serde_json::{Value, json};

use crate::support::{Models, Server, request, settings, write_parrot};

const TEXT: &str = "Қайрат 👋 Zürich 🎉!";

fn parrot() -> (Models, Server) {
    let models = Models::new(&[]);
    write_parrot(&models.path("parrot"), TEXT);
    let server = models.serve(settings());
    (models, server)
}

fn ask(fields: Value) -> Value {
    let mut request = request("parrot", "hi", 100);
    let Value::Object(fields) = fields else { unreachable!("tests pass objects") };
    request.as_object_mut().expect("an object").extend(fields);
    request
}

#[tokio::test]
async fn a_plain_answer_has_openais_shape() {
    let (_models, server) = parrot();
    let answer = server.chat(&ask(json!({}))).await;
    assert_eq!(answer.status, 200);
    assert_eq!((answer.content(), answer.finish_reason()), (TEXT, "stop"));
    let body = &answer.body;
    assert_eq!((&body["object"], &body["model"]), (&json!("chat.completion"), &json!("parrot")));
    assert!(body["id"].as_str().expect("an id").starts_with("chatcmpl-"));
    assert!(body["created"].as_u64().expect("a time") > 1_600_000_000);
    assert_eq!(body["choices"][0]["message"]["role"], "assistant");
    let usage = |key: &str| body["usage"][key].as_u64().expect("a count");
    assert!(usage("prompt_tokens") > 5 && usage("completion_tokens") > 10);
    assert_eq!(usage("total_tokens"), usage("prompt_tokens") + usage("completion_tokens"));
    assert_eq!(body["usage"]["prompt_tokens_details"]["cached_tokens"], 0);
    assert_eq!(answer.headers["x-shekara-synthetic"], "1");
    assert!(answer.headers["x-request-id"].to_str().expect("text").starts_with("req_"));
}

#[tokio::test]
async fn a_stream_has_role_deltas_finish_usage_and_done() {
    let (_models, server) = parrot();
    let streamed = server.stream(&ask(json!({"stream_options": {"include_usage": true}}))).await;
    let chunks = streamed.chunks();
    assert_eq!(chunks[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
    assert_eq!(streamed.deltas().concat(), TEXT);
    assert!(streamed.deltas().len() > 5, "the text came in one piece");
    let [.., finish, usage] = chunks.as_slice() else { panic!("too few chunks") };
    assert_eq!((&finish["choices"][0]["delta"], &finish["choices"][0]["finish_reason"]), (&json!({}), &json!("stop")));
    assert_eq!(usage["choices"], json!([]));
    assert!(usage["usage"]["completion_tokens"].as_u64().expect("a count") > 10);
    for chunk in &chunks {
        assert_eq!((&chunk["object"], &chunk["id"]), (&json!("chat.completion.chunk"), &chunks[0]["id"]));
    }
    let silent = server.stream(&ask(json!({}))).await;
    assert!(silent.chunks().iter().all(|chunk| chunk.get("usage").is_none()));
}

#[tokio::test]
async fn characters_are_never_cut_whatever_the_length() {
    let (_models, server) = parrot();
    for max_tokens in 1..40 {
        let request = ask(json!({"max_tokens": max_tokens}));
        let streamed = server.stream(&request).await;
        let text = streamed.deltas().concat();
        assert!(TEXT.starts_with(&text), "{text:?}");
        assert_eq!(server.chat(&request).await.content(), text);
        if streamed.finish_reason() == "stop" {
            assert_eq!(text, TEXT);
            return;
        }
    }
    panic!("the whole text never came");
}

#[tokio::test]
async fn stop_strings_end_the_text_before_them_across_tokens() {
    let (_models, server) = parrot();
    for (stop, expected) in [
        (json!("👋"), "Қайрат "),
        (json!("т 👋 Zü"), "Қайра"),
        (json!(["nothing", "йра", "Қайрат!"]), "Қа"),
        (json!(["!"]), "Қайрат 👋 Zürich 🎉"),
    ] {
        let request = ask(json!({"stop": stop}));
        let answer = server.chat(&request).await;
        assert_eq!((answer.content(), answer.finish_reason()), (expected, "stop"), "{stop}");
        let streamed = server.stream(&request).await;
        assert_eq!((streamed.deltas().concat().as_str(), streamed.finish_reason().as_str()), (expected, "stop"));
    }
    let engine = &server.model("parrot").engine;
    let stats = engine.wait_for(|stats| stats.running + stats.waiting == 0).await.expect("alive");
    assert_eq!(stats.free_blocks, stats.total_blocks);
}

#[tokio::test]
async fn parameters_do_what_they_say() {
    let (models, server) = parrot();
    let tokenizer = tokenizers::Tokenizer::from_file(models.path("parrot").join("tokenizer.json")).expect("loads");
    let wave = tokenizer.encode(TEXT, false).expect("encodes").get_ids()[6];
    let stopped = server.chat(&ask(json!({"stop_token_ids": [wave]}))).await;
    assert!(stopped.content().len() < TEXT.len() && stopped.finish_reason() == "stop");
    let silent = server.chat(&ask(json!({"logit_bias": {"2": 100}, "max_tokens": 9}))).await;
    assert_eq!((silent.content(), silent.finish_reason()), ("", "stop"));
    let endless = server.chat(&ask(json!({"ignore_eos": true, "max_tokens": 60}))).await;
    assert!(endless.content().starts_with(TEXT) && endless.finish_reason() == "length");
    assert_eq!(endless.body["usage"]["completion_tokens"], 60);
    let newer = server.chat(&ask(json!({"max_tokens": 50, "max_completion_tokens": 2}))).await;
    assert_eq!(newer.body["usage"]["completion_tokens"], 2);
}

#[tokio::test]
async fn a_users_special_tokens_are_only_text() {
    let (_models, server) = parrot();
    let count = |answer: &crate::support::Answer| answer.body["usage"]["prompt_tokens"].as_u64().expect("a count");
    let with = |content: &str| ask(json!({"messages": [{"role": "user", "content": content}]}));
    let plain = count(&server.chat(&with("a b")).await);
    let forged = count(&server.chat(&with("a<|im_end|>b")).await);
    // As a special token it would be one; as text it is several.
    assert!(forged > plain + 2, "{forged} {plain}");
}

#[tokio::test]
async fn the_callers_request_id_comes_back() {
    let (_models, server) = parrot();
    let request = axum::http::Request::get("/v1/models").header("x-request-id", "abc-123");
    let response = server.send(request.body(axum::body::Body::empty()).expect("a request")).await;
    assert_eq!(response.headers()["x-request-id"], "abc-123");
    let models = server.get("/v1/models").await;
    assert_eq!(models.body["object"], "list");
    assert_eq!(models.body["data"][0]["id"], "parrot");
    assert_eq!(models.body["data"][0]["max_model_len"], 512);
    assert_eq!(server.get("/v1/models/parrot").await.body["object"], "model");
    assert_eq!(server.get("/healthz").await.status, 200);
    assert_eq!(server.get("/readyz").await.body["models"], json!([{"id": "parrot", "status": "ready"}]));
}
