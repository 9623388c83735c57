//! One call written as a JSON object: `{"name": …, "arguments": {…}}`.
//!
//! Until the object has shown a name and arguments it may turn out to be something else, so its text is kept; from then
//! on the arguments stream as the model wrote them, without the object around them.

use super::delta::Deltas;
use super::json_value::{JsonValue, Read, push_in_text};

/// Longest name of a tool that is believed; OpenAI's API allows 64 characters.
pub(super) const MAX_NAME_BYTES: usize = 256;

/// What became of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fed {
    More,
    /// It closed the call.
    Last,
    /// This is no call; the character is kept in `raw` as well.
    NoCall,
    /// It cannot stand here and was not taken.
    Malformed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Key,
    Name,
    /// Arguments that stream.
    Arguments,
    /// Arguments kept until the name is known, or until it is clear what they are.
    KeptArguments,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    FirstKey,
    NextKey,
    Colon,
    ValueStart,
    Inside(Role),
    AfterValue,
}

#[derive(Debug)]
pub(super) struct CallObject {
    /// The text so far, while it may turn out not to be a call.
    pub raw: String,
    /// Without a marker before it an object must look like a call in every key.
    is_bare: bool,
    state: State,
    value: JsonValue,
    token: String,
    key: String,
    name: Option<String>,
    kept: Option<String>,
    /// Inside the object of `"function"`, OpenAI's own shape.
    is_nested: bool,
    /// The arguments stand alone, without an object around them.
    is_alone: bool,
    is_started: bool,
    has_arguments: bool,
}

impl CallObject {
    pub(super) fn new(raw: String, is_bare: bool) -> Self {
        Self {
            raw,
            is_bare,
            state: State::Open,
            value: JsonValue::new(),
            token: String::new(),
            key: String::new(),
            name: None,
            kept: None,
            is_nested: false,
            is_alone: false,
            is_started: false,
            has_arguments: false,
        }
    }

    /// A call without an object around its arguments, of which the name came before.
    pub(super) fn arguments_of(name: String, raw: String) -> Self {
        let mut object = Self::new(raw, false);
        object.name = Some(name);
        object.is_alone = true;
        object.state = State::ValueStart;
        "arguments".clone_into(&mut object.key);
        object
    }

    /// The call is known to be one.
    pub(super) fn is_started(&self) -> bool {
        self.is_started
    }

    /// All arguments were given out.
    pub(super) fn has_arguments(&self) -> bool {
        self.has_arguments
    }

    /// `is_call` says of a name whether such a tool is there; an object behind a marker need not be asked.
    pub(super) fn feed(&mut self, character: char, is_call: impl Fn(&str) -> bool, out: &mut Deltas) -> Fed {
        if self.is_started {
            return self.step(character, &is_call, out);
        }
        self.raw.push(character);
        let fed = self.step(character, &is_call, out);
        if fed == Fed::Malformed {
            self.raw.pop();
        }
        if self.is_started {
            self.raw = String::new();
        }
        fed
    }

    fn step(&mut self, character: char, is_call: &impl Fn(&str) -> bool, out: &mut Deltas) -> Fed {
        let is_space = matches!(character, ' ' | '\t' | '\n' | '\r');
        match (self.state, character) {
            (State::Inside(role), _) => self.inside(role, character, is_call, out),
            _ if is_space => Fed::More,
            (State::Open, '{') => self.go(State::FirstKey),
            (State::FirstKey | State::NextKey, '"') => self.enter(Role::Key, character),
            (State::FirstKey | State::AfterValue, '}') => self.close(out),
            (State::AfterValue, ',') => self.go(State::NextKey),
            (State::Colon, ':') => self.go(State::ValueStart),
            (State::ValueStart, _) => self.value_start(character, out),
            _ => Fed::Malformed,
        }
    }

    fn go(&mut self, state: State) -> Fed {
        self.state = state;
        Fed::More
    }

    fn enter(&mut self, role: Role, first: char) -> Fed {
        self.value = JsonValue::new();
        if self.value.read(first) == Read::Malformed {
            return Fed::Malformed;
        }
        self.token.clear();
        self.token.push(first);
        self.go(State::Inside(role))
    }

