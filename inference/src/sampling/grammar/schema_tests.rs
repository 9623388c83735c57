//! Schemas that are wrong, or ask for what cannot be promised, are refused at the place where they are.

use serde_json::{Value, json};

use super::error::Place;
use super::fixtures::Toy;
use super::{GrammarError, GrammarSource, schema};

fn place_of(error: &GrammarError) -> &str {
    match error {
        GrammarError::InvalidSchema { place, .. } | GrammarError::UnsupportedSchema { place, .. } => place,
        other => panic!("{other}"),
    }
}

fn age(part: Value) -> Value {
    json!({"type": "object", "properties": serde_json::Map::from_iter([("age".to_owned(), part)])})
}

#[test]
fn invalid_schemas_say_where() {
    let compiler = Toy::bytes_and_merges().compiler();
    let deep = (0..70).fold(json!({"type": "null"}), |inner, _| json!({"type": "array", "items": inner}));
    for (place, schema) in [
        ("(root)", json!("text")),
        ("(root)", json!([])),
        ("type", json!({"type": "strin"})),
        ("type", json!({"type": []})),
        ("type[1]", json!({"type": ["string", "string"]})),
        ("properties", json!({"type": "object", "properties": []})),
        ("required", json!({"type": "object", "required": "a"})),
        ("required[1]", json!({"type": "object", "required": ["a", 1]})),
        ("properties.age.minimum", age(json!({"type": "integer", "minimum": "x"}))),
        ("properties.age.minimum", age(json!({"type": "integer", "minimum": 9, "maximum": 3}))),
        ("properties.age.exclusiveMaximum", age(json!({"type": "number", "exclusiveMaximum": true}))),
        ("properties.age.multipleOf", age(json!({"type": "number", "multipleOf": 0}))),
        ("properties.age", age(json!(3))),
        ("properties.age.pattern", age(json!({"type": "string", "pattern": "(a"}))),
        ("properties.age.pattern", age(json!({"type": "string", "pattern": "(?<=a)b"}))),
        ("properties.age.minLength", age(json!({"type": "string", "minLength": -1}))),
        ("properties.age.minLength", age(json!({"type": "string", "minLength": 4, "maxLength": 3}))),
        ("properties.age.format", age(json!({"type": "string", "format": 7}))),
        ("properties.age.enum", age(json!({"enum": []}))),
        ("properties.age.enum", age(json!({"enum": "a"}))),
        ("properties.age.$ref", age(json!({"$ref": "#/$defs/none"}))),
        ("properties.age.anyOf", age(json!({"anyOf": []}))),
        ("properties.age.anyOf[1].type", age(json!({"anyOf": [{"type": "null"}, {"type": 3}]}))),
        ("properties.age.items.type", age(json!({"type": "array", "items": {"type": "list"}}))),
        ("properties.age.minItems", age(json!({"type": "array", "minItems": 1.5}))),
        ("properties.age.prefixItems", age(json!({"type": "array", "prefixItems": {}}))),
        ("additionalProperties", json!({"type": "object", "additionalProperties": "no"})),
        ("required[0]", json!({"type": "object", "properties": {}, "required": ["a"], "additionalProperties": false})),
        ("$defs.node.properties", json!({"$ref": "#/$defs/node", "$defs": {"node": {"properties": 4}}})),
        ("$defs.unused.type", json!({"type": "object", "$defs": {"unused": {"type": "x"}}})),
        (
            "$defs.node",
            json!({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "required": ["next"],
            "properties": {"next": {"$ref": "#/$defs/node"}}}}}),
        ),
        ("$defs.b", json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}})),
        (
            "properties.age",
            json!({"type": "object", "required": ["age"], "properties": {"age": {"type": "string", "enum": [1]}}}),
        ),
        (
            "properties.age",
            json!({"type": "object", "required": ["age"],
            "properties": {"age": {"type": "string", "pattern": "^aaaa$", "maxLength": 3}}}),
        ),
    ] {
        let error =
            compiler.compile(&GrammarSource::JsonSchema(schema.clone())).err().unwrap_or_else(|| panic!("{schema}"));
        assert_eq!(place_of(&error), place, "{schema}: {error}");
        assert!(matches!(error, GrammarError::InvalidSchema { .. }), "{schema}: {error}");
    }
    let error = compiler.compile(&GrammarSource::JsonSchema(deep)).err().expect("refused");
    assert!(matches!(error, GrammarError::UnsupportedSchema { .. }));
}

