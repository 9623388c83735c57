//! `models.toml` of a models directory: what each model is and which bytes it consists of.
//!
//! What always holds: the file is replaced whole; what others have written into it stays.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

pub const MANIFEST_FILE: &str = "models.toml";

/// How a model's keys are written, those of others behind them.
const ORDER: [&str; 4] = ["id", "source", "revision", "licence"];
const MAX_BYTES: u64 = 64 << 20;
const HEADING: &str =
    "# What the models of this directory are. `shekara-inference models verify` checks them against it.\n";

/// Why the record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    #[error("{} cannot be used", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("{} is not understood", path.display())]
    Malformed { path: PathBuf, source: toml::de::Error },
    #[error("{}: {found} bytes are no list of models", path.display())]
    TooLarge { path: PathBuf, found: u64 },
    #[error("{}: a [[model]] has no id, or `model` is no list", path.display())]
    NoList { path: PathBuf },
}

/// One `[[model]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRecord {
    pub id: String,
    /// `ORG/NAME`, or what else it was made from.
    pub source: String,
    /// A commit.
    pub revision: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    #[serde(default)]
    pub files: Vec<FileRecord>,
}

/// One of its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    pub path: String,
    pub size: u64,
    pub sha256: String,
}

/// The file's content, as far as it is understood and beyond.
#[derive(Debug, Default)]
pub struct Manifest {
    table: Table,
    records: Vec<ModelRecord>,
}

impl Manifest {
    /// A directory without the file has no records.
    ///
    /// # Errors
    /// If there is a file and it cannot be understood.
    pub fn read(models_dir: &Path) -> Result<Self, ManifestError> {
        let path = models_dir.join(MANIFEST_FILE);
        let io = |source| ManifestError::Io { path: path.clone(), source };
        match path.metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(io(error)),
            Ok(found) if found.len() > MAX_BYTES => {
                return Err(ManifestError::TooLarge { path, found: found.len() });
            }
            Ok(_) => {}
        }
        let text = std::fs::read_to_string(&path).map_err(io)?;
        let malformed = |source| ManifestError::Malformed { path: path.clone(), source };
        let table: Table = toml::from_str(&text).map_err(malformed)?;
        let mut records = Vec::new();
        match table.get("model") {
            None => {}
            Some(Value::Array(models)) => {
                for model in models {
                    records.push(model.clone().try_into().map_err(malformed)?);
                }
            }
            Some(_) => return Err(ManifestError::NoList { path }),
        }
        Ok(Self { table, records })
    }

    pub fn records(&self) -> &[ModelRecord] {
        &self.records
    }

    pub fn record(&self, id: &str) -> Option<ModelRecord> {
        self.records.iter().find(|record| record.id == id).cloned()
    }

    /// Records a model; what was recorded under its id before is returned.
    ///
    /// # Errors
    /// If the file cannot be understood or written; it has not changed then.
    pub fn put(models_dir: &Path, record: &ModelRecord) -> Result<Option<ModelRecord>, ManifestError> {
        let path = models_dir.join(MANIFEST_FILE);
        let fields = Table::try_from(record).map_err(|_| ManifestError::NoList { path })?;
        change(models_dir, &record.id, |models, place| {
            if let Some(place) = place {
                // Keys of others stay; a licence that is no longer stated goes.
                models[place].remove("licence");
                models[place].extend(fields);
            } else {
                models.push(fields);
            }
        })
    }

    /// Forgets a model.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn remove(models_dir: &Path, id: &str) -> Result<(), ManifestError> {
        change(models_dir, id, |models, place| {
            if let Some(place) = place {
                models.remove(place);
            }
        })
        .map(|_| ())
    }
}

/// Reads, changes and replaces the file while nobody else does.
fn change(
    models_dir: &Path,
    id: &str,
    edit: impl FnOnce(&mut Vec<Table>, Option<usize>),
) -> Result<Option<ModelRecord>, ManifestError> {
    let io = |source| ManifestError::Io { path: models_dir.to_owned(), source };
    let folder = File::open(models_dir).map_err(io)?;
    // Some file systems have no locks; the file is replaced whole there too.
    let _ = folder.lock();
    let Manifest { mut table, records } = Manifest::read(models_dir)?;
    let mut models: Vec<Table> = Vec::new();
    if let Some(Value::Array(list)) = table.remove("model") {
        models.extend(
            list.into_iter().filter_map(|model| if let Value::Table(model) = model { Some(model) } else { None }),
        );
    }
    let place = records.iter().position(|record| record.id == id);
    edit(&mut models, place);
    write(models_dir, &render(&table, &models)).map_err(io)?;
    Ok(place.map(|place| records[place].clone()))
}

