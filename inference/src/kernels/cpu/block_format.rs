//! Weights stored as blocks of small integers that share scales: GGUF's formats, and blocks of fp8.
//!
//! Every format is read into the same [`Block`], whose value at `i` is
//! `scale(i / 16) * code(i) + offset(i / 16)`. The layouts are those of GGUF (the `ggml` library's
//! file format); [`BlockFormat::Float8`] is this crate's own, for checkpoints in fp8.

use half::f16;

/// Values of the longest block.
pub const MAX_BLOCK: usize = 256;
/// Values for which one scale is kept apart at the finest.
pub(super) const GROUP: usize = 16;
const GROUPS: usize = MAX_BLOCK / GROUP;

/// How a block of weights is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockFormat {
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2K,
    Q3K,
    Q4K,
    Q5K,
    Q6K,
    Iq4Nl,
    Mxfp4,
    /// A scale in f32, then 128 values of eight bits, four of them exponent (OCP E4M3).
    Float8,
}

/// A block, taken apart.
pub(super) struct Block {
    /// As they are stored, but that what they count from is zero where they are signed.
    pub codes: [i8; MAX_BLOCK],
    /// Of the whole block; an f16 or an f32, widened.
    pub scale: f32,
    /// What `mins` count in.
    pub min: f32,
    /// Multiples of `scale`, of each group.
    pub scales: [i8; GROUPS],
    /// Multiples of `min` that are subtracted, of each group.
    pub mins: [i8; GROUPS],
}

