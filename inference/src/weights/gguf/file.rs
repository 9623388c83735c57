//! One GGUF file: its header, read within bounds, and its tensors' bytes.
//!
//! Nothing in a header is trusted: what it counts must fit into the file before memory is claimed
//! for it, and every tensor must lie inside the file. The format is that of `ggml`, versions 2 and 3.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::kernels::cpu::{BlockFormat, WeightDtype};

use super::super::WeightsError;
use super::value::{GgufMetadata, GgufValue};

const MAGIC: &[u8; 4] = b"GGUF";
const VERSIONS: std::ops::RangeInclusive<u32> = 2..=3;
/// Several times any real header; what it holds takes up to eight times as much memory.
const MAX_HEADER_BYTES: u64 = 64 << 20;
const MAX_KEYS: u64 = 1 << 16;
const MAX_TENSORS: u64 = 1 << 18;
const MAX_DIMENSIONS: u32 = 4;
const MAX_ALIGNMENT: u64 = 1 << 20;
const MAX_NESTING: u32 = 3;
const DEFAULT_ALIGNMENT: u64 = 32;
/// Beyond this the product of two would overflow, and no model is so large.
const MAX_DIMENSION: u64 = 1 << 40;

/// How a tensor's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TensorKind {
    Known(WeightDtype),
    /// By its number in the format.
    Unknown(u32),
}

/// Where a tensor lies.
#[derive(Clone, Debug)]
pub(super) struct TensorInfo {
    pub kind: TensorKind,
    /// Slowest dimension first, as Hugging Face writes shapes.
    pub shape: Vec<usize>,
    /// From the file's start.
    offset: u64,
}

/// An open file whose header has been read.
pub(super) struct GgufFile {
    path: PathBuf,
    file: File,
    pub metadata: GgufMetadata,
    pub tensors: HashMap<String, TensorInfo>,
}

impl GgufFile {
    /// # Errors
    /// If the file is unreadable, no GGUF file, or promises more than it holds.
    pub(super) fn open(path: &Path) -> Result<Self, WeightsError> {
        let io_error = |source| WeightsError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io_error)?;
        let length = file.metadata().map_err(io_error)?.len();
        let mut reader = HeaderReader {
            reader: BufReader::with_capacity(1 << 16, &file),
            position: 0,
            limit: length.min(MAX_HEADER_BYTES),
        };
        let header = reader.header(length);
        let (metadata, tensors) = header.map_err(|fault| fault.at(path))?;
        Ok(Self { path: path.to_owned(), file, metadata, tensors })
    }

    /// Some rows of a tensor, each `row_bytes` long.
    ///
    /// # Errors
    /// If reading fails.
    pub(super) fn read(
        &self,
        tensor: &TensorInfo,
        row_bytes: usize,
        rows: std::ops::Range<usize>,
    ) -> Result<Vec<u8>, WeightsError> {
        let mut bytes = vec![0; rows.len() * row_bytes];
        let offset = tensor.offset + (rows.start * row_bytes) as u64;
        let read = self.file.read_exact_at(&mut bytes, offset);
        read.map_err(|source| WeightsError::Io { path: self.path.clone(), source })?;
        Ok(bytes)
    }
}

/// What is wrong with a header.
enum Fault {
    Io(std::io::Error),
    Malformed(String),
    /// The file is shorter than what its header promises.
    Short {
        expected: u64,
        found: u64,
    },
}

impl Fault {
    fn at(self, path: &Path) -> WeightsError {
        let path = path.to_owned();
        match self {
            Self::Io(source) => WeightsError::Io { path, source },
            Self::Malformed(reason) => WeightsError::BadGguf { path, reason },
            Self::Short { expected, found } => WeightsError::WrongLength { path, expected, found },
        }
    }
}

fn malformed<T>(reason: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Malformed(reason.into()))
}

struct HeaderReader<'a> {
    reader: BufReader<&'a File>,
    position: u64,
    limit: u64,
}

