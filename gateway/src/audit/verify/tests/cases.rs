//! What goes wrong in practice, by name.

use super::super::{Place, ProblemKind, SignedLine, Trust, Unreadable, Verifier, Voucher};
use super::damage::{change_and_relink, entry_lines};
use super::*;

const ACME: &str = "acme";

fn keys() -> PublicKeys {
    [signer().public_key(), older_signer().public_key()].into_iter().collect()
}

/// Two tenants, three checkpoints, one of them over both tenants.
fn small() -> Trail {
    let mut trail = Trail::default();
    for tenant in [ACME, "other", ACME] {
        trail.write(writer(0), tenant);
    }
    trail.checkpoint(writer(0));
    trail.write(writer(0), ACME);
    trail.checkpoint(writer(0));
    trail.write(writer(0), ACME);
    trail.write(writer(0), ACME);
    trail.checkpoint(writer(0));
    trail.write(writer(0), ACME);
    trail
}

/// As a store gives it: without a manifest, everything sorted.
fn verify_stored(trails: &[&Trail], expected: Vec<(String, WriterId, Head)>) -> Report {
    let mut verifier = Verifier::new(&keys());
    let mut checkpoints: Vec<_> = trails.iter().flat_map(|trail| &trail.checkpoints).collect();
    checkpoints.sort_by_key(|checkpoint| (checkpoint.writer, checkpoint.number));
    checkpoints.dedup();
    for checkpoint in checkpoints {
        let of = |head: &&HeadProof| head.root() == Some(checkpoint.root);
        let trail = trails.iter().find(|trail| trail.checkpoints.contains(checkpoint)).unwrap();
        let heads: Vec<HeadProof> = trail.heads.iter().filter(of).cloned().collect();
        verifier.push_whole_checkpoint(checkpoint, &heads);
    }
    let mut lines: Vec<_> = Vec::new();
    for trail in trails {
        let seal_key = |seal: &Seal| (seal.tenant.clone(), seal.writer, 0, seal.last, seal.line().unwrap());
        let key = |entry: &Entry| (entry.tenant.clone(), entry.writer, entry.sequence, 0, entry.line());
        let head_key =
            |head: &HeadProof| (head.tenant.clone(), head.writer, head.sequence, head.checkpoint, head.line().unwrap());
        lines.extend(trail.seals.iter().map(seal_key));
        lines.extend(trail.entries.values().map(key));
        lines.extend(trail.heads.iter().map(head_key));
    }
    lines.sort();
    lines.dedup();
    for (.., line) in lines {
        verifier.push_line(&line, Place::default());
    }
    verifier.finish(expected)
}

#[test]
fn what_a_store_gives_verifies_up_to_the_heads_of_the_running_gateway() {
    let mut trail = small();
    trail.prune(writer(0), ACME, 2);
    trail.prune(writer(0), ACME, 3);
    let head = trail.chains(writer(0)).head(ACME).unwrap();
    let expected = |head| vec![(ACME.to_owned(), writer(0), head)];
    let report = verify_stored(&[&trail], expected(head));
    assert!(report.is_sound(), "{:?}", report.problems);
    assert_eq!((report.num_entries, report.num_chains, report.num_checkpoints, report.num_seals), (4, 2, 3, 2));
    // Entry 6 of acme is behind the last checkpoint.
    assert_eq!((report.num_unconfirmed, report.trust), (1, Trust::Given));
    assert!(report.first_time < report.last_time);

    let ahead = Head { sequence: 8, hash: Digest::NONE };
    let report = verify_stored(&[&trail], expected(ahead));
    let kind = ProblemKind::Truncated { ends_at: 6, promised: 8, by: Voucher::Caller };
    assert_eq!(report.first_problem().unwrap().kind, kind);
    let other = Head { sequence: 6, hash: Digest::NONE };
    let report = verify_stored(&[&trail], expected(other));
    let kind = ProblemKind::Disagrees { with: Voucher::Caller, first: 6, last: 6 };
    assert_eq!(report.first_problem().unwrap().kind, kind);
    let report = verify_stored(&[&trail], vec![("gone".to_owned(), writer(0), head)]);
    assert_eq!(report.first_problem().unwrap().place.tenant.as_deref(), Some("gone"));
}

