//! What a matcher promises beyond valid JSON: ends, forced tokens, special tokens, other kinds of grammar.

use serde_json::{Value, json};

use super::fixtures::{Draw, Random, Toy, allowed, run};
use super::{CompiledGrammar, GrammarCompiler, GrammarError, GrammarMatcher, GrammarSource, Vocabulary};

fn schema(schema: Value) -> GrammarSource {
    GrammarSource::JsonSchema(schema)
}

fn person() -> GrammarSource {
    schema(json!({"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"], "additionalProperties": false}))
}

const DRAWS: [Draw; 4] = [Draw::Uniform, Draw::Longest, Draw::NoQuote, Draw::Opening];

#[test]
fn matchers_move_between_threads_and_grammars_are_shared() {
    fn send<T: Send>() {}
    fn sync<T: Send + Sync>() {}
    send::<GrammarMatcher>();
    sync::<CompiledGrammar>();
    sync::<GrammarCompiler>();
}

#[test]
fn a_json_object_starts_with_a_brace_and_ends_with_its_own() {
    let toy = Toy::bytes_and_merges();
    let compiled = toy.compiler().compile(&GrammarSource::JsonObject).expect("valid");
    for token in allowed(&toy, &mut compiled.matcher()) {
        assert_eq!(toy.words[token as usize][0], b'{');
    }
    for seed in 0..60 {
        let done = run(&toy, &mut compiled.matcher(), 2 + seed as usize * 3, DRAWS[seed as usize % 4], seed);
        let document: Value = serde_json::from_slice(&done.text).expect("valid JSON");
        assert!(document.is_object() && done.finished);
    }
}

