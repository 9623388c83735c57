//! A chat request made ready for the engine, and its answers taken apart.

use serde_json::{Map, Value, json};
use shekara_protocol::chat::ChatRequest;
use shekara_protocol::error::ApiError;

use crate::engine::{GenerationRequest, TokenStream};
use crate::sampling::grammar::{CompiledGrammar, GrammarCompiler, GrammarSource};

use super::TemplateError;
use super::answer_stream::AnswerStream;
use super::messages::{literal_value, template_messages};
use super::model_frontend::{ModelFrontend, PrepareContext, check_length};
use super::output::{
    CallGrammar, CallRequest, ForcedTools, OutputParser, ReasoningFormat, ToolFormat, ToolSpec, call_grammar,
    framed_document,
};
use super::structure::{refused, structure_field};
use super::text_stream::TextOptions;
use super::tools::{ToolChoice, Tools};
use super::valid_sampling::{ValidSampling, invalid, unsupported};

/// A noncharacter, which no template knows.
const END_MARK: char = '\u{fdd1}';

/// A chat request ready for the engine, and what its answers will need.
#[derive(Clone)]
pub struct PreparedChat {
    /// One per choice.
    pub generations: Vec<GenerationRequest>,
    pub stream: bool,
    pub include_usage: bool,
    /// Whether log probabilities were asked for.
    pub logprobs: bool,
    text: TextOptions,
    output: OutputPlan,
}

/// How answers are to be read.
#[derive(Clone, Debug)]
struct OutputPlan {
    reasoning: ReasoningFormat,
    tools: Option<ToolFormat>,
    starts_in_reasoning: bool,
    specs: Vec<ToolSpec>,
}

impl PreparedChat {
    /// Tokens of the prompt.
    pub fn num_prompt_tokens(&self) -> usize {
        self.generations.first().map_or(0, |generation| generation.prompt.len())
    }
}

/// A rendered conversation.
struct Rendered {
    tokens: Vec<u32>,
    starts_in_reasoning: bool,
}

impl ModelFrontend {
    /// Checks a chat request, renders and tokenises its messages, and fits the answer's length into
    /// the context. Compiles what says how the answer must look: this is for a blocking thread.
    ///
    /// # Errors
    /// A 400 that names the field at fault.
    pub fn prepare_chat(&self, request: &ChatRequest, context: &PrepareContext) -> Result<PreparedChat, ApiError> {
        let fields = request.sampling();
        let sampling = self.sampling_context(self.defaults.max_tokens, context.random_seed);
        let valid = ValidSampling::check(&fields, sampling)?;
        let stream = request.stream.unwrap_or(false);
        if request.stream_options.is_some() && !stream {
            return Err(invalid("stream_options", "it is only allowed when 'stream' is true"));
        }
        if request.modalities.as_ref().is_some_and(|modalities| modalities.iter().any(|modality| modality != "text")) {
            return Err(unsupported("modalities", "modalities other than text"));
        }
        let tools = Tools::check(request)?;
        let rendered = self.render(request, tools.is_some(), Some(context.max_context))?;
        check_length(&rendered.tokens, context.max_context, "messages")?;
        let mut output = OutputPlan {
            reasoning: self.reasoning_format,
            tools: tools.as_ref().map(|_| self.tool_format),
            starts_in_reasoning: rendered.starts_in_reasoning,
            specs: tools.as_ref().map(|tools| tools.specs.clone()).unwrap_or_default(),
        };
        let grammar = self.grammar(&valid, tools.as_ref(), &mut output, structure_field(&fields))?;
        let markers = [output.reasoning.markers(), output.tools.unwrap_or(ToolFormat::None).markers()].concat();
        Ok(PreparedChat {
            generations: self.generations(&rendered.tokens, &valid, grammar.as_ref(), context),
            stream,
            include_usage: request.stream_options.and_then(|options| options.include_usage).unwrap_or(false),
            logprobs: valid.params.logprobs.is_some(),
            text: self.text_options(&valid, &markers),
            output,
        })
    }

    /// Tokens of a conversation as the model reads it.
    ///
    /// # Errors
    /// A 400 if it cannot be rendered.
    pub fn chat_tokens(&self, request: &ChatRequest) -> Result<Vec<u32>, ApiError> {
        let has_tools = Tools::check(request)?.is_some();
        Ok(self.render(request, has_tools, None)?.tokens)
    }

    /// One choice's answer, as its tokens come.
    pub fn answer_stream(&self, prepared: &PreparedChat, tokens: TokenStream) -> AnswerStream {
        let OutputPlan { reasoning, tools, starts_in_reasoning, specs } = &prepared.output;
        let parser = OutputParser::with_tools(*reasoning, *tools, *starts_in_reasoning, specs);
        AnswerStream::new(self.text_stream(prepared.text.clone(), tokens), parser)
    }

    /// What binds the answer: calls that must be made, or the form that was asked for.
    fn grammar(
        &self,
        valid: &ValidSampling,
        tools: Option<&Tools>,
        output: &mut OutputPlan,
        field: &str,
    ) -> Result<Option<CompiledGrammar>, ApiError> {
        if let Some(calls) = tools.and_then(|tools| self.calls(tools, output)) {
            if valid.structure.is_some() {
                return Err(unsupported("tool_choice", "calls that are bound together with a form of the answer"));
            }
            check_parameters(tools)?;
            output.tools = Some(calls.format);
            let compiled = self.compile(&GrammarSource::Template(calls.template));
            return compiled.map(Some).map_err(|error| refused("tools", &error));
        }
        let Some(source) = &valid.structure else { return Ok(None) };
        // An answer of a given form has no room for calls in another.
        output.tools = None;
        let framed = self.framed(source, output);
        self.compile(framed.as_ref().unwrap_or(source)).map(Some).map_err(|error| refused(field, &error))
    }

