//! Backup and restore from outside: what a gateway had, its copy has, in either database; whoever runs meanwhile loses
//! nothing; and what ends in the middle leaves nothing that serves.

mod carried;
mod commands;
mod killed;
mod under_load;

use std::path::{Path, PathBuf};

use crate::command::{Ended, shekara};
use crate::gateway::border;

/// A configuration in a folder, whose database and secrets lie in `data` there.
fn configure(folder: &Path, upstream: &str, rest: &str) -> PathBuf {
    let config = folder.join("shekara.toml");
    let own = format!(
        "{rest}[server]\nlisten = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite:{}\"\n[audit]\ncheckpoint_s = 1\n",
        folder.join("data/shekara.db").display()
    );
    std::fs::write(&config, border(upstream, upstream, &own)).unwrap();
    config
}

async fn command(folder: &Path, arguments: &[&str]) -> Ended {
    shekara(folder, "", &[&["--config", "shekara.toml"], arguments].concat()).await
}

/// The numbers of one row.
async fn numbers(database: &Path, query: &str) -> Vec<i64> {
    use sqlx::{Connection as _, Row as _};
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(&format!("sqlite://{}", database.display())).await.unwrap();
    let row = sqlx::query(sqlx::AssertSqlSafe(query.to_owned())).fetch_one(&mut connection).await.unwrap();
    (0..row.len()).map(|at| row.get(at)).collect()
}
