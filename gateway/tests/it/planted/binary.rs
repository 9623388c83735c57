//! The real `shekara`, with all of its logging on: what it writes to its terminal holds no planted value.

use shekara_gateway::egress::install_tls;

use super::canaries::{Canaries, finds, found_in_folder};
use super::{planted, reply, told};
use crate::gateway::{border, finish};
use crate::served::Served;
use crate::upstream::{Reply, Upstream};

const REQUESTS: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_terminal_of_the_real_gateway_shows_no_planted_value() {
    let outside = Upstream::start(Reply::Text("fine")).await;
    let inside = Upstream::start(Reply::Text("from inside")).await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("shekara.toml");
    let database = folder.path().join("data/shekara.db");
    let own = format!("[server]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite:{}\"\n", database.display());
    std::fs::write(&config, format!("{own}{}", border(&outside.base_url, &inside.base_url, ""))).unwrap();
    let mut shekara = Served::start(&config);
    let url = shekara.next("Shekara listens on ");
    let key = shekara.next("Application key (shown once): ");
    install_tls();
    let client = reqwest::Client::new();
    let (mut canaries, mut values) = (Canaries::new(13), Vec::new());
    for number in 0..REQUESTS {
        let planted = planted(&mut canaries, number);
        outside.set(reply(number));
        inside.set(reply(number));
        let mut call = client.post(format!("{url}{}", planted.path)).bearer_auth(&key);
        for (name, value) in &planted.headers {
            call = call.header(*name, value);
        }
        let answer = finish(call.body(planted.body.to_string())).await;
        assert_eq!(finds(&told(&answer), &planted.values), None, "request {number}: {}", answer.status);
        values.extend(planted.values);
    }
    let seen = shekara.stop();
    assert!(seen.contains("an attempt failed"), "nothing was logged");
    assert_eq!(finds(&seen, &values), None);
    assert_eq!(found_in_folder(&folder.path().join("data"), &values), None);
}
