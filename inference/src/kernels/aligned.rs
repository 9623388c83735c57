//! A heap buffer that starts on a cache line, so that one 64-byte load never touches two lines.

use std::marker::PhantomData;

/// Bytes of a cache line, which is also one AVX-512 register.
const LINE: usize = 64;
/// Words that a buffer has beyond its lines, so that there is room to begin on a line.
const SPARE_WORDS: usize = LINE / size_of::<u64>() - 1;

mod sealed {
    pub trait Sealed {}
    impl Sealed for u8 {}
    impl Sealed for u16 {}
    impl Sealed for f32 {}
}

/// Element types for which every bit pattern is a value, so that zeroed lines are valid elements.
pub trait Plain: sealed::Sealed + Copy + Send + Sync {}
impl Plain for u8 {}
impl Plain for u16 {}
impl Plain for f32 {}

/// A fixed-length buffer of `T`, zeroed when made and aligned to 64 bytes.
///
/// Its memory comes zeroed from the system, page by page when it is first written: a cache that is never filled takes
/// none. An allocation that is itself aligned to 64 bytes would be written through at once.
pub struct AlignedBuffer<T: Plain> {
    words: Vec<u64>,
    /// Words before the first line.
    offset: usize,
    len: usize,
    element: PhantomData<T>,
}

impl<T: Plain> AlignedBuffer<T> {
    pub fn zeroed(len: usize) -> Self {
        let lines = (len * size_of::<T>()).div_ceil(LINE);
        let words = vec![0; lines * (LINE / size_of::<u64>()) + SPARE_WORDS];
        let past = words.as_ptr().addr() % LINE;
        let offset = (LINE - past) % LINE / size_of::<u64>();
        Self { words, offset, len, element: PhantomData }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn size_in_bytes(&self) -> usize {
        (self.words.len() - SPARE_WORDS) * size_of::<u64>()
    }

    pub fn as_slice(&self) -> &[T] {
        // SAFETY: `words` holds at least `len * size_of::<T>()` initialised bytes from `offset` on, which is at most
        // `SPARE_WORDS`; they are aligned to 64 ≥ align_of::<T>(), since a vector that is not resized does not move;
        // and every bit pattern is a valid `T` (`Plain` is sealed).
        unsafe { std::slice::from_raw_parts(self.words[self.offset..].as_ptr().cast(), self.len) }
    }

    pub fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as in `as_slice`, and `&mut self` makes the view the only one.
        unsafe { std::slice::from_raw_parts_mut(self.words[self.offset..].as_mut_ptr().cast(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_on_a_cache_line_and_is_zeroed() {
        for len in [0, 1, 31, 32, 33, 1000] {
            let mut buffer = AlignedBuffer::<u16>::zeroed(len);
            assert_eq!(buffer.as_slice().as_ptr() as usize % 64, 0);
            assert!(buffer.as_slice().iter().all(|value| *value == 0));
            buffer.as_mut_slice().fill(7);
            assert_eq!(buffer.as_slice(), vec![7; len]);
        }
    }
}
