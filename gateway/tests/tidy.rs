//! The house rules that a machine can check: which way imports point, who may name what, how large files are.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Module → the modules of this crate that it may import. `cli` may import all.
const IMPORTS: [(&str, &[&str]); 28] = [
    ("alerts", &["telemetry"]),
    ("auth", &["invoices", "limits"]),
    ("billing", &[]),
    ("invoices", &["billing", "csv"]),
    ("ledger", &["audit", "auth", "billing", "csv"]),
    ("limits", &["billing"]),
    ("cluster", &["billing", "limits"]),
    ("secrets", &["alerts"]),
    ("signing", &[]),
    ("state", &["auth", "limits", "signing"]),
    ("telemetry", &["audit", "billing"]),
    ("audit", &["auth", "billing", "csv", "signing"]),
    ("content", &[]),
    ("csv", &[]),
    ("labels", &["auth", "signing"]),
    ("pii", &["auth"]),
    ("config", &["alerts", "auth", "billing", "content", "invoices", "labels", "pii", "secrets", "signing"]),
    ("routing", &["auth", "config", "pii"]),
    ("egress", &["config"]),
    ("channels", &["alerts", "audit", "config", "egress", "secrets"]),
    ("ingress", &["config"]),
    ("login", &["auth", "config", "egress", "secrets"]),
    (
        "store",
        &[
            "audit", "auth", "billing", "config", "content", "invoices", "ledger", "limits", "pii", "secrets",
            "signing", "state",
        ],
    ),
    ("providers", &["alerts", "config", "egress", "pii", "routing", "secrets"]),
    (
        "pipeline",
        &[
            "alerts",
            "audit",
            "auth",
            "billing",
            "channels",
            "cluster",
            "config",
            "content",
            "egress",
            "labels",
            "ledger",
            "limits",
            "login",
            "pii",
            "providers",
            "routing",
            "secrets",
            "signing",
            "store",
            "telemetry",
        ],
    ),
    (
        "jobs",
        &[
            "alerts", "audit", "auth", "billing", "channels", "config", "content", "invoices", "ledger", "pii",
            "pipeline", "state", "store",
        ],
    ),
    (
        "api",
        &[
            "auth",
            "billing",
            "ledger",
            "limits",
            "content",
            "invoices",
            "jobs",
            "labels",
            "login",
            "pii",
            "pipeline",
            "routing",
            "signing",
            "state",
            "store",
            "telemetry",
        ],
    ),
    ("middleware", &["api", "audit", "auth", "ingress", "limits", "pipeline"]),
];

/// Foreign crate → the only places that may name it.
const NAMED_BY: [(&str, &[&str]); 11] = [
    ("reqwest", &["egress"]),
    ("rustls", &["egress", "ingress"]),
    ("tokio_rustls", &["ingress"]),
    ("sqlx", &["store"]),
    ("redis", &["cluster"]),
    (
        "axum",
        &["api", "ingress/listener.rs", "ingress/peer.rs", "middleware", "router.rs", "cli", "providers/engine.rs"],
    ),
    ("shekara_inference", &["cli/local_engine.rs", "config/file.rs"]),
    ("clap", &["cli"]),
    ("pdf_writer", &["invoices/pdf"]),
    ("subsetter", &["invoices/pdf"]),
    ("ttf_parser", &["invoices/pdf"]),
];

const MAX_LINES: usize = 500;
const P90_LINES: usize = 300;
const MAX_DEPTH: usize = 3;

fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut files = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    assert!(files.len() > 50, "the sources were not found");
    files
}

/// The code without its unit tests and comments.
fn code(text: &str) -> String {
    let production = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let lines: Vec<_> = production.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    lines.join("\n")
}

#[test]
fn imports_point_one_way() {
    for (name, text) in sources() {
        let module = name.split('/').next().unwrap().trim_end_matches(".rs");
        let Some((_, allowed)) = IMPORTS.iter().find(|(known, _)| *known == module) else {
            assert!(matches!(module, "cli" | "lib" | "main" | "router"), "{name}: no rule for its folder");
            continue;
        };
        for part in code(&text).split("crate::").skip(1) {
            let target: String = part.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let fine = target == module || target.is_empty() || allowed.contains(&target.as_str());
            assert!(fine, "{name} imports crate::{target}");
        }
    }
}

#[test]
fn foreign_crates_are_named_only_where_they_belong() {
    for (name, text) in sources() {
        let code = code(&text);
        for (foreign, places) in NAMED_BY {
            let named = code.contains(&format!("{foreign}::")) || code.contains(&format!("use {foreign};"));
            let belongs = places.iter().any(|place| name == *place || name.starts_with(&format!("{place}/")));
            assert!(!named || belongs, "{name} names {foreign}");
        }
        assert!(!code.contains("unsafe {") && !code.contains("unsafe fn"), "{name} is unsafe");
    }
}

/// Nothing is fetched for a caller: what opens connections outward sends routed requests, asks Vault or the operator's login
/// provider, tells an operator, or probes a gateway from the command line.
#[test]
fn connections_outward_are_opened_in_few_places() {
    for (name, text) in sources() {
        let sends = code(&text).contains("EgressClient");
        let belongs = name.starts_with("egress/")
            || matches!(
                name.as_str(),
                "channels/webhook.rs"
                    | "channels/national_bank.rs"
                    | "providers/upstream.rs"
                    | "providers/vault_wire.rs"
                    | "login/wire.rs"
                    | "cli/probe/environment.rs"
            );
        assert!(!sends || belongs, "{name} opens connections outward");
        let opens = ["TcpStream::connect", "UdpSocket::bind"].iter().any(|way| code(&text).contains(way));
        assert!(!opens || name.starts_with("egress/"), "{name} opens a socket outward");
    }
}

#[test]
fn files_are_small_open_with_their_purpose_and_lie_flat() {
    let mut sizes = Vec::new();
    for (name, text) in sources() {
        let lines = text.lines().count();
        assert!(lines <= MAX_LINES, "{name} has {lines} lines");
        assert!(text.starts_with("//!"), "{name} does not say what it is for");
        assert!(name.matches('/').count() <= MAX_DEPTH, "{name} lies too deep");
        sizes.push(lines);
    }
    sizes.sort_unstable();
    let p90 = sizes[sizes.len() * 9 / 10];
    assert!(p90 <= P90_LINES, "the 90th percentile of file lengths is {p90}");
}