impl HeaderReader<'_> {
    fn header(&mut self, file_length: u64) -> Result<(GgufMetadata, HashMap<String, TensorInfo>), Fault> {
        if self.array::<4>()? != *MAGIC {
            return malformed("it does not begin with GGUF");
        }
        let version = self.u32()?;
        if !VERSIONS.contains(&version) {
            return malformed(format!("version {version} is not supported"));
        }
        let (num_tensors, num_keys) = (self.u64()?, self.u64()?);
        if num_tensors > MAX_TENSORS || num_keys > MAX_KEYS {
            return malformed(format!("{num_tensors} tensors and {num_keys} keys"));
        }
        let mut values = BTreeMap::new();
        for _ in 0..num_keys {
            let key = self.text()?;
            let kind = self.u32()?;
            let value = self.value(kind, 0)?;
            values.insert(key, value);
        }
        let metadata = GgufMetadata::new(values);
        let alignment = match metadata.value("general.alignment") {
            None => DEFAULT_ALIGNMENT,
            Some(_) => metadata.integer("general.alignment").unwrap_or(0),
        };
        if !alignment.is_power_of_two() || alignment > MAX_ALIGNMENT {
            return malformed("general.alignment is no power of two of a sane size");
        }
        let mut tensors = HashMap::new();
        for _ in 0..num_tensors {
            let (name, info) = self.tensor(alignment)?;
            if tensors.contains_key(&name) {
                return malformed(format!("two tensors are called {name}"));
            }
            tensors.insert(name, info);
        }
        let data_start = self.position.next_multiple_of(alignment);
        for (name, info) in &mut tensors {
            info.offset = info.offset.saturating_add(data_start);
            let end = match info.bytes() {
                Some(bytes) => info.offset.saturating_add(bytes),
                None => return malformed(format!("tensor {name} is too large or ends within a block")),
            };
            if end > file_length {
                return Err(Fault::Short { expected: end, found: file_length });
            }
        }
        Ok((metadata, tensors))
    }

    fn tensor(&mut self, alignment: u64) -> Result<(String, TensorInfo), Fault> {
        let name = self.text()?;
        let dimensions = self.u32()?;
        if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
            return malformed(format!("tensor {name} has {dimensions} dimensions"));
        }
        let mut shape = Vec::new();
        for _ in 0..dimensions {
            let size = self.u64()?;
            if size == 0 || size > MAX_DIMENSION {
                return malformed(format!("tensor {name} has a dimension of {size}"));
            }
            shape.insert(0, size as usize);
        }
        let kind = kind(self.u32()?);
        let offset = self.u64()?;
        if !offset.is_multiple_of(alignment) {
            return malformed(format!("tensor {name} is not aligned"));
        }
        Ok((name, TensorInfo { kind, shape, offset }))
    }

    fn value(&mut self, kind: u32, depth: u32) -> Result<GgufValue, Fault> {
        Ok(match kind {
            0..=5 | 10 | 11 => GgufValue::Integer(self.integer(kind)?),
            6 | 12 => GgufValue::Float(self.float(kind)?),
            7 => GgufValue::Flag(self.array::<1>()? != [0]),
            8 => GgufValue::Text(self.text()?),
            9 => return self.list(depth),
            other => return malformed(format!("a value of kind {other}")),
        })
    }

    fn list(&mut self, depth: u32) -> Result<GgufValue, Fault> {
        let (kind, count) = (self.u32()?, self.u64()?);
        let Some(smallest) = size_of_kind(kind) else { return malformed(format!("a list of kind {kind}")) };
        if depth >= MAX_NESTING || count.saturating_mul(smallest) > self.limit.saturating_sub(self.position) {
            return malformed(format!("a list of {count} values is longer than the file, or too deep"));
        }
        Ok(match kind {
            0..=5 | 7 | 10 | 11 => {
                GgufValue::Integers((0..count).map(|_| self.integer(kind)).collect::<Result<_, _>>()?)
            }
            6 | 12 => {
                let float = |_| self.float(kind).map(|value| value as f32);
                GgufValue::Floats((0..count).map(float).collect::<Result<_, _>>()?)
            }
            8 => GgufValue::Texts((0..count).map(|_| self.text()).collect::<Result<_, _>>()?),
            _ => {
                for _ in 0..count {
                    self.list(depth + 1)?;
                }
                GgufValue::Other
            }
        })
    }

    fn integer(&mut self, kind: u32) -> Result<i64, Fault> {
        Ok(match kind {
            0 | 7 => i64::from(u8::from_le_bytes(self.array()?)),
            1 => i64::from(i8::from_le_bytes(self.array()?)),
            2 => i64::from(u16::from_le_bytes(self.array()?)),
            3 => i64::from(i16::from_le_bytes(self.array()?)),
            4 => i64::from(u32::from_le_bytes(self.array()?)),
            5 => i64::from(i32::from_le_bytes(self.array()?)),
            10 => i64::try_from(self.u64()?).unwrap_or(i64::MAX),
            _ => i64::from_le_bytes(self.array()?),
        })
    }

    fn float(&mut self, kind: u32) -> Result<f64, Fault> {
        if kind == 6 { Ok(f64::from(f32::from_le_bytes(self.array()?))) } else { Ok(f64::from_le_bytes(self.array()?)) }
    }

    fn text(&mut self) -> Result<String, Fault> {
        let length = self.u64()?;
        self.claim(length)?;
        let mut bytes = vec![0; length as usize];
        self.reader.read_exact(&mut bytes).map_err(Fault::Io)?;
        Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    fn u32(&mut self) -> Result<u32, Fault> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Fault> {
        self.array().map(u64::from_le_bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.claim(N as u64)?;
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).map_err(Fault::Io)?;
        Ok(bytes)
    }

    /// Moves on by so many bytes, if there are as many.
    fn claim(&mut self, count: u64) -> Result<(), Fault> {
        if count > self.limit - self.position {
            return malformed("its header ends too soon, or is too long");
        }
        self.position += count;
        Ok(())
    }
}

