//! Thoughts that their maker signed or sealed: shown in every shape, and taken back in every shape.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::gateway::{Answer, TestGateway};
use crate::leaks::Random;
use crate::upstream::{Reply, Upstream};

const MESSAGE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-x","content":[
    {"type":"thinking","thinking":"Hm.","signature":"sig-1"},{"type":"redacted_thinking","data":"sealed-1"},
    {"type":"text","text":"Look."},{"type":"tool_use","id":"t1","name":"find","input":{"q":"x"}}],
    "stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2}}"#;

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

/// The body that went out last.
fn sent(upstream: &Upstream) -> Value {
    let received = upstream.take_received().pop().expect("a request went out");
    serde_json::from_str(received.split_once('\n').unwrap().1).unwrap()
}

async fn post(gateway: &TestGateway, path: &str, body: &Value) -> Answer {
    let answer = gateway.send("POST", path, &gateway.key, body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer
}

/// The events of Anthropic's stream: a thought in `pieces`, its signature, and a text.
fn streamed(pieces: &[&str]) -> &'static str {
    let event = |data: Value| format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap());
    let delta = |delta: Value| event(json!({ "type": "content_block_delta", "index": 0, "delta": delta }));
    let start = |block: Value| event(json!({ "type": "content_block_start", "index": 0, "content_block": block }));
    let stop = event(json!({ "type": "content_block_stop", "index": 0 }));
    let mut events = vec![
        event(json!({ "type": "message_start", "message": { "id": "msg_2", "model": "claude-x", "usage": {} } })),
        start(json!({ "type": "thinking", "thinking": "", "signature": "" })),
    ];
    events.extend(pieces.iter().map(|piece| delta(json!({ "type": "thinking_delta", "thinking": piece }))));
    events.extend([
        delta(json!({ "type": "signature_delta", "signature": "sig-1" })),
        stop.clone(),
        start(json!({ "type": "redacted_thinking", "data": "sealed-1" })),
        stop.clone(),
        start(json!({ "type": "text", "text": "" })),
        delta(json!({ "type": "text_delta", "text": "Look." })),
        stop,
        event(json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn" }, "usage": {} })),
        event(json!({ "type": "message_stop" })),
    ]);
    events.concat().leak()
}

/// Thoughts put together from a chat stream's deltas, as LiteLLM's clients do.
fn gathered(answer: &Answer) -> Value {
    let (mut blocks, mut text) = (Vec::new(), String::new());
    for data in answer.body.lines().filter_map(|line| line.strip_prefix("data: ")) {
        let chunk: Value = serde_json::from_str(data).unwrap_or_default();
        for block in chunk["choices"][0]["delta"]["thinking_blocks"].as_array().into_iter().flatten() {
            if block["type"] == "redacted_thinking" {
                blocks.push(block.clone());
                continue;
            }
            text.push_str(block["thinking"].as_str().unwrap());
            if block["signature"] != "" {
                blocks.push(json!({ "type": "thinking", "thinking": std::mem::take(&mut text),
                    "signature": block["signature"] }));
            }
        }
    }
    assert!(text.is_empty(), "behind the last signature stands {text}");
    json!(blocks)
}

#[tokio::test]
async fn chat_carries_them_round() {
    let (upstream, gateway) = started(Reply::Json(MESSAGE), "").await;
    let asked = json!({ "role": "user", "content": "hi" });
    let answer = post(&gateway, "/v1/chat/completions", &json!({ "model": "chat", "messages": [asked] })).await;
    let message = &answer.json()["choices"][0]["message"];
    let thoughts = json!([{ "type": "thinking", "thinking": "Hm.", "signature": "sig-1" },
        { "type": "redacted_thinking", "data": "sealed-1" }]);
    assert_eq!((&message["thinking_blocks"], &message["reasoning_content"]), (&thoughts, &json!("Hm.")));
    let result = json!({ "role": "tool", "tool_call_id": "t1", "content": "found" });
    let body = json!({ "model": "chat", "messages": [asked, message, result],
        "thinking": { "type": "enabled", "budget_tokens": 1024 } });
    upstream.take_received();
    post(&gateway, "/v1/chat/completions", &body).await;
    let sent = sent(&upstream);
    let expected = json!([thoughts[0], thoughts[1], { "type": "text", "text": "Look." },
        { "type": "tool_use", "id": "t1", "name": "find", "input": { "q": "x" } }]);
    assert_eq!(sent["messages"][1]["content"], expected);
    assert_eq!(sent["thinking"], json!({ "type": "enabled", "budget_tokens": 1024 }));

    upstream.set(Reply::Events(streamed(&["H", "m."])));
    let body = json!({ "model": "chat", "stream": true, "messages": [asked] });
    assert_eq!(gathered(&post(&gateway, "/v1/chat/completions", &body).await), thoughts);
}

