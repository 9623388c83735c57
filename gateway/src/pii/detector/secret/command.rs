//! Passwords in command lines: `docker login -p …`, `sshpass -p …`, `mysql -p…`, `curl -u name:…`. A flag alone says
//! nothing (`-p` is also a port), so the command must stand before it in the same line.

use std::ops::Range;

use super::value::{Look, look};
use crate::pii::Entity;
use crate::pii::detector::budget::Budget;
use crate::pii::detector::candidate::{Candidate, Found, Strength};
use crate::pii::detector::text::Text;
use crate::pii::detector::views::long_words::cased;

const RULE: &str = "secret/command";
/// How far a command may stand before its flag.
const REACH: usize = 160;
const MAX_VALUE: usize = 120;

/// Commands, the flag behind which each has its password, and whether a name and a colon come first.
const COMMANDS: [(&[&str], &[&str], bool); 5] = [
    (
        &["docker login", "podman login", "registry login", "az login", "oc login", "ftp", "ldapsearch"],
        &["-p", "-w"],
        false,
    ),
    (&["sshpass", "mysql", "mysqldump", "mariadb", "mongosh", "mongodump", "htpasswd"], &["-p"], false),
    (&["redis-cli"], &["-a", "--pass"], false),
    (&["curl", "wget", "http"], &["-u", "--user", "-a"], true),
    (&["smbclient"], &["-u"], true),
];

pub(super) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    let view = text.bytes();
    for space in memchr::memmem::find_iter(view, b" -") {
        if !budget.spend(1) {
            return;
        }
        if let Some(range) = password(text, space + 1) {
            found.push(Candidate::new(Entity::Secret, range, Strength::Context, RULE));
        }
    }
}

/// What the flag at `flag` gives away.
fn password(text: &Text<'_>, flag: usize) -> Option<Range<usize>> {
    let view = text.bytes();
    let rest = view.get(flag..)?;
    if !matches!(rest, [b'-', b'p' | b'w' | b'a' | b'u' | b'-', ..]) {
        return None;
    }
    let before = view.get(flag.saturating_sub(REACH)..flag)?;
    let line_at = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let line = before.get(line_at..)?;
    COMMANDS.iter().filter(|(commands, ..)| commands.iter().any(|command| has_word(line, command))).find_map(
        |&(_, flags, is_pair)| {
            let name = flags.iter().find(|name| rest.starts_with(name.as_bytes()))?;
            value(text, flag + name.len(), is_pair)
        },
    )
}

fn has_word(line: &[u8], word: &str) -> bool {
    let is_edge = |byte: Option<&u8>| !byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    line.windows(word.len()).enumerate().any(|(at, window)| {
        window == word.as_bytes()
            && is_edge(at.checked_sub(1).and_then(|before| line.get(before)))
            && is_edge(line.get(at + word.len()))
    })
}

/// The word behind a flag, or glued to it, without its quotes.
fn value(text: &Text<'_>, at: usize, is_pair: bool) -> Option<Range<usize>> {
    let view = text.bytes();
    let rest = view.get(at..)?;
    let gap = rest.iter().take(3).take_while(|byte| matches!(byte, b' ' | b'=' | b'"' | b'\'' | b';')).count();
    let rest = rest.get(gap..)?;
    let len =
        rest.iter().take(MAX_VALUE).take_while(|byte| !matches!(byte, b' ' | b'\n' | b'"' | b'\'' | b';')).count();
    let word = at + gap..at + gap + len;
    let skipped = if is_pair { view.get(word.clone())?.iter().position(|&byte| byte == b':')? + 1 } else { 0 };
    let range = word.start + skipped..word.end;
    let value = view.get(range.clone())?;
    let is_number = value.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'/'));
    let is_value =
        !is_number && !value.starts_with(b"-") && look(value, &cased(text.view(), range.clone())) >= Look::Plain;
    is_value.then_some(range)
}
