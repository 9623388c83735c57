//! A restore that is killed leaves what was there, or nothing that serves; never a half of each.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use sqlx::Connection as _;

use super::{command, configure, numbers};
use crate::upstream::{Reply, Upstream};

const ROWS: i64 = 4_000;

/// Rows enough for a restore to take a moment.
async fn fill(database: &Path) {
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(&format!("sqlite://{}", database.display())).await.unwrap();
    let insert = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) \
         INSERT INTO ledger (id, request_id, attempt, time, day, tenant, project, key_id, environment, provider, model, zone, \
         data_class, kind, reason, outcome, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, images, \
         audio_ms, usage, usage_source, tiyn) SELECT 'id' || i, 'r' || i, 0, '2026-12-01T00:00:00.000Z', '2026-12-01', 'bank', \
         'p', 'k', 'prod', 'cloud', 'big', 'external', 'public', 'first', 'primary', 'answered', 10, 1, 0, 0, 0, 0, '{{}}', \
         'provider', i FROM n"
    );
    sqlx::query(sqlx::AssertSqlSafe(insert)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Ends a restore when it has said so many lines.
fn killed_after(folder: &Path, lines: usize) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shekara"));
    command.args(["--config", "shekara.toml", "restore", "new.backup", "--force"]).current_dir(folder);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    for _ in 0..lines {
        if told.next().is_none() {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn a_killed_restore_leaves_the_old_or_nothing_that_serves() {
    let upstream = Upstream::start(Reply::Text("fine")).await;
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (place, name) in [(&other, "new"), (&folder, "old")] {
        configure(place.path(), &upstream.base_url, "");
        let made = command(place.path(), &["keys", "create", "--name", name]).await;
        assert_eq!(made.code, Some(0), "{made:?}");
    }
    fill(&other.path().join("data/shekara.db")).await;
    let file = folder.path().join("new.backup").display().to_string();
    let made = command(other.path(), &["backup", &file, "--with-secrets"]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let num_lines = made.stderr.lines().count();
    let mut seen = std::collections::BTreeSet::new();
    for lines in (1..2 * num_lines + 6).step_by(7) {
        killed_after(folder.path(), lines);
        let listed = command(folder.path(), &["keys", "list", "--json"]).await;
        let database = folder.path().join("data/shekara.db");
        if listed.code == Some(0) {
            let is_new = listed.stdout.contains("\"new\"");
            assert_ne!(is_new, listed.stdout.contains("\"old\""), "{listed:?}");
            let rows = numbers(&database, "SELECT count(*) FROM ledger").await[0];
            assert_eq!(rows, if is_new { ROWS } else { 0 }, "after {lines} lines");
            let secret = std::fs::read(folder.path().join("data/keys.secret")).unwrap();
            let new_secret = std::fs::read(other.path().join("data/keys.secret")).unwrap();
            assert_eq!(secret == new_secret, is_new, "after {lines} lines");
            seen.insert(if is_new { "new" } else { "old" });
        } else {
            assert!(listed.stderr.contains("half restored"), "{listed:?}");
            seen.insert("refused");
        }
    }
    assert!(seen.contains("old"), "{seen:?}");
    let restored = command(folder.path(), &["restore", "new.backup", "--force"]).await;
    assert_eq!(restored.code, Some(0), "{restored:?}");
    let rows = numbers(&folder.path().join("data/shekara.db"), "SELECT count(*), sum(tiyn) FROM ledger").await;
    assert_eq!(rows, [ROWS, ROWS * (ROWS + 1) / 2]);
}
