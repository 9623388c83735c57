//! PostgreSQL goes away under load and comes back: requests go on (batched) or are refused (strict), nothing is lost, and
//! the order is restored.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use shekara_gateway::config::{Database, PostgresUrl};
use shekara_gateway::ledger::rows_of;
use shekara_gateway::store::{AuditFilter, Projector};
use sqlx::Connection as _;
use tempfile::TempDir;

use super::verified;
use crate::gateway::{Place, TestGateway, border};
use crate::upstream::{Reply, Upstream};

const PATIENCE: Duration = Duration::from_mins(1);

/// A PostgreSQL of one test's own.
struct Server {
    folder: TempDir,
    pg_ctl: PathBuf,
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").unwrap();
        let mode: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(folder.path(), mode).unwrap();
        let server = Self { folder, pg_ctl: program("pg_ctl") };
        let data = server.data();
        let initdb = program("initdb");
        let options = ["--username", "shekara", "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync"];
        run(unprivileged(&initdb, server.folder.path()).arg("--pgdata").arg(&data).args(options));
        server.begin();
        server
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn begin(&self) {
        let (data, folder) = (self.data(), self.folder.path());
        let options = format!("-c listen_addresses='' -c unix_socket_directories='{}' -c fsync=off", folder.display());
        let mut command = unprivileged(&self.pg_ctl, folder);
        command.arg("--pgdata").arg(data).arg("--log").arg(folder.join("log"));
        run(command.args(["--wait", "--silent", "--options", &options, "start"]));
    }

    /// As a crash would.
    fn end(&self) {
        let mut command = unprivileged(&self.pg_ctl, self.folder.path());
        run(command.arg("--pgdata").arg(self.data()).args(["--mode", "immediate", "--silent", "stop"]));
    }

    /// Of a schema of its own.
    async fn database(&self, schema: &str) -> Database {
        let url = format!("postgres:///postgres?host={}&user=shekara", self.folder.path().display());
        let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
        let create = sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
        sqlx::query(create).execute(&mut connection).await.unwrap();
        Database::Postgres(PostgresUrl::Plain(format!("{url}&options[search_path]={schema}")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut command = unprivileged(&self.pg_ctl, self.folder.path());
        let stop = command.arg("--pgdata").arg(self.data()).args(["--mode", "immediate", "--silent", "stop"]);
        let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// On the PATH, or where Debian has PostgreSQL's.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join(name));
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = debian.map(|version| version.path().join("bin").join(name));
    on_path.chain(debian).find(|path| path.is_file()).unwrap_or_else(|| panic!("{name} is not installed"))
}

/// PostgreSQL does not run as root.
fn unprivileged(program: &Path, folder: &Path) -> Command {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    let mut command = if is_root {
        let mut command = Command::new("runuser");
        command.args(["-u", "nobody", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir(folder);
    command
}

fn run(command: &mut Command) {
    // What it starts in the background must not hold the pipes of this process.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}");
}

async fn start(outside: &Upstream, rest: &str, database: Database) -> (TestGateway, Projector) {
    let place = Place { database: Some(database), ..Place::default() };
    let gateway = TestGateway::start_at(&border(&outside.base_url, &outside.base_url, rest), place).await;
    let projector = Projector::start(gateway.gateway.trail.clone(), gateway.shared_store());
    (gateway, projector)
}

async fn ask_many(gateway: &TestGateway, count: usize) -> Vec<u16> {
    let answers = futures_util::future::join_all((0..count).map(|_| gateway.ask("chat", "hi"))).await;
    answers.into_iter().map(|answer| answer.status).collect()
}

async fn num_ended(gateway: &TestGateway) -> Option<usize> {
    let rows = gateway.shared_store().audit_page(AuditFilter::default(), 0, 10_000).await.ok()?;
    Some(rows.iter().filter(|row| row.record.status == 200).count())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_goes_away_and_nothing_is_lost() {
    if std::env::var_os("SHEKARA_TEST_POSTGRES").is_none() {
        eprintln!("SHEKARA_TEST_POSTGRES is not set: not tested");
        return;
    }
    let server = Server::start();
    let outside = Upstream::start(Reply::Text("fine")).await;
    let strict = "[audit]\nmode = \"strict\"\nstrict_timeout_ms = 300";
    let (batched, batched_projector) = start(&outside, "", server.database("batched").await).await;
    let (strict, strict_projector) = start(&outside, strict, server.database("strict").await).await;
    assert_eq!(ask_many(&batched, 5).await, vec![200; 5]);
    // The first connections take longer than a usual wait.
    let began = Instant::now();
    while strict.ask("chat", "hi").await.status != 200 {
        assert!(began.elapsed() < PATIENCE);
    }

    server.end();
    for _ in 0..4 {
        assert_eq!(ask_many(&batched, 25).await, vec![200; 25]);
    }
    let sent = outside.received().len();
    assert_eq!(ask_many(&strict, 10).await, vec![503; 10]);
    assert_eq!(outside.received().len(), sent);

    server.begin();
    let began = Instant::now();
    while num_ended(&batched).await != Some(105) {
        assert!(began.elapsed() < PATIENCE, "{:?} of 105", num_ended(&batched).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    while strict.ask("chat", "hi").await.status != 200 {
        assert!(began.elapsed() < PATIENCE);
    }
    batched_projector.finish().await;
    strict_projector.finish().await;
    for gateway in [&batched, &strict] {
        let records = gateway.audit().await;
        let report = verified(gateway).await;
        assert!(report.is_sound(), "{report:?}");
        // An intent and an end of each.
        assert_eq!(report.num_entries as usize, 2 * records.len());
    }
    let records = strict.audit().await;
    let refused: Vec<_> = records.iter().filter(|record| record.status == 503).collect();
    assert!(refused.len() >= 10, "{refused:?}");
    // What was not sent costs nothing.
    assert!(refused.iter().all(|record| rows_of(record).is_empty()), "{refused:?}");
}
