//! What stands for a value outside: `[PERSON_7K2QXAB4]`. See [`placeholder`](crate::pii::placeholder) for its shape.

use std::collections::HashSet;
use std::fmt;

use crate::pii::placeholder::{self, CORE_LEN, Core};

/// A token of one conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    written: String,
    name: String,
    core: Core,
}

impl Token {
    pub(crate) fn new(name: String, core: Core) -> Self {
        Self { written: placeholder::written(&name, core), name, core }
    }

    /// The token that is written so.
    pub(crate) fn parse(written: &str) -> Option<Self> {
        let mut places = placeholder::find(written);
        (places.next()? == (0..written.len())).then_some(())?;
        let inside = written.strip_prefix('[')?.strip_suffix(']')?;
        let (name, core) = inside.split_at_checked(inside.len().checked_sub(CORE_LEN)?)?;
        Some(Self::new(name.strip_suffix('_')?.to_owned(), placeholder::core_of(core.as_bytes())?))
    }

    /// As it stands in a masked text.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The entity's name as the token has it.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn core(&self) -> Core {
        self.core
    }
}

/// A token says nothing about its value, but it would lead to it in a log of what went out.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.name)
    }
}

/// Everything in an input that a core could be taken for.
#[derive(Default)]
pub(crate) struct CoresInText(HashSet<Core>);

impl CoresInText {
    pub(crate) fn add(&mut self, text: &str) {
        let runs = text.as_bytes().split(|&byte| !placeholder::is_core_byte(byte));
        self.0.extend(runs.flat_map(|run| run.windows(CORE_LEN)).filter_map(placeholder::core_of));
    }

    pub(crate) fn contains(&self, core: Core) -> bool {
        self.0.contains(&core)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_nothing_else_is() {
        let core = (0..).find_map(placeholder::core_from).unwrap();
        let token = Token::new("BIRTH_DATE".to_owned(), core);
        assert_eq!(Token::parse(token.as_str()), Some(token.clone()));
        let lower = token.as_str().to_lowercase();
        for other in ["", "[]", "[X]", " [PERSON_7K2QXAB4]", &lower, &format!("{}{}", token.as_str(), token.as_str())] {
            assert_eq!(Token::parse(other), None);
        }
    }

    #[test]
    fn cores_are_seen_in_any_surroundings() {
        let core = (0..).find_map(placeholder::core_from).unwrap();
        let text = String::from_utf8(core.to_vec()).unwrap();
        for input in [format!("x{text}y"), text.to_lowercase(), format!("[PHONE_{text}]")] {
            let mut cores = CoresInText::default();
            cores.add(&input);
            assert!(cores.contains(core), "{input}");
        }
    }
}
