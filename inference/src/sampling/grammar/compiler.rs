//! One compiler per model: from a source to a checked grammar, remembered for the next request that asks for it.
//!
//! Compiling is blocking work of milliseconds to a second and belongs on a blocking thread. It is bounded by the
//! engine's fuel, by the sizes that [`super::schema`] allows, and by the number of passes that look for landings.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use llguidance::api::TopLevelGrammar;
use llguidance::derivre::{RegexAst, RegexBuilder};
use llguidance::earley::SlicedBiasComputer;
use llguidance::toktrie::{InferenceCapabilities, TokEnv, TokTrie};
use llguidance::{ParserFactory, TokenParser};
use serde_json::Value;

use super::decisions::Decisions;
use super::error::{GrammarError, Place};
use super::landing::{self, Ground, Landing};
use super::matcher::GrammarMatcher;
use super::vocabulary::{Tokenize, Vocabulary};
use super::{GrammarSource, Leave, schema};

const CACHED: usize = 64;
const MAX_SOURCE_BYTES: usize = 256 * 1024;
const MAX_CHOICES: usize = 1_024;
/// Compilations spent on finding which part of a schema the engine refuses.
const MAX_PROBES: usize = 40;
/// Requests that may wait for their new grammars; with one more the model is busy.
const MAX_WAITING: usize = 64;
/// Rules of a Lark grammar, each on a line of its own.
const MAX_LINES: usize = 2_000;
/// The engine recurses as deep as rules and references are chained; only what is touched becomes memory.
const STACK_BYTES: usize = 512 << 20;

/// Compiles for one vocabulary.
pub struct GrammarCompiler {
    factory: ParserFactory,
    environment: TokEnv,
    /// Oldest use first.
    /// One at a time: compiling must not take all cores from those who compute answers.
    compiling: Mutex<()>,
    waiting: AtomicUsize,
    cache: Mutex<VecDeque<(String, CompiledGrammar)>>,
}

impl GrammarCompiler {
    /// `tokenize` gives the model's own tokens for a text, without special tokens and without altering it.
    pub fn new(vocabulary: Vocabulary, tokenize: Tokenize) -> Result<Self, GrammarError> {
        let failed = |_| GrammarError::InvalidVocabulary { problem: "the grammar engine refused it" };
        let environment = guarded(move || Ok(vocabulary.into_environment(tokenize))).map_err(failed)?;
        let capabilities = InferenceCapabilities { ff_tokens: true, ..InferenceCapabilities::default() };
        let slices = SlicedBiasComputer::json_slices();
        let mut factory = guarded(|| ParserFactory::new(&environment, capabilities, &slices)).map_err(failed)?;
        factory.quiet();
        let limits = factory.limits_mut();
        limits.verbose_errors = false;
        // A landing walks on what the last mask left of its fuel, so a mask gets several times what it could need.
        limits.step_lexer_fuel = 1_000_000;
        limits.step_max_items = 20_000;
        Ok(Self {
            factory,
            environment,
            compiling: Mutex::new(()),
            waiting: AtomicUsize::new(0),
            cache: Mutex::new(VecDeque::new()),
        })
    }

    /// Blocking. The same source gives the same compiled grammar as long as it is remembered.
    pub fn compile(&self, source: &GrammarSource) -> Result<CompiledGrammar, GrammarError> {
        // As text: two schemas that differ in the order of properties are equal values, and not the same.
        let key = format!("{source:?}");
        if key.len() > 4 * MAX_SOURCE_BYTES {
            return Err(GrammarError::TooLarge);
        }
        if let Some(found) = self.remembered(&key) {
            return Ok(found);
        }
        let _place = self.wait_place()?;
        let _turn = self.compiling.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = self.remembered(&key) {
            return Ok(found);
        }
        let compiled = with_deep_stack(|| self.compile_fresh(source))?;
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHED {
            cache.pop_front();
        }
        cache.push_back((key, compiled.clone()));
        Ok(compiled)
    }

