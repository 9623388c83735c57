//! Bad input, each with OpenAI's error and the field named.

use serde_json::{Value, json};

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

fn tool(name: &str) -> Value {
    json!({"type": "function", "function": {"name": name, "parameters": {"type": "object"}}})
}

#[tokio::test]
async fn values_out_of_range_are_named() {
    let models = Models::new(&["llama-tiny"]);
    let server = models.serve(settings());
    let named = json!({"type": "function", "function": {"name": "g"}});
    let user = json!({"role": "user", "content": "x"});
    let answered = json!({"role": "tool", "tool_call_id": "call_1", "content": "1"});
    let call = json!({"id": "call_2", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let called = json!({"role": "assistant", "content": null, "tool_calls": [call]});
    let cases = [
        (json!({"n": 0}), "n"),
        (json!({"n": -1}), "n"),
        (json!({"n": 129}), "n"),
        (json!({"presence_penalty": -2.1}), "presence_penalty"),
        (json!({"presence_penalty": 2.1}), "presence_penalty"),
        (json!({"frequency_penalty": -3}), "frequency_penalty"),
        (json!({"frequency_penalty": 2.01}), "frequency_penalty"),
        (json!({"repetition_penalty": -1}), "repetition_penalty"),
        (json!({"repetition_penalty": 0}), "repetition_penalty"),
        (json!({"temperature": -0.1}), "temperature"),
        (json!({"temperature": 2.5}), "temperature"),
        (json!({"top_p": 0}), "top_p"),
        (json!({"top_p": 1.1}), "top_p"),
        (json!({"top_k": -2}), "top_k"),
        (json!({"min_p": 1.5}), "min_p"),
        (json!({"typical_p": 0}), "typical_p"),
        (json!({"top_logprobs": 3}), "top_logprobs"),
        (json!({"top_logprobs": 3, "logprobs": false}), "top_logprobs"),
        (json!({"top_logprobs": 21, "logprobs": true}), "top_logprobs"),
        (json!({"top_logprobs": -1, "logprobs": true}), "top_logprobs"),
        (json!({"stop": ["a", "b", "c", "d", "e"]}), "stop"),
        (json!({"stop": ""}), "stop"),
        (json!({"stop": ["a", ""]}), "stop"),
        (json!({"max_tokens": 0}), "max_tokens"),
        (json!({"max_completion_tokens": 0}), "max_completion_tokens"),
        (json!({"min_tokens": 6}), "min_tokens"),
        (json!({"logit_bias": {"99999": 1}}), "logit_bias"),
        (json!({"logit_bias": {"1": 101}}), "logit_bias"),
        (json!({"stop_token_ids": [99_999]}), "stop_token_ids"),
        (json!({"stream_options": {"include_usage": true}}), "stream_options"),
        (json!({"cache_salt": ""}), "cache_salt"),
        (json!({"tools": [tool("f")], "tool_choice": named}), "tool_choice"),
        (json!({"tool_choice": "required"}), "tool_choice"),
        (json!({"tool_choice": named}), "tool_choice"),
        (json!({"tools": [tool("f"), tool("f")]}), "tools[1].function.name"),
        (json!({"messages": [user, answered]}), "messages[1].tool_call_id"),
        (json!({"messages": [user, called, answered]}), "messages[2].tool_call_id"),
        (json!({"messages": [answered, user]}), "messages[0].tool_call_id"),
    ];
    for (fields, param) in cases {
        for stream in [false, true] {
            let mut body = request("llama-tiny", "x", 5);
            body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
            if fields.get("stream_options").is_none() {
                body["stream"] = json!(stream);
            }
            let answer = server.chat(&body).await;
            let (status, code, named) = answer.error();
            assert_eq!((status, named), (400, param), "{fields}");
            assert!(!code.is_empty() && answer.body["error"]["type"] == "invalid_request_error", "{}", answer.body);
        }
    }
    assert_eq!(server.model("llama-tiny").engine.stats().steps, 0, "a bad request reached the model");
}

#[tokio::test]
async fn the_ends_of_every_range_are_taken() {
    let models = Models::new(&["llama-tiny"]);
    let server = models.serve(settings());
    for fields in [
        json!({"n": 128, "max_tokens": 1}),
        json!({"presence_penalty": -2, "frequency_penalty": 2}),
        json!({"presence_penalty": 2, "frequency_penalty": -2, "temperature": 2}),
        json!({"logprobs": true, "top_logprobs": 20}),
        json!({"logprobs": true, "top_logprobs": 0}),
        json!({"logprobs": false, "top_logprobs": 0}),
        json!({"stop": ["a", "b", "c", "d"]}),
        json!({"stop": null, "seed": -1, "top_p": 1, "top_k": -1, "min_p": 0, "typical_p": 1}),
        json!({"tools": [tool("f")], "tool_choice": "none"}),
    ] {
        let mut body = request("llama-tiny", "x", 5);
        body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        let answer = server.chat(&body).await;
        assert_eq!(answer.status, 200, "{fields}: {}", answer.body);
        let choices = answer.body["choices"].as_array().expect("choices").len();
        assert_eq!(choices as u64, fields["n"].as_u64().unwrap_or(1));
    }
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