#[test]
fn keys_keep_the_order_of_the_schema_and_there_is_no_space_between() {
    let toy = Toy::bytes_and_merges();
    let compiled = toy.compiler().compile(&person()).expect("valid");
    for seed in 0..20 {
        let done = run(&toy, &mut compiled.matcher(), 60, Draw::Uniform, seed);
        let document: Value = serde_json::from_slice(&done.text).expect("valid JSON");
        assert_eq!(document.as_object().expect("an object").keys().collect::<Vec<_>>(), ["name", "age"]);
        assert!(done.text.starts_with(br#"{"name":""#), "{}", String::from_utf8_lossy(&done.text));
    }
}

#[test]
fn end_tokens_come_only_where_the_text_may_end() {
    let toy = Toy::bytes_and_merges();
    let mut matcher = toy.matcher(&person());
    assert!(!allowed(&toy, &mut matcher).contains(&toy.end));
    let mut text = Vec::new();
    while !matcher.is_finished() {
        let first = allowed(&toy, &mut matcher)[0];
        let token = matcher.advance(first, 30 - text.len());
        assert_ne!(token, toy.end, "the text is not whole");
        text.push(token);
    }
    assert_eq!(allowed(&toy, &mut matcher), [toy.end]);
    assert_eq!(matcher.advance(5, 10), toy.end, "nothing follows a whole document");
    assert!(matcher.forced(10).is_empty());
}

#[test]
fn special_tokens_stay_out_of_strings_while_their_spelling_may_occur() {
    let toy = Toy::bytes_and_merges();
    let mut matcher = toy.matcher(&person());
    while !matcher.forced(500).is_empty() {}
    matcher.advance(u32::from(b'x'), 500);
    let now = allowed(&toy, &mut matcher);
    assert!(!now.contains(&toy.end));
    let spelled = toy.words.iter().position(|word| word == b"<|im_end|>").expect("in the vocabulary");
    assert!(now.contains(&(spelled as u32)));
    for padding in toy.end + 1..toy.words.len() as u32 {
        assert!(!now.contains(&padding));
    }
}

#[test]
fn forced_tokens_are_what_sampling_could_only_have_written() {
    for toy in [Toy::bytes_and_merges(), Toy::qwen3_tiny()] {
        let compiled = toy.compiler().compile(&person()).expect("valid");
        let (mut jumping, mut stepping) = (compiled.matcher(), compiled.matcher());
        let bytes = |tokens: &[u32]| -> Vec<u8> {
            tokens.iter().flat_map(|&token| toy.words[token as usize].clone()).collect()
        };
        let forced = bytes(&jumping.forced(500));
        assert!(!forced.is_empty());
        let mut stepped = Vec::new();
        while stepped.len() < forced.len() {
            let now = allowed(&toy, &mut stepping);
            let longest = now.iter().max_by_key(|&&token| toy.words[token as usize].len()).expect("some");
            stepped.extend(bytes(&[stepping.advance(*longest, 500 - stepped.len())]));
        }
        assert!(stepped.starts_with(&forced), "{stepped:?} {forced:?}");
    }
}

#[test]
fn forced_tokens_leave_room_for_the_end() {
    let toy = Toy::bytes_and_merges();
    let compiled = toy.compiler().compile(&person()).expect("valid");
    let shortest = compiled.shortest_tokens().expect("a landing");
    for budget in 0..shortest + 8 {
        let mut matcher = compiled.matcher();
        let forced = matcher.forced(budget);
        assert!(forced.len() <= budget);
        if budget >= shortest {
            let rest = run(&toy, &mut matcher, budget - forced.len(), Draw::NoQuote, 1);
            assert!(rest.finished, "{budget}");
        }
    }
}

#[test]
fn a_choice_is_one_of_its_options_and_then_ends() {
    let toy = Toy::bytes_and_merges();
    let options = ["yes", "no", "yes, but", "é \"quoted\"\n"].map(str::to_owned);
    let compiled = toy.compiler().compile(&GrammarSource::Choice(options.to_vec())).expect("valid");
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..120 {
        let budget = [3, 30, 100][seed as usize % 3];
        let done = run(&toy, &mut compiled.matcher(), budget, Draw::Uniform, seed);
        let text = String::from_utf8(done.text).expect("UTF-8");
        assert!(options.contains(&text), "{text}");
        seen.insert(text);
    }
    assert!(seen.len() >= 3, "{seen:?}");
    let mut matcher = toy.matcher(&GrammarSource::Choice(vec!["no".to_owned()]));
    matcher.forced(10);
    assert!(matcher.is_finished());
}

#[test]
fn a_regex_holds_for_the_whole_text() {
    let toy = Toy::bytes_and_merges();
    for (regex, least, fine) in [
        (r"\d{3}-[a-z]+", 5, (|text| text.len() > 4 && text.as_bytes()[3] == b'-') as fn(&str) -> bool),
        (r"^(foo|bar)+$", 3, |text| text.len() % 3 == 0 && !text.is_empty()),
        (r"(a|b)*c{4}", 4, |text| text.ends_with("cccc")),
        (r#"".*" /x/"#, 6, |text| text.ends_with("\" /x/")),
    ] {
        let compiled = toy.compiler().compile(&GrammarSource::Regex(regex.to_owned())).expect("valid");
        for seed in 0..40 {
            let budget = [least, least + 5, 90, 150][seed as usize % 4];
            let done = run(&toy, &mut compiled.matcher(), budget, DRAWS[seed as usize / 4 % 4], seed);
            let text = String::from_utf8(done.text).expect("UTF-8");
            assert!(fine(&text), "{regex} {budget}: {text}");
        }
    }
}

#[test]
fn lark_grammars_are_followed_and_may_name_special_tokens() {
    let toy = Toy::bytes_and_merges();
    let sums = "start: sum\nsum: NUMBER | sum \"+\" NUMBER | \"(\" sum \")\"\nNUMBER: /[0-9]{1,3}/";
    let compiled = toy.compiler().compile(&GrammarSource::Lark(sums.to_owned())).expect("valid");
    let mut whole = 0;
    for seed in 0..60 {
        let done = run(&toy, &mut compiled.matcher(), [1, 4, 9, 80][seed as usize % 4], DRAWS[seed as usize % 4], seed);
        let text = String::from_utf8(done.text).expect("UTF-8");
        let (open, close) = (text.matches('(').count(), text.matches(')').count());
        assert!(open >= close && text.bytes().all(|byte| b"0123456789+()".contains(&byte)), "{text}");
        // Nobody steers them to an end: it comes where the draws find it.
        if done.finished {
            whole += 1;
            assert!(open == close && text.ends_with(|c: char| c.is_ascii_digit() || c == ')'), "{text}");
        }
    }
    assert!(whole > 0);
    let special = format!("start: \"a\" <[{}]>", toy.end);
    let mut matcher = toy.matcher(&GrammarSource::Lark(special));
    matcher.advance(u32::from(b'a'), 9);
    assert_eq!(allowed(&toy, &mut matcher), [toy.end]);
}

#[test]
fn grammars_that_are_wrong_are_refused_without_their_words() {
    let compiler = Toy::bytes_and_merges().compiler();
    let refused = |source| compiler.compile(&source).err().unwrap_or_else(|| panic!("accepted"));
    for source in [
        GrammarSource::Regex("(secret".to_owned()),
        GrammarSource::Regex("(?=secret)".to_owned()),
        GrammarSource::Regex(String::new()),
        GrammarSource::Choice(Vec::new()),
        GrammarSource::Choice(vec!["secret".to_owned(), String::new()]),
        GrammarSource::Lark("start: secret".to_owned()),
        GrammarSource::Lark("start: \"secret".to_owned()),
        GrammarSource::Lark(String::new()),
    ] {
        let error = refused(source.clone()).to_string();
        assert!(!error.contains("secret"), "{source:?}: {error}");
    }
    let error = refused(GrammarSource::Lark("start: \"a\" b\nb: ???".to_owned()));
    assert!(matches!(error, GrammarError::InvalidLark { line: 2, .. }), "{error:?}");
}

#[test]
fn the_same_source_is_compiled_once_while_it_is_remembered() {
    let compiler = Toy::bytes_and_merges().compiler();
    let choice = |number: usize| GrammarSource::Choice(vec![number.to_string()]);
    let first = compiler.compile(&choice(0)).expect("valid");
    assert!(compiler.compile(&choice(0)).expect("valid").same_as(&first));
    for number in 1..64 {
        compiler.compile(&choice(number)).expect("valid");
    }
    assert!(compiler.compile(&choice(0)).expect("valid").same_as(&first), "64 fit");
    for number in 64..128 {
        compiler.compile(&choice(number)).expect("valid");
    }
    assert!(!compiler.compile(&choice(0)).expect("valid").same_as(&first), "the 65th drives it out");
}

#[test]
fn equal_draws_give_equal_texts_whatever_ran_before() {
    let toy = Toy::qwen3_tiny();
    let compiled = toy.compiler().compile(&person()).expect("valid");
    for seed in 0..12 {
        let first = run(&toy, &mut compiled.matcher(), 80, Draw::Uniform, seed).text;
        run(&toy, &mut compiled.matcher(), 50, Draw::Longest, seed + 1);
        assert_eq!(run(&toy, &mut compiled.matcher(), 80, Draw::Uniform, seed).text, first);
        let other = Toy::qwen3_tiny().matcher(&person());
        assert_eq!(run(&toy, &mut { other }, 80, Draw::Uniform, seed).text, first);
    }
}

#[test]
fn a_token_that_the_grammar_forbids_is_replaced() {
    let toy = Toy::bytes_and_merges();
    let compiled = toy.compiler().compile(&person()).expect("valid");
    let mut random = Random(7);
    let mut matcher = compiled.matcher();
    let mut text = Vec::new();
    for remaining in (1..=40).rev() {
        let token = matcher.advance(random.below(toy.words.len() + 9) as u32, remaining);
        if token == toy.end {
            break;
        }
        text.extend_from_slice(&toy.words[token as usize]);
    }
    assert!(matcher.error().is_none());
    serde_json::from_slice::<Value>(&text).expect("valid JSON");
}

#[test]
fn a_budget_below_the_shortest_document_still_keeps_to_the_grammar() {
    let toy = Toy::bytes_and_merges();
    let compiled = toy.compiler().compile(&person()).expect("valid");
    let shortest = compiled.shortest_tokens().expect("a landing");
    let done = run(&toy, &mut compiled.matcher(), shortest - 1, Draw::Uniform, 3);
    assert!(!done.finished);
    assert!(done.text.starts_with(b"{\"name\":\""), "{}", String::from_utf8_lossy(&done.text));
}

#[test]
fn vocabularies_need_an_end() {
    assert!(Vocabulary::new(10, &[]).is_err());
    assert!(Vocabulary::new(10, &[10]).is_err());
    assert!(Vocabulary::new(10, &[9]).is_ok());
}

#[test]
fn nesting_and_numbers_stay_within_what_parsers_read() {
    let toy = Toy::bytes_and_merges();
    let compiled = toy.compiler().compile(&GrammarSource::JsonObject).expect("valid");
    for draw in [Draw::Opening, Draw::Longest] {
        let done = run(&toy, &mut compiled.matcher(), 900, draw, 11);
        serde_json::from_slice::<Value>(&done.text).unwrap_or_else(|error| panic!("{draw:?}: {error}"));
    }
}

#[test]
fn schemas_at_their_bounds_compile_in_bounded_work() {
    let compiler = Toy::bytes_and_merges().compiler();
    let names = |count: usize| (0..count).map(|number| format!("property_{number}"));
    let wide: serde_json::Map<String, Value> = names(400).map(|name| (name, json!({"type": "string"}))).collect();
    let deep =
        (0..60).fold(json!({"type": "null"}), |inner, _| json!({"type": "array", "items": inner, "minItems": 1}));
    for (what, source) in [
        ("wide", json!({"type": "object", "properties": wide, "required": names(400).collect::<Vec<_>>()})),
        ("optional", json!({"type": "object", "properties": wide})),
        ("deep", deep),
        ("enum", json!({"enum": names(2000).collect::<Vec<_>>()})),
        ("long", json!({"type": "string", "minLength": 5_000, "maxLength": 100_000})),
        ("many", json!({"type": "array", "items": {"type": "integer"}, "minItems": 3_000, "maxItems": 100_000})),
        ("pattern", json!({"type": "string", "pattern": "^([a-z]{1,50}-){1,50}[0-9]{1,99}$"})),
    ] {
        let compiled = compiler.compile(&schema(source));
        assert!(compiled.is_ok_and(|compiled| compiled.shortest_tokens().is_some()), "{what}");
    }
}
