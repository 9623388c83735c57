//! The times that `mock_upstream` writes into the chunks of a stream.

/// Digits of a stamp, so that all are equally long.
pub const STAMP_DIGITS: usize = 19;

/// Finds ` t=` and its digits in a body that comes in pieces, whatever stands around them: gateways write chunks anew.
#[derive(Debug, Default)]
pub struct Stamps {
    /// The last two bytes before an equals sign.
    last: [u8; 2],
    /// The digits so far and their number, once the mark has come.
    digits: Option<(u64, usize)>,
}

impl Stamps {
    /// Calls `found` with every stamp that ends in `part`.
    pub fn find(&mut self, part: &[u8], mut found: impl FnMut(u64)) {
        let mut rest = part;
        while !rest.is_empty() {
            if let Some((value, count)) = self.digits {
                let byte = rest[0];
                rest = &rest[1..];
                self.remember(&[byte]);
                if !byte.is_ascii_digit() {
                    self.digits = None;
                    continue;
                }
                let value = value.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
                self.digits = Some((value, count + 1));
                if count + 1 == STAMP_DIGITS {
                    self.digits = None;
                    found(value);
                }
                continue;
            }
            let Some(at) = memchr::memchr(b'=', rest) else {
                self.remember(rest);
                return;
            };
            self.remember(&rest[..at]);
            if self.last == *b" t" {
                self.digits = Some((0, 0));
            }
            self.remember(b"=");
            rest = &rest[at + 1..];
        }
    }

    fn remember(&mut self, part: &[u8]) {
        match *part {
            [] => {}
            [one] => self.last = [self.last[1], one],
            [.., before, one] => self.last = [before, one],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_found_wherever_the_body_is_cut() {
        let text = br#"data: {"a":"t=1","b":" t=12 t=0000000000000000042 "} = t = t=9000000000000000001"#;
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let (mut stamps, mut found) = (Stamps::default(), Vec::new());
                for part in [&text[..first], &text[first..second], &text[second..]] {
                    stamps.find(part, |stamp| found.push(stamp));
                }
                assert_eq!(found, [42, 9_000_000_000_000_000_001], "{first} {second}");
            }
        }
    }
}
