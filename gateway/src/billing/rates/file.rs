//! Rates from a file, which is the bank's XML of one day or a CSV of many.

use super::bank_xml::{BadXml, read_bank_xml};
use super::csv::{BadCsv, read_csv};
use super::published::Published;
use super::quote::Currency;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFile {
    #[error(transparent)]
    Xml(#[from] BadXml),
    #[error(transparent)]
    Csv(#[from] BadCsv),
}

/// The dollar of an XML's day, or all that a CSV says.
///
/// # Errors
/// It is neither, or not all of it can be read.
pub fn read_file(bytes: &[u8]) -> Result<Vec<Published>, BadFile> {
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let is_xml = text.trim_ascii_start().starts_with(b"<");
    if is_xml { Ok(vec![read_bank_xml(bytes, None, Currency::USD)?]) } else { Ok(read_csv(bytes)?) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_banks_or_a_table() {
        let item = "<item><title>USD</title><description>512.34</description><quant>1</quant></item>";
        let xml = format!("\u{feff}\n<rates><date>01.12.2026</date>{item}</rates>");
        let csv = "date,currency,rate,quant\n2026-12-01,USD,512.34,1\n";
        assert_eq!(read_file(xml.as_bytes()), read_file(csv.as_bytes()));
        assert_eq!(read_file(csv.as_bytes()).unwrap().len(), 1);
        assert!(matches!(read_file(b"<html></html>"), Err(BadFile::Xml(BadXml::NotRates { .. }))));
        assert_eq!(read_file(b"{}"), Err(BadFile::Csv(BadCsv::Head)));
    }
}
