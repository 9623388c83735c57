//! How alerts leave: signed, tried again, never followed elsewhere, and never waited for.

use serde_json::json;
use shekara_gateway::alerts::{About, Event};
use shekara_gateway::config::parse;
use shekara_gateway::pipeline::Snapshot;
use shekara_gateway::routing::LocalModels;

use super::receivers::{TcpLog, UdpLog, Webhook};
use super::{SECRET, events_so_far, secret, to_webhook};
use crate::command::shekara;
use crate::gateway::{TestGateway, one_provider};
use crate::upstream::{Reply, Upstream};

async fn gateway(alerts: &str) -> TestGateway {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    TestGateway::start(&one_provider(&upstream.base_url, alerts)).await
}

fn raise(gateway: &TestGateway, provider: &str) {
    gateway.gateway.alerts.raise(Event::ProviderAuthFailed, About { provider: Some(provider), ..About::default() });
}

async fn counts(gateway: &TestGateway, line: &str) -> bool {
    gateway.send("GET", "/metrics", "", "").await.body.lines().any(|known| known == line)
}

#[tokio::test]
async fn what_fails_for_a_moment_is_tried_again_under_the_same_id() {
    let (webhook, secret) = (Webhook::answering(&[500, 429], "").await, secret());
    let gateway = gateway(&to_webhook(&webhook.url, secret.path())).await;
    raise(&gateway, "stub");
    let posted = webhook.has(3).await;
    for one in &posted {
        assert!(one.is_signed(), "{one:?}");
        assert_eq!((one.header("webhook-id"), &one.body), (posted[0].header("webhook-id"), &posted[0].body));
        assert_eq!(one.header("content-type"), "application/json");
        assert!(one.header("user-agent").starts_with("shekara/"));
    }
    assert_eq!(posted[0].header("webhook-id"), posted[0].body["id"]);
    events_so_far(&gateway, &webhook).await;
    assert_eq!(webhook.posted().len(), 4);
}

#[tokio::test]
async fn a_changed_byte_does_not_agree_with_the_signature() {
    let (webhook, secret) = (Webhook::start().await, secret());
    let gateway = gateway(&to_webhook(&webhook.url, secret.path())).await;
    raise(&gateway, "stub");
    let mut posted = webhook.has(1).await.remove(0);
    assert!(posted.is_signed());
    posted.bytes[10] ^= 1;
    assert!(!posted.is_signed());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Webhook::start().await;
    let (webhook, secret) = (Webhook::answering(&[307], &elsewhere.url).await, secret());
    let gateway = gateway(&to_webhook(&webhook.url, secret.path())).await;
    raise(&gateway, "stub");
    assert_eq!(events_so_far(&gateway, &webhook).await, ["provider_auth_failed"]);
    assert!(elsewhere.posted().is_empty());
    assert!(counts(&gateway, "shekara_alerts_failed_total{channel=\"webhook\"} 1").await);
}

#[tokio::test]
async fn a_webhook_that_hangs_slows_nobody_and_fills_nothing() {
    let (webhook, secret) = (Webhook::answering(&[0], "").await, secret());
    let gateway = gateway(&to_webhook(&webhook.url, secret.path())).await;
    raise(&gateway, "first");
    webhook.has(1).await;
    for number in 0..2_000 {
        raise(&gateway, &number.to_string());
    }
    for _ in 0..20 {
        assert_eq!(gateway.ask("chat", "hi").await.text(), "fine");
    }
    // All of that while the first one was still under way.
    assert_eq!(webhook.posted().len(), 1);
    let metrics = gateway.send("GET", "/metrics", "", "").await.body;
    let dropped =
        metrics.lines().find_map(|line| line.strip_prefix("shekara_alerts_dropped_total{channel=\"webhook\"} "));
    // 1,024 things are told apart, 256 wait.
    assert_eq!(dropped, Some("768"), "{metrics}");
}

