//! The tensors of a GGUF model, by the names and in the order of rows of Hugging Face.

use std::path::{Path, PathBuf};

use crate::kernels::cpu::WeightDtype;

use super::super::{ConfigError, HfConfig, RawTensor, StoredTensor, WeightSource, WeightsError};
use super::config::{ModelFacts, hf_config};
use super::family::{FAMILIES, Family, find};
use super::file::{GgufFile, TensorInfo, TensorKind};
use super::names::{Place, Stored, place};
use super::value::GgufMetadata;

/// More parts than this are damage, not a model.
const MAX_PARTS: usize = 1024;

/// A model in one `.gguf` file, or in several that are numbered.
pub struct GgufWeights {
    files: Vec<GgufFile>,
    family: &'static Family,
    heads: [usize; 2],
}

impl GgufWeights {
    /// Opens a model by its first file and reads all headers.
    ///
    /// # Errors
    /// If a file is missing, malformed or shorter than it promises, or the architecture unknown.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let files = parts(path)?.iter().map(|path| GgufFile::open(path)).collect::<Result<Vec<_>, _>>()?;
        let bad = |reason: String| WeightsError::BadGguf { path: path.to_owned(), reason };
        let metadata = &files[0].metadata;
        let name = metadata.text("general.architecture").unwrap_or_default();
        let family = find(name).ok_or_else(|| {
            let supported = FAMILIES.iter().map(|family| family.name).collect();
            WeightsError::Config(ConfigError::UnknownArchitecture { found: name.to_owned(), supported })
        })?;
        let heads = |key: &str| metadata.integer(&format!("{name}.attention.{key}")).unwrap_or(0) as usize;
        let num_heads = heads("head_count");
        let heads = [num_heads, Some(heads("head_count_kv")).filter(|count| *count > 0).unwrap_or(num_heads)];
        if num_heads == 0 {
            return Err(bad(format!("{name}.attention.head_count is missing")));
        }
        Ok(Self { files, family, heads })
    }

    /// The `.gguf` that a model folder holds, if it holds one: of several parts the first.
    ///
    /// # Errors
    /// If the folder is unreadable, or holds several that are no parts of one model.
    pub fn find(directory: &Path) -> Result<Option<PathBuf>, WeightsError> {
        let io_error = |source| WeightsError::Io { path: directory.to_owned(), source };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(io_error)? {
            let path = entry.map_err(io_error)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            // Projectors of images lie beside the models that they are for.
            let aside = name.starts_with('.') || name.starts_with("mmproj");
            if !aside && path.extension().is_some_and(|extension| extension == "gguf") {
                paths.push(path);
            }
        }
        paths.sort();
        let first = paths.first().cloned();
        match &first {
            Some(path) if paths.len() > 1 && parts(path)? != paths => Err(WeightsError::BadGguf {
                path: directory.to_owned(),
                reason: "several .gguf files that are no parts of one model".to_owned(),
            }),
            _ => Ok(first),
        }
    }

    pub fn metadata(&self) -> &GgufMetadata {
        &self.files[0].metadata
    }

    /// The model's configuration as a `config.json` would have it.
    ///
    /// # Errors
    /// If a key is missing or of the wrong kind.
    pub fn config(&self) -> Result<HfConfig, WeightsError> {
        let shape = |name: &str| self.find_tensor(name).map(|(_, info)| info.shape.clone());
        let floats = |name: &str| {
            let (file, info) = self.find_tensor(name)?;
            let tensor = read(file, info, name, None).ok()?;
            Some(tensor.to_f32())
        };
        let facts = ModelFacts { metadata: self.metadata(), family: self.family, shape: &shape, floats: &floats };
        hf_config(&facts).map_err(WeightsError::Config)
    }

    fn find_tensor(&self, name: &str) -> Option<(&GgufFile, &TensorInfo)> {
        self.files.iter().find_map(|file| Some((file, file.tensors.get(name)?)))
    }

    /// The tensor of a Hugging Face name, checked against the shape asked for. None where it is
    /// left out because it is all zeros.
    fn locate(&self, name: &str, shape: &[usize]) -> Result<Option<(Place, &GgufFile, &TensorInfo)>, WeightsError> {
        let missing = || WeightsError::MissingTensor { name: name.to_owned() };
        let mut place = place(self.family, name).ok_or_else(missing)?;
        let mut found = self.find_tensor(&place.tensor);
        if let (None, Some(alone)) = (found, place.alone.take()) {
            found = self.find_tensor(&alone);
            place = Place { tensor: alone, slice: None, ..place };
        }
        let Some((file, info)) = found else {
            // Families whose configuration knows one answer for all four projections.
            let optional = name.ends_with("self_attn.o_proj.bias");
            return if optional { Ok(None) } else { Err(missing()) };
        };
        let stored = match place.slice {
            Some(index) if info.shape[0] > index => &info.shape[1..],
            Some(_) => &[],
            None => &info.shape[..],
        };
        // A matrix of one row is stored as a vector.
        let same = stored == shape || shape[0] == 1 && stored == &shape[1..];
        if !same {
            let (expected, found) = (shape.to_vec(), info.shape.clone());
            return Err(WeightsError::WrongShape { name: name.to_owned(), expected, found });
        }
        if let TensorKind::Unknown(number) = info.kind {
            return Err(WeightsError::UnsupportedBlocks { name: place.tensor, number });
        }
        Ok(Some((place, file, info)))
    }
}

