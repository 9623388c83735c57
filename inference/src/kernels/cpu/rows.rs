//! Some rows of a batch, taken out of it and added back to it.

use super::elementwise::add_assign;
use super::parallel::{SharedMut, for_each_range};

/// Copies these rows of `source`, `[_, width]`, to `target`, which becomes `[rows.len(), width]`.
///
/// # Panics
/// If there are fewer rows.
pub fn gather_rows(source: &[f32], width: usize, rows: &[usize], target: &mut Vec<f32>) {
    target.clear();
    for row in rows {
        target.extend_from_slice(&source[row * width..(row + 1) * width]);
    }
}

/// Adds `addend`, `[rows.len(), width]`, to these rows of `target`, `[_, stride]`, from column `first_column` on.
///
/// # Panics
/// If the rows do not ascend, or rows or columns lie outside `target`.
pub fn add_to_rows(target: &mut [f32], stride: usize, rows: &[usize], (first_column, addend): (usize, &[f32])) {
    let Some(last) = rows.last() else { return };
    let width = addend.len() / rows.len();
    assert!(rows.is_sorted_by(|one, next| one < next), "ascending rows");
    assert!((last + 1) * stride <= target.len() && first_column + width <= stride, "rows and columns of the target");
    let shared = SharedMut::new(target);
    for_each_range(rows.len(), width, |range| {
        for index in range {
            let from = rows[index] * stride + first_column;
            // SAFETY: it lies inside `target`, and no two rows are the same, so each is written by one thread.
            let row = unsafe { std::slice::from_raw_parts_mut(shared.pointer().add(from), width) };
            add_assign(row, &addend[index * width..(index + 1) * width]);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_and_added_where_they_were() {
        const STRIDE: usize = 700;
        let numbers: Vec<f32> = (0..300 * STRIDE).map(|at| at as f32).collect();
        let rows: Vec<usize> = (0..300).filter(|row| row % 3 != 1).collect();
        let mut gathered = vec![1.0; 5];
        gather_rows(&numbers, STRIDE, &rows, &mut gathered);
        for (row, values) in rows.iter().zip(gathered.chunks_exact(STRIDE)) {
            assert!(values == &numbers[row * STRIDE..(row + 1) * STRIDE], "{row}");
        }
        // Wide enough to be shared among threads.
        let addend = vec![0.5; rows.len() * 600];
        let mut target = numbers.clone();
        add_to_rows(&mut target, STRIDE, &rows, (50, &addend));
        for (at, (after, before)) in target.iter().zip(&numbers).enumerate() {
            let is_added = rows.contains(&(at / STRIDE)) && (50..650).contains(&(at % STRIDE));
            let expected = before + if is_added { 0.5 } else { 0.0 };
            assert_eq!(after.to_bits(), expected.to_bits(), "{at}");
        }
        add_to_rows(&mut target, STRIDE, &[], (0, &[]));
    }

    #[test]
    #[should_panic(expected = "ascending rows")]
    fn a_row_twice_is_refused() {
        add_to_rows(&mut [0.0; 8], 2, &[1, 1], (0, &[1.0; 4]));
    }
}