fn write(models_dir: &Path, text: &str) -> std::io::Result<()> {
    let path = models_dir.join(MANIFEST_FILE);
    let temporary = models_dir.join(format!(".{MANIFEST_FILE}.new"));
    let result = File::create(&temporary).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&temporary, &path)
    });
    if result.is_err() {
        // Whatever is left of it is of no use.
        let _ = std::fs::remove_file(&temporary);
    }
    result
}

fn render(others: &Table, models: &[Table]) -> String {
    let mut text = HEADING.to_owned();
    // A table always has a TOML text.
    text.push_str(&toml::to_string(others).unwrap_or_default());
    for model in models {
        text.push_str("\n[[model]]\n");
        let place = |key: &str| match ORDER.iter().position(|known| *known == key) {
            Some(place) => place,
            // The list of files is long and comes last.
            None if key == "files" => ORDER.len() + 1,
            None => ORDER.len(),
        };
        let mut fields: Vec<_> = model.iter().collect();
        fields.sort_by_key(|(key, _)| place(key));
        for (key, value) in fields {
            let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            let bare = !key.is_empty() && key.bytes().all(is_bare);
            let key = if bare { key.clone() } else { Value::String(key.clone()).to_string() };
            text.extend([key.as_str(), " = "]);
            match value {
                Value::Array(list) if list.iter().any(Value::is_table) => {
                    text.push_str("[\n");
                    for item in list {
                        text.extend(["  ", &item.to_string(), ",\n"]);
                    }
                    text.push_str("]\n");
                }
                value => text.extend([&value.to_string(), "\n"]),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str, revision: &str) -> ModelRecord {
        let file = |path: &str| FileRecord { path: path.to_owned(), size: 7, sha256: "ab".repeat(32) };
        ModelRecord {
            id: id.to_owned(),
            source: "org/\"odd\" name".to_owned(),
            revision: revision.to_owned(),
            licence: Some("apache-2.0".to_owned()),
            files: vec![file("config.json"), file("1_Pooling/config.json")],
        }
    }

    #[test]
    fn what_is_put_is_read_and_what_others_wrote_stays() {
        let directory = tempfile::tempdir().expect("temporary folder");
        let path = directory.path().join(MANIFEST_FILE);
        assert!(Manifest::read(directory.path()).expect("none").records().is_empty());
        let theirs = "note = \"ours\"\n[[model]]\nid = \"a\"\nsource = \"x/y\"\nrevision = \"1\"\n\"their key\" = { b = 1 }\n\
            files = [{ path = \"p\", size = 1, sha256 = \"00\" }]\n[site]\nname = \"n\"\n";
        std::fs::write(&path, theirs).expect("write");
        assert_eq!(Manifest::put(directory.path(), &record("b", "1")).expect("written"), None);
        let before = Manifest::put(directory.path(), &record("a", "2")).expect("written").expect("a record");
        assert_eq!(before.revision, "1");
        let manifest = Manifest::read(directory.path()).expect("valid");
        assert_eq!(manifest.records(), [record("a", "2"), record("b", "1")]);
        assert_eq!(manifest.table["note"].as_str(), Some("ours"));
        assert_eq!(manifest.table["site"]["name"].as_str(), Some("n"));
        assert_eq!(manifest.table["model"][0]["their key"]["b"].as_integer(), Some(1));
        Manifest::remove(directory.path(), "a").expect("written");
        assert_eq!(Manifest::read(directory.path()).expect("valid").records(), [record("b", "1")]);
        let left: Vec<_> = std::fs::read_dir(directory.path()).expect("readable").collect();
        assert_eq!(left.len(), 1, "no temporary file stays");
    }

    #[test]
    fn a_file_that_is_not_understood_is_left_alone() {
        let directory = tempfile::tempdir().expect("temporary folder");
        let path = directory.path().join(MANIFEST_FILE);
        for text in ["[[model", "model = 4", "[[model]]\nname = \"no id\"\n"] {
            std::fs::write(&path, text).expect("write");
            assert!(Manifest::put(directory.path(), &record("a", "1")).is_err(), "{text}");
            assert_eq!(std::fs::read_to_string(&path).expect("readable"), text);
        }
    }

    #[test]
    fn writers_at_once_lose_nothing() {
        let directory = tempfile::tempdir().expect("temporary folder");
        std::thread::scope(|scope| {
            for index in 0..8 {
                let path = directory.path();
                scope.spawn(move || Manifest::put(path, &record(&format!("m{index}"), "1")).expect("written"));
            }
        });
        assert_eq!(Manifest::read(directory.path()).expect("valid").records().len(), 8);
    }
}
