//! What transformers adds to Jinja for chat templates.

use jiff::Timestamp;
use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, ErrorKind};
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

/// Marks errors raised by the template itself.
pub(super) const REFUSAL: &str = "template refused: ";

const MAX_INDENT: usize = 16;

pub(super) fn add(environment: &mut Environment<'static>, now: fn() -> Timestamp) {
    environment.add_function("raise_exception", |reason: String| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, format!("{REFUSAL}{reason}")))
    });
    environment.add_function("strftime_now", move |format: &str| -> Result<String, Error> {
        jiff::fmt::strtime::format(format, now())
            .map_err(|_| Error::new(ErrorKind::InvalidOperation, "strftime_now: not a valid format"))
    });
    environment.add_filter("tojson", to_json);
}

// By value, as minijinja hands arguments over.
#[allow(clippy::needless_pass_by_value)]
/// Python's `json.dumps(value, ensure_ascii=False, indent=indent)`.
fn to_json(value: &Value, arguments: Kwargs) -> Result<Value, Error> {
    let indent: Option<usize> = arguments.get("indent")?;
    // Others of Python's arguments change nothing that a prompt shows.
    for key in ["ensure_ascii", "sort_keys", "separators"] {
        let _: Option<Value> = arguments.get(key)?;
    }
    arguments.assert_all_used()?;
    let mut bytes = Vec::new();
    let result = match indent {
        Some(width) => {
            let indent = " ".repeat(width.min(MAX_INDENT));
            let formatter = PrettyFormatter::with_indent(indent.as_bytes());
            value.serialize(&mut Serializer::with_formatter(&mut bytes, formatter))
        }
        None => value.serialize(&mut Serializer::with_formatter(&mut bytes, PythonFormatter)),
    };
    let bad = |reason: String| Error::new(ErrorKind::BadSerialization, reason);
    result.map_err(|error| bad(error.to_string()))?;
    String::from_utf8(bytes).map(Value::from_safe_string).map_err(|error| bad(error.to_string()))
}

/// Python separates by `", "` and `": "`.
struct PythonFormatter;

impl Formatter for PythonFormatter {
    fn begin_array_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(b": ")
    }
}