impl TensorInfo {
    /// None where they would be too many, or the last block of a row not whole.
    pub(super) fn bytes(&self) -> Option<u64> {
        let width = *self.shape.last()?;
        let rows =
            self.shape[..self.shape.len() - 1].iter().try_fold(1_u64, |rows, size| rows.checked_mul(*size as u64))?;
        let row_bytes = match self.kind {
            TensorKind::Known(WeightDtype::Blocks(format)) if !width.is_multiple_of(format.block_len()) => return None,
            TensorKind::Known(dtype) => dtype.row_bytes(width) as u64,
            // Whatever it is, the model will not be able to ask for it.
            TensorKind::Unknown(_) => 0,
        };
        rows.checked_mul(row_bytes)
    }
}

/// The least bytes that a value of a kind takes.
fn size_of_kind(kind: u32) -> Option<u64> {
    Some(match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        8 | 10 | 11 | 12 => 8,
        9 => 12,
        _ => return None,
    })
}

fn kind(number: u32) -> TensorKind {
    let blocks = |format| TensorKind::Known(WeightDtype::Blocks(format));
    match number {
        0 => TensorKind::Known(WeightDtype::F32),
        1 => TensorKind::Known(WeightDtype::F16),
        2 => blocks(BlockFormat::Q4_0),
        3 => blocks(BlockFormat::Q4_1),
        6 => blocks(BlockFormat::Q5_0),
        7 => blocks(BlockFormat::Q5_1),
        8 => blocks(BlockFormat::Q8_0),
        10 => blocks(BlockFormat::Q2K),
        11 => blocks(BlockFormat::Q3K),
        12 => blocks(BlockFormat::Q4K),
        13 => blocks(BlockFormat::Q5K),
        14 => blocks(BlockFormat::Q6K),
        20 => blocks(BlockFormat::Iq4Nl),
        30 => TensorKind::Known(WeightDtype::Bf16),
        39 => blocks(BlockFormat::Mxfp4),
        other => TensorKind::Unknown(other),
    }
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
