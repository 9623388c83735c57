//! Small ledgers against small files.

use super::super::statement::{ColumnMap, read_statement};
use super::*;

const HEAD: &str = "date,model,requests,prompt_tokens,cached_tokens,completion_tokens,cost\n";

fn ours(day: &str, model: &str, source: UsageSource, amounts: [i64; 4]) -> ProviderDay {
    let [calls, prompt_tokens, completion_tokens, micro] = amounts;
    ProviderDay {
        day: day.parse().unwrap(),
        model: model.into(),
        source,
        calls: calls.unsigned_abs(),
        prompt_tokens,
        cached_prompt_tokens: 0,
        completion_tokens,
        usd: Usd::from_pico(i128::from(micro) * 1_000_000),
        unpriced: 0,
        undollared: 0,
    }
}

fn asked() -> Asked {
    Asked {
        provider: "openai".into(),
        from: "2026-10-01".parse().unwrap(),
        until: "2026-11-01".parse().unwrap(),
        names: ModelNames::default(),
        tolerance: Tolerance::default(),
    }
}

fn compared(rows: &[ProviderDay], lines: &str, asked: &Asked) -> Comparison {
    compare(rows, &read_statement(format!("{HEAD}{lines}").as_bytes(), &ColumnMap::new()).unwrap(), asked)
}

fn told(comparison: &Comparison) -> Vec<String> {
    let line = |line: &ComparisonLine| {
        format!("{} {} {} {} {}", line.day, line.model, line.class.as_str(), line.is_explained, line.is_beyond)
    };
    comparison.lines.iter().map(line).collect()
}

#[test]
fn every_class_has_its_case() {
    use UsageSource::{Estimated, Provider};
    let rows = [
        ours("2026-10-01", "big", Provider, [2, 10, 5, 7]),
        ours("2026-10-02", "big", Provider, [2, 10, 5, 7]),
        ours("2026-10-02", "big", Estimated, [1, 3, 1, 1]),
        ours("2026-10-03", "big", Provider, [2, 10, 5, 7]),
        ours("2026-10-03", "big", Estimated, [1, 3, 1, 1]),
        ours("2026-10-04", "big", Provider, [1, 1, 1, 1]),
        ours("2026-10-05", "big", Estimated, [1, 4, 1, 1]),
        ours("2026-10-06", "big", Provider, [1, 4, 1, 1]),
    ];
    let lines = "2026-10-01,big,2,10,0,5,0.000007\n2026-10-02,big,3,20,4,9,0.00001\n2026-10-03,big,3,9,0,9,0.00001\n\
                 2026-10-04,big,1,1,0,1,0.000002\n2026-10-05,new,1,1,0,1,0\n2026-11-01,big,1,1,0,1,0\n";
    let comparison = compared(&rows, lines, &asked());
    assert_eq!(
        told(&comparison),
        [
            "2026-10-01 big equal false false",
            "2026-10-02 big differs_within_estimated true true",
            // Less than was reported.
            "2026-10-03 big differs_beyond false true",
            "2026-10-04 big differs_beyond false true",
            "2026-10-05 big theirs_missing false true",
            "2026-10-05 new ours_missing false true",
            // The file does not have the day.
            "2026-10-06 big theirs_missing false true",
        ]
    );
    let mut other = asked();
    other.names.is_absent_zero = true;
    other.names.skip.insert("new".to_owned());
    // The file has the fifth, and nothing of this model; the sixth it does not have.
    let comparison_of_absent = told(&compared(&rows, lines, &other));
    assert_eq!(
        comparison_of_absent[4..],
        ["2026-10-05 big theirs_missing true true", "2026-10-06 big theirs_missing false true"]
    );
    other.names.skip.insert("big".to_owned());
    assert!(compared(&rows, lines, &other).lines.is_empty());
    assert_eq!(comparison.unknown_models, BTreeSet::from(["new".to_owned()]));
    assert_eq!((comparison.num_outside, comparison.num_beyond()), (1, 6));
    let second = &comparison.lines[1];
    assert_eq!(Metric::ALL.map(|metric| second.target(metric)), [Some(1), Some(10), Some(4), Some(4), Some(3_000_000)]);
}

