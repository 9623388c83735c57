//! The keywords of a schema: which there are, what form each must have, and which types they speak of.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::error::{GrammarError, Place};

/// Whole numbers that every JSON parser keeps exactly: ±(2^53 - 1).
pub(super) const MAX_EXACT: f64 = 9_007_199_254_740_991.0;
/// Lengths and counts beyond this are refused: they would make the grammar, not the answer, large.
/// As many properties as the strictest of providers takes in a whole schema.
const MAX_NAMES: usize = 5_000;

const MAX_LENGTH: u64 = 100_000;
const MAX_ENUM: usize = 2_000;
const MAX_PATTERN_BYTES: usize = 4_096;

pub(super) const TYPES: [&str; 7] = ["null", "boolean", "integer", "number", "string", "array", "object"];

/// Which side of the schema a keyword belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Speaks of values of this type only.
    Of(&'static str),
    /// `type`, `enum` and `const`.
    Value,
    /// `anyOf`, `oneOf`, `allOf`, `$ref`.
    Applicator,
    /// No effect on which documents are valid.
    Annotation,
    /// Known to JSON Schema, not to this grammar.
    Unsupported,
    Unknown,
}

pub(super) fn kind(keyword: &str) -> Kind {
    match keyword {
        "minLength" | "maxLength" | "pattern" | "format" => Kind::Of("string"),
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => Kind::Of("number"),
        "items" | "prefixItems" | "minItems" | "maxItems" | "uniqueItems" => Kind::Of("array"),
        "properties"
        | "patternProperties"
        | "additionalProperties"
        | "required"
        | "minProperties"
        | "maxProperties" => Kind::Of("object"),
        "type" | "enum" | "const" => Kind::Value,
        "anyOf" | "oneOf" | "allOf" | "$ref" => Kind::Applicator,
        "$defs" | "definitions" | "$schema" | "$id" | "id" | "$anchor" | "$comment" | "title" | "description"
        | "default" | "examples" | "example" | "deprecated" | "readOnly" | "writeOnly" | "contentMediaType"
        | "contentEncoding" | "discriminator" => Kind::Annotation,
        "not"
        | "if"
        | "then"
        | "else"
        | "contains"
        | "minContains"
        | "maxContains"
        | "additionalItems"
        | "unevaluatedItems"
        | "unevaluatedProperties"
        | "propertyNames"
        | "dependencies"
        | "dependentRequired"
        | "dependentSchemas"
        | "$dynamicRef"
        | "$dynamicAnchor"
        | "$recursiveRef"
        | "$recursiveAnchor"
        | "contentSchema"
        | "nullable" => Kind::Unsupported,
        _ if keyword.starts_with("x-") => Kind::Annotation,
        _ => Kind::Unknown,
    }
}

/// Checks the form of every keyword of one schema, not of the schemas inside it.
pub(super) fn check(schema: &Map<String, Value>, place: &Place) -> Result<(), GrammarError> {
    for (keyword, value) in schema {
        let at = place.child(keyword);
        match kind(keyword) {
            Kind::Unsupported => return Err(at.unsupported("this keyword is not supported")),
            Kind::Unknown => return Err(at.unsupported("this keyword is not known")),
            _ => {}
        }
        check_form(keyword, value, &at)?;
    }
    check_bounds(schema, place)
}

fn check_form(keyword: &str, value: &Value, at: &Place) -> Result<(), GrammarError> {
    match keyword {
        "type" => check_type(value, at),
        "enum" => check_enum(value, at),
        "const" => check_constant(value, at, 0),
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
            let length = value.as_u64().ok_or_else(|| at.invalid("must be a whole number, 0 or more"))?;
            if length > MAX_LENGTH { Err(at.unsupported("must not exceed 100000")) } else { Ok(()) }
        }
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
            if value.is_number() {
                Ok(())
            } else {
                Err(at.invalid("must be a number"))
            }
        }
        "multipleOf" => match value.as_f64() {
            Some(number) if number > 0.0 => Ok(()),
            _ => Err(at.invalid("must be a number above 0")),
        },
        "pattern" => check_pattern(value.as_str().ok_or_else(|| at.invalid("must be a string"))?, at),
        "format" | "$ref" if !value.is_string() => Err(at.invalid("must be a string")),
        "uniqueItems" => match value.as_bool() {
            Some(false) => Ok(()),
            Some(true) => Err(at.unsupported("this keyword is not supported")),
            None => Err(at.invalid("must be true or false")),
        },
        "properties" | "patternProperties" | "$defs" | "definitions" if !value.is_object() => {
            Err(at.invalid("must be an object"))
        }
        "required" => check_required(value, at),
        "items" if value.is_array() => Err(at.unsupported("must be one schema; for a tuple use prefixItems")),
        "anyOf" | "oneOf" | "allOf" | "prefixItems" => match value.as_array() {
            Some(list) if !list.is_empty() => Ok(()),
            _ => Err(at.invalid("must be a list of at least one schema")),
        },
        _ => Ok(()),
    }
}

