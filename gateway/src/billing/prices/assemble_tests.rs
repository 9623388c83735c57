//! Rows that hold, and rows that are refused with what is wrong with them.

use super::*;

#[derive(Debug, serde::Deserialize)]
struct File {
    prices: Vec<PriceFile>,
}

fn read(rows: &str) -> Result<Vec<Price>, BadRow> {
    let file: File = toml::from_str(&format!("prices = [{rows}]")).unwrap();
    assemble(Origin("2026-11-22"), "openai", &file.prices)
}

fn problem(rows: &str) -> Problem {
    read(rows).unwrap_err().problem
}

#[test]
fn rows_become_prices_with_their_tiers() {
    let rows = r#"{ model = "a", also = ["b"], prompt_per_million = "2", completion_per_million = 10 },
        { model = "c", per_audio_minute = "0.006" },
        { model = "a", above_prompt_tokens = 1000, prompt_per_million = 2, completion_per_million = "15" },
        { model = "a", above_prompt_tokens = 2000, prompt_per_million = 4, completion_per_million = "15" },
        { model = "a", from = "2026-12-01", prompt_per_million = 1 }"#;
    let prices = read(rows).unwrap();
    assert_eq!(prices.len(), 3);
    assert_eq!(prices[0].names().collect::<Vec<_>>(), ["a", "b"]);
    let rate = |prompt_tokens: u64| prices[0].rate(Measure::PromptTokens, prompt_tokens).unwrap().to_string();
    assert_eq!([rate(0), rate(1_000), rate(1_001), rate(2_001)], ["2.00", "2.00", "2.00", "4.00"]);
    assert_eq!(prices[0].tiers().len(), 2);
    assert_eq!(prices[1].rate(Measure::AudioMs, 0).unwrap().to_string(), "0.36");
    assert_eq!(prices[2].from(), Some("2026-12-01".parse().unwrap()));
}

#[test]
fn a_version_names_the_very_price() {
    let version = |row: &str| read(row).unwrap().remove(0).version().to_owned();
    let plain = version(r#"{ model = "a", prompt_per_million = "2.50" }"#);
    assert!(plain.starts_with("2026-11-22-") && plain.len() == 19, "{plain}");
    assert_eq!(version(r#"{ model = "a", prompt_per_million = "2.5", source = "x", also = ["b"] }"#), plain);
    for other in [
        r#"{ model = "b", prompt_per_million = "2.50" }"#,
        r#"{ model = "a", prompt_per_million = "2.51" }"#,
        r#"{ model = "a", completion_per_million = "2.50" }"#,
        r#"{ model = "a", from = "2026-12-01", prompt_per_million = "2.50" }"#,
        r#"{ model = "a", prompt_per_million = "2.50" }, { model = "a", above_prompt_tokens = 1, prompt_per_million = "3" }"#,
        r#"{ model = "a", prompt_per_million = "2.50", per_image = [{ each = "1" }] }"#,
        r#"{ model = "a", prompt_per_million = "2.50", peak = { factor = "2", utc_hours = ["01:00-02:00"] } }"#,
    ] {
        assert_ne!(version(other), plain, "{other}");
    }
}

#[test]
fn what_cannot_hold_is_refused() {
    for (rows, expected) in [
        (r#"{ model = "", prompt_per_million = 1 }"#, Problem::Name),
        (r#"{ model = "a", also = ["b c"], prompt_per_million = 1 }"#, Problem::Name),
        (r#"{ model = "a" }"#, Problem::Empty),
        (r#"{ model = "a", from = "01.12.2026", prompt_per_million = 1 }"#, Problem::Day),
        (r#"{ model = "a", prompt_per_million = "-1" }"#, Problem::Range),
        (r#"{ model = "a", prompt_per_million = -1 }"#, Problem::Range),
        (r#"{ model = "a", prompt_per_million = 1000001 }"#, Problem::Range),
        (r#"{ model = "a", per_image = [{ each = "-0.01" }] }"#, Problem::Range),
        (r#"{ model = "a", per_audio_minute = 1, per_audio_hour = 60 }"#, Problem::MinuteAndHour),
        (r#"{ model = "a", prompt_per_million = 1 }, { model = "a", prompt_per_million = 1 }"#, Problem::Twice),
        (
            r#"{ model = "a", prompt_per_million = 1 }, { model = "b", also = ["a"], prompt_per_million = 1 }"#,
            Problem::Twice,
        ),
        (r#"{ model = "a", above_prompt_tokens = 1, prompt_per_million = 1 }"#, Problem::TierAlone),
        (
            r#"{ model = "a", prompt_per_million = 1, peak = { factor = "0.5", utc_hours = ["01:00-02:00"] } }"#,
            Problem::Peak,
        ),
        (r#"{ model = "a", prompt_per_million = 1, peak = { factor = "2", utc_hours = [] } }"#, Problem::Peak),
        (
            r#"{ model = "a", prompt_per_million = 1, peak = { factor = "2", utc_hours = ["22:00-02:00"] } }"#,
            Problem::Peak,
        ),
    ] {
        assert_eq!(problem(rows), expected, "{rows}");
    }
}

#[test]
fn longer_prompts_cost_no_less_and_are_priced_as_the_others() {
    let tier = |rest: &str| format!(r#"{{ model = "a", prompt_per_million = 2, per_request = 1 }}, {rest}"#);
    let cheaper = r#"{ model = "a", above_prompt_tokens = 9, prompt_per_million = 1 }"#;
    assert_eq!(problem(&tier(cheaper)), Problem::TierCheaper);
    for more in ["completion_per_million = 9", "per_request = 2", "also = [\"b\"]", "per_image = [{ each = \"1\" }]"] {
        let row = format!(r#"{{ model = "a", above_prompt_tokens = 9, prompt_per_million = 2, {more} }}"#);
        assert_eq!(problem(&tier(&row)), Problem::TierMeasures, "{more}");
    }
    let other_day = r#"{ model = "a", from = "2026-12-01", above_prompt_tokens = 9, prompt_per_million = 3 }"#;
    assert_eq!(problem(&tier(other_day)), Problem::TierAlone);
    let twice = r#"{ model = "a", above_prompt_tokens = 9, prompt_per_million = 3 }"#;
    assert_eq!(problem(&tier(&format!("{twice}, {twice}"))), Problem::TierOrder);
    assert_eq!(problem(&tier(&twice.replace('9', "0"))), Problem::TierOrder);
}

#[test]
fn floats_and_unknown_keys_are_no_prices() {
    for (row, words) in [
        (r#"{ model = "a", prompt_per_million = 2.5 }"#, "a price is a text, so that it is exact: write \"2.5\""),
        (r#"{ model = "a", prompt_per_million = "2,5" }"#, "is no price in dollars"),
        (r#"{ model = "a", prompt_per_million = "$2" }"#, "is no price in dollars"),
        (r#"{ model = "a", prompt_per_million = "1e-3" }"#, "is no price in dollars"),
        (r#"{ model = "a", prompt_per_million = true }"#, "dollars as a decimal text"),
        (r#"{ model = "a", prompt = "1" }"#, "unknown field `prompt`"),
        (r#"{ prompt_per_million = "1" }"#, "missing field `model`"),
    ] {
        let error = toml::from_str::<File>(&format!("prices = [{row}]")).unwrap_err();
        assert!(error.message().contains(words), "{row}: {}", error.message());
        assert!(error.span().is_some());
    }
}
