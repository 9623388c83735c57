//! Entries as a table (RFC 4180): their place in the chain and chosen fields of their records.
//!
//! A table is for reading; what verifies is the export in lines. Text that a spreadsheet would take for a formula has an
//! apostrophe before it.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Write};

use serde_json::value::RawValue;

use super::Entry;
use crate::csv::{cell, text_cell};

const SEPARATOR: char = ',';
/// Columns before those of the record.
const BEFORE: [&str; 5] = ["tenant", "writer", "sequence", "time", "kind"];
/// Columns behind those of the record.
const BEHIND: [&str; 2] = ["previous", "hash"];

#[derive(Debug)]
pub struct CsvWriter<W> {
    out: W,
    fields: Vec<String>,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the first row. `fields` are members of records; where a record does not have one its cell is empty.
    ///
    /// # Errors
    /// The row cannot be written.
    pub fn begin(mut out: W, fields: &[&str]) -> io::Result<Self> {
        let names = BEFORE.iter().chain(fields).chain(&BEHIND).map(|name| cell(name, SEPARATOR));
        write_row(&mut out, names)?;
        Ok(Self { out, fields: fields.iter().map(|&field| field.to_owned()).collect() })
    }

    /// Where the rows go.
    pub fn out(&mut self) -> &mut W {
        &mut self.out
    }

    /// # Errors
    /// The row cannot be written.
    pub fn push(&mut self, entry: &Entry) -> io::Result<()> {
        let record: HashMap<String, &RawValue> = serde_json::from_str(entry.record.as_str())
            .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        let before = [
            text_cell(&entry.tenant, SEPARATOR),
            entry.writer.to_string(),
            entry.sequence.to_string(),
            entry.time.to_string(),
            entry.kind.as_str().to_owned(),
        ];
        let fields = self.fields.iter().map(|field| record.get(field).map(|raw| raw_cell(raw)).unwrap_or_default());
        let behind = [entry.previous.to_string(), entry.hash.to_string()];
        write_row(&mut self.out, before.into_iter().chain(fields).chain(behind))
    }

    /// # Errors
    /// What was written cannot be flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

fn write_row(out: &mut impl Write, cells: impl Iterator<Item = String>) -> io::Result<()> {
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            out.write_all(b",")?;
        }
        out.write_all(cell.as_bytes())?;
    }
    out.write_all(b"\r\n")
}

/// Numbers and lists stand as JSON has them, `null` as nothing.
fn raw_cell(raw: &RawValue) -> String {
    match raw.get() {
        "null" => String::new(),
        text if text.starts_with('"') => {
            text_cell(&serde_json::from_str::<String>(text).unwrap_or_default(), SEPARATOR)
        }
        text => cell(text, SEPARATOR),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{CanonicalObject, Chains, EntryDraft, EntryKind, WriterId};
    use super::*;

    #[test]
    fn entries_are_rows() {
        let mut chains = Chains::new(WriterId::from_bytes([1; 8]));
        let record = json!({
            "actor": "=cmd()", "reason": "a \"b\", c", "status": -5, "seconds": 0.1, "none": null, "counts": { "iin": 1, "phone": 2 },
        });
        let time = "2026-01-18T09:30:00Z".parse().unwrap();
        let record = CanonicalObject::new(&record).unwrap();
        let draft = EntryDraft { tenant: "a,b", kind: EntryKind::Request, time, record };
        let entry = chains.link(draft).commit();
        let fields = ["actor", "reason", "status", "seconds", "none", "counts", "absent"];
        let mut table = CsvWriter::begin(Vec::new(), &fields).unwrap();
        table.push(&entry).unwrap();
        let expected = format!(
            "tenant,writer,sequence,time,kind,actor,reason,status,seconds,none,counts,absent,previous,hash\r\n\
            \"a,b\",0101010101010101,1,2026-01-18T09:30:00.000Z,request,'=cmd(),\"a \"\"b\"\", c\",-5,0.1,,\
            \"{{\"\"iin\"\":1,\"\"phone\"\":2}}\",,{},{}\r\n",
            "0".repeat(64),
            entry.hash
        );
        assert_eq!(String::from_utf8(table.finish().unwrap()).unwrap(), expected);
    }
}