#[test]
fn heads_that_are_gone_from_a_store_are_found() {
    let mut trail = small();
    let gone = trail.heads.iter().position(|head| head.tenant == "other").unwrap();
    trail.heads.remove(gone);
    let problem = verify_stored(&[&trail], Vec::new()).problems.remove(0);
    assert_eq!((problem.place.checkpoint, problem.kind), (Some(1), ProblemKind::HeadsMissing));
}

#[test]
fn a_copied_data_folder_is_a_fork() {
    let (mut first, mut second) = (small(), small());
    assert!(verify_stored(&[&first, &second], Vec::new()).is_sound());
    second.num_steps += 100;
    for trail in [&mut first, &mut second] {
        for _ in 0..3 {
            trail.write(writer(0), ACME);
            trail.checkpoint(writer(0));
        }
    }
    second.write(writer(0), ACME);
    let report = verify_stored(&[&first, &second], Vec::new());
    let forks: Vec<_> =
        report.problems.iter().map(|problem| (problem.place.checkpoint, problem.place.sequence)).collect();
    assert_eq!(forks, [(Some(4), None), (None, Some(7))], "{:?}", report.problems);
    for problem in &report.problems {
        let ProblemKind::Fork { hashes: [one, two] } = problem.kind else { panic!("{problem:?}") };
        assert_ne!(one, two);
        assert_eq!(problem.place.writer, Some(writer(0)));
    }
    let said = report.problems[1].to_string();
    assert!(said.starts_with("tenant \"acme\", writer a0a0a0a0a0a0a0a0, entry 7: fork: "), "{said}");
}

#[test]
fn entries_that_a_damaged_journal_lost_are_missing_and_the_chain_goes_on() {
    let mut trail = small();
    // Entries 4 and 5 were signed and then lost: the chain goes on from the checkpoint.
    for sequence in 4..=6 {
        trail.entries.remove(&(ACME.to_owned(), writer(0), sequence));
    }
    let mut chains = Chains::new(writer(0));
    for entry in trail.entries.values() {
        chains.take_over(&entry.tenant, Head { sequence: entry.sequence, hash: entry.hash }).unwrap();
    }
    for head in &trail.heads {
        chains.take_over_signed(head).unwrap();
    }
    assert_eq!(chains.moved(), []);
    trail.writers.insert(writer(0), chains);
    assert_eq!(trail.write(writer(0), ACME).sequence, 6);
    let report = verify_stored(&[&trail], Vec::new());
    assert_eq!(report.num_problems, 1, "{:?}", report.problems);
    assert_eq!(report.problems[0].kind, ProblemKind::Missing { first: 4, last: 5 });
}

#[test]
fn a_tenants_export_names_no_other_tenant() {
    let trail = small();
    let lines = trail.export(&Part { tenant: Some(ACME.to_owned()), ..Part::default() });
    assert!(verify_lines(&lines).is_sound());
    let text = lines.join("\n");
    assert!(!text.contains("other"));
    let foreign = trail.entries.values().find(|entry| entry.tenant == "other").unwrap();
    assert!(!text.contains(&foreign.hash.to_string()));
}

#[test]
fn the_earliest_interval_that_does_not_fit_is_named() {
    let trail = small();
    let mut lines = trail.export(&Part::default());
    let of_acme = entry_lines(&lines)[2];
    change_and_relink(&mut lines, of_acme);
    let report = verify_lines(&lines);
    let found: Vec<_> = report.problems.iter().map(|problem| problem.kind.clone()).collect();
    let disagrees = |with, first, last| ProblemKind::Disagrees { with, first, last };
    let expected = [
        disagrees(Voucher::Checkpoint(2), 3, 3),
        disagrees(Voucher::Checkpoint(3), 4, 5),
        disagrees(Voucher::Manifest, 6, 6),
    ];
    assert_eq!(found, expected);
    assert_eq!((report.chains.len(), report.chains[0].num_problems), (1, 3));
}

