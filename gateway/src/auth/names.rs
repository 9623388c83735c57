//! Names that people give to tenants, projects and keys: they stand in headers, tables and on invoices.

/// Characters of a name.
const MAX_CHARS: usize = 64;

/// A name that could not stand everywhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{field}' must be 1 to 64 characters without control characters, an environment small letters, digits, '-' and '_'"
)]
pub struct InvalidName {
    pub field: &'static str,
}

/// # Errors
/// It is empty, too long or has control characters.
pub fn check_name(field: &'static str, name: &str) -> Result<(), InvalidName> {
    let fits = (1..=MAX_CHARS).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(InvalidName { field }) }
}
