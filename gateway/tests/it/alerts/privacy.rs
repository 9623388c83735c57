//! No word of a request, of a provider's error or of a key is in an alert.

use serde_json::json;

use super::receivers::{UdpLog, Webhook};
use super::told::QUOTA;
use super::{events_so_far, secret, to_webhook};
use crate::gateway::{TestGateway, one_provider};
use crate::upstream::{Reply, Upstream};

/// Stands in the prompt, in what the provider says, and in a model's name.
const WORD: &str = "zq7planted";

#[tokio::test]
async fn nothing_of_a_request_is_in_an_alert() {
    let (upstream, webhook, log) =
        (Upstream::start(Reply::Text("")).await, Webhook::start().await, UdpLog::start().await);
    let (secret, key) = (secret(), tempfile::NamedTempFile::new().unwrap());
    std::fs::write(key.path(), "sk-of-the-provider").unwrap();
    let alerts = to_webhook(&webhook.url, secret.path());
    let rest = format!("{alerts}syslog = {{ address = \"{}\" }}\nrepeat_s = 0\n", log.address());
    let own = format!("api_key = \"file:{}\"\n[[routes]]", key.path().display());
    let toml = one_provider(&upstream.base_url, &rest).replacen("[[routes]]", &own, 1);
    let gateway = TestGateway::start(&toml).await;
    let quoting = QUOTA.replace("no credit", WORD);
    let named = format!("stub/{WORD}");
    let replies = [
        Reply::Status(429, quoting.leak()),
        Reply::EchoRefusal(401),
        Reply::EchoRefusal(403),
        Reply::EchoRefusal(500),
        Reply::EchoRefusal(500),
        Reply::EchoBroken,
        Reply::Text("fine"),
    ];
    for model in ["chat", &named] {
        for reply in &replies {
            upstream.set(reply.clone());
            let messages = json!([{ "role": "user", "content": format!("Say {WORD} to sk-of-the-provider") }]);
            gateway.chat(json!({ "model": model, "messages": messages, "user": WORD })).await;
        }
        // Sensitive, with nobody inside.
        gateway.ask(model, &format!("{WORD} ИИН 901123300258")).await;
    }
    let events = events_so_far(&gateway, &webhook).await;
    for event in
        ["provider_quota_exhausted", "provider_auth_failed", "breaker_opened", "breaker_closed", "no_local_model"]
    {
        assert!(events.iter().filter(|known| *known == event).count() > 1, "{event} in {events:?}");
    }
    let posted = webhook.posted();
    let mut all: Vec<String> =
        posted.iter().map(|one| format!("{:?} {}", one.headers, String::from_utf8_lossy(&one.bytes))).collect();
    for _ in 0..posted.len() {
        all.push(log.next().await);
    }
    for text in all {
        for word in [WORD, "sk-of", "sk-sh", "901123300258", "whsec", "MfKQ"] {
            assert!(!text.contains(word), "{text}");
        }
    }
}
