//! An export: the lines of a trail in one file that verifies by itself.
//!
//! Order of the lines: the manifest; checkpoints by writer and number; then chain by chain, in the manifest's order, its
//! seals, and its entries by sequence with each head directly behind the entry that it names. All lines stand as they
//! were written first; nothing is written anew but the manifest.

use std::io::{self, ErrorKind, Write};

use super::Manifest;

/// Writes lines; what they are and in which order is the caller's.
#[derive(Debug)]
pub struct ExportWriter<W> {
    out: W,
}

impl<W: Write> ExportWriter<W> {
    /// # Errors
    /// The manifest cannot be written.
    pub fn begin(out: W, manifest: &Manifest) -> io::Result<Self> {
        let mut writer = Self { out };
        let line = manifest.line().map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        writer.push(&line)?;
        Ok(writer)
    }

    /// Where the lines go.
    pub fn out(&mut self) -> &mut W {
        &mut self.out
    }

    /// # Errors
    /// The text is not one line, or cannot be written.
    pub fn push(&mut self, line: &str) -> io::Result<()> {
        if line.is_empty() || line.contains('\n') {
            return Err(io::Error::new(ErrorKind::InvalidData, "a line of an export is one line"));
        }
        self.out.write_all(line.as_bytes())?;
        self.out.write_all(b"\n")
    }

    /// # Errors
    /// What was written cannot be flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

#[cfg(test)]
mod tests {
    use super::super::ManifestDraft;
    use super::*;
    use crate::signing::{PublicKeys, Signer};

    #[test]
    fn what_is_not_one_line_is_refused() {
        let time = "2026-01-18T09:30:00Z".parse().unwrap();
        let draft = ManifestDraft { time, tenant: None, from: None, to: None, chains: vec![], checkpoints: vec![] };
        let manifest = Manifest::make(draft, &PublicKeys::default(), &Signer::from_seed(&[1; 32])).unwrap();
        let mut out = ExportWriter::begin(Vec::new(), &manifest).unwrap();
        for text in ["", "a\nb", "a\n"] {
            assert!(out.push(text).is_err());
        }
        out.push("a").unwrap();
        assert_eq!(out.finish().unwrap(), format!("{}\na\n", manifest.line().unwrap()).into_bytes());
    }
}
