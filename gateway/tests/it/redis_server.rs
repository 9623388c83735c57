//! A Redis of a test's own, on a socket in a temporary folder, gone with it.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::net::UnixStream;

pub struct RedisServer {
    child: Child,
    folder: TempDir,
}

impl RedisServer {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("redis.sock");
        let program = std::env::var("SHEKARA_TEST_REDIS_SERVER").unwrap_or_else(|_| "redis-server".to_owned());
        let mut command = Command::new(program);
        command.args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"]).arg(&socket);
        command.arg("--dir").arg(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("redis-server is on the PATH (Debian: redis-server)");
        std::fs::write(folder.path().join("url"), format!("redis+unix://{}", socket.display())).unwrap();
        let began = Instant::now();
        while UnixStream::connect(&socket).await.is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "redis-server does not answer");
            tokio::task::yield_now().await;
        }
        Self { child, folder }
    }

    /// A file that says where it is.
    pub fn url_file(&self) -> String {
        self.folder.path().join("url").display().to_string()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
