//! A provider that speaks Anthropic's Messages API, as that is documented (version 2023-06-01).

use serde_json::{Value, json};
use shekara_gateway::audit::Outcome;

use crate::gateway::TestGateway;
use crate::upstream::{Reply, Upstream};

const MESSAGE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[
    {"type":"thinking","thinking":"Hm.","signature":"s"},{"type":"text","text":"Look "},{"type":"text","text":"here."},
    {"type":"tool_use","id":"toolu_1","name":"find","input":{"q":"x"}}],"stop_reason":"tool_use","stop_sequence":null,
    "usage":{"input_tokens":10,"cache_creation_input_tokens":3,"cache_read_input_tokens":5,"output_tokens":20}}"#;

/// Every kind of event that the documentation shows.
const EVENTS: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_2\",\"type\":\"message\",\
\"role\":\"assistant\",\"content\":[],\"model\":\"claude-x\",\"stop_reason\":null,\"stop_sequence\":null,\
\"usage\":{\"input_tokens\":25,\"output_tokens\":1}}}\n\n\
event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\n\n\
event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"Hm.\"}}\n\n\
event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"s\"}}\n\n\
event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n\
event: ping\ndata: {\"type\":\"ping\"}\n\n\
event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n\
event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"text_delta\",\"text\":\"Сәлем\"}}\n\n\
event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":1}\n\n\
event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":2,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_2\",\"name\":\"find\",\"input\":{}}}\n\n\
event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"q\\\":\"}}\n\n\
event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":2,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"\\\"x\\\"}\"}}\n\n\
event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":2}\n\n\
event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":15}}\n\n\
event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

fn configuration(claude: &str, rest: &str) -> String {
    format!(
        "[local]\nenabled = false\n[[providers]]\nname = \"claude\"\nkind = \"anthropic\"\nbase_url = \"{claude}\"\n\
         [[routes]]\nmodel = \"chat\"\ntargets = [{{ provider = \"claude\", model = \"claude-x\" }}]\n{rest}\n"
    )
}

async fn started(reply: Reply, rest: &str) -> (Upstream, TestGateway) {
    let upstream = Upstream::start(reply).await;
    let gateway = TestGateway::start(&configuration(&upstream.base_url, rest)).await;
    (upstream, gateway)
}

fn asked(stream: bool) -> Value {
    json!({ "model": "chat", "stream": stream, "max_tokens": 50, "messages": [{ "role": "user", "content": "hi" }] })
}

#[tokio::test]
async fn a_whole_answer_is_a_chat_answer() {
    let (upstream, gateway) = started(Reply::Json(MESSAGE), "").await;
    let answer = gateway.chat(asked(false)).await;
    assert_eq!((answer.status, answer.header("x-shekara-zone")), (200, "external"), "{}", answer.body);
    let json = answer.json();
    let (message, usage) = (&json["choices"][0]["message"], &json["usage"]);
    assert_eq!((&message["content"], &message["reasoning_content"]), (&json!("Look here."), &json!("Hm.")));
    assert_eq!(message["tool_calls"][0]["function"], json!({ "name": "find", "arguments": "{\"q\":\"x\"}" }));
    assert_eq!((&json["choices"][0]["finish_reason"], &json["model"]), (&json!("tool_calls"), &json!("claude-x")));
    assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(18), &json!(20)));
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 5);
    let sent = upstream.received().pop().unwrap();
    assert!(sent.starts_with("POST /v1/messages ") && sent.contains("\"anthropic-version\": \"2023-06-01\""), "{sent}");
    let body: Value = serde_json::from_str(sent.split_once('\n').unwrap().1).unwrap();
    let expected = json!({ "model": "claude-x", "max_tokens": 50,
        "messages": [{ "role": "user", "content": [{ "type": "text", "text": "hi" }] }] });
    assert_eq!(body, expected);
    let record = gateway.audit().await.pop().unwrap();
    assert_eq!(
        (record.prompt_tokens, record.completion_tokens, record.outcome),
        (Some(18), Some(20), Outcome::Completed)
    );
}

