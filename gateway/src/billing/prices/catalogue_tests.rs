//! The catalogue that comes with the program: that it holds, and some of its rows by hand.

use jiff::tz::Offset;

use super::*;
use crate::billing::measure::Measure;
use crate::billing::prices::{Asked, PriceBook};
use crate::billing::usage::Usage;

fn book() -> PriceBook {
    PriceBook::new(Catalogue::built_in().unwrap(), Vec::new(), Offset::constant(5))
}

fn cost(list: &str, model: &str, at: &str, (prompt, completion): (u64, u64)) -> String {
    let book = book();
    let asked = Asked { provider: "own-name", list: Some(list), model, at: at.parse().unwrap() };
    let usage = Usage { prompt_tokens: Some(prompt), completion_tokens: Some(completion), ..Usage::default() };
    let price = book.price(asked).unwrap();
    price.cost_at(&usage, price.peak_factor(asked.at)).unwrap().to_string()
}

#[test]
fn the_built_in_catalogue_holds() {
    let catalogue = Catalogue::built_in().unwrap();
    assert_eq!(catalogue.as_of.to_string(), "2026-11-22");
    for list in &catalogue.lists {
        assert!(!list.prices.is_empty() && !list.source.is_empty(), "{}", list.name);
        assert!(list.source_date <= catalogue.as_of, "{}", list.name);
        let versions: std::collections::BTreeSet<_> = list.prices.iter().map(Price::version).collect();
        assert_eq!(versions.len(), list.prices.len(), "two rows of {} have one version", list.name);
    }
    assert!(catalogue.lists.iter().map(|list| list.prices.len()).sum::<usize>() > 600);
}

#[test]
fn every_kind_and_cloud_preset_has_a_list() {
    let catalogue = Catalogue::built_in().unwrap();
    for name in [
        "openai",
        "anthropic",
        "gemini",
        "azure-openai",
        "mistral",
        "bedrock",
        "cerebras",
        "deepinfra",
        "deepseek",
        "fireworks",
        "groq",
        "moonshot",
        "openrouter",
        "perplexity",
        "together",
        "xai",
    ] {
        assert!(catalogue.lists.iter().any(|list| list.name == name), "{name}");
    }
    assert_eq!(catalogue.lists.len(), 16);
}

/// Each by hand: prompt times its price, and completion times its price, of a million.
#[test]
fn rows_cost_what_their_documents_say() {
    let noon = "2026-11-28T12:00:00Z";
    for (list, model, counts, dollars) in [
        ("openai", "gpt-4o", (1_000, 500), "0.0075"),
        ("openai", "gpt-4o-mini", (1_000, 500), "0.00045"),
        ("openai", "gpt-4o-2024-08-06", (1_000, 500), "0.0075"),
        ("openai", "gpt-4o-2024-05-13", (1_000, 500), "0.0125"),
        ("openai", "gpt-4o-mini-2024-07-18", (1_000, 500), "0.00045"),
        ("openai", "gpt-6.2-sol", (272_000, 0), "0.544"),
        ("openai", "gpt-6.2-sol", (272_001, 0), "1.088004"),
        ("anthropic", "claude-opus-5-5", (1_000, 1_000), "0.024"),
        ("anthropic", "claude-haiku-4-5-20251001", (2_000, 100), "0.0025"),
        ("anthropic", "claude-haiku-5-5", (100_001, 0), "0.0500005"),
        ("gemini", "gemini-2.5-pro", (200_001, 1_000), "0.5150025"),
        ("mistral", "mistral-large-2512", (1_000, 1_000), "0.002"),
        ("azure-openai", "gpt-4.1-mini", (1_000, 1_000), "0.002"),
        ("bedrock", "global.anthropic.claude-opus-5", (1_000, 1_000), "0.03"),
        ("bedrock", "eu.anthropic.claude-opus-5", (1_000, 1_000), "0.033"),
        ("groq", "openai/gpt-oss-120b", (1_000, 1_000), "0.00075"),
        ("xai", "grok-4.7", (199_999, 0), "0.399998"),
        ("xai", "grok-4.7", (200_000, 0), "0.80"),
    ] {
        assert_eq!(cost(list, model, noon, counts), dollars, "{list} {model} {counts:?}");
    }
}