#[tokio::test]
async fn messages_carry_them_round() {
    let (upstream, gateway) = started(Reply::Json(MESSAGE), "").await;
    let thinking = json!({ "type": "enabled", "budget_tokens": 1024 });
    let with = |messages: Value, stream: bool| json!({ "model": "chat", "max_tokens": 2000, "stream": stream, "thinking": thinking, "messages": messages });
    let asked = json!({ "role": "user", "content": [{ "type": "text", "text": "hi" }] });
    let content = post(&gateway, "/v1/messages", &with(json!([asked]), false)).await.json()["content"].clone();
    let claude: Value = serde_json::from_str(MESSAGE).unwrap();
    assert_eq!(content, claude["content"]);
    assert_eq!(sent(&upstream)["thinking"], thinking);
    let result =
        json!({ "type": "tool_result", "tool_use_id": "t1", "content": [{ "type": "text", "text": "found" }] });
    let turns = json!([asked, { "role": "assistant", "content": content }, { "role": "user", "content": [result] }]);
    post(&gateway, "/v1/messages", &with(turns.clone(), false)).await;
    assert_eq!(sent(&upstream)["messages"], turns);

    upstream.set(Reply::Events(streamed(&["H", "m."])));
    let body = post(&gateway, "/v1/messages", &with(json!([asked]), true)).await.body;
    for expected in [
        r#""delta":{"type":"thinking_delta","thinking":"H"}"#,
        r#""index":0,"delta":{"type":"signature_delta","signature":"sig-1"}"#,
        r#""index":1,"content_block":{"type":"redacted_thinking","data":"sealed-1"}"#,
        r#""index":2,"delta":{"type":"text_delta","text":"Look."}"#,
    ] {
        assert!(body.contains(expected), "{expected}: {body}");
    }
}

#[tokio::test]
async fn responses_carry_them_round_sealed() {
    let (upstream, gateway) = started(Reply::Json(MESSAGE), "").await;
    let asked = json!({ "role": "user", "content": "hi" });
    let mut body = json!({ "model": "chat", "input": [asked], "include": ["reasoning.encrypted_content"] });
    let output = post(&gateway, "/v1/responses", &body).await.json()["output"].clone();
    assert_eq!(output[0]["encrypted_content"], "thinking:sig-1");
    upstream.take_received();
    let mut input = vec![asked];
    input.extend(output.as_array().unwrap().iter().cloned());
    input.push(json!({ "type": "function_call_output", "call_id": "t1", "output": "found" }));
    body["input"] = json!(input);
    post(&gateway, "/v1/responses", &body).await;
    let claude: Value = serde_json::from_str(MESSAGE).unwrap();
    assert_eq!(sent(&upstream)["messages"][1]["content"], claude["content"]);
    body["include"] = json!([]);
    body["input"] = json!("hi");
    assert!(!post(&gateway, "/v1/responses", &body).await.body.contains("encrypted_content"));
}

