//! Anything that serializes, straight to canonical JSON: what [`canonical`](super::canonical()) makes of it as a value,
//! without that value in between. Every request writes two records, and most of what that took was maps of strings.
//!
//! Members are written as they come and put in their order at the object's end. An integer above [`MAX_EXACT_INTEGER`]
//! becomes that: what a provider says that was used is no reason to lose a record.

use std::fmt::{self, Display, Write as _};

use serde::ser::{self, Serialize};
use serde_json::{Number, Value};

use super::canonical::{MAX_DEPTH, MAX_EXACT_INTEGER, NotCanonical, key_order, push_number, push_string};

/// # Errors
/// The value has no JSON form, or no canonical one.
pub(super) fn written(value: &impl Serialize) -> Result<String, NotCanonical> {
    let mut text = String::with_capacity(1536);
    push_written(&mut text, value)?;
    Ok(text)
}

/// Behind what stands there already. Where it fails, what was pushed by then stays.
pub(super) fn push_written(text: &mut String, value: &impl Serialize) -> Result<(), NotCanonical> {
    let mut spare = String::new();
    value.serialize(Writer { text, spare: &mut spare, depth: 0 }).map_err(|error| error.0)
}

struct Writer<'w> {
    text: &'w mut String,
    /// Where members are put in order.
    spare: &'w mut String,
    depth: usize,
}

/// Why there is no text, in serde's terms.
#[derive(Debug)]
struct Failed(NotCanonical);

impl Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Failed {}

impl ser::Error for Failed {
    fn custom<T: Display>(_: T) -> Self {
        Self(NotCanonical::NotJson)
    }
}

// Serde's methods end with a result.
#[allow(clippy::unnecessary_wraps)]
impl<'w> Writer<'w> {
    fn push(self, text: &str) -> Result<(), Failed> {
        self.text.push_str(text);
        Ok(())
    }

    fn integer(self, integer: u64) -> Result<(), Failed> {
        // Writing to a String never fails.
        let _ = write!(self.text, "{}", integer.min(MAX_EXACT_INTEGER));
        Ok(())
    }

    fn number(self, number: &Number) -> Result<(), Failed> {
        push_number(self.text, number).map_err(Failed)
    }

    fn list(self) -> Result<List<'w>, Failed> {
        self.deeper('[').map(|writer| List { writer, is_empty: true, end: "]" })
    }

    fn object(self) -> Result<Object<'w>, Failed> {
        self.deeper('{').map(|writer| Object { writer, members: Vec::with_capacity(48), end: "}" })
    }

    fn deeper(self, bracket: char) -> Result<Self, Failed> {
        if self.depth == MAX_DEPTH {
            return Err(Failed(NotCanonical::Depth));
        }
        self.text.push(bracket);
        Ok(Self { depth: self.depth + 1, ..self })
    }

    /// Of an enum's variant that holds something: an object with one member.
    fn variant(self, name: &str) -> Result<Self, Failed> {
        let writer = self.deeper('{')?;
        push_string(writer.text, name);
        writer.text.push(':');
        Ok(writer)
    }

    fn again(&mut self) -> Writer<'_> {
        Writer { text: self.text, spare: self.spare, depth: self.depth }
    }
}

impl<'w> ser::Serializer for Writer<'w> {
    type Ok = ();
    type Error = Failed;
    type SerializeSeq = List<'w>;
    type SerializeTuple = List<'w>;
    type SerializeTupleStruct = List<'w>;
    type SerializeTupleVariant = List<'w>;
    type SerializeMap = Object<'w>;
    type SerializeStruct = Object<'w>;
    type SerializeStructVariant = Object<'w>;

    fn serialize_bool(self, value: bool) -> Result<(), Failed> {
        self.push(if value { "true" } else { "false" })
    }

    fn serialize_i8(self, value: i8) -> Result<(), Failed> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Failed> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Failed> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Failed> {
        match u64::try_from(value) {
            Ok(positive) => self.integer(positive),
            Err(_) => self.number(&Number::from(value)),
        }
    }

