//! One fixed export. `golden_audit_chain.py` verifies the same file with nothing of this program.

use super::*;

const GOLDEN: &str = include_str!("golden_audit_export.jsonl");

fn golden() -> String {
    let mut trail = Trail::default();
    for step in 0..24 {
        let (tenant, of) = (TENANTS[step % TENANTS.len()], writer(u8::from(step % 5 == 0)));
        trail.write(of, tenant);
        if step % 7 == 6 {
            trail.checkpoint(writer(0));
            trail.checkpoint(writer(1));
        }
    }
    trail.prune(writer(0), TENANTS[0], 2);
    trail.export(&Part::default()).iter().flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn the_format_stays_as_it_is() {
    // To write it anew on purpose: SHEKARA_GOLDEN=path cargo test the_format_stays
    if let Some(path) = std::env::var_os("SHEKARA_GOLDEN") {
        std::fs::write(path, golden()).unwrap();
    }
    assert_eq!(golden(), GOLDEN);
    assert!(verify(GOLDEN.as_bytes(), Some(&trusted())).unwrap().is_sound());
}
