//! Sixteen `f32` lanes: what the kernels are written in, and its portable form.

use half::{bf16, f16};

use super::block_format::widen_float8;
use super::integers::Integers;

/// Lanes of a [`Vector`].
pub(super) const LANES: usize = 16;

/// Sixteen `f32` lanes.
///
/// # Safety
/// Every method requires that the processor has the features of the implementing type and, where
/// it takes a pointer, that sixteen elements (thirty-two for pairs) can be read or written there.
#[allow(clippy::missing_safety_doc)]
pub(super) trait Vector: Integers {
    /// Rows of `x` that one pass of the linear kernel keeps in registers.
    const MAX_ROWS: usize;

    /// Query rows that one pass of attention keeps in registers, against one vector of keys each or, of twelve, two.
    const BLOCK_ROWS: usize;

    /// Asks for the cache line at `address`, which may be any address at all.
    #[inline(always)]
    fn prefetch(_address: *const u8) {}

    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// Integral lanes within ±127 as bytes; what is no number becomes anything.
    unsafe fn store_bytes(self, to: *mut i8);
    /// Sixteen half-precision values, given by their bits.
    unsafe fn load_f16(from: *const u16) -> Self;
    /// Thirty-two bf16 values whose columns `j` and `j + 16` lie beside each other.
    unsafe fn load_bf16_pair(from: *const u16) -> (Self, Self);
    /// Sixteen signed bytes.
    unsafe fn load_i8(from: *const i8) -> Self;
    /// Sixteen values of fp8 (E4M3), divided by 256.
    unsafe fn load_float8(from: *const u8) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn mul(self, other: Self) -> Self;
    unsafe fn div(self, other: Self) -> Self;
    unsafe fn max(self, other: Self) -> Self;
    unsafe fn min(self, other: Self) -> Self;
    /// `self * factor + addend`.
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self;
    unsafe fn round(self) -> Self;
    /// `self * 2^power` for integral `power` within ±126.
    unsafe fn scale_by_power(self, power: Self) -> Self;

    /// Adds the lanes as a tree of fixed shape.
    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        let mut lanes = [0.0; LANES];
        // SAFETY: `lanes` has room for sixteen values.
        unsafe { self.store(lanes.as_mut_ptr()) };
        let mut width = LANES / 2;
        while width > 0 {
            for lane in 0..width {
                lanes[lane] += lanes[lane + width];
            }
            width /= 2;
        }
        lanes[0]
    }

    #[inline(always)]
    unsafe fn largest(self) -> f32 {
        let mut lanes = [0.0; LANES];
        // SAFETY: `lanes` has room for sixteen values.
        unsafe { self.store(lanes.as_mut_ptr()) };
        lanes.iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }

    /// The exponential, with inputs clamped to ±87 (Cephes' polynomial, about 1 ulp).
    #[inline(always)]
    unsafe fn exp(self) -> Self {
        const COEFFICIENTS: [f32; 6] = [1.987_569_1e-4, 1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];
        // SAFETY: the caller vouches for the features; no pointer is used.
        unsafe {
            let x = self.max(Self::splat(-87.0)).min(Self::splat(87.0));
            let power = x.mul(Self::splat(std::f32::consts::LOG2_E)).round();
            let x = power.mul_add(Self::splat(-0.693_359_4), x);
            let x = power.mul_add(Self::splat(2.121_944_4e-4), x);
            let mut polynomial = Self::splat(COEFFICIENTS[0]);
            for coefficient in &COEFFICIENTS[1..] {
                polynomial = polynomial.mul_add(x, Self::splat(*coefficient));
            }
            let result = polynomial.mul_add(x.mul(x), x).add(Self::splat(1.0));
            result.scale_by_power(power)
        }
    }

    /// Two to the power of this, with inputs clamped to ±126 (Cephes' polynomial, about 1 ulp).
    #[inline(always)]
    unsafe fn exp2(self) -> Self {
        const COEFFICIENTS: [f32; 6] =
            [1.535_336_2e-4, 1.339_887_4e-3, 9.618_437e-3, 5.550_332_5e-2, 2.402_264_8e-1, 6.931_472e-1];
        // SAFETY: the caller vouches for the features; no pointer is used.
        unsafe {
            let x = self.max(Self::splat(-126.0)).min(Self::splat(126.0));
            let power = x.round();
            let x = power.mul_add(Self::splat(-1.0), x);
            let mut polynomial = Self::splat(COEFFICIENTS[0]);
            for coefficient in &COEFFICIENTS[1..] {
                polynomial = polynomial.mul_add(x, Self::splat(*coefficient));
            }
            polynomial.mul_add(x, Self::splat(1.0)).scale_by_power(power)
        }
    }

    /// The hyperbolic tangent, within 2e-7.
    #[inline(always)]
    unsafe fn tanh(self) -> Self {
        // SAFETY: the caller vouches for the features; no pointer is used.
        unsafe {
            let one = Self::splat(1.0);
            let doubled = self.mul(Self::splat(2.0)).exp();
            one.add(Self::splat(-2.0).div(doubled.add(one)))
        }
    }
}

