//! A provider that speaks AWS' Converse, as its API's own model describes it.

use serde_json::{Value, json};
use shekara_gateway::audit::Outcome;

use crate::gateway::TestGateway;
use crate::upstream::{Reply, Upstream};

const ANSWER: &str = r#"{"metrics":{"latencyMs":500},"output":{"message":{"role":"assistant","content":[
    {"reasoningContent":{"reasoningText":{"text":"Hm.","signature":"sig-1"}}},{"reasoningContent":{"redactedContent":"AAAA"}},
    {"text":"Look "},{"text":"here."},{"toolUse":{"toolUseId":"tooluse_1","name":"find","input":{"q":"x"}}}]}},
    "stopReason":"tool_use","usage":{"inputTokens":10,"outputTokens":20,"totalTokens":38,"cacheReadInputTokens":5,
    "cacheWriteInputTokens":3}}"#;
const MODEL: &str = "eu.anthropic.claude-x-v1:0";

/// One message of an event stream, as the format's documentation frames it.
fn frame(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
    let mut head = Vec::new();
    for (name, value) in headers {
        head.push(name.len() as u8);
        head.extend(name.bytes());
        head.push(7);
        head.extend((value.len() as u16).to_be_bytes());
        head.extend(value.bytes());
    }
    let mut whole = ((16 + head.len() + payload.len()) as u32).to_be_bytes().to_vec();
    whole.extend((head.len() as u32).to_be_bytes());
    whole.extend(crc32fast::hash(&whole).to_be_bytes());
    whole.extend(head);
    whole.extend(payload.bytes());
    whole.extend(crc32fast::hash(&whole).to_be_bytes());
    whole
}

fn event(name: &str, payload: &str) -> Vec<u8> {
    frame(&[(":event-type", name), (":content-type", "application/json"), (":message-type", "event")], payload)
}

