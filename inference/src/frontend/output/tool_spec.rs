//! A tool of the request, as far as reading and forcing its calls needs it.

use serde_json::{Map, Value, json};

/// A function that the model may call.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolSpec {
    pub name: String,
    /// JSON schema of the arguments.
    pub parameters: Value,
    /// Arguments must fit the schema even when the model is free to call or not.
    pub strict: bool,
}

impl ToolSpec {
    /// Without `parameters` a tool takes none.
    pub fn new(name: impl Into<String>, parameters: Option<Value>, strict: bool) -> Self {
        let none = || json!({"type": "object", "properties": {}, "additionalProperties": false});
        Self { name: name.into(), parameters: parameters.unwrap_or_else(none), strict }
    }

    /// The schema of one argument, where the tool declares it.
    pub(super) fn argument(&self, key: &str) -> Option<&Map<String, Value>> {
        self.parameters.get("properties")?.get(key)?.as_object()
    }
}
