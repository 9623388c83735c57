//! Numbers on their way into JSON values.

use serde_json::Value;

/// −1.1 rather than the −1.100000023841858 that widening the bits would write. Null for what JSON cannot say.
pub(crate) fn shortest(number: f32) -> Value {
    number.to_string().parse::<f64>().map_or(Value::Null, Value::from)
}