#[test]
fn only_trusted_keys_are_believed_and_the_file_says_what_it_was_checked_with() {
    let lines = small().export(&Part::default());
    let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
    let report = verify(text.as_bytes(), None).unwrap();
    assert!(report.is_sound());
    assert_eq!(report.trust, Trust::FromFile { key_id: Some(signer().key_id()) });
    assert!(report.trust.to_string().contains("only as good as where the file comes from"));

    let stranger: PublicKeys = [Signer::from_seed(&[9; 32]).public_key()].into_iter().collect();
    let report = verify(text.as_bytes(), Some(&stranger)).unwrap();
    let kind = ProblemKind::WrongKey { of: SignedLine::Manifest, key_id: signer().key_id() };
    assert_eq!(report.first_problem().unwrap().kind, kind);
    // The manifest is not believed, and so neither are the keys that it brings.
    assert_eq!(report.num_problems, 4);
}

#[test]
fn an_entry_made_by_hand_with_no_possible_number_is_unreadable() {
    let mut trail = small();
    let mut entry = trail.write(writer(0), ACME);
    for sequence in [0, u64::MAX] {
        entry.sequence = sequence;
        rehash(&mut entry);
        let mut verifier = Verifier::new(&keys());
        verifier.push_entry(&entry);
        let report = verifier.finish([]);
        assert_eq!(report.problems[0].kind, ProblemKind::Unreadable { reason: Unreadable::Shape });
    }
}

#[test]
fn a_file_that_is_no_export_is_no_export() {
    for (text, reason) in [
        (&b""[..], Unreadable::NoManifest),
        (b"\n", Unreadable::NoManifest),
        (b"{}\n", Unreadable::NoManifest),
        (b"{\"chains\":[]}\n", Unreadable::Shape),
        (b"\xff\n", Unreadable::NoManifest),
        (b"PK\x03\x04", Unreadable::NoManifest),
    ] {
        let report = verify(text, Some(&keys())).unwrap();
        let problem = report.first_problem().unwrap();
        assert_eq!((problem.place.line, &problem.kind), (Some(1), &ProblemKind::Unreadable { reason }), "{text:?}");
    }
}

#[test]
fn seals_must_follow_each_other_and_meet_the_chain() {
    let mut trail = small();
    trail.prune(writer(0), ACME, 1);
    trail.prune(writer(0), ACME, 3);
    assert!(verify_stored(&[&trail], Vec::new()).is_sound());
    let seals = trail.seals.clone();
    trail.seals = vec![seals[1].clone()];
    assert!(verify_stored(&[&trail], Vec::new()).is_sound(), "the last seal is enough");
    trail.seals = vec![seals[0].clone()];
    let report = verify_stored(&[&trail], Vec::new());
    assert_eq!(report.problems[0].kind, ProblemKind::Missing { first: 2, last: 3 });
    trail.seals.clear();
    let report = verify_stored(&[&trail], Vec::new());
    assert_eq!(report.problems[0].kind, ProblemKind::Missing { first: 1, last: 3 });
    let mut changed = seals[1].clone();
    changed.by = "nobody".to_owned();
    trail.seals = vec![seals[0].clone(), changed];
    let report = verify_stored(&[&trail], Vec::new());
    assert_eq!(report.problems[0].kind, ProblemKind::BadSignature { of: SignedLine::Seal });
}

#[test]
fn what_is_found_is_counted_even_where_it_is_not_listed() {
    let mut trail = Trail::default();
    for _ in 0..300 {
        trail.write(writer(0), ACME);
    }
    let mut lines = trail.export(&Part::default());
    for line in &mut lines[1..] {
        *line = line.replacen("200", "500", 1);
    }
    let report = verify_lines(&lines);
    assert_eq!((report.num_problems, report.problems.len()), (300, 100));
    assert_eq!((report.problems[99].place.line, report.chains[0].num_problems), (Some(101), 300));
}
