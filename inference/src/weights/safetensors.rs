//! A folder of `.safetensors` files, single or sharded with an index.
//!
//! Headers are checked against the files' real lengths when the folder is opened, so a download
//! cut short is found before anything is loaded. Tensors are read one at a time and packed by
//! their layer; no file is ever whole in memory.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, Metadata, TensorInfo};

use crate::kernels::cpu::{BlockFormat, WeightDtype};

use super::{RawTensor, StoredTensor, WeightSource, WeightsError, fp8};

/// Far above any real header, far below what would exhaust memory.
const MAX_HEADER_BYTES: u64 = 64 << 20;

struct Shard {
    path: PathBuf,
    file: File,
    data_start: u64,
}

struct Entry {
    shard: usize,
    info: TensorInfo,
}

/// All tensors of a folder, by name.
pub struct SafetensorsFolder {
    shards: Vec<Shard>,
    entries: HashMap<String, Entry>,
}

impl SafetensorsFolder {
    /// Opens every file and checks every header.
    ///
    /// # Errors
    /// If there is no file, one is unreadable, malformed or of the wrong length.
    pub fn open(directory: &Path) -> Result<Self, WeightsError> {
        let mut folder = Self { shards: Vec::new(), entries: HashMap::new() };
        for path in shard_paths(directory)? {
            folder.add(path)?;
        }
        Ok(folder)
    }

    /// Opens one file and checks its header.
    ///
    /// # Errors
    /// If it is unreadable, malformed or of the wrong length.
    pub fn open_file(path: PathBuf) -> Result<Self, WeightsError> {
        let mut folder = Self { shards: Vec::new(), entries: HashMap::new() };
        folder.add(path)?;
        Ok(folder)
    }

    fn add(&mut self, path: PathBuf) -> Result<(), WeightsError> {
        let io_error = |source| WeightsError::Io { path: path.clone(), source };
        let bad = |reason: String| WeightsError::BadHeader { path: path.clone(), reason };
        let file = File::open(&path).map_err(io_error)?;
        let found = file.metadata().map_err(io_error)?.len();
        let mut prefix = [0; 8];
        file.read_exact_at(&mut prefix, 0).map_err(|_| bad("shorter than 8 bytes".to_owned()))?;
        let header_bytes = u64::from_le_bytes(prefix);
        if header_bytes > MAX_HEADER_BYTES.min(found.saturating_sub(8)) {
            return Err(bad(format!("a header of {header_bytes} bytes in a file of {found}")));
        }
        let mut header = vec![0; header_bytes as usize];
        file.read_exact_at(&mut header, 8).map_err(io_error)?;
        // Deserialising checks that shapes, dtypes and offsets agree and leave no gaps.
        let metadata: Metadata = serde_json::from_slice(&header).map_err(|error| bad(error.to_string()))?;
        let data_start = 8 + header_bytes;
        let expected = data_start + metadata.data_len() as u64;
        if expected != found {
            return Err(WeightsError::WrongLength { path, expected, found });
        }
        let shard = self.shards.len();
        for (name, info) in metadata.tensors() {
            self.entries.insert(name, Entry { shard, info: info.clone() });
        }
        self.shards.push(Shard { path, file, data_start });
        Ok(())
    }

    fn entry(&self, name: &str, shape: &[usize]) -> Result<&Entry, WeightsError> {
        let entry = self.entries.get(name).ok_or_else(|| WeightsError::MissingTensor { name: name.to_owned() })?;
        if entry.info.shape != shape {
            return Err(WeightsError::WrongShape {
                name: name.to_owned(),
                expected: shape.to_vec(),
                found: entry.info.shape.clone(),
            });
        }
        Ok(entry)
    }

    fn read(&self, entry: &Entry) -> Result<Vec<u8>, WeightsError> {
        let shard = &self.shards[entry.shard];
        let (start, end) = entry.info.data_offsets;
        let mut bytes = vec![0; end - start];
        let read = shard.file.read_exact_at(&mut bytes, shard.data_start + start as u64);
        read.map_err(|source| WeightsError::Io { path: shard.path.clone(), source })?;
        Ok(bytes)
    }
}

