//! What must not leave does not leave, wherever it stands.

use serde_json::{Value, json};

use crate::gateway::{TestGateway, border, one_provider};
use crate::upstream::{Reply, Upstream};

const IIN: &str = "901123300258";

async fn two_sides(rest: &str) -> (Upstream, Upstream, TestGateway) {
    let outside = Upstream::start(Reply::Text("from outside")).await;
    let inside = Upstream::start(Reply::Text("from inside")).await;
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, rest)).await;
    (outside, inside, gateway)
}

fn user(content: impl Into<Value>) -> Value {
    json!({ "model": "chat", "messages": [{ "role": "user", "content": content.into() }] })
}

/// Bodies that hold `iin` in every place that a chat request has.
fn everywhere(iin: &str) -> Vec<Value> {
    let (head, tail) = iin.split_at(iin.char_indices().nth(4).unwrap().0);
    let call = |arguments: String| {
        json!({ "model": "chat", "messages": [
            { "role": "user", "content": "hello" },
            { "role": "assistant", "content": null, "tool_calls": [
                { "id": "c1", "type": "function", "function": { "name": "find", "arguments": arguments } }] },
            { "role": "tool", "tool_call_id": "c1", "content": "nothing found" }] })
    };
    let mut named = user(json!("hello"));
    named["messages"][0]["name"] = json!(format!("client_{iin}"));
    let with = |field: &str, value: Value| {
        let mut body = user(json!("hello"));
        body[field] = value;
        body
    };
    vec![
        user(json!(format!("Мой ИИН {iin}, проверьте счёт"))),
        user(json!([{ "type": "text", "text": "hello" }, { "type": "text", "text": format!("жсн {iin}") }])),
        user(json!([{ "type": "text", "text": head }, { "type": "text", "text": tail }])),
        json!({ "model": "chat", "messages": [
            { "role": "system", "content": format!("The client is {iin}.") }, { "role": "user", "content": "hi" }] }),
        json!({ "model": "chat", "messages": [
            { "role": "developer", "content": format!("The client is {iin}.") }, { "role": "user", "content": "hi" }] }),
        call(json!({ "client": { "iin": iin } }).to_string()),
        call(json!({ "client": [iin] }).to_string().replace('9', "\\u0039")),
        json!({ "model": "chat", "messages": [
            { "role": "tool", "tool_call_id": "c1", "content": json!({ "found": iin }).to_string() }] }),
        named,
        with("metadata", json!({ "client": iin })),
        with("metadata", json!({ iin: "client" })),
        with("user", json!(iin)),
        with(
            "tools",
            json!([{ "type": "function", "function": { "name": "f", "description": format!("for {iin}") } }]),
        ),
        with(
            "response_format",
            json!({ "type": "json_schema", "json_schema": { "name": "x", "schema": { "const": iin } } }),
        ),
        with("stop", json!([iin])),
        with("x_unknown", json!({ "deep": [[{ "field": iin }]] })),
        with("prediction", json!({ "type": "content", "content": iin })),
    ]
}

#[tokio::test]
async fn no_byte_of_an_iin_leaves_from_any_place_of_a_request() {
    let (outside, inside, gateway) = two_sides("").await;
    let spellings = [
        IIN.to_owned(),
        "901123 300258".to_owned(),
        "9011-2330-0258".to_owned(),
        "901\u{a0}123\u{a0}300\u{a0}258".to_owned(),
        "9 0 1 1 2 3 3 0 0 2 5 8".to_owned(),
    ];
    let mut sent = 0;
    for spelling in &spellings {
        for body in everywhere(spelling) {
            sent += 1;
            let answer = gateway.chat(body.clone()).await;
            assert_eq!(answer.status, 200, "{body}: {}", answer.body);
            assert_eq!(answer.header("x-shekara-reason"), "pii", "{body}");
            assert_eq!(answer.header("x-shekara-zone"), "local", "{body}");
            assert_eq!(answer.header("x-shekara-pii-action"), "local");
            assert_eq!(answer.header("x-shekara-data-class"), "personal");
            assert_eq!(answer.text(), "from inside");
        }
    }
    assert_eq!(outside.received(), Vec::<String>::new());
    assert_eq!(inside.received().len(), sent);
}

