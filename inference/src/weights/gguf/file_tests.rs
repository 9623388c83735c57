//! Files that are cut short, count too much or point elsewhere.

use super::*;

/// Writes headers field by field.
#[derive(Clone, Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn start(num_tensors: u64, num_keys: u64) -> Self {
        Self::default().raw(b"GGUF").u32(3).u64(num_tensors).u64(num_keys)
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn u32(self, value: u32) -> Self {
        self.raw(&value.to_le_bytes())
    }

    fn u64(self, value: u64) -> Self {
        self.raw(&value.to_le_bytes())
    }

    fn text(self, text: &str) -> Self {
        self.u64(text.len() as u64).raw(text.as_bytes())
    }

    fn tensor(self, name: &str, dimensions: &[u64], kind: u32, offset: u64) -> Self {
        let start = self.text(name).u32(dimensions.len() as u32);
        dimensions.iter().fold(start, |bytes, size| bytes.u64(*size)).u32(kind).u64(offset)
    }

    /// Fills up to the data, and with so much of that.
    fn data(mut self, count: usize) -> Self {
        self.0.resize(self.0.len().next_multiple_of(32) + count, 0);
        self
    }

    fn open(&self) -> Result<GgufFile, WeightsError> {
        let directory = tempfile::tempdir().expect("temporary folder");
        let path = directory.path().join("model.gguf");
        std::fs::write(&path, &self.0).expect("write");
        GgufFile::open(&path)
    }

    /// What the file is refused with.
    fn fault(&self) -> String {
        self.open().err().expect("refused").to_string()
    }
}

fn small() -> Bytes {
    let keys = Bytes::start(2, 3).text("general.alignment").u32(4).u32(32);
    let keys = keys.text("list").u32(9).u32(8).u64(2).text("a").text("b");
    let keys = keys.text("nested").u32(9).u32(9).u64(1).u32(4).u64(1).u32(7);
    keys.tensor("one", &[64, 3], 8, 0).tensor("two", &[5], 0, 224)
}

#[test]
fn a_sound_file_is_read() {
    let file = small().data(244).open().expect("sound");
    assert_eq!(file.metadata.texts("list"), Some(["a".to_owned(), "b".to_owned()].as_slice()));
    assert_eq!(file.metadata.value("nested"), Some(&GgufValue::Other));
    let one = &file.tensors["one"];
    assert_eq!(
        (one.kind, one.shape.as_slice()),
        (TensorKind::Known(WeightDtype::Blocks(BlockFormat::Q8_0)), &[3, 64][..])
    );
    assert_eq!(file.read(one, 68, 1..3).expect("rows").len(), 136);
}

#[test]
fn whatever_is_cut_off_is_missed() {
    let whole = small().data(244).0;
    for length in 0..whole.len() {
        assert!(Bytes(whole[..length].to_vec()).open().is_err(), "{length} of {}", whole.len());
    }
    assert!(Bytes(whole[..whole.len() - 1].to_vec()).fault().contains("truncated"));
}

#[test]
fn what_counts_too_much_is_refused_before_memory_is_claimed() {
    for (bytes, expected) in [
        (Bytes::default().raw(b"GGML").u32(3), "begin"),
        (Bytes::default().raw(b"GGUF").u32(1), "version 1"),
        (Bytes::start(u64::MAX, 0), "tensors"),
        (Bytes::start(0, u64::MAX), "keys"),
        (Bytes::start(0, 1).u64(u64::MAX), "too soon"),
        (Bytes::start(0, 1).text("k").u32(99).data(64), "kind 99"),
        (Bytes::start(0, 1).text("k").u32(9).u32(8).u64(1 << 60).data(64), "longer than the file"),
        (Bytes::start(0, 1).text("k").u32(9).u32(0).u64(1 << 40).data(64), "longer than the file"),
        (Bytes::start(0, 1).text("general.alignment").u32(4).u32(3).data(64), "alignment"),
        (Bytes::start(0, 1).text("general.alignment").u32(8).text("x").data(64), "alignment"),
        (Bytes::start(1, 0).tensor("t", &[], 0, 0).data(64), "0 dimensions"),
        (Bytes::start(1, 0).tensor("t", &[1; 5], 0, 0).data(64), "5 dimensions"),
        (Bytes::start(1, 0).tensor("t", &[0], 0, 0).data(64), "dimension of 0"),
        (Bytes::start(1, 0).tensor("t", &[1 << 63], 0, 0).data(64), "dimension of"),
        (Bytes::start(1, 0).tensor("t", &[1 << 40; 4], 0, 0).data(64), "too large"),
        (Bytes::start(1, 0).tensor("t", &[33], 8, 0).data(64), "within a block"),
        (Bytes::start(1, 0).tensor("t", &[4], 0, 1).data(64), "not aligned"),
        (Bytes::start(1, 0).tensor("t", &[4], 0, u64::MAX - 31).data(64), "truncated"),
        (Bytes::start(2, 0).tensor("t", &[4], 0, 0).tensor("t", &[4], 0, 0).data(64), "two tensors"),
    ] {
        let fault = bytes.fault();
        assert!(fault.contains(expected), "{fault} should name {expected}");
    }
    // Lists in lists in lists.
    let deep = (0..1000).fold(Bytes::start(0, 1).text("k").u32(9), |bytes, _| bytes.u32(9).u64(1));
    assert!(deep.data(64).fault().contains("too deep"));
}

#[test]
fn any_byte_may_be_wrong_without_a_panic() {
    let whole = small().data(244).0;
    for at in 0..whole.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            let _ = Bytes(bytes).open();
        }
    }
}