fn delta(delta: &str) -> Vec<u8> {
    event("contentBlockDelta", &format!(r#"{{"contentBlockIndex":0,"delta":{delta}}}"#))
}

fn exception(kind: &str) -> Vec<u8> {
    frame(&[(":exception-type", kind), (":message-type", "exception")], r#"{"message":"no"}"#)
}

fn leaked(frames: &[Vec<u8>]) -> Reply {
    Reply::Frames(frames.concat().leak())
}

fn configuration(aws: &str, rest: &str) -> String {
    format!(
        "[local]\nenabled = false\n[[providers]]\nname = \"aws\"\nkind = \"bedrock\"\nbase_url = \"{aws}\"\n\
         region = \"eu-north-1\"\naccess_key_id = \"env:CARGO_PKG_NAME\"\nsecret_access_key = \"env:CARGO_PKG_NAME\"\n\
         session_token = \"env:CARGO_PKG_VERSION\"\n\
         [[routes]]\nmodel = \"chat\"\ntargets = [{{ provider = \"aws\", model = \"{MODEL}\" }}]\n{rest}\n"
    )
}

async fn started(reply: Reply, rest: &str) -> (Upstream, TestGateway) {
    let upstream = Upstream::start(reply).await;
    let gateway = TestGateway::start(&configuration(upstream.base_url.trim_end_matches("/v1"), rest)).await;
    (upstream, gateway)
}

fn asked(stream: bool) -> Value {
    json!({ "model": "chat", "stream": stream, "max_tokens": 50, "messages": [{ "role": "user", "content": "hi" }] })
}

#[tokio::test]
async fn a_whole_answer_is_a_chat_answer() {
    let (upstream, gateway) = started(Reply::Json(ANSWER), "").await;
    let answer = gateway.chat(asked(false)).await;
    assert_eq!((answer.status, answer.header("x-shekara-zone")), (200, "external"), "{}", answer.body);
    let json = answer.json();
    let (message, usage) = (&json["choices"][0]["message"], &json["usage"]);
    assert_eq!((&message["content"], &message["reasoning_content"]), (&json!("Look here."), &json!("Hm.")));
    let thoughts = json!([{ "type": "thinking", "thinking": "Hm.", "signature": "sig-1" },
        { "type": "redacted_thinking", "data": "AAAA" }]);
    assert_eq!(message["thinking_blocks"], thoughts);
    assert_eq!(message["tool_calls"][0]["function"], json!({ "name": "find", "arguments": "{\"q\":\"x\"}" }));
    assert_eq!((&json["choices"][0]["finish_reason"], &json["model"]), (&json!("tool_calls"), &json!(MODEL)));
    assert_eq!((&usage["prompt_tokens"], &usage["completion_tokens"]), (&json!(18), &json!(20)));
    assert_eq!(usage["prompt_tokens_details"]["cached_tokens"], 5);
    let sent = upstream.received().pop().unwrap();
    assert!(sent.starts_with("POST /model/eu.anthropic.claude-x-v1%3A0/converse "), "{sent}");
    let scope = format!("AWS4-HMAC-SHA256 Credential={}/", env!("CARGO_PKG_NAME"));
    let names = "/eu-north-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=";
    assert!(sent.contains(&scope) && sent.contains(names) && sent.contains("x-amz-security-token"), "{sent}");
    let body: Value = serde_json::from_str(sent.split_once('\n').unwrap().1).unwrap();
    let expected = json!({ "messages": [{ "role": "user", "content": [{ "text": "hi" }] }],
        "inferenceConfig": { "maxTokens": 50 } });
    assert_eq!(body, expected);
    let record = gateway.audit().await.pop().unwrap();
    assert_eq!(
        (record.prompt_tokens, record.completion_tokens, record.outcome),
        (Some(18), Some(20), Outcome::Completed)
    );
}

#[tokio::test]
async fn a_stream_is_a_chat_stream() {
    let frames = [
        event("messageStart", r#"{"role":"assistant"}"#),
        delta(r#"{"reasoningContent":{"text":"Hm."}}"#),
        delta(r#"{"reasoningContent":{"signature":"sig-1"}}"#),
        delta(r#"{"text":"Сәлем"}"#),
        event("contentBlockStart", r#"{"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"t2","name":"find"}}}"#),
        delta(r#"{"toolUse":{"input":"{\"q\":"}}"#),
        delta(r#"{"toolUse":{"input":"\"x\"}"}}"#),
        event("contentBlockStop", r#"{"contentBlockIndex":1}"#),
        event("messageStop", r#"{"stopReason":"tool_use"}"#),
        event(
            "metadata",
            r#"{"metrics":{"latencyMs":1},"usage":{"inputTokens":25,"outputTokens":15,"totalTokens":40}}"#,
        ),
    ];
    let (upstream, gateway) = started(leaked(&frames), "").await;
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
    assert_eq!(joined(|chunk| &chunk["choices"][0]["delta"]["thinking_blocks"][0]["signature"]), "sig-1");
    let arguments = joined(|chunk| &chunk["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"]);
    assert_eq!(arguments, "{\"q\":\"x\"}");
    assert_eq!(joined(|chunk| &chunk["choices"][0]["finish_reason"]), "tool_calls");
    let usage = chunks.iter().find(|chunk| chunk["usage"].is_object()).unwrap();
    assert_eq!((&usage["usage"]["prompt_tokens"], &usage["usage"]["completion_tokens"]), (&json!(25), &json!(15)));
    assert!(chunks.iter().any(|chunk| chunk["shekara"]["signature"].is_object()));
    assert!(upstream.received()[0].contains("/converse-stream "));
}

#[tokio::test]
async fn a_stream_that_breaks_or_errs_is_no_answer() {
    let start = event("messageStart", r#"{"role":"assistant"}"#);
    for tail in [Vec::new(), exception("throttlingException"), vec![0; 40], delta(r#"{"text":"x"}"#)[..30].to_vec()] {
        let (_upstream, gateway) = started(leaked(&[start.clone(), tail]), "").await;
        assert_eq!(gateway.chat(asked(true)).await.status, 502);
    }
    let said = delta(r#"{"text":"well"}"#);
    for tail in [exception("modelStreamErrorException"), said[..20].to_vec(), Vec::new()] {
        let (_upstream, gateway) = started(leaked(&[start.clone(), said.clone(), tail]), "").await;
        let answer = gateway.chat(asked(true)).await;
        assert!(answer.body.contains("event: error") && answer.body.ends_with("data: [DONE]\n\n"), "{}", answer.body);
    }
}

#[tokio::test]
async fn errors_follow_the_error_policy() {
    let fallback = "fallback = [{ provider = \"other\", model = \"m\" }]\n";
    let other = Upstream::start(Reply::Text("from the other")).await;
    let second =
        format!("[[providers]]\nname = \"other\"\nkind = \"openai-compatible\"\nbase_url = \"{}\"\n", other.base_url);
    let cases = [
        (429, "ThrottlingException", Err("fallback:rate_limit")),
        (400, "ServiceQuotaExceededException", Err("fallback:quota")),
        (429, "ModelNotReadyException", Err("fallback:5xx")),
        (408, "ModelTimeoutException", Err("fallback:5xx")),
        (424, "ModelErrorException", Err("fallback:5xx")),
        (503, "ServiceUnavailableException:http://internal.amazon.com/", Err("fallback:5xx")),
        (403, "AccessDeniedException", Ok((502, "provider_auth_failed"))),
        (403, "UnrecognizedClientException", Ok((502, "provider_auth_failed"))),
        (400, "ExpiredTokenException", Ok((502, "provider_auth_failed"))),
        (400, "ValidationException", Ok((400, ""))),
        (404, "ResourceNotFoundException", Ok((404, ""))),
    ];
    for (status, kind, expected) in cases {
        let upstream = Upstream::start(Reply::AwsError(status, kind, r#"{"message":"The maximum is 5."}"#)).await;
        let url = upstream.base_url.trim_end_matches("/v1");
        let gateway = TestGateway::start(&format!("{}{second}", configuration(url, fallback))).await;
        let answer = gateway.chat(asked(false)).await;
        match expected {
            Err(reason) => {
                assert_eq!(
                    (answer.status, answer.header("x-shekara-reason")),
                    (200, reason),
                    "{kind}: {}",
                    answer.body
                );
            }
            Ok((status, code)) => {
                assert_eq!((answer.status, &*answer.code()), (status, code), "{kind}: {}", answer.body);
                assert!(other.take_received().is_empty(), "{kind} was tried elsewhere");
            }
        }
        other.take_received();
    }
}

#[tokio::test]
async fn the_type_of_an_error_may_stand_in_its_body() {
    let body = r#"{"__type":"com.amazon.coral#ThrottlingException","Message":"slow down"}"#;
    let (_upstream, gateway) = started(Reply::Status(400, body), "").await;
    assert_eq!(gateway.chat(asked(false)).await.status, 429);
}

#[tokio::test]
async fn an_api_key_is_carried_and_a_missing_one_sends_nothing() {
    let upstream = Upstream::start(Reply::Json(ANSWER)).await;
    let keyed = |key: &str| {
        format!(
            "[local]\nenabled = false\n[[providers]]\nname = \"aws\"\nkind = \"bedrock\"\nbase_url = \"{}\"\napi_key = \"{key}\"\n",
            upstream.base_url
        )
    };
    let mut body = asked(false);
    body["model"] = json!("aws/arn:aws:bedrock:eu-north-1::foundation-model/x.y");
    let answer = TestGateway::start(&keyed("env:CARGO_PKG_NAME")).await.chat(body.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let sent = upstream.take_received().pop().unwrap();
    let path = "POST /v1/model/arn%3Aaws%3Abedrock%3Aeu-north-1%3A%3Afoundation-model%2Fx.y/converse ";
    assert!(sent.starts_with(path) && !sent.contains("x-amz-date"), "{sent}");
    assert!(sent.contains(concat!("Bearer ", env!("CARGO_PKG_NAME"))), "{sent}");
    let missing = TestGateway::start(&keyed("env:SHEKARA_NO_SUCH_KEY")).await.chat(body.clone()).await;
    assert_eq!(missing.status, 502, "{}", missing.body);
    for strange in ["aws/..", "aws/."] {
        body["model"] = json!(strange);
        let gateway = TestGateway::start(&keyed("env:CARGO_PKG_NAME")).await;
        assert_eq!(gateway.chat(body.clone()).await.status, 404, "{strange}");
    }
    assert!(upstream.received().is_empty());
}

#[tokio::test]
async fn what_is_masked_goes_out_as_tokens_and_comes_back() {
    let (upstream, gateway) = started(Reply::Json(ANSWER), "mask = true").await;
    let text = "Напишите на olga.ivanova@mail.kz";
    gateway.ask("chat", text).await;
    let sent = upstream.take_received().concat();
    assert!(sent.contains("[EMAIL_") && !sent.contains("ivanova"), "{sent}");
    let token = sent[sent.find("[EMAIL_").unwrap()..].split_inclusive(']').next().unwrap().to_owned();
    let said = ANSWER.replace("Look ", &format!("{token} "));
    upstream.set(Reply::Json(said.leak()));
    assert!(gateway.ask("chat", text).await.text().starts_with("olga.ivanova@mail.kz "));
}
