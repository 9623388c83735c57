//! Completions, moderations, images, speech and metrics.

use serde_json::{Value, json};
use shekara_gateway::audit::Outcome;

use crate::gateway::{Answer, TestGateway, border, one_provider};
use crate::upstream::{Reply, Then, Upstream};

async fn post(gateway: &TestGateway, path: &str, body: &Value) -> Answer {
    gateway.send("POST", path, &gateway.key, body.to_string()).await
}

const COMPLETION: &str = r#"{"id":"cmpl-1","object":"text_completion","created":1,"model":"big","choices":[
    {"index":0,"text":" there","logprobs":{"tokens":[" there"]},"finish_reason":"stop"}],
    "usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
const COMPLETION_EVENTS: &str = "data: {\"id\":\"c\",\"object\":\"text_completion\",\"choices\":[{\"index\":0,\"text\":\" the\",\"finish_reason\":null}]}\n\n\
    data: {\"id\":\"c\",\"object\":\"text_completion\",\"choices\":[{\"index\":0,\"text\":\"re\",\"finish_reason\":\"stop\"}]}\n\n\
    data: [DONE]\n\n";

#[tokio::test]
async fn a_completion_goes_out_as_it_came_and_comes_back_in_its_own_shape() {
    let upstream = Upstream::start(Reply::Json(COMPLETION)).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, "")).await;
    let body = json!({ "model": "chat", "prompt": "Hello", "suffix": "!", "logprobs": 1 });
    let answer = post(&gateway, "/v1/completions", &body).await;
    let json = answer.json();
    assert_eq!((answer.status, &json["object"]), (200, &json!("text_completion")), "{}", answer.body);
    let choice = &json["choices"][0];
    assert_eq!((&choice["text"], &choice["logprobs"]["tokens"][0]), (&json!(" there"), &json!(" there")));
    assert!(choice.get("message").is_none() && json["shekara"]["model"] == "big", "{}", answer.body);
    let sent = upstream.take_received().remove(0);
    assert!(sent.contains("/v1/completions") && sent.contains(r#""suffix":"!""#), "{sent}");
    upstream.set(Reply::Events(COMPLETION_EVENTS));
    let streamed = json!({ "model": "chat", "prompt": "Hello", "stream": true });
    let answer = post(&gateway, "/v1/completions", &streamed).await;
    let texts: Vec<String> = answer
        .body
        .split("\n\n")
        .filter_map(|event| serde_json::from_str::<Value>(event.strip_prefix("data: ")?).ok())
        .filter_map(|chunk| chunk["choices"][0]["text"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(texts.concat(), " there", "{}", answer.body);
    assert!(!answer.body.contains("\"delta\"") && answer.body.ends_with("data: [DONE]\n\n"), "{}", answer.body);
    assert!(gateway.audit().await.iter().all(|record| record.outcome == Outcome::Completed));
}

#[tokio::test]
async fn a_completion_is_masked_confined_and_refused_like_chat() {
    let (outside, inside) =
        (Upstream::start(Reply::Json(COMPLETION)).await, Upstream::start(Reply::Json(COMPLETION)).await);
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, "")).await;
    let answer = post(&gateway, "/v1/completions", &json!({ "model": "chat", "prompt": "ИИН 901123300258" })).await;
    assert_eq!((answer.status, answer.header("x-shekara-zone")), (200, "local"), "{}", answer.body);
    // Nobody here can read token ids.
    let answer = post(&gateway, "/v1/completions", &json!({ "model": "chat", "prompt": [1, 2, 3] })).await;
    assert_eq!((answer.status, answer.header("x-shekara-zone")), (200, "local"), "{}", answer.body);
    assert!(outside.received().is_empty());
    assert_eq!(post(&gateway, "/v1/completions", &json!({ "model": "chat" })).await.status, 400);
}

#[tokio::test]
async fn who_knows_chat_alone_is_asked_for_a_chat() {
    let message = r#"{"id":"m","type":"message","role":"assistant","model":"c","stop_reason":"end_turn",
        "content":[{"type":"text","text":"there"}],"usage":{"input_tokens":3,"output_tokens":1}}"#;
    let upstream = Upstream::start(Reply::Json(message)).await;
    let config = one_provider(&upstream.base_url, "").replace("openai-compatible", "anthropic");
    let gateway = TestGateway::start(&config).await;
    let answer =
        post(&gateway, "/v1/completions", &json!({ "model": "chat", "prompt": "Hello", "max_tokens": 9 })).await;
    assert_eq!((answer.status, &answer.json()["choices"][0]["text"]), (200, &json!("there")), "{}", answer.body);
    assert!(upstream.received()[0].contains(r#""messages":[{"role":"user""#), "{}", upstream.received()[0]);
    let refused = post(&gateway, "/v1/completions", &json!({ "model": "chat", "prompt": "a", "echo": true })).await;
    assert_eq!((refused.status, refused.json()["error"]["param"].as_str()), (400, Some("echo")), "{}", refused.body);
}

#[tokio::test]
async fn moderations_and_images_are_passed_on_and_stay_inside_where_they_must() {
    let verdict = r#"{"id":"modr-1","model":"big","results":[{"flagged":false}]}"#;
    let picture =
        r#"{"created":1,"data":[{"b64_json":"AAAA"}],"usage":{"input_tokens":3,"output_tokens":9,"total_tokens":12}}"#;
    for (path, field, reply) in [("/v1/moderations", "input", verdict), ("/v1/images/generations", "prompt", picture)] {
        let (outside, inside) =
            (Upstream::start(Reply::Json(reply)).await, Upstream::start(Reply::Status(404, "{}")).await);
        let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, "")).await;
        let answer = post(&gateway, path, &json!({ "model": "chat", field: "a lighthouse", "x": 1 })).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, reply), "{path}");
        let sent = &outside.received()[0];
        assert!(sent.contains(path) && sent.contains(r#""model":"big""#) && sent.contains(r#""x":1"#), "{sent}");
        let answer = post(&gateway, path, &json!({ "model": "chat", field: "ИИН 901123300258" })).await;
        assert_eq!((answer.status, answer.code().as_str()), (422, "no_capable_local_model"), "{path} {}", answer.body);
        assert_eq!(outside.received().len(), 1, "{path}");
        for body in [json!({ "model": "chat" }), json!({ field: "a" }), json!({ "model": 1, field: "a" }), json!([])] {
            assert_eq!(post(&gateway, path, &body).await.status, 400, "{path} {body}");
        }
    }
}

