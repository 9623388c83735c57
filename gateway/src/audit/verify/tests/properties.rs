//! Whatever is done to an export is found, where it was done; an export that nothing was done to verifies.

use proptest::prelude::*;
use proptest::sample::Index;

use super::super::{Problem, ProblemKind, Unreadable, Verifier};
use super::damage::{Kind, change_and_rehash, change_and_relink, entry_lines, kind, twin};
use super::*;

#[derive(Debug, Clone)]
enum Step {
    Write { writer: u8, tenant: usize },
    Checkpoint { writer: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..2_u8, 0..TENANTS.len()).prop_map(|(writer, tenant)| Step::Write { writer, tenant }),
        1 => (0..2_u8).prop_map(|writer| Step::Checkpoint { writer }),
    ]
}

fn trail() -> impl Strategy<Value = Trail> {
    (prop::collection::vec(step(), 4..60), prop::collection::vec((0..2_u8, 0..TENANTS.len(), 1..3_u64), 0..3)).prop_map(
        |(steps, prunes)| {
            let mut trail = Trail::default();
            trail.write(writer(0), TENANTS[0]);
            for step in steps {
                match step {
                    Step::Write { writer: at, tenant } => drop(trail.write(writer(at), TENANTS[tenant])),
                    Step::Checkpoint { writer: at } => trail.checkpoint(writer(at)),
                }
            }
            for (at, tenant, count) in prunes {
                let (of, tenant) = (writer(at), TENANTS[tenant]);
                let first = trail.entries.keys().find(|key| key.0 == tenant && key.1 == of).map(|key| key.2);
                let length = trail.chains(of).head(tenant).map_or(0, |head| head.sequence);
                if let Some(last) = first.map(|first| first + count - 1).filter(|last| *last < length) {
                    trail.prune(of, tenant, last);
                }
            }
            trail
        },
    )
}

fn part() -> impl Strategy<Value = Part> {
    (prop::option::of(0..TENANTS.len()), prop::option::of(0..20_usize), prop::option::of(8..30_usize)).prop_map(
        |(tenant, from, to)| Part {
            tenant: tenant.map(|at| TENANTS[at].to_owned()),
            from: from.map(time),
            to: to.map(time),
        },
    )
}

fn export() -> impl Strategy<Value = Vec<String>> {
    (trail(), prop_oneof![Just(Part::default()), part()]).prop_map(|(trail, part)| trail.export(&part))
}

fn first(lines: &[String]) -> Problem {
    let report = verify_lines(lines);
    report.first_problem().cloned().unwrap_or_else(|| panic!("nothing was found:\n{}", lines.join("\n")))
}

/// Of the line that begins or goes on behind these bytes.
fn number_of_line(before: &[u8]) -> u64 {
    before.split(|byte| *byte == b'\n').count() as u64
}