/// What the sixteen codes of IQ4_NL stand for.
const IQ4_NL: [i8; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
/// Twice what the sixteen codes of MXFP4 stand for.
const MXFP4: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

impl BlockFormat {
    /// Values of a block.
    pub fn block_len(self) -> usize {
        match self {
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 | Self::Iq4Nl | Self::Mxfp4 => 32,
            Self::Float8 => 128,
            Self::Q2K | Self::Q3K | Self::Q4K | Self::Q5K | Self::Q6K => 256,
        }
    }

    pub fn block_bytes(self) -> usize {
        match self {
            Self::Mxfp4 => 17,
            Self::Q4_0 | Self::Iq4Nl => 18,
            Self::Q4_1 => 20,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q8_0 => 34,
            Self::Q2K => 84,
            Self::Q3K => 110,
            Self::Float8 => 132,
            Self::Q4K => 144,
            Self::Q5K => 176,
            Self::Q6K => 210,
        }
    }

    /// Bytes of a row of `width` values; the last block may be longer than the row.
    pub fn row_bytes(self, width: usize) -> usize {
        width.div_ceil(self.block_len()) * self.block_bytes()
    }

    /// What four-bit codes stand for.
    pub(super) fn table(self) -> [i8; 16] {
        match self {
            Self::Iq4Nl => IQ4_NL,
            Self::Mxfp4 => MXFP4,
            _ => std::array::from_fn(|code| code as i8),
        }
    }

    /// Takes a block apart.
    ///
    /// # Panics
    /// If `bytes` is not a block.
    pub(super) fn read(self, bytes: &[u8]) -> Block {
        assert_eq!(bytes.len(), self.block_bytes(), "a block");
        let mut block = Block { codes: [0; MAX_BLOCK], scale: 0.0, min: 0.0, scales: [1; GROUPS], mins: [0; GROUPS] };
        match self {
            Self::Q4_0 => {
                block.scale = half_at(bytes, 0);
                halves(&bytes[2..], &mut block.codes);
                block.codes[..32].iter_mut().for_each(|code| *code -= 8);
            }
            Self::Iq4Nl => {
                block.scale = half_at(bytes, 0);
                halves(&bytes[2..], &mut block.codes);
            }
            Self::Mxfp4 => {
                block.scale = half_power_of_two(bytes[0]);
                halves(&bytes[1..], &mut block.codes);
            }
            Self::Q4_1 => {
                block.set_scale_and_offset(bytes);
                halves(&bytes[4..], &mut block.codes);
            }
            Self::Q5_0 => {
                block.scale = half_at(bytes, 0);
                halves(&bytes[6..], &mut block.codes);
                block.add_fifth_bits(&bytes[2..6]);
                block.codes[..32].iter_mut().for_each(|code| *code -= 16);
            }
            Self::Q5_1 => {
                block.set_scale_and_offset(bytes);
                halves(&bytes[8..], &mut block.codes);
                block.add_fifth_bits(&bytes[4..8]);
            }
            Self::Q8_0 => {
                block.scale = half_at(bytes, 0);
                block.set_bytes(&bytes[2..]);
            }
            Self::Float8 => {
                block.scale = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                block.set_bytes(&bytes[4..]);
            }
            Self::Q2K => block.read_q2(bytes),
            Self::Q3K => block.read_q3(bytes),
            Self::Q4K | Self::Q5K => block.read_q4_or_q5(bytes),
            Self::Q6K => block.read_q6(bytes),
        }
        block
    }

    /// Appends the first `count` values of a block.
    pub(super) fn widen(self, bytes: &[u8], count: usize, values: &mut Vec<f32>) {
        let block = self.read(bytes);
        let table = self.table();
        for (group, codes) in block.codes[..count].chunks(GROUP).enumerate() {
            let (scale, offset) = block.scale_and_offset(group);
            values.extend(codes.iter().map(|code| {
                let code = match self {
                    Self::Float8 => widen_float8(code.cast_unsigned()),
                    Self::Iq4Nl | Self::Mxfp4 => f32::from(table[usize::from(code.cast_unsigned())]),
                    _ => f32::from(*code),
                };
                scale * code + offset
            }));
        }
    }

    /// Whether all values of a block are finite.
    pub fn is_finite(self, bytes: &[u8]) -> bool {
        let half = |at: usize| half_at(bytes, at).is_finite();
        match self {
            // The largest code is six.
            Self::Mxfp4 => bytes[0] <= 252,
            Self::Float8 => {
                let scale = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                (scale * FLOAT8_MAX).is_finite() && bytes[4..].iter().all(|code| code & 0x7f != 0x7f)
            }
            Self::Q4_0 | Self::Q5_0 | Self::Q8_0 | Self::Iq4Nl => half(0),
            Self::Q4_1 | Self::Q5_1 | Self::Q4K | Self::Q5K => half(0) && half(2),
            Self::Q2K => half(80) && half(82),
            Self::Q3K => half(108),
            Self::Q6K => half(208),
        }
    }
}

/// The largest value of fp8.
pub const FLOAT8_MAX: f32 = 448.0;

/// A value of fp8 (E4M3). The codes that stand for no number give ±480.
pub fn widen_float8(code: u8) -> f32 {
    // As bits of an f16, whose exponent counts from eight less.
    let magnitude = u16::from(code & 0x7f) << 7;
    f16::from_bits(magnitude | u16::from(code & 0x80) << 8).to_f32() * 256.0
}

fn half_at(bytes: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}

/// `2^(exponent - 128)`.
fn half_power_of_two(exponent: u8) -> f32 {
    match exponent {
        0 => f32::from_bits(1 << 21),
        1 => f32::from_bits(1 << 22),
        exponent => f32::from_bits(u32::from(exponent - 1) << 23),
    }
}

/// Four-bit codes: the lower halves of all bytes, then the upper ones.
fn halves(bytes: &[u8], codes: &mut [i8]) {
    let (low, high) = codes.split_at_mut(bytes.len());
    for ((byte, low), high) in bytes.iter().zip(low).zip(high) {
        *low = (byte & 15).cast_signed();
        *high = (byte >> 4).cast_signed();
    }
}

impl Block {
    /// Of the values in a group.
    pub(super) fn scale_and_offset(&self, group: usize) -> (f32, f32) {
        (self.scale * f32::from(self.scales[group]), -(self.min * f32::from(self.mins[group])))
    }

    fn set_bytes(&mut self, bytes: &[u8]) {
        for (code, byte) in self.codes.iter_mut().zip(bytes) {
            *code = byte.cast_signed();
        }
    }

    fn set_scale_and_offset(&mut self, bytes: &[u8]) {
        self.scale = half_at(bytes, 0);
        // It is added here, and subtracted where formats have multiples of it.
        self.min = half_at(bytes, 2);
        self.mins = [-1; GROUPS];
    }

    fn add_fifth_bits(&mut self, bytes: &[u8]) {
        for (at, code) in self.codes[..32].iter_mut().enumerate() {
            *code |= ((bytes[at / 8] >> (at % 8) & 1) << 4).cast_signed();
        }
    }

    /// Sixteen scales and mins of four bits, then codes of two.
    fn read_q2(&mut self, bytes: &[u8]) {
        (self.scale, self.min) = (half_at(bytes, 80), half_at(bytes, 82));
        for (group, byte) in bytes[..16].iter().enumerate() {
            self.scales[group] = (byte & 15).cast_signed();
            self.mins[group] = (byte >> 4).cast_signed();
        }
        for (at, code) in self.codes.iter_mut().enumerate() {
            *code = two_bits(&bytes[16..80], at);
        }
    }

    /// The third bits of all codes, their lower two, scales of six bits.
    fn read_q3(&mut self, bytes: &[u8]) {
        self.scale = half_at(bytes, 108);
        let packed = &bytes[96..108];
        for (group, scale) in self.scales.iter_mut().enumerate() {
            let low = if group < 8 { packed[group] & 15 } else { packed[group - 8] >> 4 };
            let high = packed[8 + group % 4] >> (group / 4 * 2) & 3;
            *scale = (low | high << 4).cast_signed() - 32;
        }
        for (at, code) in self.codes.iter_mut().enumerate() {
            let third = bytes[at % 32] >> (at / 32) & 1;
            *code = two_bits(&bytes[32..96], at) - if third == 0 { 4 } else { 0 };
        }
    }

    /// Eight scales and mins of six bits; codes of four bits, and for five one more each.
    fn read_q4_or_q5(&mut self, bytes: &[u8]) {
        (self.scale, self.min) = (half_at(bytes, 0), half_at(bytes, 2));
        let packed = &bytes[4..16];
        for pair in 0..8 {
            let (scale, min) = if pair < 4 {
                (packed[pair] & 63, packed[pair + 4] & 63)
            } else {
                let high = |at: usize| packed[at] >> 6 << 4;
                (packed[pair + 4] & 15 | high(pair - 4), packed[pair + 4] >> 4 | high(pair))
            };
            self.scales[2 * pair..2 * pair + 2].fill(scale.cast_signed());
            self.mins[2 * pair..2 * pair + 2].fill(min.cast_signed());
        }
        let (fifth, codes) = bytes[16..].split_at(bytes.len() - 16 - 128);
        for (codes, bytes) in self.codes.chunks_exact_mut(64).zip(codes.chunks_exact(32)) {
            halves(bytes, codes);
        }
        if !fifth.is_empty() {
            for (at, code) in self.codes.iter_mut().enumerate() {
                *code |= ((fifth[at % 32] >> (at / 32) & 1) << 4).cast_signed();
            }
        }
    }

    /// The lower four bits of all codes, their upper two, scales of eight bits.
    fn read_q6(&mut self, bytes: &[u8]) {
        self.scale = half_at(bytes, 208);
        for (scale, byte) in self.scales.iter_mut().zip(&bytes[192..208]) {
            *scale = byte.cast_signed();
        }
        for (index, codes) in self.codes.chunks_exact_mut(32).enumerate() {
            let (half, quarter) = (index / 4, index % 4);
            let low = &bytes[half * 64 + quarter % 2 * 32..][..32];
            let high = &bytes[128 + half * 32..][..32];
            for ((code, low), high) in codes.iter_mut().zip(low).zip(high) {
                let low = low >> (quarter / 2 * 4) & 15;
                let high = high >> (quarter * 2) & 3;
                *code = (low | high << 4).cast_signed() - 32;
            }
        }
    }
}

/// Codes of two bits: of 128 values each 32 bytes have the first 32 in their lowest bits.
fn two_bits(bytes: &[u8], at: usize) -> i8 {
    (bytes[at / 128 * 32 + at % 32] >> (at % 128 / 32 * 2) & 3).cast_signed()
}
