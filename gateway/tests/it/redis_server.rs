//! A Redis of a test's own, on a socket in a temporary folder, gone with it.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::net::UnixStream;

pub struct RedisServer {
    child: Option<Child>,
    folder: TempDir,
}

impl RedisServer {
    pub async fn start() -> Self {
        let mut server = Self { child: None, folder: tempfile::tempdir().unwrap() };
        std::fs::write(server.folder.path().join("url"), server.url()).unwrap();
        server.start_again().await;
        server
    }

    /// Empty, at the same place.
    pub async fn start_again(&mut self) {
        let folder = &self.folder;
        let socket = folder.path().join("redis.sock");
        let program = std::env::var("SHEKARA_TEST_REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
        let mut command = Command::new(program);
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"]).arg(&socket);
        command.arg("--dir").arg(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().expect("redis-server is on the PATH (Debian: redis-server)"));
        let began = Instant::now();
        while UnixStream::connect(&socket).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "redis-server does not answer");
            tokio::task::yield_now().await;
        }
    }

    /// Killed, as it would be.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_file(self.folder.path().join("redis.sock"));
    }

    /// For what no gateway would do.
    pub async fn run<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut connection = redis::Client::open(self.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
        redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await.unwrap()
    }

    fn url(&self) -> String {
        format!("redis+unix://{}", self.folder.path().join("redis.sock").display())
    }

    /// A file that says where it is.
    pub fn url_file(&self) -> String {
        self.folder.path().join("url").display().to_string()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}