fn is_of(problem: &Problem, of: &Kind) -> bool {
    let place = &problem.place;
    match of {
        Kind::Manifest => place.line == Some(1),
        Kind::Checkpoint(writer, _) => place.writer == Some(*writer),
        Kind::Seal(tenant, writer) | Kind::Entry(tenant, writer, _) | Kind::Head(tenant, writer, _) => {
            place.tenant.as_ref() == Some(tenant) && place.writer == Some(*writer)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn an_export_or_a_part_of_one_verifies(trail in trail(), part in part()) {
        for part in [Part::default(), part] {
            let lines = trail.export(&part);
            let report = verify_lines(&lines);
            prop_assert!(report.is_sound(), "{:?}\n{}", report, lines.join("\n"));
            prop_assert_eq!(report.num_entries as usize, entry_lines(&lines).len());
        }
    }

    #[test]
    fn a_line_that_was_taken_out_is_found(lines in export(), at in any::<Index>()) {
        let at = at.index(lines.len());
        let mut damaged = lines.clone();
        let taken = kind(&damaged.remove(at));
        let problem = first(&damaged);
        prop_assert!(is_of(&problem, &taken), "{:?} of {:?}", problem, taken);
        if let Kind::Entry(_, _, sequence) = taken {
            let is_named = match problem.kind {
                ProblemKind::Missing { first, last } => (first, last) == (sequence, sequence),
                ProblemKind::Truncated { ends_at, promised, .. } => (ends_at, promised) == (sequence - 1, sequence),
                _ => false,
            };
            prop_assert!(is_named, "{:?} of {}", problem, sequence);
        }
    }

    #[test]
    fn a_file_that_was_cut_off_is_found(lines in export(), at in any::<Index>()) {
        prop_assume!(lines.len() > 1);
        let kept = at.index(lines.len() - 1) + 1;
        let problem = first(&lines[..kept]);
        let missing = kind(&lines[kept]);
        prop_assert!(is_of(&problem, &missing), "{:?} of {:?}", problem, missing);
        if let Kind::Entry(_, _, sequence) = missing {
            let is_named = matches!(problem.kind, ProblemKind::Truncated { ends_at, .. } if ends_at == sequence - 1);
            prop_assert!(is_named, "{:?}", problem);
        }
    }

    #[test]
    fn a_file_that_was_cut_off_within_a_line_is_found(lines in export(), at in any::<Index>()) {
        let text = lines.join("\n");
        let end = at.index(text.len());
        let cut = &text.as_bytes()[..end];
        let report = verify(cut, Some(&trusted())).unwrap();
        let problem = report.first_problem().unwrap();
        if !cut.is_empty() && cut.last() != Some(&b'\n') {
            let line = number_of_line(cut);
            prop_assert_eq!(problem.place.line, Some(line));
            let is_named = problem.kind == ProblemKind::Unreadable { reason: Unreadable::CutOff };
            prop_assert!(is_named || line == 1, "{:?}", problem);
        }
    }

    #[test]
    fn a_byte_that_was_changed_is_found(lines in export(), at in any::<Index>(), byte in any::<u8>(), flip in any::<bool>()) {
        let mut text = lines.join("\n").into_bytes();
        text.push(b'\n');
        let at = at.index(text.len());
        let byte = if flip { text[at] ^ (1 << (byte % 8)) } else { byte };
        prop_assume!(text[at] != byte);
        let line = number_of_line(&text[..at]);
        text[at] = byte;
        let report = verify(&*text, Some(&trusted())).unwrap();
        let problem = report.first_problem().unwrap();
        prop_assert_eq!(problem.place.line, Some(line), "{:?}", problem);
    }

    #[test]
    fn lines_that_changed_places_are_found(lines in export(), at in any::<Index>(), to in any::<Index>()) {
        prop_assume!(lines.len() > 1);
        let at = at.index(lines.len());
        let to = (at + 1 + to.index(lines.len() - 1)) % lines.len();
        let mut damaged = lines.clone();
        damaged.swap(at, to);
        let problem = first(&damaged);
        let range = at.min(to) as u64 + 1..=at.max(to) as u64 + 1;
        prop_assert!(problem.place.line.is_some_and(|line| range.contains(&line)), "{:?} in {:?}\n{}", problem, range, damaged.join("\n"));
    }

    #[test]
    fn a_line_that_was_repeated_is_found(lines in export(), at in any::<Index>(), to in any::<Index>()) {
        let (at, to) = (at.index(lines.len()), to.index(lines.len() + 1));
        let mut damaged = lines.clone();
        damaged.insert(to, lines[at].clone());
        let problem = first(&damaged);
        let original = if to <= at { at + 1 } else { at };
        // What is put into another chain's lines may only show where those go on.
        let is_there = problem.place.line.is_some_and(|line| [to, to + 1, original].contains(&(line as usize - 1)));
        prop_assert!(is_there || to == 0, "{:?} of {:?}\n{}", problem, to + 1, damaged.join("\n"));
    }

    #[test]
    fn a_changed_entry_with_its_hash_made_right_is_found(lines in export(), at in any::<Index>()) {
        let entries = entry_lines(&lines);
        prop_assume!(!entries.is_empty());
        let at = entries[at.index(entries.len())];
        let mut damaged = lines.clone();
        change_and_rehash(&mut damaged, at);
        let problem = first(&damaged);
        let of = kind(&lines[at]);
        let Kind::Entry(_, _, sequence) = of else { unreachable!() };
        let is_named = match problem.kind {
            ProblemKind::BrokenLink => problem.place.sequence == Some(sequence + 1),
            ProblemKind::Disagrees { first, last, .. } => (first..=last).contains(&sequence),
            _ => false,
        };
        prop_assert!(is_named && is_of(&problem, &of), "{:?} of {:?}", problem, of);
    }

    #[test]
    fn a_changed_entry_with_everything_behind_it_made_to_fit_is_found(lines in export(), at in any::<Index>()) {
        let entries = entry_lines(&lines);
        prop_assume!(!entries.is_empty());
        let at = entries[at.index(entries.len())];
        let mut damaged = lines.clone();
        change_and_relink(&mut damaged, at);
        let problem = first(&damaged);
        let of = kind(&lines[at]);
        let Kind::Entry(ref tenant, writer, sequence) = of else { unreachable!() };
        let ProblemKind::Disagrees { with, first, last } = problem.kind else { panic!("{problem:?}") };
        prop_assert!(is_of(&problem, &of) && (first..=last).contains(&sequence), "{:?} of {:?}", problem, of);
        let heads = lines.iter().filter_map(|line| HeadProof::read(line).ok());
        let heads = heads.filter(|head| head.tenant == *tenant && head.writer == writer && head.sequence >= sequence);
        let earliest = heads.min_by_key(|head| head.sequence).map(|head| (head.checkpoint, head.sequence));
        let expected = earliest.map_or(super::super::Voucher::Manifest, |(number, _)| super::super::Voucher::Checkpoint(number));
        prop_assert_eq!(with, expected);
    }

    #[test]
    fn an_added_entry_is_found(lines in export(), at in any::<Index>(), to in any::<Index>()) {
        let entries = entry_lines(&lines);
        prop_assume!(!entries.is_empty());
        let (at, to) = (entries[at.index(entries.len())], to.index(lines.len()) + 1);
        let mut damaged = lines.clone();
        damaged.insert(to, twin(&lines[at]));
        let problem = first(&damaged);
        let genuine = if to <= at { at + 1 } else { at };
        let is_there = problem.place.line.is_some_and(|line| [to, to + 1, genuine].contains(&(line as usize - 1)));
        prop_assert!(is_there, "{:?} of {:?}\n{}", problem, to + 1, damaged.join("\n"));
    }

    #[test]
    fn an_entry_that_was_replaced_by_another_writing_is_found(lines in export(), at in any::<Index>(), space in any::<Index>()) {
        let entries = entry_lines(&lines);
        prop_assume!(!entries.is_empty());
        let at = entries[at.index(entries.len())];
        let mut damaged = lines.clone();
        let places: Vec<usize> = damaged[at].match_indices([':', ',']).map(|(place, _)| place).collect();
        damaged[at].insert(places[space.index(places.len())], ' ');
        prop_assert_eq!(first(&damaged).place.line, Some(at as u64 + 1));
    }

    #[test]
    fn damage_upon_damage_is_found(
        lines in export(),
        damages in prop::collection::vec((0..6_u8, any::<Index>(), any::<Index>()), 1..6),
    ) {
        let mut damaged = lines.clone();
        for (damage, at, to) in damages {
            if damaged.is_empty() {
                break;
            }
            let (at, to) = (at.index(damaged.len()), to.index(damaged.len()));
            let is_entry = Entry::read(&damaged[at]).is_ok();
            match damage {
                0 => drop(damaged.remove(at)),
                1 => damaged.swap(at, to),
                2 => damaged.insert(to, damaged[at].clone()),
                3 if is_entry => change_and_rehash(&mut damaged, at),
                4 if is_entry => change_and_relink(&mut damaged, at),
                5 if is_entry => damaged.insert(to, twin(&damaged[at])),
                _ => damaged.truncate(at + 1),
            }
        }
        prop_assert_eq!(verify_lines(&damaged).is_sound(), damaged == lines, "{}", damaged.join("\n"));
    }

    #[test]
    fn whatever_a_killed_process_left_is_a_chain_that_goes_on(trail in trail(), at in any::<Index>()) {
        let lines: Vec<String> = trail.entries.values().map(Entry::line).collect();
        let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
        let cut = &text.as_bytes()[..at.index(text.len() + 1)];
        // The journal cuts off a torn record.
        let whole = cut.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let keys: PublicKeys = [signer().public_key(), older_signer().public_key()].into_iter().collect();
        let mut verifier = Verifier::new(&keys);
        for seal in &trail.seals {
            verifier.push_seal(seal);
        }
        let mut num_entries = 0;
        for line in std::str::from_utf8(&cut[..whole]).unwrap().lines() {
            verifier.push_entry(&Entry::read(line).unwrap());
            num_entries += 1;
        }
        let report = verifier.finish([]);
        prop_assert!(report.is_sound(), "{:?}", report);
        prop_assert_eq!(report.num_entries, num_entries);
    }
}
