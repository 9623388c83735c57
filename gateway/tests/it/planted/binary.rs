//! The real `shekara`, with all of its logging on: what it writes to its terminal holds no planted value.

use shekara_gateway::egress::install_tls;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::canaries::{Canaries, finds, found_in_folder};
use super::{planted, reply, told};
use crate::gateway::{border, finish};
use crate::upstream::{Reply, Upstream};

const REQUESTS: usize = 40;
const PATIENCE: Duration = Duration::from_mins(1);

struct Shekara {
    child: Child,
    lines: Receiver<String>,
    errors: std::thread::JoinHandle<String>,
    seen: String,
}

impl Shekara {
    fn serve(config: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shekara"));
        command.arg("serve").arg("--config").arg(config).env("RUST_LOG", "shekara=trace,shekara_gateway=trace");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let (stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        Self { child, lines, errors, seen: String::new() }
    }

    /// What stands behind `lead` in the next line that has it.
    fn next(&mut self, lead: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("the gateway says what it does");
            self.seen.push_str(&line);
            if let Some((_, rest)) = line.split_once(lead) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Everything that it wrote, after a polite end.
    fn stop(mut self) -> String {
        let terminate = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").arg("-c").arg(terminate).status().unwrap().success());
        self.next("Stopped.");
        assert!(self.child.wait().unwrap().success());
        format!("{}\n{}", self.seen, self.errors.join().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_terminal_of_the_real_gateway_shows_no_planted_value() {
    let outside = Upstream::start(Reply::Text("fine")).await;
    let inside = Upstream::start(Reply::Text("from inside")).await;
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("shekara.toml");
    let database = folder.path().join("data/shekara.db");
    let own = format!("[server]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite:{}\"\n", database.display());
    std::fs::write(&config, format!("{own}{}", border(&outside.base_url, &inside.base_url, ""))).unwrap();
    let mut shekara = Shekara::serve(&config);
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
