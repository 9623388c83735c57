//! The program itself, as an operator starts it.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// Runs `shekara` in `folder`, where it finds its configuration and keeps what is temporary.
pub async fn shekara(folder: &Path, key: &str, arguments: &[&str]) -> Ended {
    let temporary = folder.join("temporary");
    std::fs::create_dir_all(&temporary).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_shekara"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    command.env("SHEKARA_API_KEY", key).env("TMPDIR", &temporary).env_remove("RUST_LOG");
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0, "something temporary was left behind");
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}