#[test]
fn prices_change_with_the_day_and_the_hour() {
    let argon = |at: &str| cost("gemini", "gemini-4-argon", at, (1_000, 1_000));
    assert_eq!(argon("2026-11-30T23:59:59Z"), "0.012");
    assert_eq!(argon("2026-12-01T00:00:00Z"), "0.024");
    let deepseek = |at: &str| cost("deepseek", "deepseek-v4-flash", at, (1_000, 1_000));
    assert_eq!(deepseek("2026-12-01T05:00:00Z"), "0.00075");
    assert_eq!(deepseek("2026-12-01T06:00:00Z"), "0.0015");
    assert_eq!(deepseek("2026-12-05T06:00:00Z"), "0.00075");
}

#[test]
fn models_that_nobody_priced_have_no_price() {
    let book = book();
    let at = "2026-12-01T00:00:00Z".parse().unwrap();
    for (list, model) in [
        (Some("openai"), "gpt-4o-maxi"),
        (Some("openai"), "gpt-4"),
        (Some("openai"), "ft:gpt-4o-mini-2024-07-18:acme::abc"),
        (Some("mistral"), "mistral-large-latest"),
        (Some("perplexity"), "sonar"),
        (Some("vllm"), "gpt-4o"),
        (None, "gpt-4o"),
    ] {
        let price = book.price(Asked { provider: "p", list, model, at });
        assert_eq!(price.is_ok(), model == "gpt-4", "{model}");
    }
    let error = book.price(Asked { provider: "p", list: None, model: "x", at }).unwrap_err();
    assert_eq!(error.to_string(), "there is no price for the model 'x' of the provider 'p'");
}

#[test]
fn speech_and_sound_have_their_units() {
    let book = book();
    let at = "2026-12-01T00:00:00Z".parse().unwrap();
    let rate = |list: &str, model: &str, measure: Measure| {
        let price = book.price(Asked { provider: "p", list: Some(list), model, at }).unwrap();
        price.rate(measure, 0).unwrap().to_string()
    };
    assert_eq!(rate("openai", "tts-1", Measure::Characters), "15.00");
    assert_eq!(rate("openai", "whisper-1", Measure::AudioMs), "0.36");
    assert_eq!(rate("groq", "whisper-large-v3-turbo", Measure::AudioMs), "0.04");
    assert_eq!(rate("anthropic", "claude-opus-5", Measure::Searches), "10.00");
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let list = |rows: &str| {
        let head =
            "as_of = \"2026-11-22\"\n[[lists]]\nname = \"openai\"\nsource = \"x\"\nsource_date = \"2026-11-10\"\n";
        format!("{head}prices = [\n{rows}\n]\n")
    };
    let refused = |text: &str| Catalogue::parse(text).unwrap_err().to_string();
    let row = r#"{ model = "gpt-5", prompt_per_million = "1.25" },"#;
    for (rows, message) in [
        (format!("{row}\n{row}"), "line 8: the price of 'gpt-5': it stands there twice for the same days"),
        (row.replace("1.25", "-1"), "line 7: the price of 'gpt-5': a price is 0 to 1000000 dollars"),
        (
            row.replace("{ model", "{ provider = \"p\", model"),
            "line 7: the price of 'gpt-5': in a list of one provider a row names none",
        ),
    ] {
        assert_eq!(refused(&list(&rows)), message);
    }
    assert!(refused(&list(&format!("{row}\n{{ model = \"x\", prompt = 1 }}"))).starts_with("line 8: unknown field"));
    assert!(refused(&list("{ model = \"x\", prompt_per_million = 0.1 }")).starts_with("line 7: a price is a text"));
    assert!(refused("as_of = ").starts_with("line 1: "));
    assert_eq!(refused("as_of = \"soon\"\nlists = []"), "line 1: a day is like 2026-12-01");
    let twice = format!("{}{}", list(row), list(row).replacen("as_of = \"2026-11-22\"\n", "", 1));
    assert_eq!(refused(&twice), "line 10: the list of 'openai' stands there twice");
}
