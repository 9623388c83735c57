//! `shekara check` against running gateways: exact numbers of upstream calls, the report, the exit code.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::command::shekara;
use crate::gateway::{TestGateway, border, one_provider};
use crate::upstream::{Reply, Upstream};

const REFUSED: Reply = Reply::Status(
    404,
    r#"{"error":{"message":"no such model","type":"invalid_request_error","param":"model","code":"model_not_found"}}"#,
);

fn call(name: &str, arguments: &str) -> Reply {
    let body = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "stub",
        "choices": [{ "index": 0, "finish_reason": "tool_calls", "message": { "role": "assistant", "content": null,
            "tool_calls": [{ "id": "c1", "type": "function", "function": { "name": name, "arguments": arguments } }] } }],
        "usage": { "prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9 },
    });
    Reply::Json(body.to_string().leak())
}

/// Calls the tool where there is one, and says something otherwise.
fn good(arguments: &'static str) -> Reply {
    let call = call("weather_forecast", arguments);
    Reply::By(Arc::new(move |body| if body.contains("\"tools\"") { call.clone() } else { Reply::Text("It is.") }))
}

const FITTING: &str = r#"{"place":"Astana","days":3,"unit":"celsius"}"#;

fn row<'r>(report: &'r Value, route: &str, request: &str) -> &'r Value {
    let rows = report["routes"].as_array().unwrap();
    rows.iter().find(|row| row["route"] == route && row["request"] == request).unwrap()
}

#[tokio::test]
async fn a_route_is_sent_four_requests_and_all_is_told() {
    let upstream = Upstream::start(good(FITTING)).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, "")).await;
    let folder = tempfile::tempdir().unwrap();
    let ended = shekara(folder.path(), &gateway.key, &["check", "--url", &gateway.url, "--json"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!ended.stdout.contains(&gateway.key) && ended.stderr.is_empty(), "{ended:?}");
    let report = ended.json();
    assert_eq!((report["failed"].as_u64(), report["routes"].as_array().unwrap().len()), (Some(0), 4));
    for request in ["normal", "streamed", "tool", "long"] {
        let row = row(&report, "chat", request);
        let told = ["kind", "provider", "model", "zone", "reason"].map(|name| row[name].as_str().unwrap());
        assert_eq!(told, ["chat", "stub", "big", "external", "primary"], "{request}");
        assert_eq!((row["status"].as_u64(), row["attempts"].as_u64()), (Some(200), Some(1)), "{request}");
        let is_so = ["ok", "has_usage", "is_openai_shape"].map(|name| row[name].as_bool().unwrap());
        assert_eq!(is_so, [true; 3], "{request}: {row}");
        assert_eq!(row["odd"], json!([]), "{request}");
        assert!(row["total_ms"].as_u64() >= row["first_ms"].as_u64(), "{row}");
        assert_eq!(row["finish_reason"], if request == "tool" { "tool_calls" } else { "stop" }, "{request}");
    }
    assert_eq!(row(&report, "chat", "tool")["tool"], "called");
    let received = upstream.received();
    assert_eq!(received.len(), 4);
    assert!(received[1].contains("\"stream\":true") && received[2].contains("weather_forecast"));
    assert!(received[3].split_whitespace().count() > 3_900);

    let table = shekara(folder.path(), &gateway.key, &["check", "--url", &gateway.url, "--long-tokens", "24"]).await;
    assert_eq!((table.code, table.stdout.lines().count()), (Some(0), 5), "{table:?}");
    assert!(table.stdout.contains("tool: called") && table.stdout.contains("stub/big"), "{table:?}");
}

