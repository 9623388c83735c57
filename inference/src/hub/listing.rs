//! What a hub says a repository holds at a commit.

use serde::Deserialize;
use serde_json::Value;

use super::names::is_commit;
use super::{Checksum, FileName};

/// More files than this are no model.
const MAX_FILES: usize = 10_000;
/// A licence's name is not longer.
const MAX_LICENCE: usize = 200;

/// A file that can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFile {
    pub name: FileName,
    /// Where the listing does not say, the file's own address does.
    pub size: Option<u64>,
    pub checksum: Option<Checksum>,
}

/// A repository at one commit.
#[derive(Clone, Debug)]
pub struct Listing {
    pub commit: String,
    pub licence: Option<String>,
    pub files: Vec<RemoteFile>,
}

#[derive(Deserialize)]
struct Answer {
    sha: String,
    siblings: Vec<Sibling>,
    #[serde(default, rename = "cardData")]
    card: Option<Value>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default, rename = "blobId")]
    blob_id: Option<String>,
    #[serde(default)]
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    #[serde(default, alias = "oid")]
    sha256: Option<String>,
    #[serde(default)]
    size: Option<u64>,
}

impl Listing {
    /// Reads `/api/models/…`. Files with names that no model needs are left out.
    ///
    /// # Errors
    /// Says what is wrong with the answer.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        let answer: Answer = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if !is_commit(&answer.sha) {
            return Err("sha is no commit".to_owned());
        }
        if answer.siblings.len() > MAX_FILES {
            return Err(format!("{} files, more than {MAX_FILES}", answer.siblings.len()));
        }
        let files = answer.siblings.into_iter().filter_map(|sibling| {
            let name = FileName::parse(&sibling.rfilename).ok()?;
            let (sha256, lfs_size) = sibling.lfs.map_or((None, None), |lfs| (lfs.sha256, lfs.size));
            // A large file's blob is a pointer, whose name says nothing of the file.
            let text = if lfs_size.is_some() { sha256 } else { sha256.or(sibling.blob_id) };
            let checksum = text.and_then(|text| Checksum::parse(&text));
            Some(RemoteFile { name, size: lfs_size.or(sibling.size), checksum })
        });
        let licence = answer.card.and_then(|card| licence(&card));
        Ok(Self { commit: answer.sha, licence, files: files.collect() })
    }

    pub fn file(&self, name: &str) -> Option<&RemoteFile> {
        self.files.iter().find(|file| file.name.as_str() == name)
    }
}

/// `license`, or its own name where it is none of the common ones.
fn licence(card: &Value) -> Option<String> {
    let text = |key: &str| match &card[key] {
        Value::String(text) => Some(text.as_str()),
        Value::Array(list) => list.first()?.as_str(),
        _ => None,
    };
    let stated = text("license").filter(|name| *name != "other").or_else(|| text("license_name"));
    stated.or_else(|| text("license")).map(|name| name.chars().take(MAX_LICENCE).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn sizes_and_checksums_come_from_where_they_are() {
        let sha = "a".repeat(64);
        let blob = "b".repeat(40);
        let text = json!({"sha": COMMIT, "id": "a/b", "cardData": {"license": "other", "license_name": "own"},
        "siblings": [
            {"rfilename": "config.json", "size": 7, "blobId": blob},
            {"rfilename": "model.safetensors", "size": 9, "blobId": blob, "lfs": {"sha256": sha, "size": 9, "pointerSize": 134}},
            {"rfilename": "bare.json"},
            {"rfilename": "../../etc/passwd", "size": 1},
        ]});
        let listing = Listing::parse(text.to_string().as_bytes()).expect("valid");
        assert_eq!((listing.commit.as_str(), listing.licence.as_deref()), (COMMIT, Some("own")));
        let found: Vec<_> = listing.files.iter().map(|file| (file.name.as_str(), file.size, &file.checksum)).collect();
        let expected = [
            ("config.json", Some(7), &Some(Checksum::GitBlob(blob))),
            ("model.safetensors", Some(9), &Some(Checksum::Sha256(sha))),
            ("bare.json", None, &None),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn answers_that_cannot_be_right_are_refused() {
        for text in [
            json!({"siblings": []}),
            json!({"sha": "main", "siblings": []}),
            json!({"sha": COMMIT}),
            json!({"sha": COMMIT, "siblings": vec![json!({"rfilename": "x"}); MAX_FILES + 1]}),
            json!({"sha": COMMIT, "siblings": [{"rfilename": "x", "size": -4}]}),
        ] {
            assert!(Listing::parse(text.to_string().as_bytes()).is_err());
        }
    }
}
