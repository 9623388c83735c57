//! Sixteen words of 32 bits, or 64 bytes of them: what kernels over small integers are written in,
//! and its portable form.
//!
//! Integers are exact on every instruction set, so kernels over them may compute in any order.

/// Words of [`Integers::Words`].
const WORDS: usize = 16;

/// Sixteen words of 32 bits.
///
/// # Safety
/// Every method requires that the processor has the features of the implementing type and, where
/// it takes a pointer, that 64 bytes can be read or written there.
#[allow(clippy::missing_safety_doc)]
pub(super) trait Integers: Copy {
    type Words: Copy;

    /// Rows of inputs that one pass of the integer kernel keeps in registers.
    const INTEGER_ROWS: usize;
    /// Up to so many rows the codes go to the products at once, again for each pass.
    const FEW_ROWS: usize;
    /// Whether matrix units may stand beside this instruction set.
    const MATRIX_UNITS: bool;

    unsafe fn splat_word(word: i32) -> Self::Words;
    unsafe fn load_words(from: *const u8) -> Self::Words;
    unsafe fn store_words(words: Self::Words, to: *mut u8);
    unsafe fn and(a: Self::Words, b: Self::Words) -> Self::Words;
    unsafe fn or(a: Self::Words, b: Self::Words) -> Self::Words;
    unsafe fn xor(a: Self::Words, b: Self::Words) -> Self::Words;
    /// Of words; `bits` is below 32.
    unsafe fn shift_left(words: Self::Words, bits: u32) -> Self::Words;
    /// Of unsigned words; `bits` is below 32.
    unsafe fn shift_right(words: Self::Words, bits: u32) -> Self::Words;
    /// Of each byte, wrapping.
    unsafe fn subtract_bytes(a: Self::Words, b: Self::Words) -> Self::Words;
    /// Of each byte, which is below sixteen, the entry of this table.
    unsafe fn look_up_bytes(table: &[i8; 16], bytes: Self::Words) -> Self::Words;
    /// Adds to each word of `sum` the products of its four unsigned bytes with four signed ones.
    /// With `SMALL` no unsigned byte is above 127.
    unsafe fn dot<const SMALL: bool>(sum: Self::Words, unsigned: Self::Words, signed: Self::Words) -> Self::Words;
    /// The signed words as numbers.
    unsafe fn to_f32(words: Self::Words) -> Self;
}

impl Integers for super::vector::Portable {
    type Words = [u32; WORDS];

    const INTEGER_ROWS: usize = 2;
    const FEW_ROWS: usize = 2;
    const MATRIX_UNITS: bool = false;

    #[inline(always)]
    unsafe fn splat_word(word: i32) -> Self::Words {
        [word.cast_unsigned(); WORDS]
    }

    #[inline(always)]
    unsafe fn load_words(from: *const u8) -> Self::Words {
        // SAFETY: the caller gives 64 readable bytes.
        unsafe { from.cast::<Self::Words>().read_unaligned() }.map(u32::from_le)
    }

    #[inline(always)]
    unsafe fn store_words(words: Self::Words, to: *mut u8) {
        // SAFETY: the caller gives 64 writable bytes.
        unsafe { to.cast::<Self::Words>().write_unaligned(words.map(u32::to_le)) }
    }

    #[inline(always)]
    unsafe fn and(a: Self::Words, b: Self::Words) -> Self::Words {
        std::array::from_fn(|word| a[word] & b[word])
    }

    #[inline(always)]
    unsafe fn or(a: Self::Words, b: Self::Words) -> Self::Words {
        std::array::from_fn(|word| a[word] | b[word])
    }

    #[inline(always)]
    unsafe fn xor(a: Self::Words, b: Self::Words) -> Self::Words {
        std::array::from_fn(|word| a[word] ^ b[word])
    }

    #[inline(always)]
    unsafe fn shift_left(words: Self::Words, bits: u32) -> Self::Words {
        words.map(|word| word << bits)
    }

    #[inline(always)]
    unsafe fn shift_right(words: Self::Words, bits: u32) -> Self::Words {
        words.map(|word| word >> bits)
    }

    #[inline(always)]
    unsafe fn subtract_bytes(a: Self::Words, b: Self::Words) -> Self::Words {
        let bytes = |word: usize| a[word].to_le_bytes().into_iter().zip(b[word].to_le_bytes());
        std::array::from_fn(|word| {
            let mut difference = [0; 4];
            for (byte, (a, b)) in difference.iter_mut().zip(bytes(word)) {
                *byte = a.wrapping_sub(b);
            }
            u32::from_le_bytes(difference)
        })
    }

    #[inline(always)]
    unsafe fn look_up_bytes(table: &[i8; 16], bytes: Self::Words) -> Self::Words {
        let entry = |byte: u8| table[usize::from(byte & 15)].cast_unsigned();
        bytes.map(|word| u32::from_le_bytes(word.to_le_bytes().map(entry)))
    }

    #[inline(always)]
    unsafe fn dot<const SMALL: bool>(sum: Self::Words, unsigned: Self::Words, signed: Self::Words) -> Self::Words {
        std::array::from_fn(|word| {
            let pairs = unsigned[word].to_le_bytes().into_iter().zip(signed[word].to_le_bytes());
            let products: i32 = pairs.map(|(a, b)| i32::from(a) * i32::from(b.cast_signed())).sum();
            sum[word].wrapping_add(products.cast_unsigned())
        })
    }

    #[inline(always)]
    unsafe fn to_f32(words: Self::Words) -> Self {
        Self::of(words.map(|word| word.cast_signed() as f32))
    }
}
