//! The audit on its way to a SIEM: every end of a request once or more, in order, and on from there after a restart.

use shekara_gateway::audit::Entry;
use shekara_gateway::channels::AuditWay;
use shekara_gateway::jobs::audit_feed;
use shekara_gateway::store::{DataDir, Position};
use tokio::task::JoinHandle;

use crate::alerts::receivers::{UdpLog, Webhook};
use crate::alerts::secret;
use crate::gateway::{TestGateway, border};
use crate::upstream::{Reply, Upstream};

fn data(gateway: &TestGateway) -> DataDir {
    DataDir::create(&gateway.gateway.snapshot().config.store).unwrap()
}

fn start(gateway: &TestGateway) -> Vec<JoinHandle<()>> {
    let ways = AuditWay::all(&gateway.gateway.snapshot().config.audit).unwrap();
    let run = |way| tokio::spawn(audit_feed::run(gateway.gateway.clone(), data(gateway), way));
    ways.into_iter().map(run).collect()
}

#[tokio::test]
async fn entries_are_told_at_least_once_and_in_order() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let webhook = Webhook::answering(&[503], "").await;
    let syslog = UdpLog::start().await;
    let secret = secret();
    let audit = format!(
        "[audit]\nwebhook = {{ url = \"{}\", secret = \"file:{}\" }}\nsyslog = {{ address = \"{}\", facility = \"audit\" }}",
        webhook.url,
        secret.path().display(),
        syslog.address()
    );
    let gateway = TestGateway::start(&border(&upstream.base_url, &upstream.base_url, &audit)).await;
    for way in AuditWay::NAMES {
        data(&gateway).keep_feed_position(way, Position::default()).unwrap();
    }
    gateway.ask("chat", "a secret question").await;
    gateway.ask("chat", "hi").await;
    let feeds = start(&gateway);

    let posted = webhook.has(3).await;
    assert_eq!(posted[0].bytes, posted[1].bytes, "refused once, and sent again");
    assert_eq!(posted[0].header("webhook-id"), posted[1].header("webhook-id"));
    let sequences: Vec<u64> = posted.iter().map(|one| one.body["sequence"].as_u64().unwrap()).collect();
    assert_eq!(sequences, [2, 2, 4]);
    for one in &posted {
        assert!(one.is_signed());
        let entry = Entry::read(std::str::from_utf8(&one.bytes).unwrap()).unwrap();
        assert_eq!((entry.hash, entry.kind.as_str()), (entry.computed_hash(), "request"));
        assert!(!String::from_utf8_lossy(&one.bytes).contains("secret question"));
    }
    for sequence in [2, 4] {
        let message = syslog.next().await;
        assert!(message.starts_with("<110>1 20"), "{message}");
        let fields =
            format!("audit [shekara@32473 kind=\"request\" tenant=\"bank\" writer=\"{}\"", sequences_writer(&posted));
        assert!(message.contains(&fields) && message.contains(&format!("sequence=\"{sequence}\"")), "{message}");
    }

    let end = gateway.gateway.trail.journal().end();
    while data(&gateway).feed_position("webhook").unwrap() != Some(end) {
        tokio::task::yield_now().await;
    }
    feeds.iter().for_each(JoinHandle::abort);
    gateway.ask("chat", "once more").await;
    let feeds = start(&gateway);
    let posted = webhook.has(4).await;
    assert_eq!(posted[3].body["sequence"], 6, "nothing twice that arrived, nothing left out");
    feeds.iter().for_each(JoinHandle::abort);
}

fn sequences_writer(posted: &[crate::alerts::receivers::Posted]) -> &str {
    posted[0].body["writer"].as_str().unwrap()
}
