//! Templates as models ship them.

use serde_json::json;

use super::*;

fn noon() -> Timestamp {
    Timestamp::from_second(1_700_000_000).expect("a valid time")
}

fn render(source: &str, messages: Value) -> Result<String, TemplateError> {
    let constants = json!({"bos_token": "<s>", "eos_token": "</s>"});
    let Value::Object(constants) = constants else { unreachable!("an object by its text") };
    ChatTemplate::parse(source, constants, noon).expect("parses").render(messages, Map::new(), true)
}

const CHAT: &str = "{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\n' + message['content'].strip() + '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
{%- endif %}";

#[test]
fn renders_a_chat_the_way_transformers_does() {
    let text = render(CHAT, json!([{"role": "user", "content": " Сәлем "}])).expect("renders");
    assert_eq!(text, "<|im_start|>user\nСәлем<|im_end|>\n<|im_start|>assistant\n");
}

#[test]
fn knows_the_functions_and_filters_that_templates_use() {
    let source = "{{ bos_token }}{{ strftime_now('%d %b %Y') }} {{ messages | tojson }} {{ messages[0] | tojson(indent=2) }}\
        {% generation %}x{% endgeneration %}{% if tools is defined %}tools{% endif %}";
    let text = render(source, json!([{"b": "Ә<", "a": [1, 2.5, null]}])).expect("renders");
    let expected = "<s>14 Nov 2023 [{\"b\": \"Ә<\", \"a\": [1, 2.5, null]}] {\n  \"b\": \"Ә<\",\n  \"a\": [\n    1,\n    2.5,\n    null\n  ]\n}x";
    assert_eq!(text, expected);
}

/// The constructs of the templates of Llama 3, Qwen 3 and their like.
const FULL: &str = "{%- if tools %}{{ tools | length }}{% endif %}
{%- set ns = namespace(last=messages|length - 1, found=false) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if not ns.found and message.role == 'user' and not (message.content.startswith('<tool>') and message.content.endswith('</tool>')) %}
        {%- set ns.last = index %}{%- set ns.found = true %}
    {%- endif %}
{%- endfor %}
{%- if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] | trim %}{% set messages = messages[1:] %}{% else %}{% set system = '' %}{% endif %}
{{- '[' ~ system ~ '|' ~ ns.last ~ ']' }}
{%- for message in messages %}
    {%- if (message.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('alternate') }}{% endif %}
    {%- if message.content is string and '</think>' in message.content %}
        {{- message.content.split('</think>')[-1].lstrip('\n') }}
    {%- elif message.tool_calls is defined and message.tool_calls %}
        {%- for call in message.tool_calls %}
            {%- for key, value in call.function.arguments.items() %}{{ key ~ '=' ~ value }}{% if not loop.last %},{% endif %}{% endfor %}
        {%- endfor %}
    {%- else %}
        {{- message.content | upper if loop.first else message.content.rstrip() }}
    {%- endif %}
    {{- '/' }}
    {%- if loop.index > 7 %}{% break %}{% endif %}
{%- endfor %}";

#[test]
fn understands_what_well_known_templates_use() {
    let messages = json!([
        {"role": "system", "content": " be brief "},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "<think>x</think>\n\nhello"},
        {"role": "user", "content": "go "},
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"b": 1, "a": "x"}}}]},
        {"role": "user", "content": "<tool>1</tool>"}
    ]);
    assert_eq!(render(FULL, messages).expect("renders"), "[be brief|3]HI/hello/go/b=1,a=x/<tool>1</tool>/");
}

#[test]
fn what_a_template_says_of_the_messages_is_not_repeated() {
    let messages = json!([{"role": "user", "content": "a secret"}]);
    let words = |source: &str| {
        let error = render(source, messages.clone()).expect_err("fails");
        (error.to_string(), format!("{error:?}"))
    };
    let refusals = [
        "{{ raise_exception('cannot take ' ~ messages[0].content) }}",
        "{% macro refuse(text) %}{{ raise_exception(text) }}{% endmacro %}{{ refuse(messages[0].content) }}",
    ];
    for source in refusals {
        let (message, debug) = words(source);
        assert_eq!(message, "The model's chat template refused the messages: check the order of roles.");
        assert_eq!(debug, "Refused", "{source}");
    }
    for source in ["{{ messages[0].content | int }}", "{{ {}[messages[0].content].x }}"] {
        let (message, debug) = words(source);
        assert_eq!(message, "The model's chat template failed.");
        assert!(!debug.contains("secret"), "{source}: {debug}");
    }
}

#[test]
fn a_template_that_calls_itself_ends_in_an_error() {
    let endless = [
        "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
        "{% macro a(f) %}{{ f(f) }}{% endmacro %}{{ a(a) }}",
        "{% for message in messages recursive %}{{ loop(messages) }}{% endfor %}",
        "{% include 'chat' %}",
        "{% import 'chat' as self %}{{ self }}",
    ];
    for source in endless {
        let error = render(source, json!([{"role": "user", "content": "x"}])).expect_err(source);
        assert!(matches!(error, TemplateError::Failed { .. } | TemplateError::OutOfFuel), "{source}: {error:?}");
    }
}

#[test]
fn an_endless_template_is_cut_off() {
    let source = "{% for a in range(10000) %}{% for b in range(10000) %}{{ a }}{% endfor %}{% endfor %}";
    assert!(matches!(render(source, json!([])), Err(TemplateError::OutOfFuel)));
}

#[test]
fn finds_the_template_in_each_of_its_places() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let load = || ChatTemplate::load(folder.path(), noon).map(|template| template.render(json!([]), Map::new(), true));
    let rendered = || load().expect("loads").expect("renders");
    assert!(matches!(load(), Err(FrontendError::NoTemplate)));
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("write");
    let named = r#"{"bos_token": {"content": "<b>"}, "chat_template": [{"name": "x", "template": "x"}, {"name": "default", "template": "{{ bos_token }}list"}]}"#;
    write("tokenizer_config.json", named);
    assert_eq!(rendered(), "<b>list");
    write("tokenizer_config.json", r#"{"chat_template": "string"}"#);
    assert_eq!(rendered(), "string");
    write("chat_template.json", r#"{"chat_template": "json"}"#);
    assert_eq!(rendered(), "json");
    write("chat_template.jinja", "jinja");
    assert_eq!(rendered(), "jinja");
    write("chat_template.jinja", "{% if %}");
    assert!(matches!(load(), Err(FrontendError::BadTemplate { .. })));
}
