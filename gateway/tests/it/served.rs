//! The program itself while it serves, as an operator starts it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_mins(1);

pub struct Served {
    child: Child,
    lines: Receiver<String>,
    errors: std::thread::JoinHandle<String>,
    seen: String,
}

impl Served {
    /// With all of its logging on.
    pub fn start(config: &Path) -> Self {
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
    pub fn next(&mut self, lead: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("the gateway says what it does");
            self.seen.push_str(&line);
            if let Some((_, rest)) = line.split_once(lead) {
                return rest.trim().to_owned();
            }
        }
    }

    /// `HUP`, `TERM` and the like.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").arg("-c").arg(kill).status().unwrap().success());
    }

    /// Ends it as a loss of power would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Everything that it wrote, after a polite end.
    pub fn stop(mut self) -> String {
        self.signal("TERM");
        self.next("Stopped.");
        assert!(self.child.wait().unwrap().success());
        format!("{}\n{}", self.seen, self.errors.join().unwrap())
    }
}
