//! Names of formats, and what templates of the families are taken for.

use super::*;

#[test]
fn names_go_both_ways() {
    for (name, format) in TOOL_NAMES {
        assert_eq!(name.parse(), Ok(format));
        assert_eq!(format.to_string(), name);
        assert!(UnknownFormat::Tools.to_string().contains(name));
    }
    for (name, format) in REASONING_NAMES {
        assert_eq!(name.parse(), Ok(format));
        assert_eq!(format.to_string(), name);
        assert!(UnknownFormat::Reasoning.to_string().contains(name));
    }
    assert_eq!("Hermes".parse::<ToolFormat>(), Err(UnknownFormat::Tools));
}

#[test]
fn templates_tell_their_format() {
    // The lines of the families' templates that decide.
    for (template, tools, reasoning) in [
        (
            "return a json object with function name and arguments within <tool_call></tool_call> XML tags:\\n\
             {{- '<think>\\n' + reasoning_content }}",
            Some(ToolFormat::Hermes),
            Some(ReasoningFormat::Think),
        ),
        ("<tool_call>\\n<function=example_function_name>\\n<parameter=p>", Some(ToolFormat::QwenXml), None),
        (
            "{{- 'Respond in the format {\"name\": function name, \
             \"parameters\": dictionary of argument name and its value}.' }}\
             {{- '<|python_tag|>' }}",
            Some(ToolFormat::Llama3Json),
            None,
        ),
        ("Use exact format: [func_name1(param1=value1), func_name2(...)]", Some(ToolFormat::Pythonic), None),
        ("{{- '[TOOL_CALLS] [' }}", Some(ToolFormat::Mistral), None),
        ("[THINK]{{ thinking }}[/THINK] [TOOL_CALLS]", Some(ToolFormat::Mistral), Some(ReasoningFormat::Mistral)),
        (
            "'<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>' + tool['type'] + '<｜tool▁sep｜>' + '\\n' + \
             '```json' {{'<think>'}}",
            Some(ToolFormat::DeepSeek),
            Some(ReasoningFormat::Think),
        ),
        (
            "'<｜tool▁call▁begin｜>'+ tool['function']['name'] + '<｜tool▁sep｜>' {{'</think>'}}",
            Some(ToolFormat::DeepSeekV31),
            Some(ReasoningFormat::Think),
        ),
        (
            "<tool_call>{function-name}\\n<arg_key>{arg-key-1}</arg_key> '<think></think>'",
            Some(ToolFormat::Glm),
            Some(ReasoningFormat::Think),
        ),
        ("'<|tool|>' + message['tools'] + '<|/tool|>'", Some(ToolFormat::Phi4), None),
        (
            "<|start_of_role|>assistant<|end_of_role|> list functions with <|tool_call|>. Write your thoughts after \
             'Here is my thought process:'",
            Some(ToolFormat::Granite),
            Some(ReasoningFormat::Granite),
        ),
        (
            "<|start|>assistant<|channel|>analysis<|message|>{{ thinking }}",
            Some(ToolFormat::Harmony),
            Some(ReasoningFormat::Harmony),
        ),
        ("<|im_start|>{{ message.role }}\\n{{ message.content }}<|im_end|>", None, None),
    ] {
        assert_eq!(ToolFormat::detect(template), tools, "{template}");
        assert_eq!(ReasoningFormat::detect(template), reasoning, "{template}");
    }
}