#[test]
fn what_cannot_be_promised_is_refused_with_its_keyword() {
    let compiler = Toy::bytes_and_merges().compiler();
    for (place, schema) in [
        ("properties.age.not", age(json!({"not": {"type": "null"}}))),
        ("if", json!({"type": "object", "if": {}, "then": {}})),
        ("properties.age.uniqueItems", age(json!({"type": "array", "uniqueItems": true}))),
        ("properties.age.contains", age(json!({"type": "array", "contains": {}}))),
        ("propertyNames", json!({"type": "object", "propertyNames": {"pattern": "a"}})),
        ("dependentRequired", json!({"type": "object", "dependentRequired": {}})),
        ("unevaluatedProperties", json!({"type": "object", "unevaluatedProperties": false})),
        ("requird", json!({"type": "object", "requird": []})),
        ("properties.age.$ref", age(json!({"$ref": "https://example.com/schema.json"}))),
        ("properties.age.format", age(json!({"type": "string", "format": "colour"}))),
        ("properties.age.items", age(json!({"type": "array", "items": [{"type": "null"}]}))),
        ("properties.age.oneOf[1]", age(json!({"oneOf": [{"type": "integer"}, {"type": "number"}]}))),
        ("properties.age.maxLength", age(json!({"type": "string", "maxLength": 1_000_000}))),
        ("properties.age.const", age(json!({"const": 9_007_199_254_740_993_u64}))),
        ("minProperties", json!({"type": "object", "minProperties": 2})),
        (
            "maxProperties",
            json!({"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "minProperties": 2, "maxProperties": 2}),
        ),
    ] {
        let error =
            compiler.compile(&GrammarSource::JsonSchema(schema.clone())).err().unwrap_or_else(|| panic!("{schema}"));
        assert!(matches!(error, GrammarError::UnsupportedSchema { .. }), "{schema}: {error}");
        let found = place_of(&error);
        assert!(found == place || (place == "maxProperties" && found == "(root)"), "{schema}: {error}");
    }
}

#[test]
fn errors_never_repeat_values() {
    let compiler = Toy::bytes_and_merges().compiler();
    for schema in [
        json!({"type": "secret"}),
        json!({"enum": ["secret", 9_007_199_254_740_993_u64]}),
        json!({"type": "string", "pattern": "secret("}),
        json!({"type": "string", "format": "secret"}),
        json!({"$ref": "#/secret"}),
        json!({"type": "string", "const": "secret", "maxLength": 2}),
        json!({"type": "string", "pattern": "^secret$", "maxLength": 2}),
    ] {
        let error =
            compiler.compile(&GrammarSource::JsonSchema(schema.clone())).err().unwrap_or_else(|| panic!("{schema}"));
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn annotations_and_harmless_keywords_are_taken() {
    let compiler = Toy::bytes_and_merges().compiler();
    for schema in [
        json!({"$schema": "http://json-schema.org/draft-07/schema#", "$id": "https://example.com/a", "title": "A",
            "type": "object", "properties": {"a": {"type": "array", "uniqueItems": false, "default": [], "examples": [[]]}}}),
        json!({"type": "object", "x-order": 3, "deprecated": true}),
        json!({"type": "integer", "minimum": -9_223_372_036_854_775_808_i64, "maximum": 1e300}),
        json!({"type": "object", "properties": {"a/b": {"type": "null"}, "c": {"$ref": "#/properties/a~1b"}}}),
        json!({"type": "object", "properties": {"\u{1}": {"const": "\u{7}"}}, "required": ["\u{1}"]}),
        json!({"anyOf": [{"$ref": "#"}, {"type": "null"}]}),
        json!(true),
    ] {
        if let Err(error) = compiler.compile(&GrammarSource::JsonSchema(schema.clone())) {
            panic!("{schema}: {error}");
        }
    }
}

#[test]
fn engine_options_of_the_caller_do_not_reach_the_engine() {
    let schema = json!({"type": "object", "x-guidance": {"whitespace_flexible": true}});
    let prepared = schema::prepare(&schema, &schema, &Place::default()).expect("valid");
    assert_eq!(prepared["x-guidance"]["whitespace_flexible"], json!(false));
}
