//! A Redis of one's own, in a folder of its own. It ends with the test.

use std::fs;
use std::process::{Child, Command, Stdio};

use redis::aio::MultiplexedConnection;
use tempfile::TempDir;

use super::until;

pub(super) struct Server {
    folder: TempDir,
    options: Vec<String>,
    child: Option<Child>,
}

impl Server {
    /// Listens on a socket in its folder, and nowhere else.
    pub(super) async fn start() -> Self {
        Self::with(tempfile::tempdir().unwrap(), &[]).await
    }

    pub(super) async fn with(folder: TempDir, options: &[&str]) -> Self {
        let options = options.iter().map(ToString::to_string).collect();
        let mut server = Self { folder, options, child: None };
        server.start_again().await;
        server
    }

    /// Empty, at the same place.
    pub(super) async fn start_again(&mut self) {
        let socket = self.folder.path().join("redis.sock");
        let mut command = Command::new("redis-server");
        command.args(["--save", "", "--appendonly", "no", "--unixsocket"]).arg(&socket);
        if !self.options.iter().any(|option| option.contains("port")) {
            command.args(["--port", "0"]);
        }
        command.args(&self.options).current_dir(self.folder.path());
        let log = fs::File::create(self.folder.path().join("log")).unwrap();
        command.stdout(log).stderr(Stdio::null()).stdin(Stdio::null());
        let child = command.spawn();
        self.child = Some(child.expect("redis-server must be on the PATH for these tests (Debian: redis-server)"));
        let log = self.folder.path().join("log");
        until("Redis is ready", async || {
            let said = fs::read_to_string(&log).unwrap_or_default();
            let has_ended = self.child.as_mut().is_some_and(|child| child.try_wait().unwrap().is_some());
            assert!(!has_ended, "redis-server ended at once: {said}");
            said.contains("The server is now ready to accept connections at").then_some(())
        })
        .await;
    }

    pub(super) fn url(&self) -> String {
        format!("redis+unix://{}", self.folder.path().join("redis.sock").display())
    }

    pub(super) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// It hangs, or goes on.
    pub(super) fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// For what no gateway would do.
    pub(super) async fn connection(&self) -> MultiplexedConnection {
        redis::Client::open(self.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
    }

    pub(super) async fn run<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]).query_async(&mut self.connection().await).await.unwrap()
    }

    pub(super) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
