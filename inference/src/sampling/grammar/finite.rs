//! Finds schemas that only an endless document could satisfy, such as a list node that must have a next node.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What cannot end.
pub(super) enum Endless {
    Start,
    Definition(String),
}

/// `None` when everything can end.
///
/// Works on prepared schemas. Starting from "nothing ends", definitions whose parts end are added until none is.
pub(super) fn endless(start: &Value, definitions: &Map<String, Value>) -> Option<Endless> {
    let mut ending: BTreeMap<&str, bool> = definitions.keys().map(|name| (name.as_str(), false)).collect();
    for _ in 0..=definitions.len() {
        let found: Vec<&str> = definitions
            .iter()
            .filter(|(name, schema)| !ending[name.as_str()] && ends(schema, &ending))
            .map(|(name, _)| name.as_str())
            .collect();
        if found.is_empty() {
            break;
        }
        for name in found {
            ending.insert(name, true);
        }
    }
    if let Some((name, _)) = ending.iter().find(|(_, ends)| !**ends) {
        return Some(Endless::Definition((*name).to_owned()));
    }
    (!ends(start, &ending)).then_some(Endless::Start)
}

fn ends(schema: &Value, ending: &BTreeMap<&str, bool>) -> bool {
    let Value::Object(map) = schema else { return schema != &Value::Bool(false) };
    let all = |keyword: &str| list(map, keyword).iter().all(|inner| ends(inner, ending));
    let any = |keyword: &str| {
        let options = list(map, keyword);
        options.is_empty() || options.iter().any(|inner| ends(inner, ending))
    };
    let reference = map.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix("#/$defs/"));
    reference.is_none_or(|name| ending.get(name).copied().unwrap_or(false))
        && all("allOf")
        && any("anyOf")
        && own_ends(map, ending)
}

fn own_ends(map: &Map<String, Value>, ending: &BTreeMap<&str, bool>) -> bool {
    if map.contains_key("const") || map.contains_key("enum") {
        return true;
    }
    let by_type = |name: &str| match name {
        "object" => required(map).all(|name| {
            let inner = map.get("properties").and_then(|properties| properties.get(name));
            inner.is_none_or(|inner| ends(inner, ending))
        }),
        "array" => {
            let fewest = map.get("minItems").and_then(Value::as_u64).unwrap_or(0) as usize;
            let prefix = list(map, "prefixItems");
            prefix.iter().take(fewest).all(|inner| ends(inner, ending))
                && (fewest <= prefix.len() || map.get("items").is_none_or(|inner| ends(inner, ending)))
        }
        _ => true,
    };
    match map.get("type") {
        Some(Value::String(name)) => by_type(name),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(by_type),
        _ => true,
    }
}

fn list<'a>(map: &'a Map<String, Value>, keyword: &str) -> &'a [Value] {
    map.get(keyword).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn required(map: &Map<String, Value>) -> impl Iterator<Item = &str> {
    map.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
