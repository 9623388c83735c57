//! One record per request, in journal and database, and never a word of the prompt.

use shekara_gateway::audit::Outcome;

use crate::gateway::{TestGateway, border};
use crate::upstream::{Reply, Upstream};

#[tokio::test]
async fn every_request_has_one_record_without_its_text() {
    let outside = Upstream::start(Reply::Text("a secret answer")).await;
    let inside = Upstream::start(Reply::Text("a secret answer")).await;
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, "")).await;
    let clear = gateway.ask("chat", "zebra question").await;
    gateway.ask_streamed("chat", "zebra, ИИН 901123300258, тел +7 701 123 45 67").await;
    gateway.ask("missing", "zebra").await;
    gateway.send("GET", "/v1/models", &gateway.key, "").await;
    let records = gateway.audit().await;
    assert_eq!(records.len(), 4, "{records:?}");

    let first = &records[0];
    assert_eq!(first.request_id, clear.header("x-request-id"));
    assert_eq!(
        (first.tenant.as_str(), first.project.as_str(), first.environment.as_str()),
        ("bank", "support", "stage")
    );
    assert_eq!((first.actor.as_str(), first.endpoint.as_str()), ("test", "POST /v1/chat/completions"));
    assert_eq!((first.route.as_deref(), first.reason.as_deref()), (Some("chat"), Some("primary")));
    assert_eq!((first.provider.as_deref(), first.model.as_deref()), (Some("cloud"), Some("big")));
    assert_eq!((first.zone.as_deref(), first.status, first.outcome), (Some("external"), 200, Outcome::Completed));
    assert_eq!((first.prompt_tokens, first.completion_tokens, first.attempts), (Some(7), Some(2), 1));
    assert!(first.time.ends_with('Z') && first.time.contains('T') && !first.policy_version.is_empty());

    let second = &records[1];
    assert_eq!((second.reason.as_deref(), second.zone.as_deref(), second.streamed), (Some("pii"), Some("local"), true));
    assert_eq!((second.entities.get("iin"), second.entities.get("phone")), (Some(&1), Some(&1)));
    assert!(second.first_token_ms.is_some());

    assert_eq!((records[2].status, records[2].error_code.as_deref()), (404, Some("model_not_found")));
    assert_eq!((records[2].outcome, records[2].route.as_deref()), (Outcome::Failed, None));
    assert_eq!(records[3].endpoint, "GET /v1/models");

    let everything = format!("{records:?}");
    for word in ["zebra", "secret answer", "901123300258", "701 123 45 67", "7011234567", &gateway.key[18..]] {
        assert!(!everything.contains(word), "{word}");
    }
}

#[tokio::test]
async fn what_was_dispatched_and_never_ended_is_seen() {
    let silent = Upstream::start(Reply::Silence).await;
    let gateway = TestGateway::start(&border(&silent.base_url, &silent.base_url, "")).await;
    let request = gateway.client.post(format!("{}/v1/chat/completions", gateway.url)).bearer_auth(&gateway.key);
    let body = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}]}"#;
    let running = tokio::spawn(request.body(body).send());
    while silent.received().is_empty() {
        tokio::task::yield_now().await;
    }
    let records = gateway.audit().await;
    assert_eq!(
        (records.len(), records[0].outcome, records[0].provider.as_deref()),
        (1, Outcome::Dispatched, Some("cloud"))
    );
    running.abort();
    silent.client_left().await;
    while gateway.audit().await[0].outcome == Outcome::Dispatched {
        tokio::task::yield_now().await;
    }
    let records = gateway.audit().await;
    assert_eq!((records.len(), records[0].outcome, records[0].status), (1, Outcome::Aborted, 499));
}

#[tokio::test]
async fn reads_of_the_audit_are_recorded_too() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let gateway = TestGateway::start(&border(&upstream.base_url, &upstream.base_url, "")).await;
    let page = gateway.send("GET", "/admin/v1/audit?limit=10", &gateway.admin_key, "").await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert_eq!(gateway.audit().await[0].endpoint, "GET /admin/v1/audit");
    let page = gateway.send("GET", "/admin/v1/audit", &gateway.admin_key, "").await.json();
    assert_eq!(page["data"][0]["endpoint"], "GET /admin/v1/audit");
    assert_eq!(page["data"][0]["sequence"], 1);
}
