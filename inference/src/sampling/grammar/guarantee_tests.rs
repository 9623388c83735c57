//! Whatever is drawn, the text is a whole document that the schema accepts, within the budget.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::GrammarSource;
use super::fixtures::{Draw, Toy, run};

fn strict(properties: &Value) -> Value {
    let required: Vec<&String> = properties.as_object().expect("an object").keys().collect();
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn schemas() -> Vec<(&'static str, Value)> {
    let formats: Vec<Value> =
        ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid", "uri"]
            .iter()
            .map(|format| json!({"type": "string", "format": format}))
            .collect();
    let formats = strict(&Value::Object((b'a'..).map(|c| char::from(c).to_string()).zip(formats).collect()));
    let tree = json!({"$ref": "#/$defs/node", "$defs": {"node": strict(&json!({
        "anode": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
        "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}))}});
    let expression = json!({"$ref": "#/$defs/e", "$defs": {"e": {"anyOf": [
        strict(&json!({"kind": {"const": "binary"}, "left": {"$ref": "#/$defs/e"}, "right": {"$ref": "#/$defs/e"}})),
        strict(&json!({"kind": {"const": "zliteral"}, "value": {"type": "number"}}))]}}});
    vec![
        ("strings", strict(&json!({"name": {"type": "string"}, "note": {"type": "string"}}))),
        (
            "lengths",
            strict(&json!({"a": {"type": "string", "minLength": 7, "maxLength": 9},
            "b": {"type": "string", "minLength": 40}, "c": {"type": "string", "maxLength": 0}})),
        ),
        (
            "patterns",
            strict(&json!({"a": {"type": "string", "pattern": "^[a-z]+@[a-z]+\\.(com|org)$"},
            "b": {"type": "string", "pattern": "^(ab){3,}x?$"}, "c": {"type": "string", "pattern": "needle"},
            "d": {"type": "string", "pattern": "^\\d{3}-\\w+$"}})),
        ),
        ("formats", formats),
        (
            "numbers",
            strict(&json!({"a": {"type": "integer", "minimum": 17, "maximum": 4021}, "b": {"type": "number",
            "minimum": -0.25, "exclusiveMaximum": 0.5}, "c": {"type": "number"}, "d": {"type": "integer"},
            "e": {"type": "integer", "exclusiveMinimum": 5}, "f": {"type": "integer", "multipleOf": 7},
            "g": {"type": "number", "maximum": -3}})),
        ),
        (
            "enums",
            strict(
                &json!({"a": {"enum": ["red", "green \"q\"", null, 3, true, "é\n"]}, "b": {"const": {"x": [1, "y"]}},
            "c": {"type": "string", "enum": ["a", "ab", "abc"]}, "d": {"const": 1.5}, "e": {"type": ["string", "null"]}}),
            ),
        ),
        (
            "arrays",
            strict(&json!({"a": {"type": "array", "items": {"type": "integer"}, "minItems": 3, "maxItems": 5},
            "b": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "boolean"}], "items": false, "minItems": 2},
            "c": {"type": "array", "items": {"type": "array", "items": {"type": "null"}, "minItems": 2}, "minItems": 1}})),
        ),
        ("tree", tree),
        ("list", strict(&json!({"value": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}))),
        ("expression", expression),
        (
            "union",
            json!({"type": "object", "required": ["pet"], "properties": {"pet": {"oneOf": [{"$ref": "#/$defs/cat"},
            {"$ref": "#/$defs/dog"}], "discriminator": {"propertyName": "t"}}}, "$defs": {
            "cat": strict(&json!({"t": {"const": "cat"}, "lives": {"type": "integer", "minimum": 1, "maximum": 9}})),
            "dog": strict(&json!({"t": {"const": "dog"}, "name": {"type": "string"}, "tags": {"type": "array",
            "items": {"type": "string", "minLength": 3}, "minItems": 4}}))}}),
        ),
        (
            "open",
            json!({"type": "object", "properties": {"a\"b": {"type": "integer"}, "n": {"type": "string"}},
            "required": ["a\"b"], "additionalProperties": true}),
        ),
        ("map", json!({"type": "object", "additionalProperties": {"type": "array", "items": {"type": "number"}}})),
        ("anything", json!({"type": "object", "properties": {"x": {}, "y": true}, "required": ["x", "y"]})),
        (
            "optional",
            json!({"type": "object", "properties": {"big": strict(&json!({"a": {"type": "string", "minLength": 50},
            "b": {"type": "string", "minLength": 50}})), "c": {"type": "boolean"}, "d": {"type": "string"}}, "required": ["c"]}),
        ),
        (
            "merged",
            json!({"allOf": [{"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]},
            {"type": "object", "properties": {"at": {"type": "string", "format": "date"}}, "required": ["at"]}]}),
        ),
        (
            "long names",
            strict(&json!({"a_property_with_a_very_long_name_that_takes_many_tokens_to_write": {"type": "string"},
            "another_property_with_a_very_long_name_that_takes_many_tokens": strict(&json!({"deep": {"type": "array",
            "items": strict(&json!({"deeper": {"type": ["number", "null"]}})), "minItems": 2}}))})),
        ),
        ("patterned keys", json!({"type": "object", "patternProperties": {"^x-[a-z]+$": {"type": "integer"}}})),
        (
            "pairs",
            strict(&json!({"it": {"type": "array", "minItems": 2, "maxItems": 2, "items": strict(&json!({
            "a": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}, "b": {"type": "null"}}))}})),
        ),
        ("root array", json!({"type": "array", "items": {"type": "string", "format": "uuid"}, "minItems": 1})),
        ("root number", json!({"type": "number", "minimum": 10, "maximum": 99})),
    ]
}

fn check(name: &str, schema: &Value, text: &[u8], why: &str) {
    let text = std::str::from_utf8(text).unwrap_or_else(|_| panic!("{name}, {why}: not UTF-8"));
    let document: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}, {why}: {error}: {text}"));
    let validator = jsonschema::options().should_validate_formats(true).build(schema).expect("a valid schema");
    if let Err(error) = validator.validate(&document) {
        panic!("{name}, {why}: {error}: {text}");
    }
}

fn every_budget(toy: &Toy, seeds: u64) {
    let compiler = toy.compiler();
    for (name, schema) in schemas() {
        let compiled =
            compiler.compile(&GrammarSource::JsonSchema(schema.clone())).unwrap_or_else(|e| panic!("{name}: {e}"));
        let shortest = compiled.shortest_tokens().unwrap_or_else(|| panic!("{name}: no landing"));
        for seed in 0..seeds {
            let draws = [Draw::Uniform, Draw::Uniform, Draw::Longest, Draw::NoQuote, Draw::Opening];
            let budgets = [shortest, shortest + 3, shortest * 2 + 7, shortest + 90, 200 + shortest * 2];
            let draw = draws[seed as usize % draws.len()];
            let budget = budgets[(seed as usize / draws.len()) % budgets.len()];
            let why = format!("seed {seed}, {draw:?}, budget {budget} of {shortest}");
            let done = run(toy, &mut compiled.matcher(), budget, draw, seed);
            assert!(done.tokens <= budget);
            check(name, &schema, &done.text, &why);
        }
    }
}

#[test]
fn any_draw_gives_valid_documents_over_bytes_and_merges() {
    every_budget(&Toy::bytes_and_merges(), 30);
}

#[test]
fn any_draw_gives_valid_documents_over_a_real_tokenizer() {
    every_budget(&Toy::qwen3_tiny(), 30);
}

/// Schemas of OpenAI's strict mode, nested at random.
fn any_strict_schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"type": "string"})),
        Just(json!({"type": "boolean"})),
        Just(json!({"type": "null"})),
        Just(json!({"type": ["integer", "null"]})),
        (0_u32..30).prop_map(|most| json!({"type": "string", "maxLength": most})),
        (0_u32..30, 0_u32..9).prop_map(|(least, more)| json!({"type": "string", "minLength": least, "maxLength": least + more})),
        (-500_i32..500, 0_i32..90).prop_map(|(low, more)| json!({"type": "integer", "minimum": low, "maximum": low + more})),
        (-50_i32..50, 1_i32..90)
            .prop_map(|(low, more)| json!({"type": "number", "exclusiveMinimum": f64::from(low) / 4.0, "maximum": f64::from(low + more) / 4.0})),
        Just(json!({"type": "number"})),
        prop::sample::select(vec!["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"])
            .prop_map(|format| json!({"type": "string", "format": format})),
        prop::sample::select(vec!["^[A-Z]{2}\\d+$", "a.c", "^(x|yz)*$", "[^a]$", "^.{3}$", "^é+$", "\\s"])
            .prop_map(|pattern| json!({"type": "string", "pattern": pattern})),
        prop::collection::vec("[a-c\"\\\\é]{0,6}", 1..4).prop_map(|values| json!({"type": "string", "enum": values})),
        Just(json!({"$ref": "#/$defs/node"})),
        Just(json!({"anyOf": [{"$ref": "#"}, {"type": "null"}]})),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::btree_map("[a-e]{1,3}|[x\"é ]{1,2}", inner.clone(), 0..5)
                .prop_map(|properties| strict(&json!(properties))),
            (inner.clone(), 0_u32..4, 0_u32..3)
                .prop_map(|(items, least, more)| json!({"type": "array", "items": items, "minItems": least, "maxItems": least + more})),
            inner.clone().prop_map(|items| json!({"type": "array", "items": items})),
            prop::collection::vec(inner, 1..4).prop_map(|options| json!({"anyOf": options})),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_strict_schema_gives_valid_documents(inner in any_strict_schema(), seed in 0_u64..1000, more in 0_usize..120) {
        let mut schema = strict(&json!({"it": inner}));
        schema["$defs"] = json!({"node": strict(&json!({"left": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
            "kind": {"enum": ["a", "b"]}}))});
        let toy = Toy::bytes_and_merges();
        let compiled = match toy.compiler().compile(&GrammarSource::JsonSchema(schema.clone())) {
            Ok(compiled) => compiled,
            Err(error) => return Err(TestCaseError::fail(format!("{error}: {schema}"))),
        };
        let shortest = compiled.shortest_tokens().expect("a landing");
        let draws = [Draw::Uniform, Draw::Longest, Draw::NoQuote, Draw::Opening];
        let done = run(&toy, &mut compiled.matcher(), shortest + more, draws[seed as usize % 4], seed / 4);
        check("random", &schema, &done.text, &format!("{schema} {more}"));
    }
}
