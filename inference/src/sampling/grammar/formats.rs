//! String formats as regular expressions, narrower than their standards where parsers disagree.
//!
//! Dates exist in the calendar (also 29 February), leap seconds are left out, addresses and host names keep the
//! standards' lengths. A narrower text is still a text of the format.

/// How a format is enforced.
pub(super) enum Format {
    /// The engine's own expression is right.
    Engine,
    Pattern(String),
}

/// `None`: the format is not known.
pub(super) fn find(format: &str) -> Option<Format> {
    match format {
        "date" => Some(Format::Pattern(format!("^(?:{DATE})$"))),
        "time" => Some(Format::Pattern(format!("^(?:{TIME})$"))),
        "date-time" => Some(Format::Pattern(format!("^(?:{DATE})T(?:{TIME})$"))),
        "email" => Some(Format::Pattern(format!(
            "^{ATOM}(?:\\.{ATOM}){{0,2}}@{LABEL}(?:\\.{LABEL}){{0,2}}\\.[a-zA-Z]{{2,12}}$"
        ))),
        "hostname" => Some(Format::Pattern(format!("^{LABEL}(?:\\.{LABEL}){{0,3}}$"))),
        "duration" | "ipv4" | "ipv6" | "uuid" | "uri" => Some(Format::Engine),
        _ => None,
    }
}

const DATE: &str = "[1-9][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])\
|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))\
|(?:[1-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00)-02-29";

const TIME: &str = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,6})?\
(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])";

const ATOM: &str = "[a-zA-Z0-9_+-]{1,20}";

/// No doubled hyphens: those announce an encoded international name.
const LABEL: &str = "[a-zA-Z](?:-?[a-zA-Z0-9]){0,20}";
