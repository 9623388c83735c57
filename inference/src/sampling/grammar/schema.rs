//! From a caller's JSON schema to the one that the grammar engine compiles.
//!
//! Every keyword is checked where it stands, so that an error says where; what the engine would ignore or only
//! approximate is refused. The schema that comes out is never wider than the caller's: annotations are gone, an
//! object that lists its properties and says nothing about others has no others, references point to definitions
//! of the document itself, formats are spelled out, and `oneOf` with options that exclude each other is `anyOf`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::error::{GrammarError, Place};
use super::finite::{self, Endless};
use super::keywords::{self, Kind};
use super::oneof;

const MAX_DEPTH: usize = 64;
const MAX_SCHEMAS: usize = 6_000;
const MAX_REFERENCE_BYTES: usize = 1_024;

/// The engine's form of `schema`, which is `root` or a part of it; references are resolved in `root`.
pub(super) fn prepare(root: &Value, schema: &Value, place: &Place) -> Result<Value, GrammarError> {
    let mut rewriter = Rewriter { root, definitions: BTreeMap::new(), pending: Vec::new(), schemas: 0 };
    let start = rewriter.schema(schema, place, Context::default())?;
    let mut definitions = Map::new();
    let mut places = BTreeMap::new();
    while let Some(Pending { target, place, name, context }) = rewriter.pending.pop() {
        places.insert(name.clone(), place.clone());
        definitions.insert(name, rewriter.schema(target, &place, context)?);
    }
    if let Some(endless) = finite::endless(&start, &definitions) {
        let place = match endless {
            Endless::Start => place,
            Endless::Definition(name) => places.get(&name).unwrap_or(place),
        };
        return Err(place.invalid("no finite document satisfies it"));
    }
    let start =
        if let Value::Object(map) = start { map } else { Map::from_iter([("allOf".to_owned(), json!([start]))]) };
    let mut document = start;
    document.insert("$defs".to_owned(), Value::Object(definitions));
    // One spelling per string: a key's escaped spelling must not pass for another key. `\u` is needed only where
    // the schema itself demands a control character that has no short escape.
    let escapes = if has_rare_control(root) { "nrbtf\\\"u" } else { "nrbtf\\\"" };
    document.insert("x-guidance".to_owned(), json!({"whitespace_flexible": false, "json_allowed_escapes": escapes}));
    Ok(Value::Object(document))
}

/// The schemas right inside `schema`, with their places.
pub(super) fn inner_schemas<'a>(schema: &'a Value, place: &Place) -> Vec<(Place, &'a Value)> {
    let mut found = Vec::new();
    for (keyword, value) in schema.as_object().into_iter().flatten() {
        let at = place.child(keyword);
        match (keyword.as_str(), value) {
            ("properties" | "patternProperties" | "$defs" | "definitions", Value::Object(map)) => {
                found.extend(map.iter().map(|(name, inner)| (at.child(name), inner)));
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(list)) => {
                found.extend(list.iter().enumerate().map(|(index, inner)| (at.index(index), inner)));
            }
            ("items" | "additionalProperties", inner) => found.push((at, inner)),
            _ => {}
        }
    }
    found
}

/// The schema that a reference within the document names.
pub(super) fn resolve<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    root.pointer(reference.strip_prefix('#')?)
}

#[derive(Clone, Copy, Default)]
pub(super) struct Context {
    depth: usize,
    /// The schema is one of several that must hold at once: it must stay open to the others' properties.
    pub(super) merged: bool,
}

impl Context {
    fn deeper(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }
}

/// A schema being rewritten.
#[derive(Default)]
pub(super) struct Rewritten {
    pub(super) own: Map<String, Value>,
    /// Schemas that must hold beside its own keywords.
    pub(super) every: Vec<Value>,
}

struct Pending<'a> {
    target: &'a Value,
    place: Place,
    name: String,
    context: Context,
}

pub(super) struct Rewriter<'a> {
    root: &'a Value,
    /// Names given to references, by the reference and whether it is merged.
    definitions: BTreeMap<(String, bool), String>,
    pending: Vec<Pending<'a>>,
    schemas: usize,
}

impl<'a> Rewriter<'a> {
    pub(super) fn schema(&mut self, schema: &'a Value, place: &Place, context: Context) -> Result<Value, GrammarError> {
        let map = match schema {
            Value::Bool(_) => return Ok(schema.clone()),
            Value::Object(map) => map,
            _ => return Err(place.invalid("must be a schema: an object, true or false")),
        };
        self.schemas += 1;
        if self.schemas > MAX_SCHEMAS {
            return Err(GrammarError::TooLarge);
        }
        if context.depth > MAX_DEPTH {
            return Err(place.unsupported("is nested more than 64 levels deep"));
        }
        keywords::check(map, place)?;
        self.check_definitions(map, place, context)?;

        let own = map.keys().any(|keyword| matches!(keywords::kind(keyword), Kind::Of(_) | Kind::Value));
        let parts: usize = map.iter().map(|(keyword, value)| applied(keyword, value)).sum();
        let merged = context.merged || parts + usize::from(own) > 1;
        let context = Context { merged, ..context }.deeper();

        let mut out = Rewritten::default();
        if own {
            self.own_keywords(map, &mut out, place, context)?;
        }
        self.applicators(map, &mut out, place, context)?;
        let Rewritten { mut own, every } = out;
        if !every.is_empty() {
            own.insert("allOf".to_owned(), Value::Array(every));
        }
        Ok(if own.is_empty() { Value::Bool(true) } else { Value::Object(own) })
    }