fn weight_dtype(name: &str, entry: &Entry) -> Result<WeightDtype, WeightsError> {
    match entry.info.dtype {
        Dtype::BF16 => Ok(WeightDtype::Bf16),
        Dtype::F16 => Ok(WeightDtype::F16),
        Dtype::F32 => Ok(WeightDtype::F32),
        Dtype::F8_E4M3 if entry.info.shape.len() == 2 => Ok(WeightDtype::Blocks(BlockFormat::Float8)),
        other => Err(WeightsError::UnsupportedDtype { name: name.to_owned(), dtype: format!("{other:?}") }),
    }
}

impl SafetensorsFolder {
    /// The scales of a matrix in fp8.
    fn scales(&self, name: &str, shape: [usize; 2]) -> Result<fp8::Scales, WeightsError> {
        let names = fp8::scale_names(name);
        let found = names.iter().find_map(|scale| Some((scale, self.entries.get(scale)?)));
        let (scale, entry) = found.ok_or_else(|| WeightsError::MissingTensor { name: names[0].clone() })?;
        let dtype = weight_dtype(scale, entry)?;
        if matches!(dtype, WeightDtype::Blocks(_)) {
            return Err(WeightsError::UnsupportedDtype {
                name: scale.clone(),
                dtype: format!("{:?}", entry.info.dtype),
            });
        }
        let tensor = RawTensor { dtype, shape: entry.info.shape.clone(), bytes: self.read(entry)? };
        fp8::Scales::new(scale, &tensor, shape)
    }
}

impl WeightSource for SafetensorsFolder {
    fn stored(&self) -> Vec<StoredTensor> {
        let stored = |(name, entry): (&String, &Entry)| {
            let (start, end) = entry.info.data_offsets;
            let dtype = format!("{:?}", entry.info.dtype).to_lowercase();
            StoredTensor { name: name.clone(), shape: entry.info.shape.clone(), dtype, bytes: (end - start) as u64 }
        };
        self.entries.iter().map(stored).collect()
    }

    fn check(&self, name: &str, shape: &[usize]) -> Result<(), WeightsError> {
        let dtype = weight_dtype(name, self.entry(name, shape)?)?;
        if let (WeightDtype::Blocks(_), &[rows, columns]) = (dtype, shape) {
            self.scales(name, [rows, columns])?;
        }
        Ok(())
    }

    fn load(&self, name: &str, shape: &[usize]) -> Result<RawTensor, WeightsError> {
        let entry = self.entry(name, shape)?;
        let dtype = weight_dtype(name, entry)?;
        let tensor = match (dtype, shape) {
            (WeightDtype::Blocks(_), &[rows, columns]) => {
                fp8::blocks(&self.read(entry)?, &self.scales(name, [rows, columns])?, [rows, columns])
            }
            _ => RawTensor { dtype, shape: shape.to_vec(), bytes: self.read(entry)? },
        };
        if !tensor.is_finite() {
            return Err(WeightsError::NotFinite { name: name.to_owned() });
        }
        Ok(tensor)
    }

    fn check_bytes(&self, name: &str, shape: &[usize]) -> Result<(), WeightsError> {
        let entry = self.entry(name, shape)?;
        match entry.info.dtype {
            Dtype::U8 => Ok(()),
            other => Err(WeightsError::NotBytes { name: name.to_owned(), dtype: format!("{other:?}") }),
        }
    }

    fn load_bytes(&self, name: &str, shape: &[usize]) -> Result<Vec<u8>, WeightsError> {
        self.check_bytes(name, shape)?;
        self.read(self.entry(name, shape)?)
    }
}

