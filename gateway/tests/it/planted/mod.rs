//! A thousand planted values, in every place of a request that could be logged, kept or quoted: none is found again in
//! logs, error texts, headers, panics, the audit, or the data folder.

mod binary;
mod canaries;
mod captured_log;
mod forms;
mod panics;

use serde_json::{Value, json};

use canaries::{Canaries, finds};

use crate::gateway::{Answer, TestGateway, border, finish};
use crate::upstream::{Reply, Upstream};

const REQUESTS: usize = 100;

/// A request with ten values of its own.
struct Planted {
    values: Vec<String>,
    body: Value,
    headers: [(&'static str, String); 3],
    path: String,
}

fn planted(canaries: &mut Canaries, number: usize) -> Planted {
    let values: Vec<String> = (0..10).map(|place| canaries.next(number * 10 + place)).collect();
    let model = match number % 7 {
        0 => values[0].clone(),
        1 => format!("nobody/{}", values[0]),
        _ => "chat".to_owned(),
    };
    let tool = json!({ "type": "function", "function": { "name": values[1], "description": values[2] } });
    let mut body = json!({
        "model": model,
        "messages": [{ "role": "user", "content": format!("Повтори: {}", values[3]) }],
        "user": values[4],
        "metadata": { values[5].clone(): values[6].clone() },
        "tools": [tool],
        "stream": number.is_multiple_of(3),
    });
    let is_mistaken = matches!(number % 11, 3..=6);
    match number % 11 {
        // Mistakes whose error would be tempted to say what was there instead.
        3 => body["messages"][0]["role"] = json!(values[3]),
        4 => body["temperature"] = json!(values[4]),
        5 => body["logit_bias"] = json!({ values[5].clone(): "much" }),
        6 => body["stream_options"] = json!(values[6]),
        _ => {}
    }
    let path = match number % 13 {
        7 | 8 if !is_mistaken => {
            let (path, other) = in_other_words(&body, number % 13 == 7);
            body = other;
            format!("{path}?trace={}", values[9])
        }
        10 => {
            body =
                json!({ "model": model, "input": [values[3]], "user": values[4], "metadata": { "note": values[5] } });
            format!("/v1/embeddings?trace={}", values[9])
        }
        11 => {
            body = json!({ "model": model, "query": values[3], "documents": [values[4], { "text": values[5] }] });
            format!("/v1/rerank?trace={}", values[9])
        }
        12 => format!("/v1/{}", values[9]),
        _ => format!("/v1/chat/completions?trace={}", values[9]),
    };
    let headers = [
        ("idempotency-key", values[7].clone()),
        ("user-agent", values[8].clone()),
        ("x-request-id", values[8].clone()),
    ];
    Planted { values, body, headers, path }
}

/// The same as a response or as a message.
fn in_other_words(body: &Value, is_response: bool) -> (&'static str, Value) {
    let (mut other, function) = (body.clone(), &body["tools"][0]["function"]);
    let fields = other.as_object_mut().unwrap();
    let (name, description, schema) = (&function["name"], &function["description"], json!({ "type": "object" }));
    if is_response {
        let messages = fields.remove("messages").unwrap();
        fields.insert("input".to_owned(), messages);
        fields.insert("instructions".to_owned(), description.clone());
        let tool = json!({ "type": "function", "name": name, "description": description, "parameters": schema });
        fields.insert("tools".to_owned(), json!([tool]));
        return ("/v1/responses", other);
    }
    let user = fields.remove("user");
    fields.insert("metadata".to_owned(), json!({ "user_id": user }));
    fields.insert("max_tokens".to_owned(), json!(9));
    fields.insert("system".to_owned(), description.clone());
    let tool = json!({ "name": name, "description": description, "input_schema": schema });
    fields.insert("tools".to_owned(), json!([tool]));
    ("/v1/messages", other)
}

fn reply(number: usize) -> Reply {
    match number % 6 {
        0 => Reply::EchoBroken,
        1 => Reply::EchoRefusal(400),
        2 => Reply::EchoRefusal(422),
        3 => Reply::EchoRefusal(404),
        4 => Reply::EchoRefusal(429),
        _ => Reply::EchoRefusal(401),
    }
}

/// What a client is told beside the answer itself.
fn told(answer: &Answer) -> String {
    let behind = |event: &str| answer.body.split(event).nth(1);
    let error = match behind("event: response.failed\ndata: ") {
        _ if answer.status >= 400 => answer.body.clone(),
        // The rest of that event is the response so far, which repeats the request by design.
        Some(failed) => {
            let failed: Value = serde_json::from_str(failed.lines().next().unwrap()).unwrap();
            format!("error {}", failed["response"]["error"])
        }
        None => behind("event: error").unwrap_or("").to_owned(),
    };
    format!("{:?} {error}", answer.headers)
}

#[tokio::test]
async fn a_thousand_planted_values_are_found_nowhere() {
    captured_log::start();
    let outside = Upstream::start(Reply::Text("fine")).await;
    let inside = Upstream::start(Reply::Text("from inside")).await;
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, "")).await;
    let mut canaries = Canaries::new(7);
    let (mut values, mut errors) = (Vec::new(), 0);
    for number in 0..REQUESTS {
        let planted = planted(&mut canaries, number);
        outside.set(reply(number));
        inside.set(reply(number));
        let mut call = gateway.client.post(format!("{}{}", gateway.url, planted.path)).bearer_auth(&gateway.key);
        for (name, value) in &planted.headers {
            call = call.header(*name, value);
        }
        let body = match number % 17 {
            16 => planted.body.to_string().replace("\"user\":", "\"user\":1,\"user\":"),
            _ => planted.body.to_string(),
        };
        let answer = finish(call.body(body)).await;
        errors += usize::from(told(&answer).contains("error"));
        assert_eq!(finds(&told(&answer), &planted.values), None, "request {number}: {}", answer.status);
        let stranger = gateway.send("POST", "/v1/chat/completions", &planted.values[7], planted.body.to_string()).await;
        assert_eq!((stranger.status, finds(&told(&stranger), &planted.values)), (401, None));
        values.extend(planted.values);
    }
    assert_eq!((values.len(), errors), (1_000, REQUESTS), "every request fails in its own way");
    let crossed = outside.received().concat();
    assert!(values.iter().filter(|value| crossed.contains(*value)).count() > 100, "too few were sent at all");
    let records = format!("{:?}", gateway.audit().await);
    let page = gateway.send("GET", "/admin/v1/audit?limit=1000", &gateway.admin_key, "").await.body;
    assert!(page.matches("\"sequence\":").count() > 50, "the audit is not full: {}", page.len());
    let log = captured_log::text();
    assert!(log.contains("an attempt failed"), "the log is empty");
    for (place, text) in [("audit", records), ("page of the audit", page), ("log", log)] {
        assert_eq!(finds(&text, &values), None, "{place}");
    }
    assert_eq!(canaries::found_in_folder(gateway.data_folder(), &values), None);
}

#[tokio::test]
async fn a_providers_advice_is_still_passed_on() {
    let advice = r#"{"error":{"message":"Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
        "type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}"#;
    let upstream = Upstream::start(Reply::Status(400, advice)).await;
    let gateway = TestGateway::start(&border(&upstream.base_url, &upstream.base_url, "")).await;
    let error = gateway.ask("chat", "Расскажите о погоде").await.json()["error"].clone();
    assert!(error["message"].as_str().unwrap().contains("max_completion_tokens"), "{error}");
    assert_eq!((error["param"].as_str(), error["code"].as_str()), (Some("max_tokens"), Some("unsupported_parameter")));
}