    /// Definitions that nothing refers to must be well-formed too.
    fn check_definitions(
        &mut self,
        map: &'a Map<String, Value>,
        place: &Place,
        context: Context,
    ) -> Result<(), GrammarError> {
        for keyword in ["$defs", "definitions"] {
            for (name, inner) in map.get(keyword).and_then(Value::as_object).into_iter().flatten() {
                self.schema(inner, &place.child(keyword).child(name), context.deeper())?;
            }
        }
        Ok(())
    }

    fn applicators(
        &mut self,
        map: &'a Map<String, Value>,
        out: &mut Rewritten,
        place: &Place,
        context: Context,
    ) -> Result<(), GrammarError> {
        for (keyword, value) in map {
            let at = place.child(keyword);
            match keyword.as_str() {
                "allOf" => {
                    if let Value::Array(list) = self.list(value, &at, context)? {
                        out.every.extend(list);
                    }
                }
                "anyOf" => out.every.push(json!({"anyOf": self.list(value, &at, context)?})),
                "oneOf" => {
                    oneof::check_disjoint(self.root, value, &at)?;
                    out.every.push(json!({"anyOf": self.list(value, &at, context)?}));
                }
                "$ref" => {
                    let name = self.reference(value.as_str().unwrap_or_default(), &at, context)?;
                    out.every.push(json!({"$ref": format!("#/$defs/{name}")}));
                }
                _ => {}
            }
        }
        // A lone part needs no wrapper, and the engine keeps lone references as they are.
        if out.own.is_empty() && out.every.len() == 1 {
            match out.every.pop() {
                Some(Value::Object(part)) => out.own = part,
                Some(part) => out.every.push(part),
                None => {}
            }
        }
        Ok(())
    }

    pub(super) fn named(
        &mut self,
        map: &'a Map<String, Value>,
        keyword: &str,
        place: &Place,
        context: Context,
    ) -> Result<Map<String, Value>, GrammarError> {
        let mut named = Map::new();
        for (name, inner) in map.get(keyword).and_then(Value::as_object).into_iter().flatten() {
            named.insert(name.clone(), self.schema(inner, &place.child(keyword).child(name), context)?);
        }
        Ok(named)
    }

    pub(super) fn list(&mut self, value: &'a Value, at: &Place, context: Context) -> Result<Value, GrammarError> {
        let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let inner = list.iter().enumerate().map(|(index, inner)| self.schema(inner, &at.index(index), context));
        Ok(Value::Array(inner.collect::<Result<_, _>>()?))
    }

    fn reference(&mut self, reference: &str, at: &Place, context: Context) -> Result<String, GrammarError> {
        if !reference.starts_with('#') {
            return Err(at.unsupported("only references within the schema itself are followed"));
        }
        if reference.len() > MAX_REFERENCE_BYTES {
            return Err(GrammarError::TooLarge);
        }
        let key = (reference.to_owned(), context.merged);
        if let Some(name) = self.definitions.get(&key) {
            return Ok(name.clone());
        }
        let target =
            resolve(self.root, reference).ok_or_else(|| at.invalid("does not lead to a schema of this document"))?;
        let place = reference
            .split('/')
            .skip(1)
            .fold(Place::default(), |place, step| place.child(&step.replace("~1", "/").replace("~0", "~")));
        let name = format!("d{}", self.definitions.len());
        self.definitions.insert(key, name.clone());
        let context = Context { depth: 0, merged: context.merged };
        self.pending.push(Pending { target, place, name: name.clone(), context });
        Ok(name)
    }
}

/// How many schemas an applicator adds that must hold beside the rest.
fn applied(keyword: &str, value: &Value) -> usize {
    match keyword {
        "allOf" => value.as_array().map_or(0, Vec::len),
        "anyOf" | "oneOf" | "$ref" => 1,
        _ => 0,
    }
}

/// Whether a string of the schema holds a control character that only `\u` can spell.
fn has_rare_control(value: &Value) -> bool {
    let rare = |text: &str| {
        text.chars().any(|c| c == '\u{7f}' || (c < ' ' && !matches!(c, '\n' | '\r' | '\t' | '\u{8}' | '\u{c}')))
    };
    match value {
        Value::String(text) => rare(text),
        Value::Array(list) => list.iter().any(has_rare_control),
        Value::Object(map) => map.iter().any(|(key, inner)| rare(key) || has_rare_control(inner)),
        _ => false,
    }
}
