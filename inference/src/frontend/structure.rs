//! What a request says about its answer's form, as the source of a grammar.

use serde_json::Value;
use shekara_protocol::error::ApiError;
use shekara_protocol::sampling::SamplingFields;

use crate::sampling::grammar::{GrammarError, GrammarSource};

use super::valid_sampling::invalid;

/// Compiling takes well under a second.
const BUSY_RETRY_S: u64 = 1;
/// Where a schema stands in `response_format`.
const SCHEMA_FIELD: &str = "response_format.json_schema.schema";

/// The wanted form, if any. At most one field may ask for one.
///
/// # Errors
/// A 400 that names the field at fault.
pub(super) fn structure(fields: &SamplingFields<'_>) -> Result<Option<GrammarSource>, ApiError> {
    let guided = [
        fields.guided_json.filter(|schema| !schema.is_null()).map(|schema| json("guided_json", schema)),
        fields.guided_regex.map(|regex| Ok(GrammarSource::Regex(regex.to_owned()))),
        fields.guided_choice.map(|choice| Ok(GrammarSource::Choice(choice.to_vec()))),
        fields.guided_grammar.map(|grammar| Ok(GrammarSource::Lark(grammar.to_owned()))),
        fields.structured_outputs.filter(|value| !value.is_null()).map(structured_outputs),
        fields.response_format.and_then(|format| response_format(format).transpose()),
    ];
    let names =
        ["guided_json", "guided_regex", "guided_choice", "guided_grammar", "structured_outputs", "response_format"];
    let mut found = guided.into_iter().zip(names).filter_map(|(source, name)| Some((source?, name)));
    let Some((source, _)) = found.next() else { return Ok(None) };
    if let Some((_, second)) = found.next() {
        return Err(invalid(second, "only one field may say what the answer must look like"));
    }
    source.map(Some)
}