#[tokio::test]
async fn what_is_wrong_is_named_and_ends_with_one() {
    for (arguments, words) in [
        (r#"{"place":"Astana","days":"#, "the tool's arguments are no JSON"),
        (r#"{"place":"Astana"}"#, "the tool's arguments do not fit its schema"),
    ] {
        let upstream = Upstream::start(good(arguments)).await;
        let gateway = TestGateway::start(&one_provider(&upstream.base_url, "")).await;
        let folder = tempfile::tempdir().unwrap();
        let ended = shekara(folder.path(), &gateway.key, &["check", "--url", &gateway.url, "--json"]).await;
        let report = ended.json();
        assert_eq!((ended.code, report["failed"].as_u64()), (Some(1), Some(1)), "{ended:?}");
        let row = row(&report, "chat", "tool");
        assert_eq!((row["ok"].as_bool(), &row["problems"]), (Some(false), &json!([words])), "{row}");
        assert!(!ended.stdout.contains("Astana"), "{ended:?}");
    }
}

#[tokio::test]
async fn an_upstream_that_fails_and_one_that_answers_in_words() {
    let down = Upstream::start(Reply::Status(503, "")).await;
    let words = Upstream::start(Reply::Text("It will rain.")).await;
    let config = format!(
        "{}\n[[routes]]\nmodel = \"words\"\ntargets = [{{ provider = \"home\", model = \"small\" }}]\n",
        border(&down.base_url, &words.base_url, "")
    );
    let gateway = TestGateway::start(&config).await;
    let folder = tempfile::tempdir().unwrap();
    let ended = shekara(folder.path(), &gateway.key, &["check", "--url", &gateway.url, "--json"]).await;
    let report = ended.json();
    assert_eq!((ended.code, report["failed"].as_u64()), (Some(1), Some(4)), "{ended:?}");
    let (failed, fine) = (row(&report, "chat", "normal"), row(&report, "words", "tool"));
    assert_eq!((failed["status"].as_u64(), failed["code"].as_str()), (Some(502), Some("provider_error")));
    assert_eq!((fine["ok"].as_bool(), fine["tool"].as_str()), (Some(true), Some("answered in words")));
    // Four requests, all of them tried: nothing is left out because one failed.
    assert_eq!((down.received().len(), words.received().len()), (4, 4));
}

#[tokio::test]
async fn models_that_embed_or_rank_are_asked_what_they_are_for() {
    const VECTORS: &str = r#"{"object":"list","model":"stub","data":[{"object":"embedding","index":0,"embedding":[0.5,1]}],
        "usage":{"prompt_tokens":3,"total_tokens":3}}"#;
    const RANKS: &str = r#"{"id":"r","results":[{"index":0,"relevance_score":0.9},{"index":1,"relevance_score":0}]}"#;
    let upstream = Upstream::start(Reply::By(Arc::new(|body| {
        match (body.contains("\"model\":\"vectors\""), body.contains("\"input\""), body.contains("\"query\"")) {
            (true, true, _) => Reply::Json(VECTORS),
            (false, _, true) => Reply::Json(RANKS),
            _ => REFUSED,
        }
    })))
    .await;
    let config = one_provider(&upstream.base_url, "");
    let gateway = TestGateway::start(&config).await;
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["check", "--url", &gateway.url, "--route", "stub/vectors", "--route", "stub/ranks", "--json"];
    let ended = shekara(folder.path(), &gateway.key, &arguments).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report = ended.json();
    assert_eq!(report["routes"].as_array().unwrap().len(), 2, "{report}");
    assert_eq!(row(&report, "stub/vectors", "embedding")["kind"], "embedding");
    assert_eq!(row(&report, "stub/ranks", "rerank")["kind"], "rerank");
    assert_eq!(upstream.received().len(), 2 + 3);
}

#[tokio::test]
async fn targets_of_a_route_are_held_against_each_other() {
    const MORE: &str = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","service_tier":"x",
        "choices":[{"index":0,"message":{"role":"assistant","content":"Yes."},"finish_reason":"stop"}]}"#;
    let cloud = Upstream::start(Reply::Text("It is.")).await;
    let streamed_or =
        |body: &str| if body.contains("\"stream\":true") { Reply::Text("Yes.") } else { Reply::Json(MORE) };
    let home = Upstream::start(Reply::By(Arc::new(streamed_or))).await;
    let config = border(&cloud.base_url, &home.base_url, "");
    let gateway = TestGateway::start(&config).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("gateway.toml"), &config).unwrap();
    let arguments = ["check", "--config", "gateway.toml", "--url", &gateway.url, "--json"];
    let ended = shekara(folder.path(), &gateway.key, &arguments).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report = ended.json();
    let targets = report["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 4);
    let of = |target: &str, request: &str| {
        let row = targets.iter().find(|row| row["target"] == target && row["answer"]["request"] == request).unwrap();
        assert_eq!((row["route"].as_str(), row["compared_with"].as_str()), (Some("chat"), Some("cloud/big")));
        row["differences"].clone()
    };
    assert_eq!(of("cloud/big", "normal"), json!([]));
    let differences = of("home/small", "normal");
    let told: Vec<_> = differences.as_array().unwrap().iter().map(|one| one["what"].as_str().unwrap()).collect();
    assert!(told.contains(&"service_tier") && told.contains(&"usage"), "{differences}");
    assert_eq!(of("home/small", "streamed"), json!([]));
    assert_eq!((cloud.received().len(), home.received().len()), (4 + 2, 2));
}

