//! JSON merge patch (RFC 7396): what stands in the patch takes its place, what is null goes back to its default.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use shekara_protocol::error::ApiError;

/// `current` with `patch`, a JSON object, laid over it.
///
/// # Errors
/// 400, naming where the patch says what cannot be.
pub(super) fn patched<T: Serialize + DeserializeOwned>(current: &T, patch: &[u8]) -> Result<T, ApiError> {
    let patch = object(patch)?;
    let mut merged = serde_json::to_value(current).map_err(|_| ApiError::internal())?;
    merge(&mut merged, Value::Object(patch));
    read(merged)
}

/// A JSON object as what it must be.
///
/// # Errors
/// As [`patched`].
pub(super) fn read_object<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    read(Value::Object(object(body)?))
}

/// A JSON object, whatever is in it.
///
/// # Errors
/// 400: it is something else.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        ApiError::invalid_request(format!("The body must be a JSON object: line {line}, column {column}."))
    })
}

/// # Errors
/// As [`patched`].
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let message = format!("Invalid value at '{path}': {}.", error.inner());
        if path == "." { ApiError::invalid_request(message) } else { ApiError::invalid(&path, message) }
    })
}

fn merge(target: &mut Value, patch: Value) {
    let Value::Object(fields) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(own) = target.as_object_mut() else { return };
    for (name, value) in fields {
        if value.is_null() {
            own.remove(&name);
        } else {
            merge(own.entry(name).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn examples_of_the_rfc_hold() {
        for (mut target, patch, merged) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ] {
            merge(&mut target, patch);
            assert_eq!(target, merged);
        }
    }
}
