//! When no value can satisfy two options of a `oneOf`, it means the same as `anyOf`.
//!
//! Options exclude each other by their types, by constant values, or, for objects, by a property that both
//! require with different constants (a tagged union). Anything less certain is refused.

use std::cell::Cell;

use serde_json::{Map, Value};

use super::error::{GrammarError, Place};
use super::schema::resolve;

const MAX_HOPS: usize = 8;
const MAX_OPTIONS: usize = 256;
/// Values compared with each other in all.
const MAX_COMPARISONS: usize = 1_000_000;

pub(super) fn check_disjoint(root: &Value, options: &Value, at: &Place) -> Result<(), GrammarError> {
    let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
    if options.len() > MAX_OPTIONS {
        return Err(at.unsupported("must not have more than 256 options"));
    }
    let left_over = Cell::new(MAX_COMPARISONS);
    for (index, right) in options.iter().enumerate() {
        if options[..index].iter().any(|left| !disjoint((root, &left_over), left, right, 0)) {
            return Err(at.index(index).unsupported("may overlap with an option before it; use anyOf"));
        }
    }
    Ok(())
}

/// What takes too long to compare counts as overlapping.
fn disjoint((root, left_over): (&Value, &Cell<usize>), left: &Value, right: &Value, depth: usize) -> bool {
    let (Some(left), Some(right)) = (target(root, left), target(root, right)) else { return false };
    if let (Some(left), Some(right)) = (constants(left), constants(right)) {
        let Some(rest) = left_over.get().checked_sub(left.len() * right.len()) else { return false };
        left_over.set(rest);
        return left.iter().all(|value| !right.iter().any(|other| same(value, other)));
    }
    if let (Some(left), Some(right)) = (types(left), types(right)) {
        if left.iter().all(|name| !right.contains(name)) {
            return true;
        }
    }
    depth < MAX_HOPS
        && required_property(left, right).any(|(left, right)| disjoint((root, left_over), left, right, depth + 1))
}

/// Follows references that stand alone.
fn target<'a>(root: &'a Value, schema: &'a Value) -> Option<&'a Map<String, Value>> {
    let mut map = schema.as_object()?;
    for _ in 0..MAX_HOPS {
        let Some(reference) = map.get("$ref").and_then(Value::as_str) else { return Some(map) };
        map = resolve(root, reference)?.as_object()?;
    }
    None
}

fn constants(map: &Map<String, Value>) -> Option<Vec<&Value>> {
    match (map.get("const"), map.get("enum")) {
        (Some(value), _) => Some(vec![value]),
        (None, Some(Value::Array(list))) => Some(list.iter().collect()),
        _ => None,
    }
}

fn same(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left.total_cmp(&right).is_eq() || (left == 0.0 && right == 0.0),
        // Arrays and objects may hold equal numbers in different spellings: only unequal kinds are certain.
        _ if left.is_array() || left.is_object() => {
            left.is_array() == right.is_array() && left.is_object() == right.is_object()
        }
        _ => left == right,
    }
}

/// Type names, integers counted as numbers.
fn types(map: &Map<String, Value>) -> Option<Vec<&str>> {
    let name = |value: &Value| match value.as_str() {
        Some("integer") => Some("number"),
        Some("number") => Some("number"),
        Some("null") => Some("null"),
        Some("boolean") => Some("boolean"),
        Some("string") => Some("string"),
        Some("array") => Some("array"),
        Some("object") => Some("object"),
        _ => None,
    };
    match map.get("type") {
        Some(Value::Array(list)) => list.iter().map(name).collect(),
        Some(value) => Some(vec![name(value)?]),
        None if map.contains_key("const") || map.contains_key("enum") => Some(
            constants(map)?
                .into_iter()
                .map(|value| match value {
                    Value::Null => "null",
                    Value::Bool(_) => "boolean",
                    Value::Number(_) => "number",
                    Value::String(_) => "string",
                    Value::Array(_) => "array",
                    Value::Object(_) => "object",
                })
                .collect(),
        ),
        None => None,
    }
}

fn required_property<'a>(
    left: &'a Map<String, Value>,
    right: &'a Map<String, Value>,
) -> impl Iterator<Item = (&'a Value, &'a Value)> {
    let requires = |map: &Map<String, Value>, name: &str| {
        map.get("required").and_then(Value::as_array).is_some_and(|list| list.iter().any(|entry| entry == name))
    };
    let object = |map: &Map<String, Value>| map.get("type").is_some_and(|types| types == "object");
    let both = object(left) && object(right);
    let properties = left.get("properties").and_then(Value::as_object).filter(|_| both);
    properties.into_iter().flatten().filter_map(move |(name, left_inner)| {
        let right_inner = right.get("properties")?.get(name)?;
        (requires(left, name) && requires(right, name)).then_some((left_inner, right_inner))
    })
}
