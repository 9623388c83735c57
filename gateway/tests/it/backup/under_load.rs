//! Backups beside a gateway that answers: each is of one moment, and has everything that was answered before it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use shekara_gateway::egress::install_tls;

use super::{command, configure, numbers};
use crate::served::Served;
use crate::upstream::{Reply, Upstream};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backups_under_load_have_what_was_answered_and_are_of_one_moment() {
    install_tls();
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let prices = "[billing.exchange]\nsource = \"fixed\"\nrate = \"500\"\n[[billing.prices]]\nprovider = \"cloud\"\n\
                  model = \"big\"\nprompt_per_million = \"2.5\"\ncompletion_per_million = \"10\"\n";
    let config = configure(here.path(), &upstream.base_url, prices);
    configure(there.path(), &upstream.base_url, prices);
    let mut served = Served::start(&config);
    let url = served.next("Shekara listens on ");
    let key = served.next("Application key (shown once):");
    let (answered, is_over) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
    let asking: Vec<_> = (0..4)
        .map(|_| {
            let (answered, is_over) = (Arc::clone(&answered), Arc::clone(&is_over));
            let (url, key, client) = (url.clone(), key.clone(), reqwest::Client::new());
            tokio::spawn(async move {
                let body = r#"{"model":"chat","messages":[{"role":"user","content":"hi"}]}"#;
                while !is_over.load(Ordering::SeqCst) {
                    let request = client.post(format!("{url}/v1/chat/completions")).bearer_auth(&key).body(body);
                    let answer = request.send().await.unwrap();
                    assert_eq!(answer.status(), 200);
                    answer.text().await.unwrap();
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    let mut before = Vec::new();
    for number in 0..4 {
        let least = 40 * (number + 1);
        while answered.load(Ordering::SeqCst) < least {
            tokio::task::yield_now().await;
        }
        before.push(answered.load(Ordering::SeqCst));
        let file = there.path().join(format!("{number}.backup")).display().to_string();
        let made = command(here.path(), &["backup", &file, "--with-secrets"]).await;
        assert_eq!(made.code, Some(0), "{made:?}");
    }
    is_over.store(true, Ordering::SeqCst);
    for asked in asking {
        asked.await.unwrap();
    }
    let all = answered.load(Ordering::SeqCst);
    served.stop();
    for (number, answered) in before.into_iter().enumerate() {
        let restored = command(there.path(), &["restore", &format!("{number}.backup"), "--force"]).await;
        assert_eq!(restored.code, Some(0), "{restored:?}");
        assert!(restored.stdout.contains("The audit verifies"), "{restored:?}");
        let query = "SELECT (SELECT count(*) FROM audit WHERE outcome = 'completed' AND endpoint = 'POST /v1/chat/completions'), \
                     (SELECT count(*) FROM ledger), (SELECT count(DISTINCT request_id) FROM ledger), \
                     (SELECT coalesce(sum(prompt_tokens), 0) FROM ledger), \
                     (SELECT coalesce(sum(prompt_tokens), 0) FROM audit WHERE outcome = 'completed')";
        let found = numbers(&there.path().join("data/shekara.db"), query).await;
        let [records, rows, requests, billed, recorded] = found[..] else { panic!("{found:?}") };
        assert!(answered <= records && records <= all + 4, "{answered} were answered, {records} are there");
        assert_eq!((rows, requests, billed), (records, records, recorded), "{found:?}");
    }
}
