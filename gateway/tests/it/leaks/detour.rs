//! Ways round: a value in a file that a request names, and a request in a batch.

use serde_json::{Value, json};

use super::outgoing::Outgoing;
use super::phrase::Phrase;
use super::position::POSITIONS;
use super::stage::{Actor, ROUTES, Stage};
use super::tally::{Leak, Tally};
use super::{SEED, ask, random_of, setting, shape, shows};
use crate::batches::ended;
use crate::files;

/// Detours for each hundred of the fuzzer's requests.
const SHARE: u64 = 15;
const NAMES: [&str; 5] = ["note.txt", "note.csv", "note.md", "note.json", "note.pdf"];

struct Detour<'p> {
    phrase: &'p Phrase,
    what: Leak,
    is_parted: bool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_gets_out_by_way_of_a_file_or_a_batch() {
    let stage = Stage::new().await;
    let (seed, requests) = (setting("SHEKARA_LEAK_SEED", SEED), setting("SHEKARA_LEAK_REQUESTS", 800));
    let mut tally = Tally::default();
    for number in 0..(requests * SHARE / 100) as usize {
        let random = &mut random_of(seed ^ 0xDE70, number);
        let (actor, phrase) = (stage.actor(random), Phrase::new(random));
        stage.draw_replies(random, false);
        let route = *random.pick(&ROUTES);
        let position = random.pick(&POSITIONS);
        let is_file = random.chance(50);
        let what = Leak {
            number,
            fault: actor.fault,
            route: route.to_owned(),
            position: if is_file { "a file" } else { position.name },
            kind: phrase.kind.name,
            disguise: phrase.disguise.name,
            why: "",
        };
        let mut request = if is_file {
            let name = *random.pick(&NAMES);
            let Some(named) = naming(actor, name, &phrase.sentence).await else { continue };
            named
        } else {
            position.request(&phrase, random)
        };
        shape(&mut request, random, number);
        request["model"] = json!(route);
        if !is_file || random.chance(30) {
            request["stream"] = json!(false);
            in_batch(actor, &request).await;
        } else {
            ask(actor, ("/v1/chat/completions", &request), (None, None)).await;
        }
        let detour = Detour { phrase: &phrase, what, is_parted: !is_file && position.parts_value };
        count(&mut tally, actor, &detour, &stage.crossed());
    }
    tally.report(seed);
    assert!(tally.leaks.is_empty(), "seed {seed}: {}", tally.explained());
    assert!(tally.sent_share() >= 0.03, "only {} of the detours went out", tally.sent_share());
}

/// A request about a file with these words in it.
async fn naming(actor: &Actor, name: &str, words: &str) -> Option<Value> {
    let answer = files::upload(&actor.gateway, &[("purpose", "user_data")], (name, words.as_bytes())).await;
    let id = answer.json()["id"].clone();
    let part = json!({ "type": "file", "file": { "file_id": id } });
    let content = json!([{ "type": "text", "text": "What does it say?" }, part]);
    id.is_string().then(|| json!({ "messages": [{ "role": "user", "content": content }] }))
}

/// The request as the only line of a batch.
async fn in_batch(actor: &Actor, request: &Value) {
    let endpoint = "/v1/chat/completions";
    let line = json!({ "custom_id": "a", "method": "POST", "url": endpoint, "body": request }).to_string();
    let file = files::upload(&actor.gateway, &[("purpose", "batch")], ("in.jsonl", line.as_bytes())).await.json();
    let order = json!({ "input_file_id": file["id"], "endpoint": endpoint, "completion_window": "24h" });
    let gateway = &actor.gateway;
    let batch = gateway.send("POST", "/v1/batches", &gateway.key, order.to_string()).await.json();
    if batch["id"].is_string() && batch["object"] == "batch" {
        ended(gateway, &batch["id"]).await;
    }
    while gateway.gateway.num_shadows() > 0 {
        tokio::task::yield_now().await;
    }
}

fn count(tally: &mut Tally, actor: &Actor, detour: &Detour<'_>, crossed: &[String]) {
    tally.count(!crossed.is_empty());
    if actor.keeps_all && !crossed.is_empty() {
        tally.leak(&detour.what, "went out in spite of the fault");
    }
    let outgoing: Vec<Outgoing> = crossed.iter().map(|record| Outgoing::read(record)).collect();
    let is_out = outgoing.iter().any(|outgoing| shows(outgoing, detour.phrase, detour.is_parted));
    tally.value(&detour.what, detour.phrase.kind.is_canonical, is_out);
}
