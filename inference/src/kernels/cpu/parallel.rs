//! Sharing work over the thread pool, and not sharing what is too small to be worth it.

use rayon::prelude::*;

use super::team;

/// Below this many multiply-adds (or as many element visits) a hand-over costs more than it saves.
const SERIAL_BELOW: usize = 64 * 1024;

/// A pointer that several threads write through, each to elements of its own.
#[derive(Clone, Copy)]
pub(super) struct SharedMut<T>(*mut T);

// SAFETY: the pointer itself carries no access; every dereference is in an `unsafe` block whose
// author shows that no two threads touch the same element.
unsafe impl<T: Send> Send for SharedMut<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for SharedMut<T> {}

impl<T> SharedMut<T> {
    pub(super) fn new(slice: &mut [T]) -> Self {
        Self(slice.as_mut_ptr())
    }

    pub(super) fn pointer(self) -> *mut T {
        self.0
    }
}

/// Runs `task` over `0..count` in contiguous ranges, in parallel when `count * cost` is worth it.
pub(super) fn for_each_range(count: usize, cost: usize, task: impl Fn(std::ops::Range<usize>) + Sync) {
    let threads = team::num_threads();
    if threads == 1 || count < 2 || count.saturating_mul(cost) < SERIAL_BELOW {
        task(0..count);
        return;
    }
    // Many ranges for each thread, so that one slow core does not hold up the rest, nor the last range for long.
    let ranges = count.min(threads * 8);
    let range = |index: usize| task(index * count / ranges..(index + 1) * count / ranges);
    if !team::run(ranges, &range) {
        (0..ranges).into_par_iter().for_each(range);
    }
}

/// Calls `task(row, values)` for each row of `width` values, in parallel when worth it.
///
/// # Panics
/// Never: a trailing part of `values` shorter than `width` is left out.
pub fn for_each_row(values: &mut [f32], width: usize, task: impl Fn(usize, &mut [f32]) + Sync) {
    let rows = values.len() / width;
    let shared = SharedMut::new(values);
    for_each_range(rows, width * 4, |range| {
        for row in range {
            // SAFETY: rows are disjoint, lie inside `values`, and each is visited by one thread.
            let slice = unsafe { std::slice::from_raw_parts_mut(shared.pointer().add(row * width), width) };
            task(row, slice);
        }
    });
}