    fn serialize_u8(self, value: u8) -> Result<(), Failed> {
        self.integer(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Failed> {
        self.integer(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Failed> {
        self.integer(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Failed> {
        self.integer(value)
    }

    fn serialize_f32(self, value: f32) -> Result<(), Failed> {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Failed> {
        match Number::from_f64(value) {
            Some(number) => self.number(&number),
            None => self.push("null"),
        }
    }

    fn serialize_char(self, value: char) -> Result<(), Failed> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Failed> {
        push_string(self.text, value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Failed> {
        value.serialize(self)
    }

    fn serialize_none(self) -> Result<(), Failed> {
        self.push("null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Failed> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Failed> {
        self.push("null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Failed> {
        self.push("null")
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Failed> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Failed> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Failed> {
        let mut writer = self.variant(variant)?;
        value.serialize(writer.again())?;
        writer.push("}")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List<'w>, Failed> {
        self.list()
    }

    fn serialize_tuple(self, _: usize) -> Result<List<'w>, Failed> {
        self.list()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List<'w>, Failed> {
        self.list()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<List<'w>, Failed> {
        self.variant(variant)?.list().map(|list| List { end: "]}", ..list })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Object<'w>, Failed> {
        self.object()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Object<'w>, Failed> {
        self.object()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Object<'w>, Failed> {
        self.variant(variant)?.object().map(|object| Object { end: "}}", ..object })
    }
}

struct List<'w> {
    writer: Writer<'w>,
    is_empty: bool,
    end: &'static str,
}

impl List<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        if !std::mem::take(&mut self.is_empty) {
            self.writer.text.push(',');
        }
        value.serialize(self.writer.again())
    }

    fn close(self) -> Result<(), Failed> {
        self.writer.push(self.end)
    }
}

struct Object<'w> {
    writer: Writer<'w>,
    members: Vec<Member>,
    end: &'static str,
}

/// Where a member stands in the text, and where its value begins.
struct Member {
    name: Name,
    begin: usize,
    end: usize,
}

enum Name {
    Fixed(&'static str),
    Own(String),
}

impl Name {
    fn as_str(&self) -> &str {
        match self {
            Self::Fixed(name) => name,
            Self::Own(name) => name,
        }
    }
}

impl Object<'_> {
    fn begin(&mut self, name: Name) {
        if !self.members.is_empty() {
            self.writer.text.push(',');
        }
        let begin = self.writer.text.len();
        push_string(self.writer.text, name.as_str());
        self.writer.text.push(':');
        self.members.push(Member { name, begin, end: begin });
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        value.serialize(self.writer.again())?;
        if let Some(member) = self.members.last_mut() {
            member.end = self.writer.text.len();
        }
        Ok(())
    }

    fn close(mut self) -> Result<(), Failed> {
        // Of ASCII, the order of bytes is that of UTF-16.
        let is_plain = self.members.iter().all(|member| member.name.as_str().is_ascii());
        let order = |a: &Member, b: &Member| match (a.name.as_str(), b.name.as_str()) {
            (a, b) if is_plain => a.as_bytes().cmp(b.as_bytes()),
            (a, b) => key_order(a, b),
        };
        if !self.members.is_sorted_by(|a, b| order(a, b).is_lt()) {
            self.members.sort_unstable_by(order);
            self.reorder()?;
        }
        self.writer.push(self.end)
    }

    fn reorder(&mut self) -> Result<(), Failed> {
        let Writer { text, spare, .. } = &mut self.writer;
        // A member twice is two values under one name.
        if self.members.windows(2).any(|pair| pair[0].name.as_str() == pair[1].name.as_str()) {
            return Err(Failed(NotCanonical::NotJson));
        }
        spare.clear();
        for (place, member) in self.members.iter().enumerate() {
            if place > 0 {
                spare.push(',');
            }
            spare.push_str(text.get(member.begin..member.end).unwrap_or_default());
        }
        text.truncate(self.members.iter().map(|member| member.begin).min().unwrap_or(text.len()));
        text.push_str(spare);
        Ok(())
    }
}

macro_rules! items {
    ($($kind:ident $add:ident)*) => {$(
        impl ser::$kind for List<'_> {
            type Ok = ();
            type Error = Failed;

            fn $add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
                self.item(value)
            }

            fn end(self) -> Result<(), Failed> {
                self.close()
            }
        }
    )*};
}

items! {
    SerializeSeq serialize_element
    SerializeTuple serialize_element
    SerializeTupleStruct serialize_field
    SerializeTupleVariant serialize_field
}

macro_rules! fields {
    ($($kind:ident)*) => {$(
        impl ser::$kind for Object<'_> {
            type Ok = ();
            type Error = Failed;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Failed> {
                self.begin(Name::Fixed(name));
                self.value(value)
            }

            fn end(self) -> Result<(), Failed> {
                self.close()
            }
        }
    )*};
}

fields! { SerializeStruct SerializeStructVariant }

impl ser::SerializeMap for Object<'_> {
    type Ok = ();
    type Error = Failed;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failed> {
        // Names are texts.
        let Ok(Value::String(name)) = serde_json::to_value(key) else { return Err(Failed(NotCanonical::NotJson)) };
        self.begin(Name::Own(name));
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        self.value(value)
    }

    fn end(self) -> Result<(), Failed> {
        self.close()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Serialize;
    use serde_json::json;

    use super::super::canonical::canonical;
    use super::*;

    #[derive(Serialize)]
    enum Shape {
        Unit,
        Newtype(u8),
        Tuple(u8, String),
        Struct { b: i64, a: Option<f64> },
    }

    #[derive(Serialize)]
    struct Everything<'a> {
        zeta: Vec<Shape>,
        #[serde(rename = "\u{fb33}\"")]
        quoted: char,
        #[serde(rename = "\u{1f600}")]
        beyond: (),
        names: BTreeMap<&'a str, u32>,
        floats: [f64; 4],
        bytes: (&'a [u8], f32),
        #[serde(skip_serializing_if = "Option::is_none")]
        absent: Option<u8>,
        alpha: &'a str,
    }

    #[test]
    fn it_writes_what_the_value_would_be() {
        let everything = Everything {
            zeta: vec![
                Shape::Unit,
                Shape::Newtype(7),
                Shape::Tuple(1, "\u{1}\n".to_owned()),
                Shape::Struct { b: -3, a: None },
                Shape::Struct { b: i64::from(i32::MIN), a: Some(0.1) },
            ],
            quoted: 'ә',
            beyond: (),
            names: BTreeMap::from([("\u{fb33}", 1), ("\u{1f600}", 2), ("a", 3)]),
            floats: [f64::NAN, 1e21, -0.0, 333.25],
            bytes: (b"\x00\xff", 0.5),
            absent: None,
            alpha: "\\",
        };
        let text = written(&everything).unwrap();
        assert_eq!(text, canonical(&serde_json::to_value(&everything).unwrap()).unwrap());
        assert!(text.find("alpha") < text.find("zeta"), "{text}");
    }

    #[test]
    fn too_much_is_as_much_as_can_be_written() {
        assert_eq!(written(&json!({ "n": [u64::MAX, 5] })).unwrap(), "{\"n\":[9007199254740992,5]}");
        assert_eq!(written(&json!([i64::MIN + 1])), Err(NotCanonical::Integer));
    }

    #[test]
    fn what_has_no_one_text_is_refused() {
        #[derive(Serialize)]
        struct Twice {
            b: u8,
            #[serde(flatten)]
            more: BTreeMap<&'static str, u8>,
        }
        assert_eq!(written(&Twice { b: 1, more: BTreeMap::from([("a", 1), ("b", 2)]) }), Err(NotCanonical::NotJson));
        assert_eq!(written(&BTreeMap::from([(1, 2)])), Err(NotCanonical::NotJson));
        let nest = |depth| (0..depth).fold(json!(1), |inner, _| json!({ "a": inner }));
        assert_eq!(written(&nest(MAX_DEPTH)), canonical(&nest(MAX_DEPTH)));
        assert_eq!(written(&nest(MAX_DEPTH + 1)), Err(NotCanonical::Depth));
    }

    proptest! {
        #[test]
        fn any_value_is_written_as_ever(members in prop::collection::vec((".{0,4}", any::<i32>(), any::<f64>()), 0..8)) {
            let object = |(name, integer, double): (String, i32, f64)| (name, json!({ "i": integer, "d": [double] }));
            let value = Value::Object(members.into_iter().map(object).collect());
            prop_assert_eq!(written(&value).unwrap(), canonical(&value).unwrap());
        }
    }
}