#[tokio::test]
async fn an_ordinary_question_goes_out_and_says_so() {
    let (outside, inside, gateway) = two_sides("").await;
    let answer = gateway.ask("chat", "Когда вы открываетесь? Заказ 12345, цена 15 000 тенге.").await;
    assert_eq!(answer.text(), "from outside");
    for (name, value) in [
        ("x-shekara-route", "chat"),
        ("x-shekara-provider", "cloud"),
        ("x-shekara-model", "big"),
        ("x-shekara-zone", "external"),
        ("x-shekara-reason", "primary"),
        ("x-shekara-attempts", "1"),
        ("x-shekara-data-class", "public"),
        ("x-shekara-pii-action", "none"),
        ("x-shekara-synthetic", "1"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    assert!(answer.header("x-request-id").starts_with("req_"));
    assert!(inside.received().is_empty());
    let sent = &outside.received()[0];
    assert!(sent.contains(r#""model":"big""#), "{sent}");
    assert!(!sent.contains(&gateway.key[6..]) && !sent.contains("authorization"), "{sent}");
}

#[tokio::test]
async fn inbound_headers_stay_here() {
    let (outside, _inside, gateway) = two_sides("").await;
    let request = gateway.client.post(format!("{}/v1/chat/completions", gateway.url));
    let request = request.header("x-api-key", &gateway.key).header("x-customer", IIN).header("cookie", "a=b");
    let request = request.header("x-shekara-internal-tenant", "other").header("content-type", "application/json");
    let answer = crate::gateway::finish(request.body(user(json!("hi")).to_string())).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let sent = &outside.received()[0];
    assert!(!sent.contains(IIN) && !sent.contains("cookie") && !sent.contains("internal"), "{sent}");
}

#[tokio::test]
async fn a_caller_may_raise_the_class_of_its_data_and_never_lower_it() {
    let (outside, _inside, gateway) = two_sides("").await;
    let send = |class: &'static str, text: &'static str| {
        let request = gateway.client.post(format!("{}/v1/chat/completions", gateway.url));
        let request = request.bearer_auth(&gateway.key).header("x-shekara-data-class", class);
        crate::gateway::finish(request.body(user(json!(text)).to_string()))
    };
    let raised = send("special", "hello").await;
    assert_eq!((raised.header("x-shekara-reason"), raised.header("x-shekara-data-class")), ("data-class", "special"));
    let lowered = send("public", "ИИН 901123300258").await;
    assert_eq!((lowered.header("x-shekara-reason"), lowered.header("x-shekara-zone")), ("pii", "local"));
    let unclear = send("secret-ish", "hello").await;
    assert_eq!((unclear.status, unclear.json()["error"]["param"].as_str()), (400, Some("x-shekara-data-class")));
    assert!(outside.received().is_empty());
}

#[tokio::test]
async fn what_cannot_be_read_stays_inside() {
    let (outside, inside, gateway) = two_sides("").await;
    let mut bodies = vec![
        user(json!([{ "type": "image_url", "image_url": { "url": "https://example.kz/id-card.jpg" } }])),
        user(json!([{ "type": "text", "text": "x", "image_url": { "url": "https://example.kz/id-card.jpg" } }])),
        user(json!([{ "type": "tool_result", "content": [{ "type": "image", "source": { "data": "AAAA" } }] }])),
        user(json!("![card](DATA:image/png;BASE64,iVBORw0KGgo=)")),
    ];
    for (member, value) in [("images", json!(["iVBORw0KGgo="])), ("audio", json!({ "id": "a1" }))] {
        let mut body = user(json!("hello"));
        body["messages"][0][member] = value;
        bodies.push(body);
    }
    for body in &bodies {
        let answer = gateway.chat(body.clone()).await;
        assert_eq!((answer.status, answer.header("x-shekara-reason")), (200, "unreadable"), "{body}");
    }
    assert!(outside.received().is_empty());
    assert_eq!(inside.received().len(), bodies.len());
    let mut spoken_before = user(json!("hello"));
    spoken_before["messages"][0]["audio"] = Value::Null;
    assert_eq!(gateway.chat(spoken_before).await.header("x-shekara-zone"), "external");
}

#[tokio::test]
async fn without_a_local_model_a_sensitive_request_gets_503_and_nothing_leaves() {
    let outside = Upstream::start(Reply::Text("from outside")).await;
    for default_local in ["", "[privacy]\ndefault_local = \"missing\""] {
        let config = format!("{default_local}\n{}", one_provider(&outside.base_url, ""));
        let gateway = TestGateway::start(&config).await;
        for stream in [false, true] {
            let mut body = user(json!("ИИН 901123300258"));
            body["stream"] = json!(stream);
            let answer = gateway.chat(body).await;
            assert_eq!((answer.status, answer.code().as_str()), (503, "no_local_model"), "{}", answer.body);
            assert_eq!(answer.header("x-should-retry"), "false");
        }
        assert_eq!(gateway.ask("stub/any-model", "ИИН 901123300258").await.code(), "no_local_model");
        assert_eq!(gateway.ask("chat", "hello").await.status, 200);
        assert!(outside.received().iter().all(|request| !request.contains("901123")));
    }
    assert_eq!(outside.received().len(), 2);
}

#[tokio::test]
async fn with_the_outside_down_or_silent_a_sensitive_request_still_works() {
    let inside = Upstream::start(Reply::Text("from inside")).await;
    let silent = Upstream::start(Reply::Silence).await;
    for outside in ["http://127.0.0.1:9/v1", silent.base_url.as_str()] {
        let gateway = TestGateway::start(&border(outside, &inside.base_url, "")).await;
        assert_eq!(gateway.ask("chat", "ИИН 901123300258").await.text(), "from inside");
        let streamed = gateway.ask_streamed("chat", "ИИН 901123300258").await;
        assert!(streamed.body.ends_with("data: [DONE]\n\n"), "{}", streamed.body);
    }
}

#[tokio::test]
async fn a_scan_that_takes_too_long_confines() {
    let outside = Upstream::start(Reply::Text("from outside")).await;
    let inside = Upstream::start(Reply::Text("from inside")).await;
    let config = border(&outside.base_url, &inside.base_url, "");
    let gateway = TestGateway::start(&format!("[privacy]\nscan_timeout_ms = 0\n{config}")).await;
    let answer = gateway.ask("chat", &"no personal data here. ".repeat(200_000)).await;
    assert_eq!((answer.status, answer.header("x-shekara-reason")), (200, "scan-failed"));
    assert_eq!(answer.header("x-shekara-data-class"), "personal");
    assert!(outside.received().is_empty());
}

#[tokio::test]
async fn a_blocked_entity_is_answered_by_nobody() {
    let (outside, inside, gateway) = two_sides("entities = { card = \"block\" }").await;
    let answer = gateway.ask("chat", "карта 4111 1111 1111 1111").await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "blocked_by_policy"));
    assert!(!answer.body.contains("4111"));
    assert!(outside.received().is_empty() && inside.received().is_empty());
    let record = gateway.audit().await.pop().unwrap();
    assert_eq!((record.pii_action.as_str(), record.entities.get("card")), ("blocked", Some(&1)));
}

#[tokio::test]
async fn bodies_that_can_be_read_in_two_ways_are_refused() {
    let (outside, _inside, gateway) = two_sides("").await;
    let bodies: [&[u8]; 3] = [
        br#"{"model":"chat","messages":[{"role":"user","content":"a"}],"user":"901123300258","user":"b"}"#,
        br#"{"model":"chat","messages":[{"role":"user","content":"\ud800 901123300258"}]}"#,
        b"{\"model\":\"chat\",\"messages\":[{\"role\":\"user\",\"content\":\"\xff\"}]}",
    ];
    for body in bodies {
        let answer = gateway.send("POST", "/v1/chat/completions", &gateway.key, body.to_vec()).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(!answer.body.contains("901123"), "{}", answer.body);
    }
    assert!(outside.received().is_empty());
}
