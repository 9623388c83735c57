//! The house rules that a compiler does not hold: import directions, sizes, where `unsafe` lives.
#![allow(clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What each module may import from this crate; a module may always import from itself.
const IMPORTS: [(&str, &[&str]); 16] = [
    ("audio", &[]),
    ("hub", &[]),
    ("kernels", &[]),
    ("kv_cache", &["kernels"]),
    ("scheduler", &["kv_cache"]),
    ("sampling", &[]),
    ("weights", &["kernels"]),
    ("layers", &["kernels", "weights"]),
    ("models", &["audio", "kernels", "kv_cache", "layers", "weights"]),
    ("model_runner", &["kernels", "kv_cache", "layers", "models", "sampling", "scheduler"]),
    ("engine", &["audio", "kernels", "kv_cache", "model_runner", "models", "sampling", "scheduler", "weights"]),
    // Not the hub's: only a test looks at its catalogue.
    ("bench", &["engine", "hub", "kernels", "model_runner", "models", "sampling", "weights"]),
    ("frontend", &["audio", "engine", "models", "sampling", "weights"]),
    ("catalog", &["engine", "frontend", "hub", "models", "weights"]),
    ("server", &["audio", "catalog", "engine", "frontend", "sampling"]),
    // The commands of the binary, which sees the others from outside.
    ("cli", &[]),
];

/// Crates that only some modules may name.
const CRATES: [(&str, &[&str]); 14] = [
    ("axum", &["server"]),
    ("clap", &["cli"]),
    ("flate2", &["engine"]),
    ("indicatif", &["cli"]),
    ("realfft", &["audio"]),
    ("reqwest", &["hub"]),
    ("rustls", &["hub"]),
    ("llguidance", &["frontend", "sampling"]),
    ("tokenizers", &["frontend"]),
    ("minijinja", &["frontend"]),
    ("safetensors", &["weights"]),
    ("symphonia", &["audio"]),
    ("half", &["kernels", "weights"]),
    ("shekara_protocol", &["frontend", "server"]),
];

const MAX_LINES: usize = 500;
const P90_LINES: usize = 300;
const MAX_DEPTH: usize = 3;

fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Path below `src`, its first folder (empty for files right in `src`), and the text.
fn sources() -> Vec<(String, String, String)> {
    let root = source_root();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&root).expect("below src").to_str().expect("UTF-8").to_owned();
        let module = name.split_once('/').map(|(module, _)| module.to_owned()).unwrap_or_default();
        (name, module, std::fs::read_to_string(&path).expect("readable"))
    };
    files(&root).into_iter().map(read).collect()
}

/// Names that follow `prefix` in a text: `crate::a::b` and `crate::{a, b}` alike.
fn names_after(text: &str, prefix: &str) -> Vec<String> {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    let mut names = Vec::new();
    for (at, _) in text.match_indices(prefix) {
        let rest = &text[at + prefix.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut start = true;
            for (index, character) in group.char_indices() {
                match character {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => start = true,
                    character if start && is_name(character) => {
                        names.push(group[index..].chars().take_while(|next| is_name(*next)).collect());
                        start = false;
                    }
                    _ => {}
                }
            }
        } else {
            names.push(rest.chars().take_while(|next| is_name(*next)).collect());
        }
    }
    names
}

#[test]
fn imports_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = IMPORTS.into_iter().collect();
    for (name, module, text) in sources() {
        if module.is_empty() {
            continue;
        }
        let allowed = allowed.get(module.as_str()).unwrap_or_else(|| panic!("{module} is not in the list"));
        for import in names_after(&text, "crate::") {
            let fine = import == module || allowed.contains(&import.as_str());
            assert!(fine, "{name}: {module} must not import {import}");
        }
    }
}

#[test]
fn the_list_itself_has_no_circles() {
    let mut below: Vec<&str> = Vec::new();
    for (module, imports) in IMPORTS {
        for import in imports {
            assert!(below.contains(import), "{module} imports {import}, which is not listed before it");
        }
        below.push(module);
    }
}

#[test]
fn outside_crates_stay_where_they_belong() {
    for (name, module, text) in sources() {
        for (outside, homes) in CRATES {
            let used = names_after(&text, "use ").iter().any(|import| import == outside)
                || text.contains(&format!("{outside}::"));
            let fine = !used || module.is_empty() || homes.contains(&module.as_str());
            assert!(fine, "{name}: {module} must not name {outside}");
        }
    }
}

#[test]
fn unsafe_code_is_in_kernels_alone_and_explained() {
    for (name, module, text) in sources() {
        let lines: Vec<&str> = text.lines().collect();
        for (index, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let opens = code.contains("unsafe {") || code.contains("unsafe impl");
            if !opens {
                continue;
            }
            assert_eq!(module, "kernels", "{name}:{}: unsafe", index + 1);
            let near = &lines[index.saturating_sub(4)..index];
            let explained = near.iter().any(|line| line.contains("// SAFETY"));
            assert!(explained, "{name}:{}: unsafe without // SAFETY:", index + 1);
        }
    }
}

#[test]
fn files_open_with_their_purpose_and_stay_small() {
    let mut sizes = Vec::new();
    for (name, _, text) in sources() {
        assert!(text.starts_with("//! "), "{name} does not say what it is for");
        assert!(name.matches('/').count() <= MAX_DEPTH, "{name} is too deep");
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{name} has {lines} lines");
        sizes.push(lines);
    }
    sizes.sort_unstable();
    let p90 = sizes[sizes.len() * 9 / 10];
    assert!(p90 <= P90_LINES, "a tenth of the files is longer than {p90} lines");
    for name in ["utils", "helpers", "common"] {
        let found = sources().into_iter().find(|(path, ..)| path.contains(name));
        assert!(found.is_none(), "no file is called {name}");
    }
}