/// Plain arrays, for processors without the vector levels. Multiplies and adds round separately,
/// since a fused one is a slow library call where the hardware lacks it.
#[derive(Clone, Copy)]
pub(super) struct Portable([f32; LANES]);

impl Portable {
    #[inline(always)]
    pub(super) fn of(lanes: [f32; LANES]) -> Self {
        Self(lanes)
    }

    #[inline(always)]
    fn zip(self, other: Self, operation: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|lane| operation(self.0[lane], other.0[lane])))
    }
}

impl Vector for Portable {
    const MAX_ROWS: usize = 2;
    const BLOCK_ROWS: usize = 4;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller gives sixteen readable values.
        Self(unsafe { from.cast::<[f32; LANES]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller gives room for sixteen values.
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut i8) {
        // SAFETY: the caller gives room for sixteen bytes.
        unsafe { to.cast::<[i8; LANES]>().write_unaligned(self.0.map(|value| value as i8)) }
    }

    #[inline(always)]
    unsafe fn load_f16(from: *const u16) -> Self {
        // SAFETY: the caller gives sixteen readable values.
        let bits = unsafe { from.cast::<[u16; LANES]>().read_unaligned() };
        Self(bits.map(|bits| f16::from_bits(bits).to_f32()))
    }

    #[inline(always)]
    unsafe fn load_bf16_pair(from: *const u16) -> (Self, Self) {
        // SAFETY: the caller gives thirty-two readable values.
        let bits = unsafe { from.cast::<[u16; 2 * LANES]>().read_unaligned() };
        let lane = |index: usize| bf16::from_bits(bits[index]).to_f32();
        (Self(std::array::from_fn(|column| lane(2 * column))), Self(std::array::from_fn(|column| lane(2 * column + 1))))
    }

    #[inline(always)]
    unsafe fn load_i8(from: *const i8) -> Self {
        // SAFETY: the caller gives sixteen readable values.
        let codes = unsafe { from.cast::<[i8; LANES]>().read_unaligned() };
        Self(codes.map(f32::from))
    }

    #[inline(always)]
    unsafe fn load_float8(from: *const u8) -> Self {
        // SAFETY: the caller gives sixteen readable values.
        let codes = unsafe { from.cast::<[u8; LANES]>().read_unaligned() };
        Self(codes.map(|code| widen_float8(code) / 256.0))
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        self.zip(other, f32::max)
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        self.zip(other, f32::min)
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] * factor.0[lane] + addend.0[lane]))
    }

    #[inline(always)]
    unsafe fn round(self) -> Self {
        Self(self.0.map(f32::round_ties_even))
    }

    #[inline(always)]
    unsafe fn scale_by_power(self, power: Self) -> Self {
        self.zip(power, |value, power| value * f32::from_bits(((power as i32 + 127) as u32) << 23))
    }
}
