//! `[store]`: which database, and the folder of what is a gateway's own.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;
use url::Url;

use super::privacy::secret;
use super::validate::{Invalid, invalid};
use crate::secrets::{Secret, SecretError, SecretSource};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreFile {
    /// `sqlite:PATH`, or for several gateways `postgres://…` without a password or `env:NAME` or `file:/path` of one with it.
    pub url: Spanned<String>,
    /// The audit journal, secrets that were made here and a lock. Unset: the folder of SQLite's file, `data` otherwise.
    pub data_dir: Option<PathBuf>,
    /// `env:NAME` or `file:/path` of 64 hexadecimal digits under which keys are hashed. Unset: one made in the data folder.
    pub key_secret: Option<Spanned<String>>,
}

impl Default for StoreFile {
    fn default() -> Self {
        Self { url: Spanned::new(0..0, "sqlite:data/shekara.db".to_owned()), data_dir: None, key_secret: None }
    }
}

#[derive(Debug, Clone)]
pub struct StoreConfig {
    pub database: Database,
    pub data_dir: PathBuf,
    /// The same for all gateways of one database.
    pub key_secret: Option<SecretSource>,
}

#[derive(Debug, Clone)]
pub enum Database {
    /// A file, of one gateway.
    Sqlite(PathBuf),
    /// Shared by several gateways.
    Postgres(PostgresUrl),
}

impl Database {
    /// What it is called where people read.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }
}

/// Where PostgreSQL is. Its `Debug` shows no password.
#[derive(Clone)]
pub enum PostgresUrl {
    Plain(String),
    Kept(SecretSource),
}

impl PostgresUrl {
    /// # Errors
    /// It is kept where it cannot be read.
    pub fn resolve(&self) -> Result<Secret, SecretError> {
        match self {
            Self::Plain(url) => Ok(Secret::new(url.clone())),
            Self::Kept(source) => source.resolve(),
        }
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(_) => f.write_str("PostgresUrl(…)"),
            Self::Kept(source) => write!(f, "PostgresUrl({source:?})"),
        }
    }
}

pub(super) fn check_store(file: StoreFile) -> Result<StoreConfig, Invalid> {
    let database = check_url(&file.url)?;
    let beside = match &database {
        Database::Sqlite(path) => path.parent().filter(|parent| !parent.as_os_str().is_empty()).map(PathBuf::from),
        Database::Postgres(_) => Some(PathBuf::from("data")),
    };
    let data_dir = file.data_dir.or(beside).unwrap_or_else(|| PathBuf::from("."));
    let key_secret = file.key_secret.as_ref().map(|source| secret("key_secret", source)).transpose()?;
    Ok(StoreConfig { database, data_dir, key_secret })
}

fn check_url(written: &Spanned<String>) -> Result<Database, Invalid> {
    let text = written.get_ref();
    if let Some(path) = text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
        return Ok(Database::Sqlite(PathBuf::from(path)));
    }
    if ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
        let url = Url::parse(text).map_err(|error| invalid(written, format!("[store] url: {error}")))?;
        let names_password = url.query_pairs().any(|(name, _)| name == "password");
        if url.password().is_some() || names_password {
            let message = "[store] url: give a url with a password as env:NAME or file:/path";
            return Err(invalid(written, message));
        }
        return Ok(Database::Postgres(PostgresUrl::Plain(text.clone())));
    }
    let kept = text.parse().and_then(SecretSource::on_this_machine);
    let wrong =
        "[store] url is 'sqlite:PATH', 'postgres://…', or env:NAME or file:/path of such an address of PostgreSQL";
    kept.map(|source| Database::Postgres(PostgresUrl::Kept(source))).map_err(|_| invalid(written, wrong))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::parse;

    fn store(text: &str) -> Result<StoreConfig, String> {
        let text = format!("[store]\n{text}\n");
        parse(&text, Path::new("x.toml")).map(|config| config.store).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_brings_its_folder_with_it() {
        for (url, folder) in [("sqlite:data/a.db", "data"), ("sqlite:a.db", "."), ("sqlite:/var/x/a.db", "/var/x")] {
            let store = store(&format!("url = \"{url}\"")).unwrap();
            assert_eq!(store.data_dir, Path::new(folder), "{url}");
        }
        let elsewhere = store("url = \"sqlite:/var/x/a.db\"\ndata_dir = \"/srv/journal\"").unwrap();
        assert_eq!(elsewhere.data_dir, Path::new("/srv/journal"));
    }

    #[test]
    fn a_password_does_not_stand_in_the_file() {
        for url in
            ["postgres://shekara@db.bank.kz/shekara", "postgresql:///shekara?host=/run/postgresql", "env:DATABASE_URL"]
        {
            let store = store(&format!("url = \"{url}\"")).unwrap();
            assert!(matches!(store.database, Database::Postgres(_)), "{url}");
            assert_eq!(store.data_dir, Path::new("data"));
        }
        for url in
            ["postgres://a:hunter2@h/d", "postgres://h/d?password=hunter2", "hunter2", "mysql://h/d", "sqlite:", ""]
        {
            let refused = store(&format!("url = \"{url}\"")).unwrap_err();
            assert!(refused.starts_with("x.toml:2: [store] url") && !refused.contains("hunter2"), "{url}: {refused}");
        }
    }
}
