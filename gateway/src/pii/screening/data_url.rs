//! `data:…;base64,` addresses, which carry a file inside a text.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const MARK: &[u8] = b";base64,";
const SCHEME: &[u8] = b"data:";
const MAX_MEDIA_TYPE_BYTES: usize = 200;
/// More files than this are not looked at one by one.
const MAX_URLS: usize = 64;
/// A word behind the end of an address that is as long is its next line.
const MIN_NEXT_LINE_BYTES: usize = 40;

/// Nothing but the alphabet of base64: what a lenient reader would skip could make it read something else.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An address whose end is certain.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct DataUrl<'t> {
    pub(crate) media_type: &'t str,
    /// Where the encoded bytes begin.
    pub(crate) at: usize,
    /// In base64.
    pub(crate) data: &'t str,
}

/// `data:…;base64,` at any place and in any case.
pub(crate) fn has_data_url(text: &str) -> bool {
    marks(text.as_bytes()).next().is_some()
}

/// All of them, or `None` if it is not certain what one of them holds.
pub(crate) fn data_urls(text: &str) -> Option<Vec<DataUrl<'_>>> {
    let mut urls = Vec::new();
    for (scheme, mark) in marks(text.as_bytes()) {
        let media_type = text.get(scheme + SCHEME.len()..mark)?;
        let at = mark + MARK.len();
        let rest = text.get(at..)?;
        let length = rest.bytes().take_while(|&byte| is_base64(byte)).count();
        let (data, behind) = rest.split_at(length);
        let is_media_type = media_type.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
        if !is_media_type || !is_end(behind) || urls.len() == MAX_URLS {
            return None;
        }
        urls.push(DataUrl { media_type, at, data });
    }
    Some(urls)
}

/// The bytes of a file.
pub(crate) fn decode(data: &str) -> Option<Vec<u8>> {
    BASE64.decode(data).ok()
}

/// Where the scheme and the mark of each address stand; of several schemes before a mark, the last.
fn marks(bytes: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    memchr::memchr_iter(b';', bytes).filter_map(|at| {
        bytes.get(at..at + MARK.len())?.eq_ignore_ascii_case(MARK).then_some(())?;
        let from = at.saturating_sub(MAX_MEDIA_TYPE_BYTES);
        let before = bytes.get(from..at)?;
        let scheme = before.windows(SCHEME.len()).rposition(|window| window.eq_ignore_ascii_case(SCHEME))?;
        Some((from + scheme, at))
    })
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// Whether an address ends before `behind`, for every reader.
fn is_end(behind: &str) -> bool {
    let Some(next) = behind.chars().next() else { return true };
    let is_mark = matches!(next, '"' | '\'' | ')' | ']' | '}' | '>' | '<' | ',' | '`');
    let next_word = behind.trim_start().bytes().take_while(|&byte| is_base64(byte)).count();
    is_mark || next.is_whitespace() && next_word < MIN_NEXT_LINE_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<Vec<(&str, &str)>> {
        data_urls(text).map(|urls| urls.iter().map(|url| (url.media_type, url.data)).collect())
    }

    #[test]
    fn addresses_are_found_with_their_ends() {
        let text = "see ![](DATA:text/plain;charset=utf-8;BASE64,SGk=) and data:;base64,SGk";
        assert_eq!(found(text), Some(vec![("text/plain;charset=utf-8", "SGk="), ("", "SGk")]));
        assert_eq!(found("no; base64, data: here"), Some(Vec::new()));
        let wrapped = format!("data:text/plain;base64,{}\n{}", "QUJD".repeat(19), "QUJD".repeat(19));
        for unclear in ["data:text/plain;base64,SGk%3D", "data:text/plain;base64,SG-k", wrapped.as_str()] {
            assert!(found(unclear).is_none(), "{unclear}");
        }
    }

    #[test]
    fn only_strict_base64_is_decoded() {
        assert_eq!(decode("SGk=").as_deref(), Some(&b"Hi"[..]));
        assert_eq!(decode("SGk").as_deref(), Some(&b"Hi"[..]));
        for wrong in ["SG k=", "SGk=\n", "SG-k", "SGl=", "S"] {
            assert!(decode(wrong).is_none(), "{wrong}");
        }
    }
}
