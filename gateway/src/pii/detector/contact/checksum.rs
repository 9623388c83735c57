//! The checksums inside addresses of wallets: base58check (two rounds of SHA-256), bech32 and bech32m (BIP 173 and 350),
//! CRC-16 of TON.

use sha2::{Digest, Sha256};

const BITCOIN: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const RIPPLE: &[u8; 58] = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";
const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// Longer words hold no address; decoding is quadratic.
const MAX_BASE58: usize = 112;
const CHECK_LEN: usize = 4;

/// Whether every character is of Bitcoin's base 58.
pub(crate) fn is_base58(word: &str) -> bool {
    word.bytes().all(|byte| BITCOIN.contains(&byte))
}

/// What a word in Bitcoin's base 58 stands for.
pub(crate) fn base58(word: &str) -> Option<Vec<u8>> {
    decode58(word, BITCOIN)
}

/// What a word in base 58 with a checksum stands for, without it.
pub(crate) fn base58check(word: &str) -> Option<Vec<u8>> {
    checked(decode58(word, BITCOIN)?)
}

/// As [`base58check`], in the alphabet of Ripple.
pub(crate) fn ripple58check(word: &str) -> Option<Vec<u8>> {
    checked(decode58(word, RIPPLE)?)
}

fn decode58(word: &str, alphabet: &[u8; 58]) -> Option<Vec<u8>> {
    if word.len() > MAX_BASE58 {
        return None;
    }
    // Little-endian while it grows.
    let mut bytes: Vec<u8> = Vec::with_capacity(word.len());
    for character in word.bytes() {
        let mut carry = alphabet.iter().position(|&known| known == character)?;
        for byte in &mut bytes {
            carry += usize::from(*byte) * 58;
            *byte = (carry & 0xFF) as u8;
            carry >>= 8;
        }
        while carry > 0 {
            bytes.push((carry & 0xFF) as u8);
            carry >>= 8;
        }
    }
    let zeros = word.bytes().take_while(|byte| Some(byte) == alphabet.first()).count();
    bytes.resize(bytes.len() + zeros, 0);
    bytes.reverse();
    Some(bytes)
}

fn checked(mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let payload_len = bytes.len().checked_sub(CHECK_LEN)?;
    let (payload, check) = bytes.split_at_checked(payload_len)?;
    let digest = Sha256::digest(Sha256::digest(payload));
    if digest.get(..CHECK_LEN)? != check {
        return None;
    }
    bytes.truncate(payload_len);
    Some(bytes)
}

/// Whether the checksum of a word in bech32 or bech32m holds; `word` is in lower case.
pub(crate) fn is_bech32(word: &str) -> bool {
    const BECH32_CONSTANT: u32 = 1;
    const BECH32M_CONSTANT: u32 = 0x2BC8_30A3;
    let Some((prefix, data)) = word.rsplit_once('1').filter(|(prefix, data)| !prefix.is_empty() && data.len() > 6)
    else {
        return false;
    };
    let mut check = 1_u32;
    let mut take = |value: u32| {
        const GENERATOR: [u32; 5] = [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3];
        let top = check >> 25;
        check = (check & 0x01FF_FFFF) << 5 ^ value;
        for (bit, generator) in GENERATOR.iter().enumerate() {
            if top >> bit & 1 == 1 {
                check ^= generator;
            }
        }
    };
    prefix.bytes().for_each(|byte| take(u32::from(byte >> 5)));
    take(0);
    prefix.bytes().for_each(|byte| take(u32::from(byte & 31)));
    for byte in data.bytes() {
        let Some(value) = BECH32.iter().position(|&known| known == byte) else { return false };
        take(value as u32);
    }
    check == BECH32_CONSTANT || check == BECH32M_CONSTANT
}

/// CRC-16 as XMODEM has it.
pub(crate) fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |check, &byte| {
        (0..8).fold(
            check ^ u16::from(byte) << 8,
            |check, _| {
                if check & 0x8000 == 0 { check << 1 } else { check << 1 ^ 0x1021 }
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_addresses_hold_and_a_changed_character_breaks_them() {
        assert_eq!(base58check("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa").map(|bytes| bytes.len()), Some(21));
        assert_eq!(base58check("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"), None);
        assert!(ripple58check("rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh").is_some());
        assert!(is_bech32("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"));
        assert!(is_bech32("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"));
        assert!(!is_bech32("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5"));
        assert_eq!(crc16(b"123456789"), 0x31C3);
    }

    #[test]
    fn leading_ones_are_zero_bytes() {
        assert_eq!(base58("112"), Some(vec![0, 0, 1]));
        assert_eq!(base58("0"), None);
    }
}