#[tokio::test]
async fn two_environments_are_compared_and_only_what_differs_is_printed() {
    let (one, two) = (Upstream::start(good(FITTING)).await, Upstream::start(Reply::Text("It is.")).await);
    let (here, there) = (one_provider(&one.base_url, ""), one_provider(&two.base_url, "").replace("big", "bigger"));
    let other = "\n[[routes]]\nmodel = \"new\"\ntargets = [{ provider = \"stub\", model = \"big\" }]\n";
    let (here, there) = (TestGateway::start(&here).await, TestGateway::start(&format!("{there}{other}")).await);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("other.key"), &there.key).unwrap();
    let arguments = ["check", "--url", &here.url, "--against", &there.url, "--against-key", "file:other.key"];
    let printed = shekara(folder.path(), &here.key, &arguments).await;
    // The route that is only there fails the comparison.
    assert_eq!(printed.code, Some(1), "{printed:?}");
    assert!(printed.stdout.contains("0 requests are answered alike, 8 differ"), "{printed:?}");
    assert!(printed.stdout.contains("bigger"), "{printed:?}");
    let ended = shekara(folder.path(), &here.key, &[&arguments[..], &["--route", "chat", "--json"]].concat()).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report = ended.json();
    let pairs = report["against"]["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 4);
    let tool = pairs.iter().find(|pair| pair["request"] == "tool").unwrap();
    let told = |what: &str| {
        let found = tool["differences"].as_array().unwrap().iter().find(|one| one["what"] == what).unwrap();
        (found["here"].as_str().unwrap().to_owned(), found["there"].as_str().unwrap().to_owned())
    };
    assert_eq!(told("model"), ("big".to_owned(), "bigger".to_owned()));
    assert_eq!(told("finish_reason"), ("tool_calls".to_owned(), "stop".to_owned()));
    assert_eq!(told("tool"), ("called".to_owned(), "answered in words".to_owned()));
    assert!(tool["time_ratio"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn a_wrong_key_or_address_is_said_at_once() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let gateway = TestGateway::start(&one_provider(&upstream.base_url, "")).await;
    let folder = tempfile::tempdir().unwrap();
    let wrong = shekara(folder.path(), "sk-sh-wrong", &["check", "--url", &gateway.url]).await;
    assert!(wrong.code == Some(1) && wrong.stderr.contains("does not know the key"), "{wrong:?}");
    assert!(!wrong.stderr.contains("sk-sh-wrong"), "{wrong:?}");
    let nobody = shekara(folder.path(), &gateway.key, &["check", "--url", "http://127.0.0.1:9"]).await;
    assert!(nobody.code == Some(1) && nobody.stderr.contains("cannot be reached"), "{nobody:?}");
    let many = shekara(folder.path(), &gateway.key, &["check", "--url", &gateway.url, "--max-routes", "0"]).await;
    assert!(many.code == Some(1) && many.stderr.contains("--max-routes"), "{many:?}");
    assert!(upstream.received().is_empty());
}