    /// A document behind the reasoning of a model that reasons first.
    fn framed(&self, source: &GrammarSource, output: &OutputPlan) -> Option<GrammarSource> {
        let any_object = json!({"type": "object"});
        let schema = match source {
            GrammarSource::JsonObject => &any_object,
            GrammarSource::JsonSchema(schema) => schema,
            _ => return None,
        };
        let reasoning = (output.reasoning, output.starts_in_reasoning);
        let special = |text: &str| self.tokenizer.special_id(text);
        framed_document(schema, reasoning, &special).map(GrammarSource::Template)
    }

    fn calls(&self, tools: &Tools, output: &OutputPlan) -> Option<CallGrammar> {
        let choice = match &tools.choice {
            ToolChoice::None => return None,
            ToolChoice::Auto => ForcedTools::Auto,
            ToolChoice::Required => ForcedTools::Required,
            ToolChoice::Function(name) => ForcedTools::Function(name),
        };
        let request = CallRequest {
            format: self.tool_format,
            reasoning: output.reasoning,
            starts_in_reasoning: output.starts_in_reasoning,
            tools: &tools.specs,
            choice,
            parallel: tools.parallel,
        };
        call_grammar(&request, &|text| self.tokenizer.special_id(text))
    }

    fn render(
        &self,
        request: &ChatRequest,
        shows_tools: bool,
        max_tokens: Option<usize>,
    ) -> Result<Rendered, ApiError> {
        let literal = |text: &str| self.tokenizer.literal(text);
        let mut messages = template_messages(&request.messages, &literal)?;
        let mut variables = self.variables(request);
        if shows_tools {
            variables.insert("tools".to_owned(), literal_value(&json!(request.tools), &literal));
        }
        let opens_answer = request.add_generation_prompt.unwrap_or(request.continue_final_message != Some(true));
        if request.continue_final_message == Some(true) {
            mark_end(&mut messages)?;
        }
        let mut text = self.template.render(messages, variables, opens_answer).map_err(|error| {
            if let TemplateError::Failed { kind } = &error {
                tracing::warn!(kind, "a chat template failed");
            }
            ApiError::invalid("messages", error.to_string())
        })?;
        if request.continue_final_message == Some(true) {
            // What the template puts behind the last message would end the answer before it begins.
            text.truncate(text.rfind(END_MARK).unwrap_or(text.len()));
        }
        let failed = |_| {
            tracing::warn!("a prompt could not be tokenised");
            ApiError::invalid("messages", "The messages could not be tokenised.")
        };
        if let Some(max_tokens) = max_tokens
            && let Some(count) = self.tokenizer.exceeds(&text, max_tokens).map_err(failed)?
        {
            return Err(ApiError::context_length_exceeded(max_tokens, count));
        }
        let tokens = self.tokenizer.encode(&text).map_err(failed)?;
        let (end, opened) = (text.trim_end(), ["<think>", "[THINK]"]);
        Ok(Rendered { tokens, starts_in_reasoning: opened.iter().any(|marker| end.ends_with(marker)) })
    }

    /// What a template may ask for beside the messages. A caller's texts stay texts.
    fn variables(&self, request: &ChatRequest) -> Map<String, Value> {
        let literal = |text: &str| self.tokenizer.literal(text);
        let mut variables = Map::new();
        if let Some(effort) = &request.reasoning_effort {
            variables.insert("reasoning_effort".to_owned(), json!(literal(effort)));
        }
        for (key, value) in request.chat_template_kwargs.iter().flatten() {
            variables.insert(key.clone(), literal_value(value, &literal));
        }
        variables
    }
}

/// Schemas of tools whose calls will be bound by them; those of others are only shown to the model.
fn check_parameters(tools: Option<&Tools>) -> Result<(), ApiError> {
    let Some(tools) = tools else { return Ok(()) };
    let is_bound = |spec: &ToolSpec| match &tools.choice {
        ToolChoice::None => false,
        ToolChoice::Auto => spec.strict,
        ToolChoice::Required => true,
        ToolChoice::Function(name) => spec.name == *name,
    };
    for (index, spec) in tools.specs.iter().enumerate().filter(|(_, spec)| is_bound(spec)) {
        let field = format!("tools[{index}].function.parameters");
        GrammarCompiler::check_schema(&spec.parameters).map_err(|error| refused(&field, &error))?;
    }
    Ok(())
}

/// Puts a mark behind the last message's text, which the answer is to go on with.
fn mark_end(messages: &mut Value) -> Result<(), ApiError> {
    let last = messages.as_array_mut().and_then(|messages| messages.last_mut());
    match last.and_then(|message| message.get_mut("content")) {
        Some(Value::String(content)) if !content.trim().is_empty() => {
            content.truncate(content.trim_end().len());
            content.push(END_MARK);
            Ok(())
        }
        _ => Err(invalid("continue_final_message", "the last message has no text that could be continued")),
    }
}