    fn value_start(&mut self, first: char, out: &mut Deltas) -> Fed {
        let is_arguments = matches!(self.key.as_str(), "arguments" | "parameters");
        if self.key == "name" && self.name.is_none() {
            return self.enter(Role::Name, first);
        }
        if self.key == "function" && first == '{' && !self.is_nested && self.name.is_none() {
            self.is_nested = true;
            return self.go(State::FirstKey);
        }
        if !is_arguments || self.has_arguments || self.kept.is_some() {
            return self.enter(Role::Other, first);
        }
        match &self.name {
            Some(name) if first == '{' => {
                out.start_call(name);
                out.arguments("{");
                self.is_started = true;
                self.enter(Role::Arguments, first)
            }
            _ => self.enter(Role::KeptArguments, first),
        }
    }

    fn inside(&mut self, role: Role, character: char, is_call: &impl Fn(&str) -> bool, out: &mut Deltas) -> Fed {
        let was_in_text = self.value.is_in_text();
        let read = self.value.read(character);
        match read {
            Read::Malformed => return Fed::Malformed,
            Read::Ended => {}
            // The name of a key or a tool is short; what is not is no call.
            _ if matches!(role, Role::Key | Role::Name) && self.token.len() > MAX_NAME_BYTES => {
                if !self.is_started {
                    return Fed::NoCall;
                }
            }
            _ => self.take(role, character, was_in_text, out),
        }
        if read == Read::More {
            return Fed::More;
        }
        if !self.value_done(role, is_call, out) {
            return Fed::NoCall;
        }
        match read {
            Read::Ended => self.step(character, is_call, out),
            _ if self.is_alone => Fed::Last,
            _ => Fed::More,
        }
    }

    fn take(&mut self, role: Role, character: char, is_in_text: bool, out: &mut Deltas) {
        match role {
            Role::Other => return,
            Role::Arguments => self.token.clear(),
            _ => {}
        }
        if is_in_text {
            push_in_text(character, &mut self.token);
        } else {
            self.token.push(character);
        }
        if role == Role::Arguments {
            out.arguments(&self.token);
        }
    }

    /// Whether this may still be a call.
    fn value_done(&mut self, role: Role, is_call: &impl Fn(&str) -> bool, out: &mut Deltas) -> bool {
        self.state = State::AfterValue;
        match role {
            Role::Key => {
                self.key = serde_json::from_str(&self.token).unwrap_or_default();
                self.state = State::Colon;
                let is_known =
                    matches!(self.key.as_str(), "name" | "arguments" | "parameters" | "type" | "id" | "function");
                return is_known || !self.is_bare || self.is_started;
            }
            Role::Name => {
                let name: String = serde_json::from_str(&self.token).unwrap_or_default();
                if name.is_empty() || (self.is_bare && !is_call(&name)) {
                    return false;
                }
                if let Some(kept) = self.kept.take() {
                    self.start_with(&name, &kept, out);
                }
                self.name = Some(name);
            }
            Role::KeptArguments => {
                let kept = std::mem::take(&mut self.token);
                match self.name.clone() {
                    Some(name) => self.start_with(&name, &kept, out),
                    None => self.kept = Some(kept),
                }
            }
            Role::Arguments => self.has_arguments = true,
            Role::Other => {}
        }
        true
    }

    fn start_with(&mut self, name: &str, kept: &str, out: &mut Deltas) {
        out.start_call(name);
        out.arguments(&plain_arguments(kept));
        self.is_started = true;
        self.has_arguments = true;
    }

    fn close(&mut self, out: &mut Deltas) -> Fed {
        if self.is_nested {
            self.is_nested = false;
            return self.go(State::AfterValue);
        }
        match self.name.take() {
            _ if self.is_started => Fed::Last,
            // A tool without parameters is often called without the key.
            Some(name) if !self.is_bare => {
                self.start_with(&name, "{}", out);
                Fed::Last
            }
            _ => Fed::NoCall,
        }
    }
}

/// Arguments as text: an object as it is, a string that holds an object unwrapped, none for null and an empty string.
fn plain_arguments(json: &str) -> String {
    let json = json.trim();
    match serde_json::from_str::<Option<String>>(json) {
        Ok(None) => "{}".to_owned(),
        Ok(Some(inner)) if inner.trim().is_empty() => "{}".to_owned(),
        Ok(Some(inner)) => {
            let inner = inner.trim();
            let is_object = inner.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(inner).is_ok();
            if is_object { inner.to_owned() } else { json.to_owned() }
        }
        Err(_) => json.to_owned(),
    }
}
