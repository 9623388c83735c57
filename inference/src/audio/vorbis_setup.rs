//! A look at Vorbis' codebooks before they are built: a few bytes may ask for terabytes, and an allocation that fails
//! takes the process with it.

use symphonia::core::errors::Error;
use symphonia::core::io::{BitReaderRtl, ReadBitsRtl};

/// The identification header, which lies before the setup header.
const IDENTIFICATION_BYTES: usize = 30;
/// The packet's kind and signature.
const SIGNATURE_BYTES: usize = 7;
const SYNC: u32 = 0x56_43_42;
/// Values of all codebooks together: encoders stay below a hundredth of it.
const MAX_VALUES: u64 = 4 << 20;

/// Whether the codebooks of a stream's headers are of a sane size. What is malformed is not.
pub(super) fn is_bounded(headers: &[u8]) -> bool {
    let Some(setup) = headers.get(IDENTIFICATION_BYTES + SIGNATURE_BYTES..) else { return false };
    num_values(&mut BitReaderRtl::new(setup)).is_ok_and(|values| values <= MAX_VALUES)
}

fn num_values(bits: &mut BitReaderRtl<'_>) -> Result<u64, Error> {
    let count = bits.read_bits_leq32(8)? + 1;
    let mut total = 0;
    for _ in 0..count {
        total += codebook(bits)?;
        if total > MAX_VALUES {
            break;
        }
    }
    Ok(total)
}

/// Reads over one codebook (Vorbis I, section 3.2.1) and counts its values.
fn codebook(bits: &mut BitReaderRtl<'_>) -> Result<u64, Error> {
    let malformed = Error::DecodeError("codebook");
    if bits.read_bits_leq32(24)? != SYNC {
        return Err(malformed);
    }
    let dimensions = u64::from(bits.read_bits_leq32(16)?);
    let entries = bits.read_bits_leq32(24)?;
    let num_values = u64::from(entries).max(1) * dimensions.max(1);
    if dimensions == 0 || num_values > MAX_VALUES {
        return Ok(num_values.max(MAX_VALUES + 1));
    }
    let is_ordered = bits.read_bool()?;
    if is_ordered {
        let _first_length = bits.read_bits_leq32(5)?;
        let mut seen = 0;
        while seen < entries {
            seen += bits.read_bits_leq32((entries - seen).ilog2() + 1)?;
        }
        if seen > entries {
            return Err(malformed);
        }
    } else {
        let is_sparse = bits.read_bool()?;
        for _ in 0..entries {
            if !is_sparse || bits.read_bool()? {
                bits.ignore_bits(5)?;
            }
        }
    }
    let kind = bits.read_bits_leq32(4)?;
    if kind == 1 || kind == 2 {
        bits.ignore_bits(64)?;
        let width = bits.read_bits_leq32(4)? + 1;
        bits.ignore_bits(1)?;
        let stored = if kind == 1 { root(u64::from(entries), dimensions) } else { num_values };
        bits.ignore_bits((stored as u32).saturating_mul(width))?;
    }
    Ok(num_values)
}

/// The greatest number whose power of `exponent` is at most `value`.
fn root(value: u64, exponent: u64) -> u64 {
    let fits = |base: u64| base.checked_pow(exponent.min(64) as u32).is_some_and(|power| power <= value);
    let mut root = (value as f64).powf(1.0 / exponent as f64) as u64;
    while fits(root + 1) {
        root += 1;
    }
    while root > 1 && !fits(root) {
        root -= 1;
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers and their widths in bits, the lowest bit first.
    fn packed(fields: &[(u64, usize)]) -> Vec<u8> {
        let bits: Vec<bool> =
            fields.iter().flat_map(|(value, width)| (0..*width).map(move |at| value >> at & 1 == 1)).collect();
        let byte = |bits: &[bool]| bits.iter().enumerate().fold(0, |byte, (at, bit)| byte | u8::from(*bit) << at);
        let mut bytes = vec![0; IDENTIFICATION_BYTES + SIGNATURE_BYTES];
        bytes.extend(bits.chunks(8).map(byte));
        bytes
    }

    fn with_entries(entries: u64, dimensions: u64) -> Vec<u8> {
        let width = entries.ilog2() as usize + 1;
        // One codebook, its lengths in order, all of the first length, a table of one value.
        let lengths = [(1, 1), (0, 5), (entries, width)];
        let table = [(1, 4), (0, 64), (0, 4), (0, 1), (0, 64)];
        packed(&[&[(0, 8), (u64::from(SYNC), 24), (dimensions, 16), (entries, 24)][..], &lengths, &table].concat())
    }

    #[test]
    fn codebooks_of_terabytes_are_seen_in_a_few_bytes() {
        assert!(is_bounded(&with_entries(16, 2)));
        assert!(!is_bounded(&with_entries((1 << 24) - 1, 65_535)));
        assert!(!is_bounded(&with_entries(16, 0)));
        assert!(!is_bounded(&[0; 40]) && !is_bounded(&[]));
    }

    #[test]
    fn roots_are_whole_and_never_too_large() {
        assert_eq!([root(81, 4), root(80, 4), root(1, 9), root(16, 2), root((1 << 24) - 1, 24)], [3, 2, 1, 4, 1]);
    }
}
