//! Items to messages, fields to fields, and errors in this API's words.

use super::*;
use crate::responses::parse_request;
use proptest::prelude::*;

fn chat_of(body: &Value) -> Result<ChatRequest, ApiError> {
    to_chat(&parse_request(body.to_string().as_bytes())?)
}

fn with(field: &str, value: Value) -> Value {
    let mut body = json!({ "model": "m", "input": "x",
        "tools": [{ "type": "function", "name": "f" }, { "type": "function", "name": "g", "strict": true }] });
    body[field] = value;
    body
}

#[test]
fn a_short_request_stays_short() {
    let chat = chat_of(&json!({ "model": "m", "input": "Hi", "instructions": "Be brief." })).unwrap();
    let expected = json!({ "model": "m", "messages": [
        { "role": "system", "content": "Be brief." }, { "role": "user", "content": "Hi" }] });
    assert_eq!(serde_json::to_value(&chat).unwrap(), expected);
}

#[test]
fn an_answers_items_become_one_message_again() {
    let body = json!({ "model": "m", "input": [
        { "role": "user", "content": [{ "type": "input_text", "text": "a" },
            { "type": "input_image", "image_url": "https://x/y.png", "detail": "low" }] },
        { "type": "reasoning", "id": "rs_1", "summary": [], "content": [{ "type": "reasoning_text", "text": "hm" }],
            "encrypted_content": "thinking:s1" },
        { "type": "reasoning", "id": "rs_3", "summary": [], "encrypted_content": "redacted_thinking:z" },
        { "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
            "content": [{ "type": "output_text", "text": "Wait.", "annotations": [] }] },
        { "type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}" },
        { "type": "function_call", "call_id": "c2", "name": "g", "arguments": "{}" },
        { "type": "function_call_output", "call_id": "c2", "output": "2" },
        { "type": "function_call_output", "call_id": "c1", "output": [{ "type": "input_text", "text": "1" }] },
        { "type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "zz" },
        { "type": "function_call", "call_id": "c3", "name": "f", "arguments": "{}" },
        { "role": "developer", "content": "d" },
    ] });
    let call =
        |id: &str, name: &str| json!({ "id": id, "type": "function", "function": { "name": name, "arguments": "{}" } });
    let expected = json!([
        { "role": "user", "content": [{ "type": "text", "text": "a" },
            { "type": "image_url", "image_url": { "url": "https://x/y.png", "detail": "low" } }] },
        { "role": "assistant", "content": "Wait.", "tool_calls": [call("c1", "f"), call("c2", "g")],
            "reasoning_content": "hm", "thinking_blocks": [{ "type": "thinking", "thinking": "hm", "signature": "s1" },
                { "type": "redacted_thinking", "data": "z" }] },
        { "role": "tool", "content": "2", "tool_call_id": "c2" },
        { "role": "tool", "content": "1", "tool_call_id": "c1" },
        { "role": "assistant", "tool_calls": [call("c3", "f")] },
        { "role": "developer", "content": "d" },
    ]);
    assert_eq!(serde_json::to_value(&chat_of(&body).unwrap().messages).unwrap(), expected);
}

#[test]
fn fields_find_their_chat_names() {
    let body = json!({ "model": "m", "input": "x", "stream": true, "max_output_tokens": 9, "temperature": 0.5,
        "top_p": 0.9, "seed": 7, "user": "u", "reasoning": { "effort": "low" }, "parallel_tool_calls": false,
        "include": ["message.output_text.logprobs"], "top_logprobs": 3,
        "tool_choice": { "type": "function", "name": "f" },
        "tools": [{ "type": "function", "name": "f", "description": "d", "parameters": { "a": 1 }, "strict": false }],
        "text": { "format": { "type": "json_schema", "name": "n", "schema": { "b": 2 }, "strict": true } },
        "store": false, "truncation": "auto", "metadata": { "k": "v" } });
    let expected = json!({ "model": "m", "messages": [{ "role": "user", "content": "x" }], "stream": true,
        "stream_options": { "include_usage": true }, "max_completion_tokens": 9, "temperature": 0.5, "top_p": 0.9,
        "seed": 7, "user": "u", "reasoning_effort": "low", "parallel_tool_calls": false, "logprobs": true,
        "top_logprobs": 3, "tool_choice": { "type": "function", "function": { "name": "f" } },
        "tools": [{ "type": "function", "function":
            { "name": "f", "description": "d", "parameters": { "a": 1 }, "strict": false } }],
        "response_format": { "type": "json_schema",
            "json_schema": { "name": "n", "schema": { "b": 2 }, "strict": true } } });
    assert_eq!(serde_json::to_value(chat_of(&body).unwrap()).unwrap(), expected);
}

#[test]
fn allowed_tools_are_a_shorter_list() {
    let choice = json!({ "type": "allowed_tools", "mode": "required", "tools": [{ "type": "function", "name": "g" }] });
    let chat = chat_of(&with("tool_choice", choice)).unwrap();
    assert_eq!(chat.tool_choice, Some(json!("required")));
    assert_eq!(chat.tools, Some(vec![json!({ "type": "function", "function": { "name": "g", "strict": true } })]));
}

#[test]
fn errors_name_this_apis_fields() {
    let cases = [
        (json!({ "model": "m" }), "input"),
        (json!({ "input": "x" }), "model"),
        (with("input", json!([])), "input"),
        (with("input", json!([{ "content": "x" }])), "input[0].role"),
        (with("input", json!([{ "role": "tool", "content": "x" }])), "input[0].role"),
        (with("input", json!([{ "role": "900101300123", "content": "x" }])), "input[0].role"),
        (with("input", json!([{ "role": "user" }])), "input[0].content"),
        (
            with("input", json!([{ "role": "user", "content": [{ "type": "input_video" }] }])),
            "input[0].content[0].type",
        ),
        (with("input", json!([{ "role": "user", "content": [{ "type": "input_text" }] }])), "input[0].content[0].text"),
        (with("input", json!([{ "role": "user", "content": [{ "text": "x" }] }])), "input[0].content[0].type"),
        (
            with("input", json!([{ "role": "user", "content": [{ "type": "input_image", "file_id": "x" }] }])),
            "input[0].content[0].file_id",
        ),
        (with("input", json!([{ "id": "msg_1" }])), "input[0].type"),
        (with("input", json!([{ "type": "item_reference", "id": "msg_1" }])), "input[0].type"),
        (with("input", json!([{ "type": "web_search_call", "id": "w" }])), "input[0].type"),
        (with("input", json!([{ "type": "function_call", "call_id": "c", "arguments": "" }])), "input[0].name"),
        (with("input", json!([{ "type": "function_call_output", "call_id": "c", "output": "" }])), "input[0].call_id"),
        (with("input", json!([{ "type": "reasoning", "id": "r", "summary": [] }])), "input"),
        (with("tools", json!([{ "type": "web_search" }])), "tools[0].type"),
        (with("tools", json!([{ "type": "function" }])), "tools[0].name"),
        (with("tools", json!([{ "name": "f" }])), "tools[0].type"),
        (with("tool_choice", json!("sometimes")), "tool_choice"),
        (with("tool_choice", json!({ "type": "function", "name": "h" })), "tool_choice.name"),
        (with("tool_choice", json!({ "type": "file_search" })), "tool_choice.type"),
        (
            with("tool_choice", json!({ "type": "allowed_tools", "mode": "auto", "tools": [{ "name": "f" }] })),
            "tool_choice.tools[0]",
        ),
        (with("text", json!({ "format": { "type": "xml" } })), "text.format.type"),
        (with("text", json!({ "format": { "type": "json_schema", "name": "n" } })), "text.format.schema"),
        (with("include", json!(["everything"])), "include[0]"),
        (with("top_logprobs", json!(21)), "top_logprobs"),
        (with("truncation", json!("some")), "truncation"),
        (with("previous_response_id", json!("resp_1")), "previous_response_id"),
        (with("conversation", json!("conv_1")), "conversation"),
        (with("prompt", json!({ "id": "p" })), "prompt"),
        (with("background", json!(true)), "background"),
        (with("temperature", json!("900101300123")), "temperature"),
        (with("reasoning", json!({ "effort": 1 })), "reasoning.effort"),
    ];
    for (body, param) in cases {
        let error = chat_of(&body).unwrap_err();
        assert_eq!(error.status.as_u16(), 400);
        assert_eq!(error.param.as_deref(), Some(param), "{body}");
        assert!(!error.message.contains("900101300123") && !error.message.contains("everything"), "{}", error.message);
    }
}

#[test]
fn errors_of_the_chat_request_are_restated() {
    let body = json!({ "model": "m", "instructions": "i", "tools": [{ "type": "function", "name": "f" }], "input": [
        { "role": "user", "content": [{ "type": "input_text", "text": "a" },
            { "type": "input_image", "image_url": "u" }] },
        { "role": "assistant", "content": "b" },
        { "type": "function_call", "call_id": "c", "name": "f", "arguments": "{" },
        { "type": "function_call_output", "call_id": "c", "output": "" },
    ] });
    let (_, places) = translate(&parse_request(body.to_string().as_bytes()).unwrap()).unwrap();
    for (chat, own) in [
        ("messages", "input"),
        ("messages[0].content", "instructions"),
        ("messages[1].content[1].type", "input[0].content[1].type"),
        ("messages[2].content", "input[1]"),
        ("messages[2].tool_calls[0].function.arguments", "input[2].arguments"),
        ("messages[3].tool_call_id", "input[3].call_id"),
        ("messages[9]", "input"),
        ("max_completion_tokens", "max_output_tokens"),
        ("tools[0].function.parameters.type", "tools[0].parameters.type"),
        ("response_format.json_schema.schema.properties", "text.format.schema.properties"),
        ("temperature", "temperature"),
        ("stop_token_ids", "stop_token_ids"),
    ] {
        let error = places.restate(ApiError::invalid(chat, format!("Invalid '{chat}': x.")));
        assert_eq!(error.param.as_deref(), Some(own));
        assert_eq!(error.message, format!("Invalid '{own}': x."));
    }
    assert_eq!(places.restate(ApiError::internal()), ApiError::internal());
}

proptest! {
    /// What an answer consisted of can be sent back, and is then the message that it was.
    #[test]
    fn an_answer_sent_back_is_the_same_message(answer in crate::goldens::answers()) {
        let request = parse_request(br#"{"model":"m","input":"x"}"#).unwrap();
        let answered = crate::responses::from_chat(&request, &answer, crate::ids::IdSeed::new("1"));
        let chat = chat_of(&json!({ "model": "m", "input": answered.output })).unwrap();
        let message = &answer.choices[0].message;
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let of = |read: &dyn Fn(&crate::chat::ChatMessage) -> Option<String>| {
            chat.messages.iter().filter_map(read).collect::<Vec<_>>().concat()
        };
        let thoughts = filled(&message.reasoning_content).unwrap_or_default();
        prop_assert_eq!(of(&|sent| sent.reasoning_content.clone()), thoughts);
        let calls: Vec<_> = chat.messages.iter().filter_map(|sent| sent.tool_calls.clone()).flatten().collect();
        prop_assert_eq!(calls, message.tool_calls.clone().unwrap_or_default());
        if message.refusal.is_none() {
            prop_assert_eq!(chat.messages.len(), 1);
            let text = match &chat.messages[0].content {
                Some(crate::chat::Content::Text(text)) => text.clone(),
                _ => String::new(),
            };
            prop_assert_eq!(text, message.content.clone().unwrap_or_default());
        }
    }
}
