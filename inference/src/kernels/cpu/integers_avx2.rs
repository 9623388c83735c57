//! Sixteen words in two AVX2 registers.

use std::arch::x86_64::*;

use super::integers::Integers;
use super::vector_avx2::Avx2;

type Pair = (__m256i, __m256i);

// SAFETY (all blocks below): the trait's contract is that the caller has the features and that
// pointers lead to enough bytes; every load and store used here is an unaligned one.
impl Integers for Avx2 {
    type Words = Pair;

    const INTEGER_ROWS: usize = 2;
    const FEW_ROWS: usize = 2;
    const MATRIX_UNITS: bool = false;

    #[inline(always)]
    unsafe fn splat_word(word: i32) -> Pair {
        // SAFETY: see the note on the impl.
        let half = unsafe { _mm256_set1_epi32(word) };
        (half, half)
    }

    #[inline(always)]
    unsafe fn load_words(from: *const u8) -> Pair {
        // SAFETY: see the note on the impl.
        unsafe { (_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(32).cast())) }
    }

    #[inline(always)]
    unsafe fn store_words(words: Pair, to: *mut u8) {
        // SAFETY: see the note on the impl.
        unsafe {
            _mm256_storeu_si256(to.cast(), words.0);
            _mm256_storeu_si256(to.add(32).cast(), words.1);
        }
    }

    #[inline(always)]
    unsafe fn and(a: Pair, b: Pair) -> Pair {
        // SAFETY: see the note on the impl.
        unsafe { (_mm256_and_si256(a.0, b.0), _mm256_and_si256(a.1, b.1)) }
    }

    #[inline(always)]
    unsafe fn or(a: Pair, b: Pair) -> Pair {
        // SAFETY: see the note on the impl.
        unsafe { (_mm256_or_si256(a.0, b.0), _mm256_or_si256(a.1, b.1)) }
    }

    #[inline(always)]
    unsafe fn xor(a: Pair, b: Pair) -> Pair {
        // SAFETY: see the note on the impl.
        unsafe { (_mm256_xor_si256(a.0, b.0), _mm256_xor_si256(a.1, b.1)) }
    }

    #[inline(always)]
    unsafe fn shift_left(words: Pair, bits: u32) -> Pair {
        // SAFETY: see the note on the impl.
        unsafe {
            let bits = _mm_cvtsi32_si128(bits.cast_signed());
            (_mm256_sll_epi32(words.0, bits), _mm256_sll_epi32(words.1, bits))
        }
    }

    #[inline(always)]
    unsafe fn shift_right(words: Pair, bits: u32) -> Pair {
        // SAFETY: see the note on the impl.
        unsafe {
            let bits = _mm_cvtsi32_si128(bits.cast_signed());
            (_mm256_srl_epi32(words.0, bits), _mm256_srl_epi32(words.1, bits))
        }
    }

    #[inline(always)]
    unsafe fn subtract_bytes(a: Pair, b: Pair) -> Pair {
        // SAFETY: see the note on the impl.
        unsafe { (_mm256_sub_epi8(a.0, b.0), _mm256_sub_epi8(a.1, b.1)) }
    }

    #[inline(always)]
    unsafe fn look_up_bytes(table: &[i8; 16], bytes: Pair) -> Pair {
        // SAFETY: see the note on the impl; the table has 16 bytes.
        unsafe {
            let table = _mm256_broadcastsi128_si256(_mm_loadu_si128(table.as_ptr().cast()));
            (_mm256_shuffle_epi8(table, bytes.0), _mm256_shuffle_epi8(table, bytes.1))
        }
    }

    #[inline(always)]
    unsafe fn dot<const SMALL: bool>(sum: Pair, unsigned: Pair, signed: Pair) -> Pair {
        // SAFETY: passed on to the caller.
        unsafe { (dot::<SMALL>(sum.0, unsigned.0, signed.0), dot::<SMALL>(sum.1, unsigned.1, signed.1)) }
    }

    #[inline(always)]
    unsafe fn to_f32(words: Pair) -> Self {
        // SAFETY: see the note on the impl.
        unsafe { Self::of(_mm256_cvtepi32_ps(words.0), _mm256_cvtepi32_ps(words.1)) }
    }
}

/// Sums of two products saturate at 16 bits, which those of bytes up to 127 never reach: of larger
/// ones the highest bit goes apart.
///
/// # Safety
/// The processor has AVX2.
#[inline(always)]
unsafe fn dot<const SMALL: bool>(sum: __m256i, unsigned: __m256i, signed: __m256i) -> __m256i {
    // SAFETY: the caller vouches for the features; no pointer is used.
    unsafe {
        let ones = _mm256_set1_epi16(1);
        if SMALL {
            return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(unsigned, signed), ones));
        }
        let low = _mm256_maddubs_epi16(_mm256_and_si256(unsigned, _mm256_set1_epi8(127)), signed);
        let high = _mm256_and_si256(_mm256_srli_epi16::<7>(unsigned), _mm256_set1_epi8(1));
        let high = _mm256_maddubs_epi16(high, signed);
        let sum = _mm256_add_epi32(sum, _mm256_madd_epi16(low, ones));
        _mm256_add_epi32(sum, _mm256_madd_epi16(high, _mm256_set1_epi16(128)))
    }
}
