//! Sixteen words in one AVX-512 register, with VNNI's products of bytes.

use std::arch::x86_64::*;

use super::integers::Integers;
use super::vector_avx512::Avx512;

// SAFETY (all blocks below): the trait's contract is that the caller has the features and that
// pointers lead to enough bytes; every load and store used here is an unaligned one.
impl Integers for Avx512 {
    type Words = __m512i;

    const INTEGER_ROWS: usize = 6;
    const FEW_ROWS: usize = 12;
    const MATRIX_UNITS: bool = true;

    #[inline(always)]
    unsafe fn splat_word(word: i32) -> __m512i {
        // SAFETY: see the note on the impl.
        unsafe { _mm512_set1_epi32(word) }
    }

    #[inline(always)]
    unsafe fn load_words(from: *const u8) -> __m512i {
        // SAFETY: see the note on the impl.
        unsafe { _mm512_loadu_si512(from.cast()) }
    }

    #[inline(always)]
    unsafe fn store_words(words: __m512i, to: *mut u8) {
        // SAFETY: see the note on the impl.
        unsafe { _mm512_storeu_si512(to.cast(), words) }
    }

    #[inline(always)]
    unsafe fn and(a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: see the note on the impl.
        unsafe { _mm512_and_si512(a, b) }
    }

    #[inline(always)]
    unsafe fn or(a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: see the note on the impl.
        unsafe { _mm512_or_si512(a, b) }
    }

    #[inline(always)]
    unsafe fn xor(a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: see the note on the impl.
        unsafe { _mm512_xor_si512(a, b) }
    }

    #[inline(always)]
    unsafe fn shift_left(words: __m512i, bits: u32) -> __m512i {
        // SAFETY: see the note on the impl.
        unsafe { _mm512_sll_epi32(words, _mm_cvtsi32_si128(bits.cast_signed())) }
    }

    #[inline(always)]
    unsafe fn shift_right(words: __m512i, bits: u32) -> __m512i {
        // SAFETY: see the note on the impl.
        unsafe { _mm512_srl_epi32(words, _mm_cvtsi32_si128(bits.cast_signed())) }
    }

    #[inline(always)]
    unsafe fn subtract_bytes(a: __m512i, b: __m512i) -> __m512i {
        // SAFETY: see the note on the impl.
        unsafe { _mm512_sub_epi8(a, b) }
    }

    #[inline(always)]
    unsafe fn look_up_bytes(table: &[i8; 16], bytes: __m512i) -> __m512i {
        // SAFETY: see the note on the impl; the table has 16 bytes.
        unsafe {
            let table = _mm512_broadcast_i32x4(_mm_loadu_si128(table.as_ptr().cast()));
            _mm512_shuffle_epi8(table, bytes)
        }
    }

    #[inline(always)]
    unsafe fn dot<const SMALL: bool>(sum: __m512i, unsigned: __m512i, signed: __m512i) -> __m512i {
        // SAFETY: see the note on the impl.
        unsafe { _mm512_dpbusd_epi32(sum, unsigned, signed) }
    }

    #[inline(always)]
    unsafe fn to_f32(words: __m512i) -> Self {
        // SAFETY: see the note on the impl.
        Self::of(unsafe { _mm512_cvtepi32_ps(words) })
    }
}
