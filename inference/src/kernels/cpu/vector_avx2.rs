//! Sixteen lanes in two AVX2 registers.

use std::arch::x86_64::*;

use super::vector::Vector;

#[derive(Clone, Copy)]
pub(super) struct Avx2(__m256, __m256);

impl Avx2 {
    #[inline(always)]
    pub(super) fn of(low: __m256, high: __m256) -> Self {
        Self(low, high)
    }
}

// SAFETY (all blocks below): the trait's contract is that the caller has the features and that
// pointers lead to enough elements; every load and store used here is an unaligned one.
impl Vector for Avx2 {
    const MAX_ROWS: usize = 2;
    const BLOCK_ROWS: usize = 6;

    #[inline(always)]
    fn prefetch(address: *const u8) {
        // SAFETY: a prefetch never faults, and every x86-64 processor has it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: see the note on the impl.
        let half = unsafe { _mm256_set1_ps(value) };
        Self(half, half)
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: see the note on the impl.
        unsafe { Self(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: see the note on the impl.
        unsafe {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1);
        }
    }

    #[inline(always)]
    unsafe fn store_bytes(self, to: *mut i8) {
        // SAFETY: see the note on the impl; sixteen values are 16 bytes. Packing goes by halves of
        // registers, which are put in order between.
        unsafe {
            let words = _mm256_packs_epi32(_mm256_cvtps_epi32(self.0), _mm256_cvtps_epi32(self.1));
            let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(words);
            let bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
            _mm_storeu_si128(to.cast(), bytes);
        }
    }

    #[inline(always)]
    unsafe fn load_f16(from: *const u16) -> Self {
        // SAFETY: see the note on the impl; 16 bytes are eight values.
        unsafe {
            Self(_mm256_cvtph_ps(_mm_loadu_si128(from.cast())), _mm256_cvtph_ps(_mm_loadu_si128(from.add(8).cast())))
        }
    }

    #[inline(always)]
    unsafe fn load_bf16_pair(from: *const u16) -> (Self, Self) {
        // SAFETY: see the note on the impl; 32 bytes are sixteen values. A bf16 is the upper half
        // of an f32, so the even columns need a shift and the odd ones a mask.
        unsafe {
            let low = _mm256_loadu_si256(from.cast());
            let high = _mm256_loadu_si256(from.add(16).cast());
            let mask = _mm256_set1_epi32(0xffff_0000_u32.cast_signed());
            let even = |both| _mm256_castsi256_ps(_mm256_slli_epi32::<16>(both));
            let odd = |both| _mm256_castsi256_ps(_mm256_and_si256(both, mask));
            (Self(even(low), even(high)), Self(odd(low), odd(high)))
        }
    }

    #[inline(always)]
    unsafe fn load_i8(from: *const i8) -> Self {
        // SAFETY: see the note on the impl; 8 bytes are eight values.
        unsafe {
            let half = |from: *const i8| _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(from.cast())));
            Self(half(from), half(from.add(8)))
        }
    }

    #[inline(always)]
    unsafe fn load_float8(from: *const u8) -> Self {
        // SAFETY: see the note on the impl; 16 bytes are sixteen values. As bits of an f16, whose
        // exponent counts from eight less.
        unsafe {
            let codes = _mm256_slli_epi16::<7>(_mm256_cvtepi8_epi16(_mm_loadu_si128(from.cast())));
            let halves = _mm256_and_si256(codes, _mm256_set1_epi16(0xbfff_u16.cast_signed()));
            Self(
                _mm256_cvtph_ps(_mm256_castsi256_si128(halves)),
                _mm256_cvtph_ps(_mm256_extracti128_si256::<1>(halves)),
            )
        }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: see the note on the impl.
        unsafe { Self(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        // SAFETY: see the note on the impl.
        unsafe { Self(_mm256_mul_ps(self.0, other.0), _mm256_mul_ps(self.1, other.1)) }
    }

    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        // SAFETY: see the note on the impl.
        unsafe { Self(_mm256_div_ps(self.0, other.0), _mm256_div_ps(self.1, other.1)) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: see the note on the impl.
        unsafe { Self(_mm256_max_ps(self.0, other.0), _mm256_max_ps(self.1, other.1)) }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: see the note on the impl.
        unsafe { Self(_mm256_min_ps(self.0, other.0), _mm256_min_ps(self.1, other.1)) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: see the note on the impl.
        unsafe { Self(_mm256_fmadd_ps(self.0, factor.0, addend.0), _mm256_fmadd_ps(self.1, factor.1, addend.1)) }
    }

    #[inline(always)]
    unsafe fn round(self) -> Self {
        const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
        // SAFETY: see the note on the impl.
        unsafe { Self(_mm256_round_ps::<NEAREST>(self.0), _mm256_round_ps::<NEAREST>(self.1)) }
    }

    #[inline(always)]
    unsafe fn scale_by_power(self, power: Self) -> Self {
        // SAFETY: see the note on the impl. 2^power is built in the exponent bits.
        unsafe {
            let bias = _mm256_set1_epi32(127);
            let two_to = |power| {
                let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(power), bias);
                _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent))
            };
            Self(_mm256_mul_ps(self.0, two_to(power.0)), _mm256_mul_ps(self.1, two_to(power.1)))
        }
    }
}
