//! Members and types of JSON, without a word of what stands in them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

/// Deeper and further members are not looked at.
const MAX_DEPTH: usize = 12;
const MAX_MEMBERS: usize = 1_000;
/// The gateway's own object tells who answered, which is another thing each time.
const OWN: &str = "shekara";

/// Path to types. Items of arrays share one path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::cli) struct Shape(BTreeMap<String, BTreeSet<&'static str>>);

/// A member that two shapes do not have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::cli) struct Difference {
    pub(in crate::cli) what: String,
    pub(in crate::cli) here: String,
    pub(in crate::cli) there: String,
}

impl Shape {
    pub(in crate::cli) fn add(&mut self, value: &Value) {
        self.walk("", value, 0);
    }

    fn walk(&mut self, path: &str, value: &Value, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        if !path.is_empty() && (self.0.len() < MAX_MEMBERS || self.0.contains_key(path)) {
            self.0.entry(path.to_owned()).or_default().insert(type_of(value));
        }
        match value {
            Value::Object(members) => {
                for (name, member) in members.iter().filter(|(name, _)| depth > 0 || *name != OWN) {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    self.walk(&path, member, depth + 1);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.walk(&format!("{path}[]"), item, depth + 1)),
            _ => {}
        }
    }

    /// Members that only one of them has, or that have other types there.
    pub(in crate::cli) fn differences(&self, there: &Self) -> Vec<Difference> {
        let paths: BTreeSet<&String> = self.0.keys().chain(there.0.keys()).collect();
        let differing = paths.into_iter().filter(|path| self.0.get(*path) != there.0.get(*path));
        differing
            .map(|path| Difference { what: path.clone(), here: self.types(path), there: there.types(path) })
            .collect()
    }

    fn types(&self, path: &str) -> String {
        match self.0.get(path) {
            Some(types) => types.iter().copied().collect::<Vec<_>>().join("|"),
            None => "absent".to_owned(),
        }
    }
}

pub(super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shape(value: &Value) -> Shape {
        let mut shape = Shape::default();
        shape.add(value);
        shape
    }

    #[test]
    fn only_members_and_types_differ() {
        let one = shape(&json!({ "a": [{ "b": 1 }, { "b": null }], "c": "x", "shekara": { "m": 1 } }));
        assert!(one.differences(&shape(&json!({ "a": [{ "b": null }, { "b": 7.5 }], "c": "another" }))).is_empty());
        let differences = one.differences(&shape(&json!({ "a": [{ "b": 1 }], "d": true })));
        let told: Vec<_> = differences.iter().map(|d| (&*d.what, &*d.here, &*d.there)).collect();
        assert_eq!(told, [("a[].b", "null|number", "number"), ("c", "string", "absent"), ("d", "absent", "boolean")]);
    }

    #[test]
    fn what_is_looked_at_is_bounded() {
        let many: serde_json::Map<String, Value> = (0..2 * MAX_MEMBERS).map(|at| (at.to_string(), json!(1))).collect();
        assert_eq!(shape(&Value::Object(many)).0.len(), MAX_MEMBERS);
        let deep = (0..100).fold(json!(1), |inner, _| json!({ "a": inner }));
        assert_eq!(shape(&deep).0.len(), MAX_DEPTH);
    }
}