#[tokio::test]
async fn syslog_gets_structured_data_over_udp_and_tcp() {
    let (udp, tcp) = (UdpLog::start().await, TcpLog::start().await);
    let over_udp = gateway(&format!("[alerts]\nsyslog = {{ address = \"{}\" }}\n", udp.address())).await;
    let over_tcp =
        gateway(&format!("[alerts]\nsyslog = {{ address = \"{}\", facility = \"auth\" }}\n", tcp.address())).await;
    raise(&over_udp, "a \"quoted\" name");
    raise(&over_tcp, "провайдер");
    let (first, second) = (udp.next().await, tcp.next().await);
    assert!(first.starts_with("<131>1 20") && second.starts_with("<35>1 20"), "{first} {second}");
    for message in [&first, &second] {
        let parts: Vec<&str> = message.splitn(7, ' ').collect();
        assert_eq!((parts[3], parts[5]), ("shekara", "provider_auth_failed"), "{message}");
        assert!(parts[6].starts_with("[shekara@32473 id=\"alert_") && parts[1].ends_with('Z'), "{message}");
    }
    assert!(first.contains(r#"provider="a \"quoted\" name""#) && !first.contains('\u{feff}'), "{first}");
    assert!(second.contains("provider=\"провайдер\" count=\"1\"] \u{feff}A provider does not take"), "{second}");
}

#[tokio::test]
async fn a_new_configuration_says_where_alerts_go_from_then_on() {
    let (before, after, secret) = (Webhook::start().await, Webhook::start().await, secret());
    let gateway = gateway(&to_webhook(&before.url, secret.path())).await;
    assert!(events_so_far(&gateway, &before).await.is_empty());
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let rest = format!("{}events = [\"provider_auth_failed\"]\n", to_webhook(&after.url, secret.path()));
    let config = parse(&one_provider(&upstream.base_url, &rest), "test.toml".as_ref()).unwrap();
    let snapshot = Snapshot::new(config, None, LocalModels::default(), None, 1).unwrap();
    gateway.gateway.put_in_force(snapshot).await;
    gateway.gateway.alerts.raise(Event::Tripwire, About::default());
    raise(&gateway, "stub");
    assert_eq!(after.has(1).await[0].body["event"], "provider_auth_failed");
    assert_eq!(before.posted().len(), 1);
}

#[tokio::test]
async fn a_secret_that_cannot_be_used_is_refused_before_anything_starts() {
    let (folder, secret) = (tempfile::tempdir().unwrap(), secret());
    std::fs::write(secret.path(), "short").unwrap();
    let alerts = to_webhook("https://alerts.example.kz/", secret.path());
    std::fs::write(folder.path().join("shekara.toml"), format!("[local]\nenabled = false\n{alerts}")).unwrap();
    let ended = shekara(folder.path(), "", &["serve"]).await;
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("secret of the webhook of [alerts]: it has fewer than 24 bytes"), "{ended:?}");
    assert!(!ended.stdout.contains("listens"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_tries_every_channel_and_says_what_came_of_it() {
    let (webhook, log, folder) = (Webhook::start().await, TcpLog::start().await, tempfile::tempdir().unwrap());
    let write = |url: &str| {
        let alerts = format!("webhook = {{ url = \"{url}\", secret = \"env:SHEKARA_API_KEY\" }}");
        let syslog = format!("syslog = {{ address = \"{}\" }}", log.address());
        let text = format!("[local]\nenabled = false\n[alerts]\n{alerts}\n{syslog}\n");
        std::fs::write(folder.path().join("shekara.toml"), text).unwrap();
    };
    write(&webhook.url);
    let (ended, message) = tokio::join!(shekara(folder.path(), SECRET, &["alerts", "test"]), log.next());
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "webhook: sent\nsyslog: sent\n"), "{ended:?}");
    let posted = webhook.has(1).await.remove(0);
    assert!(posted.is_signed() && posted.body["event"] == "test", "{posted:?}");
    assert!(message.contains(posted.body["id"].as_str().unwrap()), "{message}");
    let gone = Webhook::answering(&[410], "").await;
    write(&gone.url);
    let (ended, _) = tokio::join!(shekara(folder.path(), SECRET, &["alerts", "test", "--json"]), log.next());
    let channels = ended.json()["channels"].clone();
    assert_eq!((ended.code, &channels[1]), (Some(1), &json!({ "channel": "syslog", "ok": true, "error": null })));
    assert!(channels[0]["error"].as_str().unwrap().contains("410"), "{channels}");
}