#[test]
fn dated_names_are_held_against_those_without_a_day() {
    let source = UsageSource::Provider;
    let day = "2026-10-01";
    for (own, theirs, same, class) in [
        ("gpt-5-mini", "gpt-5-mini-2025-08-07", None, "equal"),
        ("gpt-5-mini-2025-08-07", "gpt-5-mini", None, "equal"),
        ("gpt-5-mini-2025-08-07", "gpt-5-mini-2025-08-07", None, "equal"),
        ("gpt-5-mini-2025-08-07", "gpt-5-mini-2025-01-01", None, "ours_missing"),
        ("claude-haiku-4-5-20251001", "Claude Haiku 4.5", None, "equal"),
        ("gpt-5", "gpt-5-mini", None, "ours_missing"),
        ("anthropic.claude-haiku-4-5-v1:0", "Claude4.5Haiku", Some("anthropic.claude-haiku-4-5-v1:0"), "equal"),
    ] {
        let mut asked = asked();
        asked.names.same.extend(same.map(|same| (theirs.to_owned(), same.to_owned())));
        let comparison =
            compared(&[ours(day, own, source, [1, 2, 3, 4])], &format!("{day},{theirs},1,2,0,3,0.000004\n"), &asked);
        assert!(comparison.lines.iter().any(|line| line.class.as_str() == class), "{own} {theirs}: {comparison:?}");
        assert_eq!(comparison.num_beyond() == 0, class == "equal", "{own} {theirs}");
    }
    // An alias and its versions are one model, two versions without an alias are two.
    let two = [ours(day, "gpt-5", source, [1, 1, 0, 0]), ours(day, "gpt-5-2025-08-07", source, [1, 1, 0, 0])];
    let lines = format!("{day},gpt-5-2025-08-07,2,2,0,0,0\n");
    assert_eq!(told(&compared(&two, &lines, &asked())), ["2026-10-01 gpt-5 equal false false"]);
    let mut asked = asked();
    asked.names.skip.insert("other".to_owned());
    assert!(compared(&two, &format!("{lines}{day},other,2,2,0,0,0\n"), &asked).unknown_models.is_empty());
}

#[test]
fn a_tolerance_is_a_share_of_what_the_provider_says() {
    let rows = [ours("2026-10-01", "big", UsageSource::Provider, [1, 1_000, 10, 0])];
    let lines = "2026-10-01,big,1,1005,0,10,0\n";
    for (tolerance, num_beyond) in [("0", 1), ("0.4", 1), ("0.5%", 0), ("100", 0)] {
        let mut asked = asked();
        asked.tolerance = tolerance.parse().unwrap();
        assert_eq!(compared(&rows, lines, &asked).num_beyond(), num_beyond, "{tolerance}");
    }
    for wrong in ["", "-1", "x", "0.00001", "99999999999999"] {
        assert!(wrong.parse::<Tolerance>().is_err(), "{wrong}");
    }
}

#[test]
fn calls_that_were_estimated_may_or_may_not_have_been_counted() {
    let rows = [
        ours("2026-10-01", "big", UsageSource::Provider, [3, 10, 10, 0]),
        ours("2026-10-01", "big", UsageSource::Estimated, [2, 0, 0, 0]),
    ];
    for (requests, is_beyond) in [(2, true), (3, false), (4, false), (5, false), (6, true)] {
        let comparison = compared(&rows, &format!("2026-10-01,big,{requests},10,0,10,0\n"), &asked());
        assert_eq!(comparison.lines[0].is_beyond, is_beyond, "{requests}");
    }
}

#[test]
fn what_is_not_ours_by_its_calls_or_its_dollars_explains_nothing() {
    use UsageSource::{Estimated, Provider};
    let rows = [ours("2026-10-01", "big", Provider, [6, 10, 5, 7]), ours("2026-10-01", "big", Estimated, [1, 3, 1, 1])];
    // Somebody else's calls of the same account.
    let theirs = compared(&rows, "2026-10-01,big,1000,1000000,0,9,10\n", &asked());
    assert_eq!(told(&theirs), ["2026-10-01 big differs_beyond false true"]);
    let decided = [rows[0].clone(), ProviderDay { undollared: 1, ..rows[1].clone() }];
    let theirs = compared(&decided, "2026-10-01,big,7,14,0,9,0.00001\n", &asked());
    assert_eq!(told(&theirs), ["2026-10-01 big differs_beyond false true"]);
    // A bill that is not written yet is none over nothing.
    let theirs = compared(&rows, "2026-10-01,big,7,14,0,9,\n", &asked());
    assert_eq!(theirs.lines[0].theirs[Metric::Cost as usize], None);
}