#[tokio::test]
async fn masked_values_stand_in_them_again_and_go_out_as_the_same_tokens() {
    let (upstream, gateway) = started(Reply::Json(MESSAGE), "mask = true").await;
    let asked = json!({ "role": "user", "content": "Напишите на olga.ivanova@mail.kz" });
    let mut body = json!({ "model": "chat", "messages": [asked], "metadata": { "conversation_id": "c" } });
    post(&gateway, "/v1/chat/completions", &body).await;
    let text = sent(&upstream).to_string();
    let token = text[text.find("[EMAIL_").unwrap()..].split_inclusive(']').next().unwrap().to_owned();
    let thought = format!("Пишу на {token}");
    upstream.set(Reply::Json(MESSAGE.replace("Hm.", &thought).leak()));
    let message = post(&gateway, "/v1/chat/completions", &body).await.json()["choices"][0]["message"].clone();
    assert_eq!(message["thinking_blocks"][0]["thinking"], "Пишу на olga.ivanova@mail.kz");
    assert_eq!(message["reasoning_content"], "Пишу на olga.ivanova@mail.kz");
    let result = json!({ "role": "tool", "tool_call_id": "t1", "content": "found" });
    body["messages"] = json!([asked, message, result]);
    upstream.take_received();
    post(&gateway, "/v1/chat/completions", &body).await;
    let sent = sent(&upstream);
    // What its maker signed, to the letter.
    assert_eq!(sent["messages"][1]["content"][0]["thinking"], json!(thought));
    assert!(!sent.to_string().contains("ivanova"), "{sent}");

    // Whether an ending follows the token is not known before the thought ends; nothing of it comes behind its signature.
    let open = token.trim_matches(['[', ']']);
    let pieces: Vec<String> = format!("Пишу на {open}").chars().map(String::from).collect();
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    upstream.set(Reply::Events(streamed(&pieces)));
    (body["messages"], body["stream"]) = (json!([asked]), json!(true));
    let blocks = gathered(&post(&gateway, "/v1/chat/completions", &body).await);
    assert_eq!(blocks[0]["thinking"], "Пишу на olga.ivanova@mail.kz");
}

#[tokio::test]
async fn where_answers_are_looked_at_they_are_left_out() {
    let (upstream, gateway) = started(Reply::Json(MESSAGE), "answers = { card = \"mask\" }").await;
    let mut body = json!({ "model": "chat", "messages": [{ "role": "user", "content": "hi" }] });
    let answer = post(&gateway, "/v1/chat/completions", &body).await;
    assert!(answer.body.contains("Hm.") && !answer.body.contains("sealed-1") && !answer.body.contains("sig-1"));
    upstream.set(Reply::Events(streamed(&["Hm."])));
    body["stream"] = json!(true);
    let answer = post(&gateway, "/v1/chat/completions", &body).await;
    assert!(answer.body.contains("Hm.") && !answer.body.contains("sealed-1") && !answer.body.contains("sig-1"));
}

/// As real ones look: some kilobytes of what looks like noise behind a short head, in base64.
fn signature(random: &mut Random) -> String {
    let length = random.between(200, 3_000);
    let mut bytes = vec![0x12, 0x9a, 0x03, 0x0a, 0x40, 0x08];
    bytes.extend((0..length).map(|_| random.below(256) as u8));
    STANDARD.encode(bytes)
}

#[tokio::test]
async fn a_signature_by_itself_keeps_nothing_inside_and_a_value_in_it_does() {
    let (upstream, gateway) = started(Reply::Json(MESSAGE), "").await;
    let mut random = Random::new(7);
    let body = |signature: &str| {
        let block = json!({ "type": "thinking", "thinking": "Hm.", "signature": signature });
        json!({ "model": "chat", "messages": [{ "role": "user", "content": "hi" },
            { "role": "assistant", "content": "Look.", "thinking_blocks": [block] }, { "role": "user", "content": "and?" }] })
    };
    let (mut sent, total) = (0, 200);
    for _ in 0..total {
        gateway.chat(body(&signature(&mut random))).await;
        sent += upstream.take_received().len();
    }
    // Noise of this length looks like a number plate or the like now and then; then it stays inside.
    assert!(sent * 100 >= total * 95, "only {sent} of {total} went out");
    for hidden in ["мой ИИН 901123300258", "карта 4400 4302 1234 5679"] {
        let encoded = STANDARD.encode(hidden);
        for signature in [hidden, encoded.as_str()] {
            assert_eq!(gateway.chat(body(signature)).await.code(), "no_local_model", "{signature}");
        }
    }
    assert!(upstream.received().is_empty());
}
