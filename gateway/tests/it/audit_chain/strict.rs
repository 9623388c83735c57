//! `[audit] mode = "strict"`: nothing leaves before the database knows of it.

use shekara_gateway::store::Projector;

use crate::gateway::{TestGateway, border};
use crate::upstream::{Reply, Upstream};

#[tokio::test]
async fn nothing_leaves_before_the_database_has_its_record() {
    let outside = Upstream::start(Reply::Text("fine")).await;
    let inside = Upstream::start(Reply::Text("inside")).await;
    let strict = "[audit]\nmode = \"strict\"\nstrict_timeout_ms = 2000";
    let gateway = TestGateway::start(&border(&outside.base_url, &inside.base_url, strict)).await;
    // Nobody carries the journal over.
    let refused = gateway.ask("chat", "hi").await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "audit_unavailable"), "{}", refused.body);
    assert_eq!(outside.received().len(), 0);
    // What stays inside does not wait.
    assert_eq!(gateway.ask("chat", "ИИН 901123300258").await.text(), "inside");

    let projector = Projector::start(gateway.gateway.trail.clone(), gateway.shared_store());
    for _ in 0..3 {
        assert_eq!(gateway.ask("chat", "hi").await.status, 200);
    }
    let held = futures_util::future::join_all((0..20).map(|_| gateway.ask("chat", "hi"))).await;
    assert!(held.iter().all(|answer| answer.status == 200));
    assert_eq!(outside.received().len(), 23);
    projector.finish().await;
    let records = gateway.audit().await;
    assert_eq!(records.len(), 25);
    assert_eq!((records[0].status, records[0].error_code.as_deref()), (503, Some("audit_unavailable")));
}