    fn remembered(&self, key: &str) -> Option<CompiledGrammar> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let index = cache.iter().position(|(known, _)| known == key)?;
        let entry = cache.remove(index)?;
        let compiled = entry.1.clone();
        cache.push_back(entry);
        Some(compiled)
    }

    fn compile_fresh(&self, source: &GrammarSource) -> Result<CompiledGrammar, GrammarError> {
        let parser = match source {
            GrammarSource::JsonObject => self.parser_of_schema(&serde_json::json!({"type": "object"}))?,
            GrammarSource::JsonSchema(schema) => {
                check_size(schema)?;
                self.parser_of_schema(schema)?
            }
            GrammarSource::Regex(regex) => self.parser_of_regex(regex)?,
            GrammarSource::Choice(choices) => self.parser_of_choice(choices)?,
            GrammarSource::Lark(lark) => self.parser_of_lark(lark)?,
            GrammarSource::Template(template) => self.parser_of_lark(&with_checked_schemas(&template.lark)?)?,
        };
        let starts_free = matches!(source, GrammarSource::Template(template) if template.starts_free);
        let allowance = match source {
            GrammarSource::Lark(_) => 0,
            GrammarSource::Regex(_) | GrammarSource::Choice(_) => landing::LEXEME_WORK,
            _ => landing::JSON_WORK,
        };
        let form = Form { json: source.is_json(), leave: self.leave(source), starts_free, allowance };
        guarded(move || Ok(CompiledGrammar(Arc::new(Compiled::new(parser, form, self.environment.clone())?))))
            .map_err(|_| GrammarError::TooLarge)
    }

    /// # Errors
    /// If too many wait for their turn already.
    fn wait_place(&self) -> Result<WaitPlace<'_>, GrammarError> {
        let place = WaitPlace(&self.waiting);
        let waiting = self.waiting.fetch_add(1, Ordering::Relaxed);
        if waiting >= MAX_WAITING { Err(GrammarError::Busy) } else { Ok(place) }
    }

    /// The schema as [`GrammarSource::JsonSchema`] would be checked, without compiling it.
    ///
    /// # Errors
    /// Names the place in it that is at fault.
    pub fn check_schema(schema: &Value) -> Result<(), GrammarError> {
        check_size(schema)?;
        schema::prepare(schema, schema, &Place::default()).map(|_| ())
    }

    /// The bytes that end the free text before a template's frame.
    fn leave(&self, source: &GrammarSource) -> Option<Vec<u8>> {
        let GrammarSource::Template(template) = source else { return None };
        Some(match template.leave.as_ref()? {
            Leave::Text(text) => text.as_bytes().to_vec(),
            Leave::Token(token) => self.environment.tok_trie().decode_raw(&[*token]),
        })
    }

    fn parser_of_schema(&self, schema: &Value) -> Result<TokenParser, GrammarError> {
        let prepared = schema::prepare(schema, schema, &Place::default())?;
        match self.parser(TopLevelGrammar::from_json_schema(prepared)) {
            Ok(parser) => Ok(parser),
            Err(refusal) => Err(self.blame(schema, refusal)),
        }
    }

    /// Finds the innermost part of a schema that the engine refuses on its own.
    fn blame(&self, root: &Value, refusal: Refusal) -> GrammarError {
        let (mut place, mut schema, mut refusal) = (Place::default(), root, refusal);
        let mut probes = 0;
        'deeper: loop {
            for (inner_place, inner) in schema::inner_schemas(schema, &place) {
                probes += 1;
                if probes > MAX_PROBES {
                    break 'deeper;
                }
                let Ok(prepared) = schema::prepare(root, inner, &inner_place) else { continue };
                if let Err(inner_refusal) = self.parser(TopLevelGrammar::from_json_schema(prepared)) {
                    (place, schema, refusal) = (inner_place, inner, inner_refusal);
                    continue 'deeper;
                }
            }
            break;
        }
        match refusal {
            Refusal::Unsatisfiable => place.invalid("no value satisfies it"),
            Refusal::TooLarge => GrammarError::TooLarge,
            Refusal::Other { .. } => place.unsupported("this combination of keywords is not supported"),
        }
    }

    fn parser_of_regex(&self, regex: &str) -> Result<TokenParser, GrammarError> {
        let invalid = |problem| GrammarError::InvalidRegex { problem };
        if regex.is_empty() || regex.len() > MAX_SOURCE_BYTES {
            return Err(invalid("it must hold between 1 byte and 256 KiB"));
        }
        // The whole text has to match, with or without anchors at the ends.
        let start = regex.strip_prefix('^').unwrap_or(regex);
        let end = start.strip_suffix('$').filter(|rest| !rest.ends_with('\\')).unwrap_or(start);
        let escaped = llguidance::regex_to_lark(end, "dw");
        let well_formed = || {
            RegexBuilder::new().mk(&RegexAst::Regex(escaped.clone()))?;
            Ok(())
        };
        guarded(well_formed).map_err(|_| invalid("it must be without look-around and back-references"))?;
        let lark = format!("start: TEXT\nTEXT: /{escaped}/");
        self.parser(TopLevelGrammar::from_lark(lark)).map_err(|_| invalid("no text matches it, or it is too large"))
    }

    fn parser_of_choice(&self, choices: &[String]) -> Result<TokenParser, GrammarError> {
        let invalid = |problem| GrammarError::InvalidChoice { problem };
        if choices.is_empty() || choices.len() > MAX_CHOICES {
            return Err(invalid("it must have between 1 and 1024 options"));
        }
        if choices.iter().any(String::is_empty) {
            return Err(invalid("an option is empty"));
        }
        if choices.iter().map(String::len).sum::<usize>() > MAX_SOURCE_BYTES {
            return Err(invalid("its options are too long"));
        }
        let quoted: Vec<String> = choices.iter().map(|choice| Value::from(choice.as_str()).to_string()).collect();
        let lark = format!("start: CHOICE\nCHOICE: {}", quoted.join(" | "));
        self.parser(TopLevelGrammar::from_lark(lark)).map_err(|_| invalid("its options are too large together"))
    }

    fn parser_of_lark(&self, lark: &str) -> Result<TokenParser, GrammarError> {
        if lark.len() > MAX_SOURCE_BYTES || lark.lines().count() > MAX_LINES {
            return Err(GrammarError::TooLarge);
        }
        self.parser(TopLevelGrammar::from_lark(lark.to_owned())).map_err(|refusal| match refusal {
            Refusal::TooLarge => GrammarError::TooLarge,
            Refusal::Other { line, column } => GrammarError::InvalidLark { line, column },
            Refusal::Unsatisfiable => GrammarError::InvalidLark { line: 0, column: 0 },
        })
    }

    fn parser(&self, grammar: TopLevelGrammar) -> Result<TokenParser, Refusal> {
        let created = guarded(|| {
            let mut parser = self.factory.create_parser(grammar)?;
            parser.start_without_prompt();
            Ok(parser)
        });
        created.map_err(|error| Refusal::of(&format!("{error:#}")))
    }
}

