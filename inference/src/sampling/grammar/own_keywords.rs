//! The keywords that speak of one type, in the engine's form.
//!
//! Narrower than the caller's where that is safe and what callers mean: a schema that lists properties is an
//! object's, unlisted properties need an `additionalProperties` that allows them, formats become patterns.

use serde_json::{Map, Value, json};

use super::error::{GrammarError, Place};
use super::formats::{self, Format};
use super::keywords::{self, Kind, MAX_EXACT};
use super::schema::{Context, Rewriter, Rewritten};

impl<'a> Rewriter<'a> {
    pub(super) fn own_keywords(
        &mut self,
        map: &'a Map<String, Value>,
        out: &mut Rewritten,
        place: &Place,
        context: Context,
    ) -> Result<(), GrammarError> {
        let types = types(map);
        if let Some(types) = &types {
            out.own.insert("type".to_owned(), types.clone());
        }
        for (keyword, value) in map {
            match keyword.as_str() {
                "enum" | "const" | "minLength" | "maxLength" | "pattern" | "multipleOf" | "minItems" | "maxItems" => {
                    out.own.insert(keyword.clone(), value.clone());
                }
                "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
                    // Narrower than asked only where no parser could tell.
                    let beyond = value.as_f64().is_some_and(|number| number.abs() > MAX_EXACT);
                    let edge = if keyword.ends_with("inimum") { -MAX_EXACT } else { MAX_EXACT };
                    out.own.insert(keyword.clone(), if beyond { json!(edge) } else { value.clone() });
                }
                "format" => format(value, out, &place.child(keyword))?,
                "items" => {
                    out.own.insert(keyword.clone(), self.schema(value, &place.child(keyword), context)?);
                }
                "prefixItems" => {
                    out.own.insert(keyword.clone(), self.list(value, &place.child(keyword), context)?);
                }
                _ => {}
            }
        }
        if map.keys().any(|keyword| keywords::kind(keyword) == Kind::Of("object")) {
            self.object(map, &mut out.own, place, context)?;
        }
        Ok(())
    }

    fn object(
        &mut self,
        map: &'a Map<String, Value>,
        out: &mut Map<String, Value>,
        place: &Place,
        context: Context,
    ) -> Result<(), GrammarError> {
        let mut properties = self.named(map, "properties", place, context)?;
        let patterns = self.named(map, "patternProperties", place, context)?;
        for pattern in patterns.keys() {
            keywords::check_pattern(pattern, &place.child("patternProperties"))?;
        }
        let listed = map.contains_key("properties") || !patterns.is_empty();
        let additional = match map.get("additionalProperties") {
            Some(inner) => Some(self.schema(inner, &place.child("additionalProperties"), context)?),
            None => (listed && !context.merged).then_some(Value::Bool(false)),
        };
        let required: Vec<&str> =
            map.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        if !context.merged && patterns.is_empty() {
            for (index, name) in required.iter().enumerate().filter(|(_, name)| !map_has(map, name)) {
                let inner = match (map.get("additionalProperties"), &additional) {
                    (Some(Value::Bool(false)), _) => {
                        let at = place.child("required").index(index);
                        return Err(at.invalid("names a property that the object must not have"));
                    }
                    (Some(_), Some(additional)) => additional.clone(),
                    _ => Value::Bool(true),
                };
                properties.insert((*name).to_owned(), inner);
            }
        }
        let fewest = map.get("minProperties").and_then(Value::as_u64).unwrap_or(0);
        let closed = additional == Some(Value::Bool(false)) && patterns.is_empty();
        // Open names may repeat, and a repeated name is one property.
        if fewest > required.len() as u64 && !closed {
            let at = place.child("minProperties");
            return Err(at.unsupported("must not exceed the required properties where further ones may follow"));
        }
        for keyword in ["required", "minProperties", "maxProperties"] {
            if let Some(value) = map.get(keyword) {
                out.insert(keyword.to_owned(), value.clone());
            }
        }
        out.insert("properties".to_owned(), Value::Object(properties));
        if !patterns.is_empty() {
            out.insert("patternProperties".to_owned(), Value::Object(patterns));
        }
        if let Some(additional) = additional {
            out.insert("additionalProperties".to_owned(), additional);
        }
        Ok(())
    }
}

fn map_has(map: &Map<String, Value>, name: &str) -> bool {
    map.get("properties").is_some_and(|properties| properties.get(name).is_some())
}

/// The declared types; without any, those that the other keywords speak of, and none where values say it all.
fn types(map: &Map<String, Value>) -> Option<Value> {
    if let Some(types) = map.get("type") {
        return Some(types.clone());
    }
    if map.contains_key("enum") || map.contains_key("const") {
        return None;
    }
    let mut found: Vec<&str> = Vec::new();
    for keyword in map.keys() {
        if let Kind::Of(of) = keywords::kind(keyword) {
            if !found.contains(&of) {
                found.push(of);
            }
        }
    }
    (!found.is_empty()).then(|| json!(found))
}

fn format(value: &Value, out: &mut Rewritten, at: &Place) -> Result<(), GrammarError> {
    match value.as_str().and_then(formats::find) {
        None => return Err(at.unsupported("this format is not known")),
        Some(Format::Engine) => {
            out.own.insert("format".to_owned(), value.clone());
        }
        Some(Format::Pattern(pattern)) => {
            // Other types have no format; the part that speaks of strings must leave them alone.
            let others = keywords::TYPES.iter().filter(|name| !matches!(**name, "string" | "integer"));
            let strings = json!({"type": "string", "pattern": pattern});
            let lone = out.own.get("type").is_some_and(|types| types == "string" || types == &json!(["string"]));
            let part = if lone { strings } else { json!({"anyOf": [strings, {"type": others.collect::<Vec<_>>()}]}) };
            out.every.push(part);
        }
    }
    Ok(())
}
