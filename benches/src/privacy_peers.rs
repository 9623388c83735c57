//! What the detector is compared with in the same run: one regular expression per entity, each run over the whole text,
//! as a gateway without a detector of its own would do it; and Presidio's patterns, where a Python with it is at hand.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use regex::Regex;
use serde_json::{Value, json};

/// One expression per entity or way of writing it.
const PATTERNS: [&str; 34] = [
    // Numbers of people and organisations.
    r"\b\d{12}\b",
    r"(?i)\b(?:иин|жсн|iin)\b[^0-9]{0,10}(?:\d[ -]?){12}",
    r"(?i)\b(?:бин|бсн|bin)\b[^0-9]{0,10}(?:\d[ -]?){12}",
    r"(?:\+7|\b8)[ (-]{0,2}\d{3}[ )-]{0,2}\d{3}[ -]?\d{2}[ -]?\d{2}\b",
    r"\+\d{1,3}[ -]?(?:\d[ -]?){7,12}\b",
    r"(?i)\bKZ\d{2}(?: ?[0-9A-Z]){16}\b",
    r"(?i)\b[A-Z]{2}\d{2}(?: ?[0-9A-Z]){11,28}\b",
    r"\b(?:\d[ -]?){13,19}\b",
    r"(?i)\b(?:удостоверени\w*|куәлі\w*)\b\D{0,20}\d{9}\b",
    r"(?i)\bN ?\d{8}\b",
    r"(?i)\b(?:паспорт\w*|төлқұжат\w*|passport)\b\D{0,20}\d{4} ?\d{6}\b",
    r"(?i)\b(?:права|водительск\w*|licen[cs]e)\b\D{0,20}[A-Z]{2} ?\d{6}\b",
    r"(?i)\b\d{3} ?[A-Z]{2,3} ?(?:0[1-9]|1\d|20)\b",
    r"(?i)\b(?:инн)\b\D{0,10}\d{12}\b",
    r"\b\d{3}-\d{3}-\d{3} \d{2}\b",
    r"\b[1-6]\d{13}\b",
    r"\b\d{3}-\d{2}-\d{4}\b",
    // Records.
    r"(?i)\b(?:договор\w*|шарт\w*|contract)\b\D{0,12}[0-9A-ZА-Я/-]{5,12}",
    r"(?i)\b(?:л/с|лицев\w+ сч[её]т\w*|дербес шот\w*|account)\b\D{0,12}\d{5,12}\b",
    r"(?i)\b(?:карт\w+ пациента|ауру тарихы|medical record)\b\D{0,12}\d{4,12}\b",
    r"(?i)\b(?:рожд\w+|г\.р|туған|born)\b\D{0,16}\d{1,2}[./-]\d{1,2}[./-]\d{2,4}",
    r"(?i)\b(?:оклад\w*|зарплат\w*|жалақы\w*|salary)\b\D{0,16}\d[\d ]{3,10}",
    r"\b[A-TV-Z]\d{2}(?:\.\d{1,2})?\b",
    // Places and networks.
    r"(?i)\b(?:ул|улиц\w|пр|просп\w*|мкр|street|avenue)\b\.? [^,\n]{2,40},? ?(?:д\.? ?)?\d{1,4}",
    r"(?i)\b[^,\n ]{2,40} (?:көшесі|даңғылы|ауданы),? ?\d{1,4}",
    r"(?i)\b[a-z0-9._%+-]+@[a-z0-9.-]+\.[a-z]{2,24}\b",
    r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
    r"(?i)\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}\b",
    r"(?i)\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b",
    r"\b-?\d{1,2}\.\d{4,}, ?-?\d{1,3}\.\d{4,}\b",
    // Names, handles and secrets.
    r"\b[А-ЯӘҒҚҢӨҰҮҺІ][а-яәғқңөұүһі]+ [А-ЯӘҒҚҢӨҰҮҺІ][а-яәғқңөұүһі]+(?:\s[А-ЯӘҒҚҢӨҰҮҺІ][а-яәғқңөұүһі]+(?:вич|вна|ұлы|қызы))?\b",
    r"(?:^|\s)@[A-Za-z0-9_]{4,32}\b",
    r"\b(?:sk-[A-Za-z0-9_-]{20,}|AKIA[0-9A-Z]{16}|ghp_[A-Za-z0-9]{36}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_.-]{10,})",
    r"(?i)\b(?:пароль|құпиясөз|password|pwd)\b\W{1,4}\S{4,40}",
];

/// Separate expressions, one per entity.
#[derive(Debug)]
pub struct SeparateRegexes(Vec<Regex>);

impl SeparateRegexes {
    /// # Errors
    /// If an expression does not compile.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self(PATTERNS.iter().map(|pattern| Regex::new(pattern)).collect::<Result<_, _>>()?))
    }

    /// How many there are.
    pub fn num_patterns(&self) -> usize {
        self.0.len()
    }

    /// How often any of them matches.
    pub fn count(&self, text: &str) -> usize {
        self.0.iter().map(|regex| regex.find_iter(text).count()).sum()
    }
}

/// Times every recogniser of patterns that Presidio brings, without its language model.
const PRESIDIO: &str = r"
import json, sys, time
import presidio_analyzer.predefined_recognizers as predefined
from presidio_analyzer import EntityRecognizer, PatternRecognizer
from presidio_analyzer.predefined_recognizers import PhoneRecognizer
recognizers = []
for kind in list(vars(predefined).values()):
    if isinstance(kind, type) and (issubclass(kind, PatternRecognizer) or kind is PhoneRecognizer) and kind is not PatternRecognizer:
        try:
            recognizers.append(kind())
        except Exception:
            pass
request = json.load(sys.stdin)
seconds = []
for text in request['texts']:
    best = None
    for _ in range(request['turns']):
        started = time.perf_counter()
        for recognizer in recognizers:
            recognizer.analyze(text, recognizer.supported_entities, None)
        taken = time.perf_counter() - started
        best = taken if best is None else min(best, taken)
    seconds.append(best)
json.dump({'recognizers': len(recognizers), 'seconds': seconds}, sys.stdout)
";

/// The best of a few turns of Presidio over each text, in seconds, and how many recognisers it has.
///
/// # Errors
/// If `python` does not run or has no Presidio.
pub fn presidio(python: &Path, texts: &[&str], turns: usize) -> anyhow::Result<(Vec<f64>, u64)> {
    let mut child = Command::new(python)
        .args(["-c", PRESIDIO])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to start {}", python.display()))?;
    let mut stdin = child.stdin.take().context("a pipe to the peer")?;
    stdin.write_all(json!({"texts": texts, "turns": turns}).to_string().as_bytes())?;
    drop(stdin);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("the peer ended with {}", output.status);
    }
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    let seconds = answer["seconds"].as_array().context("times")?.iter().filter_map(Value::as_f64).collect();
    Ok((seconds, answer["recognizers"].as_u64().unwrap_or_default()))
}