/// Runs what may recurse deeply on a thread with room for it.
fn with_deep_stack<T: Send>(work: impl FnOnce() -> Result<T, GrammarError> + Send) -> Result<T, GrammarError> {
    std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().name("grammar".to_owned()).stack_size(STACK_BYTES);
        let thread = builder.spawn_scoped(scope, work).map_err(|_| GrammarError::TooLarge)?;
        thread.join().unwrap_or(Err(GrammarError::TooLarge))
    })
}

/// One of those who wait for their grammars.
struct WaitPlace<'a>(&'a AtomicUsize);

impl Drop for WaitPlace<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why the engine refused; its own words stay here, as they repeat the caller's.
enum Refusal {
    Unsatisfiable,
    TooLarge,
    Other { line: usize, column: usize },
}

impl Refusal {
    fn of(message: &str) -> Self {
        if let Some((line, column)) = location(message) {
            return Self::Other { line, column };
        }
        let any = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
        if any(&["Unsatisfiable", "unsatisfiable"]) {
            Self::Unsatisfiable
        } else if any(&["fuel", "too large", "too big", "initial lexer", "limit"]) {
            Self::TooLarge
        } else {
            Self::Other { line: 0, column: 0 }
        }
    }
}

/// The place that a Lark error begins with: `LINE(COLUMN): …`, at times after `at`.
fn location(message: &str) -> Option<(usize, usize)> {
    let message = message.strip_prefix("at ").unwrap_or(message);
    let (line, rest) = message.split_once('(')?;
    let (column, _) = rest.split_once("):")?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

/// Runs the engine so that a panic inside it is an error here.
pub(super) fn guarded<T>(run: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    llguidance::panic_utils::catch_unwind(std::panic::AssertUnwindSafe(run))
}

pub(super) type Failure = anyhow::Error;

fn check_size(schema: &Value) -> Result<(), GrammarError> {
    let bytes = serde_json::to_string(schema).map_or(usize::MAX, |text| text.len());
    if bytes > MAX_SOURCE_BYTES { Err(GrammarError::TooLarge) } else { Ok(()) }
}

/// A template with its schemas in the engine's form.
fn with_checked_schemas(lark: &str) -> Result<String, GrammarError> {
    if lark.len() > MAX_SOURCE_BYTES {
        return Err(GrammarError::TooLarge);
    }
    let mut checked = String::with_capacity(lark.len());
    for line in lark.lines() {
        match line.split_once(": %json ") {
            Some((name, schema)) => {
                let schema: Value =
                    serde_json::from_str(schema).map_err(|_| GrammarError::InvalidLark { line: 0, column: 0 })?;
                let schema = schema::prepare(&schema, &schema, &Place::default())?;
                let _ = write!(checked, "{name}: %json {schema}");
            }
            None => checked.push_str(line),
        }
        checked.push('\n');
    }
    Ok(checked)
}

/// What is known of a grammar's texts beside the grammar.
pub(super) struct Form {
    pub json: bool,
    /// Ends the free text that may come first.
    pub leave: Option<Vec<u8>>,
    pub starts_free: bool,
    /// Steps that looking for landings may take.
    pub allowance: usize,
}

impl Form {
    pub fn ground<'a>(&'a self, trie: &'a TokTrie) -> Ground<'a> {
        Ground { trie, leave: self.leave.as_deref(), starts_free: self.starts_free }
    }
}

/// A grammar ready for any number of sequences. Cheap to clone.
#[derive(Clone)]
pub struct CompiledGrammar(Arc<Compiled>);

pub(super) struct Compiled {
    /// At the start of the text; never advanced, only copied.
    pub parser: Mutex<TokenParser>,
    pub environment: TokEnv,
    pub form: Form,
    /// What was learned about short endings from the start.
    pub decisions: Decisions,
    /// The shortest document found.
    pub shortest: Option<Landing>,
}

impl Compiled {
    fn new(mut parser: TokenParser, form: Form, environment: TokEnv) -> Result<Self, Failure> {
        let mut decisions = Decisions::default();
        decisions.allowance = form.allowance;
        // The first mask fills the engine's tables, which every copy then starts with. A grammar that is too much for
        // it is told from the start.
        parser.compute_mask()?;
        let ground = form.ground(environment.tok_trie());
        if form.json {
            landing::learn(&parser.parser, &mut decisions, ground);
        }
        let start = ground.start();
        let frame = form.json.then_some(&start);
        let shortest = landing::land(&parser.parser, frame, &mut decisions, usize::MAX, ground);
        // Every sequence has the whole allowance.
        decisions.work = 0;
        Ok(Self { parser: Mutex::new(parser), environment, form, decisions, shortest })
    }
}

impl CompiledGrammar {
    /// The state of a new sequence.
    pub fn matcher(&self) -> GrammarMatcher {
        GrammarMatcher::new(&self.0)
    }

    /// Tokens of the shortest text found that satisfies the grammar; `None` where none was found.
    pub fn shortest_tokens(&self) -> Option<usize> {
        self.0.shortest.as_ref().map(Vec::len)
    }

    /// Whether both are one compiled grammar.
    pub fn same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