fn check_type(value: &Value, at: &Place) -> Result<(), GrammarError> {
    let known = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
    match value {
        Value::Array(list) => {
            if list.is_empty() {
                return Err(at.invalid("must name at least one type"));
            }
            for (index, entry) in list.iter().enumerate() {
                if !known(entry) || list[..index].contains(entry) {
                    return Err(at.index(index).invalid("must be a type's name, each once"));
                }
            }
            Ok(())
        }
        value if known(value) => Ok(()),
        _ => Err(at.invalid("must be one of null, boolean, integer, number, string, array, object")),
    }
}

fn check_enum(value: &Value, at: &Place) -> Result<(), GrammarError> {
    let list = value.as_array().ok_or_else(|| at.invalid("must be a list"))?;
    if list.is_empty() {
        return Err(at.invalid("must hold at least one value"));
    }
    if list.len() > MAX_ENUM {
        return Err(at.unsupported("must not hold more than 2000 values"));
    }
    list.iter().enumerate().try_for_each(|(index, entry)| check_constant(entry, &at.index(index), 0))
}

fn check_constant(value: &Value, at: &Place, depth: usize) -> Result<(), GrammarError> {
    if depth > 16 {
        return Err(at.unsupported("is nested too deeply"));
    }
    match value {
        // The engine reads numbers as 64-bit floats: a value that it would round must not be promised.
        Value::Number(number) if number.as_f64().is_none_or(|number| number.abs() > MAX_EXACT) => {
            Err(at.unsupported("numbers beyond 2^53 are not supported"))
        }
        Value::Array(list) => list.iter().try_for_each(|entry| check_constant(entry, at, depth + 1)),
        Value::Object(map) => map.values().try_for_each(|entry| check_constant(entry, at, depth + 1)),
        _ => Ok(()),
    }
}

pub(super) fn check_pattern(pattern: &str, at: &Place) -> Result<(), GrammarError> {
    use llguidance::derivre::{RegexAst, RegexBuilder};
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(at.unsupported("must not exceed 4096 bytes"));
    }
    let expression = RegexAst::SearchRegex(llguidance::regex_to_lark(pattern, "dw"));
    RegexBuilder::new()
        .mk(&expression)
        .map_err(|_| at.invalid("must be a regular expression without look-around and back-references"))?;
    Ok(())
}

fn check_required(value: &Value, at: &Place) -> Result<(), GrammarError> {
    let list = value.as_array().ok_or_else(|| at.invalid("must be a list of property names"))?;
    if list.len() > MAX_NAMES {
        return Err(at.unsupported("must not have more than 5000 names"));
    }
    let mut names = HashSet::new();
    for (index, entry) in list.iter().enumerate() {
        if !entry.as_str().is_some_and(|name| names.insert(name)) {
            return Err(at.index(index).invalid("must be a property name, each once"));
        }
    }
    Ok(())
}

/// Bounds that exclude everything are a mistake of the schema, told here where the place is known.
fn check_bounds(schema: &Map<String, Value>, place: &Place) -> Result<(), GrammarError> {
    let number = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
    for (low, high) in [("minLength", "maxLength"), ("minItems", "maxItems"), ("minProperties", "maxProperties")] {
        if number(low).zip(number(high)).is_some_and(|(low, high)| low > high) {
            return Err(place.child(low).invalid("is above its maximum"));
        }
    }
    for low in ["minimum", "exclusiveMinimum"] {
        for high in ["maximum", "exclusiveMaximum"] {
            let strict = low.len() > 7 || high.len() > 7;
            let empty = |(a, b): (f64, f64)| a > b || (strict && a >= b);
            if number(low).zip(number(high)).is_some_and(empty) {
                return Err(place.child(low).invalid("leaves no number up to the maximum"));
            }
        }
        if number(low).is_some_and(|low| low > MAX_EXACT) {
            return Err(place.child(low).unsupported("numbers beyond 2^53 are not supported"));
        }
    }
    for high in ["maximum", "exclusiveMaximum"] {
        if number(high).is_some_and(|high| high < -MAX_EXACT) {
            return Err(place.child(high).unsupported("numbers beyond 2^53 are not supported"));
        }
    }
    Ok(())
}