/// The files that the index names, or else every `.safetensors` file of the folder.
fn shard_paths(directory: &Path) -> Result<Vec<PathBuf>, WeightsError> {
    let index = directory.join("model.safetensors.index.json");
    if index.exists() {
        return indexed_paths(directory, &index);
    }
    let io_error = |source| WeightsError::Io { path: directory.to_owned(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(io_error)? {
        let path = entry.map_err(io_error)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|extension| extension == "safetensors") {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(WeightsError::NoWeights { directory: directory.to_owned() });
    }
    Ok(paths)
}

fn indexed_paths(directory: &Path, index: &Path) -> Result<Vec<PathBuf>, WeightsError> {
    let text = std::fs::read(index).map_err(|source| WeightsError::Io { path: index.to_owned(), source })?;
    let bad = |reason: &str| WeightsError::BadIndex { path: index.to_owned(), reason: reason.to_owned() };
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(|error| bad(&error.to_string()))?;
    let map = value["weight_map"].as_object().ok_or_else(|| bad("weight_map is missing"))?;
    let mut names = BTreeSet::new();
    for name in map.values() {
        let name = name.as_str().ok_or_else(|| bad("a file name is not a string"))?;
        // A name with a separator could lead out of the model's folder.
        if name.contains(['/', '\\']) {
            return Err(bad("a file name leads to another folder"));
        }
        names.insert(name);
    }
    if names.is_empty() {
        return Err(bad("weight_map is empty"));
    }
    Ok(names.into_iter().map(|name| directory.join(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    const HEADER: &str = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
        "b":{"dtype":"I64","shape":[1],"data_offsets":[8,16]}}"#;

    fn open(bytes: &[u8]) -> Result<SafetensorsFolder, WeightsError> {
        let directory = tempfile::tempdir().expect("temporary folder");
        std::fs::write(directory.path().join("model.safetensors"), bytes).expect("write");
        SafetensorsFolder::open(directory.path())
    }

    #[test]
    fn reads_what_is_there_and_names_what_is_wrong() {
        let folder = open(&file(HEADER, &[0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0])).expect("a valid file");
        assert_eq!(folder.load("a", &[2]).expect("tensor").to_f32(), [1.0, 2.0]);
        let message = |result: Result<(), WeightsError>| result.expect_err("refused").to_string();
        assert_eq!(message(folder.check("c", &[1])), "tensor c is missing");
        assert!(message(folder.check("a", &[3])).contains("shape [2]"));
        assert!(message(folder.check("b", &[1])).contains("I64"));
    }

    #[test]
    fn damaged_files_are_refused_on_opening() {
        let whole = file(HEADER, &[0; 16]);
        assert!(matches!(open(&whole[..whole.len() - 1]), Err(WeightsError::WrongLength { .. })));
        assert!(matches!(open(&whole[..20]), Err(WeightsError::BadHeader { .. })));
        assert!(matches!(open(&whole[..3]), Err(WeightsError::BadHeader { .. })));
        assert!(matches!(open(&[0xff; 64]), Err(WeightsError::BadHeader { .. })));
        assert!(matches!(open(&file("not json", &[])), Err(WeightsError::BadHeader { .. })));
        let mut longer = whole;
        longer.push(0);
        assert!(matches!(open(&longer), Err(WeightsError::WrongLength { .. })));
    }

    #[test]
    fn an_index_names_the_shards_and_stays_in_its_folder() {
        let directory = tempfile::tempdir().expect("temporary folder");
        let write = |name: &str, bytes: &[u8]| {
            std::fs::write(directory.path().join(name), bytes).expect("write");
        };
        let one =
            |name: &str| file(&format!(r#"{{"{name}":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}}}"#), &[0; 4]);
        write("one.safetensors", &one("a"));
        write("two.safetensors", &one("b"));
        write("stray.safetensors", b"garbage that the index does not name");
        let index = "model.safetensors.index.json";
        write(index, br#"{"weight_map":{"a":"one.safetensors","b":"two.safetensors"}}"#);
        let folder = SafetensorsFolder::open(directory.path()).expect("sharded");
        assert!(folder.check("a", &[1]).is_ok() && folder.check("b", &[1]).is_ok());
        write(index, br#"{"weight_map":{"a":"three.safetensors"}}"#);
        assert!(matches!(SafetensorsFolder::open(directory.path()), Err(WeightsError::Io { .. })));
        write(index, br#"{"weight_map":{"a":"../one.safetensors"}}"#);
        assert!(matches!(SafetensorsFolder::open(directory.path()), Err(WeightsError::BadIndex { .. })));
    }
}
