//! Answers of a given form from weights that know nothing of it: always valid, whole and streamed.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Models, Server, request, settings};

const MODEL: &str = "qwen3-tiny";
const NUM_SEEDS: u64 = 20;

/// Every property is required and no other is allowed.
fn object(properties: Value) -> Value {
    let Value::Object(properties) = properties else { unreachable!("tests pass objects") };
    let names: Vec<String> = properties.keys().cloned().collect();
    json!({"type": "object", "required": names, "properties": properties, "additionalProperties": false})
}

/// Twelve schemas such as OpenAI's strict mode takes, with what it has: nesting, unions, references, recursion, bounds.
fn schemas() -> [(&'static str, Value); 12] {
    let line = object(json!({"sku": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{4}$"},
        "amount": {"type": "integer", "minimum": 1, "maximum": 99}}));
    let mut tree = object(json!({"name": {"type": "string", "maxLength": 12},
        "children": {"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 2}}));
    tree["$defs"] = json!({"node": object(json!({"value": {"type": ["integer", "null"]},
        "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}))});
    [
        (
            "flat",
            object(json!({"name": {"type": "string"}, "age": {"type": "integer"}, "married": {"type": "boolean"}})),
        ),
        (
            "enumeration",
            object(json!({"mood": {"enum": ["good", "so-so", "дурное", 7, null]}, "kind": {"const": "x\"y"}})),
        ),
        (
            "numbers",
            object(json!({"share": {"type": "number", "minimum": 0, "maximum": 1},
            "year": {"type": "integer", "minimum": 1900, "maximum": 2100},
            "below": {"type": "integer", "exclusiveMaximum": -5}})),
        ),
        (
            "nested",
            object(
                json!({"a": object(json!({"b": object(json!({"c": {"type": "boolean"}}))})), "d": {"type": "null"}}),
            ),
        ),
        ("list of objects", object(json!({"lines": {"type": "array", "items": line, "minItems": 1, "maxItems": 3}}))),
        (
            "union",
            object(json!({"shape": {"anyOf": [object(json!({"type": {"const": "circle"}, "r": {"type": "number"}})),
            object(json!({"type": {"const": "square"}, "side": {"type": "integer"}}))]}})),
        ),
        ("recursive", tree),
        ("references", {
            let mut both = object(json!({"from": {"$ref": "#/$defs/place"}, "to": {"$ref": "#/$defs/place"}}));
            both["$defs"] = json!({"place": object(json!({"city": {"enum": ["Алматы", "Москва", "Zürich"]},
                "zip": {"type": "string", "minLength": 5, "maxLength": 6}}))});
            both
        }),
        (
            "formats",
            object(json!({"day": {"type": "string", "format": "date"}, "id": {"type": "string", "format": "uuid"},
            "at": {"type": "string", "format": "date-time"}})),
        ),
        (
            "awkward keys",
            object(json!({"": {"type": "boolean"}, "a b": {"type": "integer"}, "қ\"\\": {"enum": [1, 2]},
            "$ref": {"type": "null"}})),
        ),
        (
            "fixed list",
            json!({"type": "array", "items": {"type": "array", "items": {"type": "boolean"}, "minItems": 2,
            "maxItems": 2}, "minItems": 2, "maxItems": 4}),
        ),
        (
            "nullable",
            object(json!({"note": {"type": ["string", "null"], "maxLength": 20},
            "tags": {"type": "array", "items": {"type": "string", "enum": ["a", "b", "c"]}, "maxItems": 5}})),
        ),
    ]
}

/// What twenty seeds give, each asked for whole and streamed.
async fn answers(server: &Server, fields: &Value) -> Vec<String> {
    let asked = (0..NUM_SEEDS).map(|seed| async move {
        let mut body = request(MODEL, "Answer.", 300);
        (body["temperature"], body["seed"]) = (json!(1.0), json!(seed));
        body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        let whole = server.chat(&body).await;
        assert_eq!(whole.status, 200, "{}", whole.body);
        let streamed = server.stream(&body).await;
        assert_eq!(streamed.deltas().concat(), whole.content(), "streamed, seed {seed}");
        assert_eq!(streamed.finish_reason(), whole.finish_reason());
        assert_eq!(whole.finish_reason(), "stop", "{}", whole.content());
        whole.content().to_owned()
    });
    join_all(asked).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_fits_its_schema() {
    let server = Models::new(&[MODEL]).serve(settings());
    for (name, schema) in schemas() {
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).expect("a schema");
        let format = json!({"type": "json_schema", "json_schema": {"name": "x", "strict": true, "schema": schema}});
        let found = answers(&server, &json!({"response_format": format})).await;
        for text in &found {
            let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}: {text}"));
            assert!(validator.is_valid(&value), "{name}: {text}");
        }
        let distinct: std::collections::HashSet<_> = found.iter().collect();
        assert!(distinct.len() > 1, "{name}: all answers are alike");
    }
    server.idle(MODEL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guided_answers_are_what_they_were_guided_to() {
    let server = Models::new(&[MODEL]).serve(settings());
    for text in answers(&server, &json!({"response_format": {"type": "json_object"}})).await {
        assert!(serde_json::from_str::<Value>(&text).is_ok_and(|value| value.is_object()), "{text}");
    }
    for text in answers(&server, &json!({"guided_regex": "(ab|cd){2,3}-[0-9]{3}"})).await {
        let (letters, digits) = text.split_once('-').expect("a dash");
        let pairs: Vec<&[u8]> = letters.as_bytes().chunks(2).collect();
        assert!(
            (2..=3).contains(&pairs.len())
                && pairs.iter().all(|pair| [b"ab", b"cd"].contains(&(*pair).try_into().expect("two")))
        );
        assert!(digits.len() == 3 && digits.bytes().all(|digit| digit.is_ascii_digit()), "{text}");
    }
    let choices = ["да", "нет", "не знаю", "не"];
    for text in answers(&server, &json!({"guided_choice": choices})).await {
        assert!(choices.contains(&text.as_str()), "{text}");
    }
    let grammar = "start: item (\",\" item){1,3}\nitem: /[a-c]/ \"=\" /[0-9]{2}/";
    for text in answers(&server, &json!({"guided_grammar": grammar})).await {
        let items: Vec<&str> = text.split(',').collect();
        let fits = |item: &&str| item.len() == 4 && item.starts_with(['a', 'b', 'c']) && item[1..].starts_with('=');
        assert!((2..=4).contains(&items.len()) && items.iter().all(fits), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_choices_and_log_probabilities_keep_the_form() {
    let server = Models::new(&[MODEL]).serve(settings());
    let (_, schema) = schemas().into_iter().nth(4).expect("twelve");
    let mut body = request(MODEL, "Answer.", 300);
    body["guided_json"] = schema.clone();
    (body["n"], body["temperature"], body["logprobs"]) = (json!(6), json!(1.3), json!(true));
    let answer = server.chat(&body).await;
    for choice in answer.body["choices"].as_array().expect("choices") {
        let text = choice["message"]["content"].as_str().expect("text");
        let value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!(jsonschema::is_valid(&schema, &value), "{text}");
        let entries = choice["logprobs"]["content"].as_array().expect("entries");
        let bytes = entries.iter().flat_map(|entry| entry["bytes"].as_array().expect("bytes"));
        let joined: Vec<u8> = bytes.map(|byte| byte.as_u64().expect("a byte") as u8).collect();
        assert_eq!(joined, text.as_bytes());
    }
}

#[tokio::test]
async fn a_schema_that_cannot_be_is_refused_with_its_place() {
    let server = Models::new(&[MODEL]).serve(settings());
    let at = "response_format.json_schema.schema";
    let format = |schema: Value| {
        let named = json!({"name": "x", "schema": schema});
        json!({"response_format": {"type": "json_schema", "json_schema": named}})
    };
    let cases = [
        (format(json!({"type": "object", "properties": {"a": {"type": "text"}}})), format!("{at}.properties.a.type")),
        (format(json!({"type": "array", "items": {"type": "integer", "minimum": "0"}})), format!("{at}.items.minimum")),
        (
            format(json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}})),
            format!("{at}.properties.a.$ref"),
        ),
        (format(json!({"anyOf": []})), format!("{at}.anyOf")),
        (format(json!({"type": "object", "required": "a"})), format!("{at}.required")),
        (
            format(json!({"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}})),
            format!("{at}.properties.a.pattern"),
        ),
        (format(json!([])), at.to_owned()),
        (json!({"response_format": {"type": "json_schema"}}), "response_format.json_schema".to_owned()),
        (json!({"response_format": {"type": "xml"}}), "response_format.type".to_owned()),
        (json!({"guided_regex": "(a"}), "guided_regex".to_owned()),
        (json!({"guided_choice": []}), "guided_choice".to_owned()),
        (json!({"guided_grammar": "start: nothing"}), "guided_grammar".to_owned()),
        (json!({"guided_json": {"type": 5}}), "guided_json.type".to_owned()),
    ];
    for (fields, param) in cases {
        let mut body = request(MODEL, "Answer.", 50);
        body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
        let answer = server.chat(&body).await;
        let (status, _, named) = answer.error();
        assert_eq!((status, named), (400, param.as_str()), "{fields}: {}", answer.body);
    }
    assert_eq!(server.model(MODEL).engine.stats().steps, 0);
}
