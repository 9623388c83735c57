//! Passwords in command lines: `docker login -p …`, `sshpass -p …`, `mysql -p…`, `curl -u name:…`. A flag alone says
//! nothing (`-p` is also a port), so the command must stand before it in the same line.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

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

/// A command, the flags behind which it has its password, and whether a name and a colon come first.
type Command = (&'static str, &'static [&'static str], bool);

const COMMANDS: [Command; 21] = [
    ("docker login", &["-p"], false),
    ("podman login", &["-p"], false),
    ("registry login", &["-p"], false),
    ("az login", &["-p"], false),
    ("oc login", &["-p"], false),
    ("ldapsearch", &["-w"], false),
    ("sshpass", &["-p"], false),
    ("mysql", &["-p"], false),
    ("mysqldump", &["-p"], false),
    ("mariadb", &["-p"], false),
    ("mongosh", &["-p"], false),
    ("mongodump", &["-p"], false),
    ("mosquitto_pub", &["-p", "--pw"], false),
    ("rabbitmqadmin", &["-p"], false),
    ("influx", &["-p", "--password"], false),
    ("clickhouse-client", &["--password"], false),
    ("redis-cli", &["-a", "--pass"], false),
    ("curl", &["-u", "--user"], true),
    ("wget", &["-u", "--user"], true),
    ("http", &["-a", "--auth"], true),
    ("smbclient", &["-u"], true),
];

/// None where the list could not be compiled, which no text can bring about.
static FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(COMMANDS.map(|(name, ..)| name)).ok()
});
/// Commands before a flag that are looked at.
const MAX_COMMANDS: usize = 4;

pub(super) fn scan(text: &Text<'_>, budget: &mut Budget, found: &mut Found) {
    let view = text.bytes();
    let mut commands = None;
    let mut at = 0;
    while let Some(flag) = next_flag(view, at) {
        at = flag + 1;
        if !budget.spend(1) {
            return;
        }
        let commands: &Vec<_> = commands.get_or_insert_with(|| commands_of(view));
        if let Some(range) = password(text, commands, flag) {
            found.push(Candidate::new(Entity::Secret, range, Strength::Context, RULE));
        }
    }
}

/// The next dash behind a space that begins a flag of the list.
fn next_flag(view: &[u8], from: usize) -> Option<usize> {
    let rest = view.get(from..)?;
    memchr::memchr_iter(b'-', rest).map(|at| from + at).find(|&at| {
        let before = at.checked_sub(1).and_then(|before| view.get(before));
        before == Some(&b' ') && matches!(view.get(at + 1), Some(b'p' | b'w' | b'a' | b'u' | b'-'))
    })
}

/// Where commands end and which they are, by position.
fn commands_of(view: &[u8]) -> Vec<(usize, Command)> {
    let is_edge = |byte: Option<&u8>| !byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    let finder = FINDER.iter().flat_map(|finder| finder.find_iter(view));
    let known = finder.filter(|hit| {
        is_edge(hit.start().checked_sub(1).and_then(|before| view.get(before))) && is_edge(view.get(hit.end()))
    });
    known.filter_map(|hit| Some((hit.end(), *COMMANDS.get(hit.pattern().as_usize())?))).collect()
}

/// What the flag at `flag` gives away.
fn password(text: &Text<'_>, commands: &[(usize, Command)], flag: usize) -> Option<Range<usize>> {
    let view = text.bytes();
    let rest = view.get(flag..)?;
    let num_before = commands.partition_point(|&(end, _)| end <= flag);
    let near = commands.get(..num_before)?.iter().rev().take(MAX_COMMANDS).take_while(|&&(end, _)| {
        flag - end <= REACH && !view.get(end..flag).is_none_or(|between| between.contains(&b'\n'))
    });
    near.map(|&(_, command)| command).find_map(|(_, flags, is_pair)| {
        let name = flags.iter().find(|name| rest.starts_with(name.as_bytes()))?;
        value(text, flag + name.len(), is_pair)
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