/// Reads a tensor, or one of its slices.
fn read(file: &GgufFile, info: &TensorInfo, name: &str, slice: Option<usize>) -> Result<RawTensor, WeightsError> {
    let TensorKind::Known(dtype) = info.kind else {
        return Err(WeightsError::MissingTensor { name: name.to_owned() });
    };
    let (shape, index) = match slice {
        Some(index) => (&info.shape[1..], index),
        None => (&info.shape[..], 0),
    };
    let width = shape.last().copied().unwrap_or(1);
    let rows: usize = shape[..shape.len().saturating_sub(1)].iter().product();
    let bytes = file.read(info, dtype.row_bytes(width), index * rows..(index + 1) * rows)?;
    let tensor = RawTensor { dtype, shape: shape.to_vec(), bytes };
    if tensor.is_finite() { Ok(tensor) } else { Err(WeightsError::NotFinite { name: name.to_owned() }) }
}

impl WeightSource for GgufWeights {
    fn stored(&self) -> Vec<StoredTensor> {
        let tensors = self.files.iter().flat_map(|file| &file.tensors);
        let known = tensors.filter_map(|(name, info)| {
            let TensorKind::Known(dtype) = info.kind else { return None };
            let (name, shape) = (name.clone(), info.shape.clone());
            Some(StoredTensor { name, shape, dtype: dtype.name(), bytes: info.bytes()? })
        });
        known.collect()
    }

    fn check(&self, name: &str, shape: &[usize]) -> Result<(), WeightsError> {
        self.locate(name, shape).map(|_| ())
    }

    fn load(&self, name: &str, shape: &[usize]) -> Result<RawTensor, WeightsError> {
        let Some((place, file, info)) = self.locate(name, shape)? else {
            let count: usize = shape.iter().product();
            return Ok(RawTensor { dtype: WeightDtype::F32, shape: shape.to_vec(), bytes: vec![0; 4 * count] });
        };
        let tensor = read(file, info, name, place.slice)?;
        let tensor = match place.stored {
            Stored::AsAsked => tensor,
            Stored::Queries => halved(&tensor, self.heads[0]),
            Stored::Keys => halved(&tensor, self.heads[1]),
            Stored::PlusOne => {
                let less = |value: f32| (value - 1.0).to_le_bytes();
                let bytes = tensor.to_f32().into_iter().flat_map(less).collect();
                RawTensor { dtype: WeightDtype::F32, shape: Vec::new(), bytes }
            }
        };
        Ok(RawTensor { shape: shape.to_vec(), ..tensor })
    }

    fn check_bytes(&self, name: &str, _: &[usize]) -> Result<(), WeightsError> {
        Err(WeightsError::MissingTensor { name: name.to_owned() })
    }

    fn load_bytes(&self, name: &str, shape: &[usize]) -> Result<Vec<u8>, WeightsError> {
        self.check_bytes(name, shape)?;
        Ok(Vec::new())
    }
}

/// Rows of heads whose rotated pairs are neighbours, in the order of Hugging Face, where the first
/// halves of all pairs come first.
fn halved(tensor: &RawTensor, num_heads: usize) -> RawTensor {
    let (rows, width) = match tensor.shape[..] {
        [rows, width] => (rows, width),
        _ => (tensor.shape.iter().product(), 1),
    };
    let head_dim = rows / num_heads;
    if head_dim * num_heads != rows || !head_dim.is_multiple_of(2) {
        // Shapes like this are refused with the configuration.
        return tensor.rows(width, 0..rows);
    }
    let order = (0..rows).map(|row| {
        let (head, within) = (row / head_dim, row % head_dim);
        let half = head_dim / 2;
        head * head_dim + within % half * 2 + within / half
    });
    tensor.rows(width, order)
}

/// All files of a model whose first is `path`.
fn parts(path: &Path) -> Result<Vec<PathBuf>, WeightsError> {
    const FIRST: &str = "-00001-of-";
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let numbered = name.strip_suffix(".gguf").and_then(|stem| stem.rsplit_once(FIRST));
    let Some((stem, count)) = numbered else { return Ok(vec![path.to_owned()]) };
    let bad = |reason: &str| WeightsError::BadGguf { path: path.to_owned(), reason: reason.to_owned() };
    let total = count.parse().ok().filter(|total| (1..=MAX_PARTS).contains(total));
    let total: usize = total.ok_or_else(|| bad("its name counts no sane number of parts"))?;
    Ok((1..=total).map(|part| path.with_file_name(format!("{stem}-{part:05}-of-{count}.gguf"))).collect())
}