/// The field that holds what `source` was made of, for errors found while compiling it.
pub(super) fn structure_field(fields: &SamplingFields<'_>) -> &'static str {
    if fields.guided_json.is_some() {
        "guided_json"
    } else if fields.guided_regex.is_some() {
        "guided_regex"
    } else if fields.guided_choice.is_some() {
        "guided_choice"
    } else if fields.guided_grammar.is_some() {
        "guided_grammar"
    } else if fields.structured_outputs.is_some() {
        "structured_outputs"
    } else {
        SCHEMA_FIELD
    }
}

/// A grammar that was refused, as the fault of `field`, with the place inside a schema.
pub(super) fn refused(field: &str, error: &GrammarError) -> ApiError {
    if *error == GrammarError::Busy {
        return ApiError::overloaded(
            "The model is busy with other structures. Please try again shortly.",
            BUSY_RETRY_S,
        );
    }
    let param = match error {
        GrammarError::InvalidSchema { place, .. } | GrammarError::UnsupportedSchema { place, .. }
            if !place.starts_with('(') =>
        {
            format!("{field}.{place}")
        }
        _ => field.to_owned(),
    };
    let code =
        if matches!(error, GrammarError::UnsupportedSchema { .. }) { "unsupported_value" } else { "invalid_value" };
    ApiError::invalid(&param, format!("Invalid value for '{field}': {error}.")).with_code(code)
}

/// `guided_json` takes a schema, or the text of one.
fn json(field: &str, schema: &Value) -> Result<GrammarSource, ApiError> {
    match schema {
        Value::String(text) => {
            let schema = serde_json::from_str(text).map_err(|_| invalid(field, "expected a JSON schema"))?;
            Ok(GrammarSource::JsonSchema(schema))
        }
        Value::Object(_) | Value::Bool(_) => Ok(GrammarSource::JsonSchema(schema.clone())),
        _ => Err(invalid(field, "expected a JSON schema")),
    }
}

fn structured_outputs(value: &Value) -> Result<GrammarSource, ApiError> {
    let field = "structured_outputs";
    let expected = "expected an object with exactly one of 'json', 'json_object', 'regex', 'choice' and 'grammar'";
    let wrong = || invalid(field, expected);
    let mut given = value.as_object().ok_or_else(wrong)?.iter().filter(|(_, value)| !value.is_null());
    let (Some((kind, value)), None) = (given.next(), given.next()) else { return Err(wrong()) };
    let text = || value.as_str().map(str::to_owned).ok_or_else(wrong);
    match kind.as_str() {
        "json" => json("structured_outputs.json", value),
        "json_object" if value == true => Ok(GrammarSource::JsonObject),
        "regex" => Ok(GrammarSource::Regex(text()?)),
        "grammar" => Ok(GrammarSource::Lark(text()?)),
        "choice" => {
            let choices = value.as_array().ok_or_else(wrong)?.iter();
            let choices = choices.map(|choice| choice.as_str().map(str::to_owned).ok_or_else(wrong));
            Ok(GrammarSource::Choice(choices.collect::<Result<_, _>>()?))
        }
        _ => Err(wrong()),
    }
}

fn response_format(format: &Value) -> Result<Option<GrammarSource>, ApiError> {
    let field = "response_format";
    if format.is_null() {
        return Ok(None);
    }
    if !format.is_object() {
        return Err(invalid(field, "expected an object"));
    }
    match format["type"].as_str() {
        Some("text") => Ok(None),
        Some("json_object") => Ok(Some(GrammarSource::JsonObject)),
        Some("json_schema") => {
            let schema =
                format["json_schema"].as_object().ok_or_else(|| ApiError::missing("response_format.json_schema"))?;
            if schema.get("name").is_some_and(|name| !name.is_string()) {
                return Err(invalid("response_format.json_schema.name", "expected a string"));
            }
            let schema = schema.get("schema").ok_or_else(|| ApiError::missing(SCHEMA_FIELD))?;
            match schema {
                Value::Object(_) => Ok(Some(GrammarSource::JsonSchema(schema.clone()))),
                _ => Err(invalid(SCHEMA_FIELD, "expected a JSON schema")),
            }
        }
        Some(_) => Err(invalid("response_format.type", "expected 'text', 'json_object' or 'json_schema'")),
        None => Err(ApiError::missing("response_format.type")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shekara_protocol::chat::parse_request;

    use super::*;

    fn found(fields: &Value) -> Result<Option<GrammarSource>, ApiError> {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
        let values = fields.as_object().expect("an object").clone();
        body.as_object_mut().expect("an object").extend(values);
        let request = parse_request(body.to_string().as_bytes()).expect("a request");
        structure(&request.sampling())
    }

    #[test]
    fn every_way_to_ask_is_understood() {
        let schema = json!({"type": "integer"});
        let of_schema = Some(GrammarSource::JsonSchema(schema.clone()));
        for (fields, expected) in [
            (json!({}), None),
            (json!({"response_format": {"type": "text"}}), None),
            (json!({"response_format": null, "guided_json": null}), None),
            (json!({"response_format": {"type": "json_object"}}), Some(GrammarSource::JsonObject)),
            (
                json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}}),
                of_schema.clone(),
            ),
            (json!({"guided_json": schema}), of_schema.clone()),
            (json!({"guided_json": schema.to_string()}), of_schema.clone()),
            (json!({"structured_outputs": {"json": schema}}), of_schema),
            (json!({"guided_regex": "a+"}), Some(GrammarSource::Regex("a+".into()))),
            (
                json!({"structured_outputs": {"choice": ["a", "b"]}}),
                Some(GrammarSource::Choice(vec!["a".into(), "b".into()])),
            ),
            (json!({"guided_grammar": "start: \"a\""}), Some(GrammarSource::Lark("start: \"a\"".into()))),
        ] {
            assert_eq!(found(&fields).expect("valid"), expected, "{fields}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (fields, param) in [
            (json!({"response_format": {"type": "yaml"}}), "response_format.type"),
            (json!({"response_format": {}}), "response_format.type"),
            (json!({"response_format": "json"}), "response_format"),
            (json!({"response_format": {"type": "json_schema"}}), "response_format.json_schema"),
            (json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n"}}}), SCHEMA_FIELD),
            (json!({"response_format": {"type": "json_schema", "json_schema": {"schema": 7}}}), SCHEMA_FIELD),
            (json!({"guided_json": [1]}), "guided_json"),
            (json!({"guided_json": "{"}), "guided_json"),
            (json!({"structured_outputs": {"json": {}, "regex": "a"}}), "structured_outputs"),
            (json!({"guided_regex": "a", "response_format": {"type": "json_object"}}), "response_format"),
        ] {
            assert_eq!(found(&fields).expect_err("refused").param.as_deref(), Some(param), "{fields}");
        }
    }

    #[test]
    fn a_place_inside_a_schema_is_part_of_the_field() {
        let error = GrammarError::InvalidSchema { place: "properties.a.type".into(), problem: "no type" };
        assert_eq!(
            refused(SCHEMA_FIELD, &error).param.as_deref(),
            Some("response_format.json_schema.schema.properties.a.type")
        );
        let error = GrammarError::InvalidSchema { place: "(root)".into(), problem: "no schema" };
        assert_eq!(refused("guided_json", &error).param.as_deref(), Some("guided_json"));
    }
}
