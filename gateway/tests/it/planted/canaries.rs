//! Values that stand nowhere else: half of them random words, half such as a detector knows.

use std::path::Path;

use crate::leaks::{Random, canonical};

pub struct Canaries(Random);

impl Canaries {
    pub fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    pub fn next(&mut self, number: usize) -> String {
        // Of a detector's values only few, lest everything stays inside: every third request.
        if number % 30 < 5 {
            return canonical(&mut self.0);
        }
        format!("zq7{}", self.0.of("abcdefghijkmnpqrstuvwxyz23456789", 15))
    }
}

/// The place in the list of the first value that stands in `text`: a failing test must not tell it either.
pub fn finds(text: &str, values: &[String]) -> Option<usize> {
    let text = text.to_lowercase();
    values.iter().position(|value| text.contains(&value.to_lowercase()))
}

/// Looks through the bytes of every file under `folder`.
pub fn found_in_folder(folder: &Path, values: &[String]) -> Option<(String, usize)> {
    let mut folders = vec![folder.to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            if let Some(found) = finds(&text, values) {
                return Some((path.display().to_string(), found));
            }
        }
    }
    assert!(files > 2, "the data folder is empty");
    None
}