#[tokio::test]
async fn speech_is_passed_on_as_it_comes_and_another_speaks_where_one_cannot() {
    let (mute, voice) = (
        Upstream::start(Reply::Json("{}")).await,
        Upstream::start(Reply::Part("audio/mpeg", "ID3 sound", Then::End)).await,
    );
    let config = border(&mute.base_url, &voice.base_url, "fallback = [{ provider = \"home\", model = \"small\" }]");
    let gateway = TestGateway::start(&config).await;
    let body = json!({ "model": "chat", "input": "Hello", "voice": "alloy" });
    let answer = post(&gateway, "/v1/audio/speech", &body).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "ID3 sound"));
    assert_eq!(
        (answer.header("content-type"), answer.header("x-shekara-reason")),
        ("audio/mpeg", "fallback:broken_response")
    );
    voice.set(Reply::Part("audio/mpeg", "half", Then::Cut));
    let request = gateway.client.post(format!("{}/v1/audio/speech", gateway.url)).bearer_auth(&gateway.key);
    let broken = request.body(body.to_string()).send().await.unwrap();
    assert_eq!(broken.status(), 200);
    let _ = broken.bytes().await;
    let outcomes: Vec<Outcome> = gateway.audit().await.iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, [Outcome::Completed, Outcome::Failed]);
}

#[tokio::test]
async fn metrics_count_requests_calls_and_tokens_without_a_word_of_anybodys() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, "")).await;
    gateway.ask("chat", "hi there").await;
    gateway.ask_streamed("stub/some-model-name", "hi there").await;
    upstream.set(Reply::Status(500, "{}"));
    gateway.ask("chat", "Мой ИИН 901123300258").await;
    gateway.ask("chat", "hi there").await;
    let answer = gateway.send("GET", "/metrics", "", "").await;
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        "# TYPE shekara_requests_total counter",
        "shekara_requests_total{route=\"chat\",provider=\"stub\",zone=\"external\",reason=\"primary\",outcome=\"completed\",status=\"200\"} 1",
        "shekara_requests_total{route=\"provider/model\",provider=\"stub\",zone=\"external\",reason=\"primary\",outcome=\"completed\",status=\"200\"} 1",
        "shekara_requests_total{route=\"chat\",provider=\"stub\",zone=\"external\",reason=\"primary\",outcome=\"failed\",status=\"502\"} 1",
        "shekara_attempts_total{provider=\"stub\",zone=\"external\",reason=\"primary\",result=\"5xx\"} 1",
        "shekara_tokens_total{route=\"chat\",provider=\"stub\",zone=\"external\",kind=\"completion\",source=\"provider\"} 2",
        "shekara_entities_total{entity=\"iin\"} 1",
        "shekara_request_duration_seconds_count{route=\"chat\",provider=\"stub\",zone=\"external\"} 1",
    ] {
        assert!(answer.body.contains(line), "{line} is not in\n{}", answer.body);
    }
    for word in ["some-model-name", "901123", "hi there", &gateway.key] {
        assert!(!answer.body.contains(word), "{word}");
    }
    let open = gateway.client.get(format!("{}/metrics", gateway.url)).header("accept", "application/openmetrics-text");
    let open = crate::gateway::finish(open).await;
    assert!(open.header("content-type").starts_with("application/openmetrics-text") && open.body.ends_with("# EOF\n"));
}
