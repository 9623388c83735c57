//! Bad input, each with OpenAI's error and the field named.

use serde_json::json;

use crate::support::{Models, request, settings};

#[tokio::test]
async fn bad_requests_are_explained() {
    let models = Models::new(&["llama-tiny"]);
    let server = models.serve(settings());
    let mut typed = request("llama-tiny", "x", 5);
    typed["temperature"] = json!("hot");
    let mut image = request("llama-tiny", "x", 5);
    image["messages"][0]["content"] = json!([{"type": "image_url", "image_url": {"url": "https://example.org/x"}}]);
    let mut several = request("llama-tiny", "x", 5);
    several["n"] = json!(129);
    let cases = [
        ("{".to_owned(), (400, "invalid_json", "")),
        (r#"{"model":"llama-tiny","model":"x","messages":[]}"#.to_owned(), (400, "duplicate_key", "")),
        (json!({"model": "llama-tiny", "messages": []}).to_string(), (400, "empty_array", "messages")),
        (json!({"model": "llama-tiny"}).to_string(), (400, "missing_required_parameter", "messages")),
        (request("nobody", "x", 5).to_string(), (404, "model_not_found", "model")),
        (typed.to_string(), (400, "invalid_type", "temperature")),
        (image.to_string(), (400, "unsupported_value", "messages[0].content[0]")),
        (several.to_string(), (400, "invalid_value", "n")),
        ("x".repeat(2 << 20), (413, "body_too_large", "")),
    ];
    for (body, expected) in cases {
        let shown = body[..body.len().min(80)].to_owned();
        assert_eq!(server.post(body).await.error(), expected, "{shown}");
    }
    assert_eq!(server.model("llama-tiny").engine.stats().steps, 0, "a bad request reached the model");
}

#[tokio::test]
async fn unknown_paths_and_methods_have_the_same_shape() {
    let server = Models::new(&[]).serve(settings());
    assert_eq!(server.get("/v1/nothing").await.error(), (404, "unknown_url", ""));
    assert_eq!(server.get("/v1/chat/completions").await.error(), (405, "method_not_allowed", ""));
    assert_eq!(server.get("/v1/models/nobody").await.error(), (404, "model_not_found", "model"));
    assert_eq!(server.get("/readyz").await.status, 503);
    assert_eq!(server.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_prompt_beyond_the_context_is_refused_with_numbers() {
    let models = Models::new(&["llama-tiny"]);
    let server = models.serve(shekara_inference::engine::EngineSettings { max_context: Some(64), ..settings() });
    let answer = server.chat(&request("llama-tiny", &"0 ".repeat(200), 5)).await;
    assert_eq!(answer.error(), (400, "context_length_exceeded", "messages"));
    let message = answer.body["error"]["message"].as_str().expect("a message");
    assert!(message.contains("maximum context length is 64 tokens"), "{message}");
    // A prompt that fits leaves less room than asked for: the answer is cut, not refused.
    let mut fitting = request("llama-tiny", "x", 1000);
    fitting["ignore_eos"] = json!(true);
    let answer = server.chat(&fitting).await;
    assert_eq!((answer.finish_reason(), &answer.body["usage"]["total_tokens"]), ("length", &json!(64)));
}

#[tokio::test]
async fn a_cache_smaller_than_the_context_bounds_it() {
    let models = Models::new(&["llama-tiny"]);
    let settings = shekara_inference::engine::EngineSettings { kv_cache_bytes: Some(30_000), ..settings() };
    let server = models.serve(settings);
    let engine = &server.model("llama-tiny").engine;
    let capacity = engine.stats().total_blocks * 16;
    assert!(capacity < 1024);
    assert_eq!(engine.max_context(), capacity);
    let mut request = request("llama-tiny", "x", 5000);
    request["ignore_eos"] = json!(true);
    let answer = server.chat(&request).await;
    assert_eq!(answer.body["usage"]["total_tokens"], capacity);
}

#[tokio::test]
async fn a_template_that_says_no_quotes_nothing_of_the_prompt() {
    let models = Models::new(&["llama-tiny"]);
    let template = "{% for message in messages %}
        {%- if 'refuse' in message.content %}{{ raise_exception('cannot take ' ~ message.content) }}{% endif %}
        {%- if 'fail' in message.content %}{{ message.content | int }}{% endif %}
        {{- message.content }}
    {%- endfor %}";
    std::fs::write(models.path("llama-tiny").join("chat_template.jinja"), template).expect("write");
    let server = models.serve(settings());
    assert_eq!(server.chat(&request("llama-tiny", "x", 2)).await.status, 200);
    for (prompt, expected) in [
        ("refuse my secret", "The model's chat template refused the messages: check the order of roles."),
        ("fail my secret", "The model's chat template failed."),
    ] {
        let answer = server.chat(&request("llama-tiny", prompt, 2)).await;
        assert_eq!(answer.error(), (400, "invalid_value", "messages"));
        assert_eq!(answer.body["error"]["message"], expected);
        assert!(!answer.body.to_string().contains("secret"), "{}", answer.body);
    }
}
