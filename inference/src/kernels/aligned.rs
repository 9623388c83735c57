//! A heap buffer that starts on a cache line, so that one 64-byte load never touches two lines.

use std::marker::PhantomData;

/// One cache line, which is also one AVX-512 register.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

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
pub struct AlignedBuffer<T: Plain> {
    lines: Vec<Line>,
    len: usize,
    element: PhantomData<T>,
}

impl<T: Plain> AlignedBuffer<T> {
    pub fn zeroed(len: usize) -> Self {
        let lines = (len * size_of::<T>()).div_ceil(size_of::<Line>());
        Self { lines: vec![Line([0; 64]); lines], len, element: PhantomData }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn size_in_bytes(&self) -> usize {
        self.lines.len() * size_of::<Line>()
    }

    pub fn as_slice(&self) -> &[T] {
        // SAFETY: `lines` holds at least `len * size_of::<T>()` initialised bytes, is aligned to
        // 64 ≥ align_of::<T>(), and every bit pattern is a valid `T` (`Plain` is sealed).
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }

    pub fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as in `as_slice`, and `&mut self` makes the view the only one.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
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