#[tokio::test]
async fn a_stream_is_a_chat_stream() {
    let (_upstream, gateway) = started(Reply::Events(EVENTS), "").await;
    let mut body = asked(true);
    body["stream_options"] = json!({ "include_usage": true });
    let answer = gateway.chat(body).await;
    let data = answer.body.lines().filter_map(|line| line.strip_prefix("data: ")).collect::<Vec<_>>();
    assert_eq!(data.last(), Some(&"[DONE]"), "{}", answer.body);
    let chunks: Vec<Value> =
        data.iter().filter(|data| **data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect();
    let joined =
        |read: fn(&Value) -> &Value| -> String { chunks.iter().filter_map(|chunk| read(chunk).as_str()).collect() };
    assert_eq!(joined(|chunk| &chunk["choices"][0]["delta"]["content"]), "Сәлем");
    assert_eq!(joined(|chunk| &chunk["choices"][0]["delta"]["reasoning_content"]), "Hm.");
    let function = |chunk: &Value| chunk["choices"][0]["delta"]["tool_calls"][0].clone();
    let begun = chunks.iter().map(function).find(|call| call["id"].is_string()).unwrap();
    assert_eq!((&begun["id"], &begun["function"]["name"]), (&json!("toolu_2"), &json!("find")));
    let arguments = joined(|chunk| &chunk["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"]);
    assert_eq!(arguments, "{\"q\":\"x\"}");
    assert_eq!(joined(|chunk| &chunk["choices"][0]["finish_reason"]), "tool_calls");
    let usage = chunks.iter().find(|chunk| chunk["usage"].is_object()).unwrap();
    assert_eq!((&usage["usage"]["prompt_tokens"], &usage["usage"]["completion_tokens"]), (&json!(25), &json!(15)));
    assert!(chunks.iter().any(|chunk| chunk["shekara"]["signature"].is_object()));
}

#[tokio::test]
async fn a_stream_that_breaks_or_errs_is_no_answer() {
    let begun = EVENTS.split_once("event: content_block_start").unwrap().0;
    let overloaded =
        "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}\n\n";
    for tail in ["", overloaded] {
        let events: &'static str = format!("{begun}{tail}").leak();
        let (_upstream, gateway) = started(Reply::Events(events), "").await;
        assert_eq!(gateway.chat(asked(true)).await.status, 502);
    }
    let half: &'static str = EVENTS.split_once("event: message_delta").unwrap().0.to_owned().leak();
    let (_upstream, gateway) = started(Reply::Events(half), "").await;
    let answer = gateway.chat(asked(true)).await;
    assert!(answer.body.contains("event: error") && answer.body.ends_with("data: [DONE]\n\n"), "{}", answer.body);
}

#[tokio::test]
async fn refusals_and_spent_credit_follow_the_error_policy() {
    let (upstream, gateway) = started(Reply::Json(MESSAGE), "").await;
    let mut body = asked(false);
    body["seed"] = json!(7);
    let refused = gateway.chat(body.clone()).await;
    assert_eq!((refused.status, &refused.json()["error"]["param"]), (400, &json!("seed")));
    assert!(upstream.received().is_empty());
    let mut strange = asked(false);
    strange["zq7kmwordx"] = json!(1);
    let strange = gateway.chat(strange).await;
    assert_eq!((strange.status, strange.body.contains("zq7k")), (400, false), "{}", strange.body);
    let dropping = configuration(&upstream.base_url, "").replace("kind = ", "on_unsupported = \"drop\"\nkind = ");
    assert_eq!(TestGateway::start(&dropping).await.chat(body).await.status, 200);
    let error = r#"{"type":"error","error":{"type":"not_found_error","message":"model: claude-x"}}"#;
    for (status, reply, expected) in [
        (404, error, 404),
        (401, error, 502),
        (529, error, 502),
        (
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low"}}"#,
            429,
        ),
    ] {
        upstream.set(Reply::Status(status, reply));
        let answer = gateway.chat(asked(false)).await;
        assert_eq!(answer.status, expected, "{status}: {}", answer.body);
    }
    let embeddings = json!({ "model": "chat", "input": "hi" }).to_string();
    let refused = gateway.send("POST", "/v1/embeddings", &gateway.key, embeddings).await;
    assert_eq!((refused.status, refused.code()), (400, "unsupported_model".to_owned()));
}

#[tokio::test]
async fn what_is_masked_goes_out_as_tokens_and_comes_back() {
    let (upstream, gateway) = started(Reply::Json(MESSAGE), "mask = true").await;
    let text = "Напишите на olga.ivanova@mail.kz";
    gateway.ask("chat", text).await;
    let sent = upstream.take_received().concat();
    assert!(sent.contains("[EMAIL_") && !sent.contains("ivanova"), "{sent}");
    let token = sent[sent.find("[EMAIL_").unwrap()..].split_inclusive(']').next().unwrap().to_owned();
    let said = MESSAGE.replace("Look ", &format!("{token} "));
    upstream.set(Reply::Json(said.leak()));
    assert!(gateway.ask("chat", text).await.text().starts_with("olga.ivanova@mail.kz "));
}
