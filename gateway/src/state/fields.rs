//! What differs between two entries, field by field.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// One field of a change; `null` is what is not there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldChange {
    /// With dots between the names of tables.
    pub name: String,
    pub from: Value,
    pub to: Value,
}

/// In the order of names. Nothing secret stands in an entry.
pub(super) fn differences(from: Option<&impl Serialize>, to: &impl Serialize) -> Vec<FieldChange> {
    let (from, mut to) = (from.map(fields).unwrap_or_default(), fields(to));
    let mut changes = Vec::new();
    for (name, from) in from {
        let to = to.remove(&name).unwrap_or_default();
        if from != to {
            changes.push(FieldChange { name, from, to });
        }
    }
    changes.extend(to.into_iter().map(|(name, to)| FieldChange { name, from: Value::Null, to }));
    changes.sort_by(|a, b| a.name.cmp(&b.name));
    changes
}

fn fields(entry: &impl Serialize) -> BTreeMap<String, Value> {
    let mut flat = BTreeMap::new();
    // Entries are names and numbers, which always have a JSON form.
    flatten("", serde_json::to_value(entry).unwrap_or_default(), &mut flat);
    flat
}

fn flatten(path: &str, value: Value, flat: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name } else { format!("{path}.{name}") };
                flatten(&path, value, flat);
            }
        }
        value => {
            flat.insert(path.to_owned(), value);
        }
    }
}
