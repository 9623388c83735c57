//! Chat requests in Gemini's words.

use super::*;

fn outgoing(stream: bool, max_output_tokens: Option<u32>) -> Outgoing<'static> {
    let (path, is_generated) = ("/chat/completions", true);
    Outgoing {
        path,
        is_generated,
        stream,
        is_translated: false,
        counts_tokens: false,
        now: jiff::Timestamp::UNIX_EPOCH,
        max_output_tokens,
        tenant: "t",
        request_id: "r",
        enclosed: crate::providers::Enclosed::default(),
        alerts: None,
        key: 0,
        batch: None,
    }
}

fn translated_for(model: &str, chat: &Value, drops: bool) -> Result<Value, ApiError> {
    let body = chat.to_string();
    let body = generate_body((body.as_bytes(), model), outgoing(chat["stream"] == true, Some(77)), drops)?;
    Ok(serde_json::from_slice(&body).unwrap())
}

fn translated(chat: &Value, drops: bool) -> Result<Value, ApiError> {
    translated_for("gemini-3-pro", chat, drops)
}

fn with(name: &str, value: Value) -> Value {
    let mut chat = json!({ "messages": [{ "role": "user", "content": "hi" }] });
    chat[name] = value;
    chat
}

#[test]
fn a_conversation_with_everything() {
    let mut chat = json!({
        "model": "alias", "stream": true, "temperature": 0.3, "top_p": 0.9, "top_k": 40, "stop": "END", "user": "u-1",
        "n": 2, "max_tokens": 300, "metadata": { "a": "b" }, "stream_options": { "include_usage": true }, "seed": 7,
        "reasoning_effort": "high", "parallel_tool_calls": true, "logprobs": true, "top_logprobs": 3,
        "presence_penalty": 0.5, "frequency_penalty": 0.0,
        "tool_choice": { "type": "function", "function": { "name": "f" } },
        "response_format": { "type": "json_schema", "json_schema": { "name": "n", "schema": { "type": "object" } } },
        "tools": [{ "type": "function", "function": { "name": "f", "description": "d",
            "parameters": { "type": "object", "properties": { "q": { "type": "string" } } } } },
            { "type": "function", "function": { "name": "g", "parameters": {} } }],
    });
    chat["messages"] = json!([
            { "role": "system", "content": "Be brief." },
            { "role": "developer", "content": [{ "type": "text", "text": "And kind." }] },
            { "role": "user", "content": [{ "type": "text", "text": "See:" },
                { "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } },
                { "type": "image_url", "image_url": { "url": "https://e.kz/a.png" } },
                { "type": "input_audio", "input_audio": { "data": "CCCC", "format": "wav" } },
                { "type": "file", "file": { "filename": "a.pdf", "file_data": "data:application/pdf;base64,BBBB" } }] },
            { "role": "assistant", "content": "", "refusal": null, "annotations": [], "reasoning_content": "Hm.",
                "tool_calls": [
                { "id": "c1", "type": "function", "function": { "name": "f", "arguments": "{\"q\":\"x\"}" },
                    "extra_content": { "google": { "thought_signature": "c2ln" } } },
                { "id": "c2", "type": "function", "function": { "name": "g", "arguments": "" } }] },
            { "role": "tool", "tool_call_id": "c1", "content": "one" },
            { "role": "tool", "tool_call_id": "c2", "content": [{ "type": "text", "text": "two" }] },
            { "role": "user", "content": "And?" },
    ]);
    let expected = json!({
        "contents": [
            { "role": "user", "parts": [
                { "text": "See:" },
                { "inlineData": { "mimeType": "image/png", "data": "AAAA" } },
                { "fileData": { "fileUri": "https://e.kz/a.png" } },
                { "inlineData": { "mimeType": "audio/wav", "data": "CCCC" } },
                { "inlineData": { "mimeType": "application/pdf", "data": "BBBB" } }] },
            { "role": "model", "parts": [
                { "functionCall": { "id": "c1", "name": "f", "args": { "q": "x" } }, "thoughtSignature": "c2ln" },
                { "functionCall": { "id": "c2", "name": "g", "args": {} } }] },
            { "role": "user", "parts": [
                { "functionResponse": { "id": "c1", "name": "f", "response": { "output": "one" } } },
                { "functionResponse": { "id": "c2", "name": "g", "response": { "output": "two" } } }] },
            { "role": "user", "parts": [{ "text": "And?" }] },
        ],
        "systemInstruction": { "parts": [{ "text": "Be brief." }, { "text": "And kind." }] },
        "tools": [{ "functionDeclarations": [
            { "name": "f", "description": "d",
                "parametersJsonSchema": { "type": "object", "properties": { "q": { "type": "string" } } } },
            { "name": "g" }] }],
        "toolConfig": { "functionCallingConfig": { "mode": "ANY", "allowedFunctionNames": ["f"] } },
        "generationConfig": {
            "temperature": 0.3, "topP": 0.9, "topK": 40, "seed": 7, "candidateCount": 2, "presencePenalty": 0.5,
            "responseLogprobs": true, "logprobs": 3, "maxOutputTokens": 300, "stopSequences": ["END"],
            "thinkingConfig": { "includeThoughts": true, "thinkingLevel": "HIGH" },
            "responseMimeType": "application/json", "responseJsonSchema": { "type": "object" } },
    });
    assert_eq!(translated(&chat, false).unwrap(), expected);
}

#[test]
fn efforts_are_levels_or_budgets() {
    let thinking = |model: &str, effort: &str| {
        let chat = with("reasoning_effort", json!(effort));
        translated_for(model, &chat, false).map(|body| body["generationConfig"]["thinkingConfig"].clone())
    };
    let budget = |tokens: u32| json!({ "includeThoughts": true, "thinkingBudget": tokens });
    assert_eq!(thinking("gemini-2.5-flash", "low").unwrap(), budget(1_024));
    assert_eq!(thinking("gemini-2.5-pro", "high").unwrap(), budget(24_576));
    assert_eq!(thinking("gemini-2.5-flash", "none").unwrap(), json!({ "thinkingBudget": 0 }));
    assert_eq!(thinking("gemini-3-flash", "minimal").unwrap()["thinkingLevel"], "MINIMAL");
    assert_eq!(thinking("gemini-3-pro", "none").unwrap_err().param.as_deref(), Some("reasoning_effort"));
    let dropped = translated(&with("reasoning_effort", json!("none")), true).unwrap();
    assert_eq!(dropped["generationConfig"], json!({ "maxOutputTokens": 77 }));
}

#[test]
fn calls_that_nobody_signed_say_so_to_models_that_ask() {
    let call = |id: &str| json!({ "id": id, "type": "function", "function": { "name": "f", "arguments": "{}" } });
    let chat = json!({ "messages": [{ "role": "assistant", "tool_calls": [call("a"), call("b")] }] });
    let signed = |model: &str| {
        let body = translated_for(model, &chat, false).unwrap();
        let parts = body["contents"][0]["parts"].as_array().unwrap().clone();
        parts.iter().map(|part| part["thoughtSignature"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(signed("gemini-3-pro"), [Some("skip_thought_signature_validator".to_owned()), None]);
    assert_eq!(signed("gemini-2.5-pro"), [None, None]);
}

#[test]
fn choices_of_tools_have_their_modes() {
    let mode = |choice: Value, strict: bool| {
        let mut chat = with("tool_choice", choice);
        let function = json!({ "name": "f", "strict": strict, "parameters": { "type": "object" } });
        chat["tools"] = json!([{ "type": "function", "function": function }]);
        translated(&chat, false).unwrap()["toolConfig"]["functionCallingConfig"].clone()
    };
    let allowed = |mode: &str| {
        let tools = json!([{ "type": "function", "function": { "name": "f" } }]);
        json!({ "type": "allowed_tools", "allowed_tools": { "mode": mode, "tools": tools } })
    };
    assert_eq!(mode(json!("auto"), false), json!({ "mode": "AUTO" }));
    assert_eq!(mode(Value::Null, true), json!({ "mode": "VALIDATED" }));
    assert_eq!(mode(json!("none"), false), json!({ "mode": "NONE" }));
    assert_eq!(mode(json!("required"), false), json!({ "mode": "ANY" }));
    assert_eq!(mode(allowed("required"), false), json!({ "mode": "ANY", "allowedFunctionNames": ["f"] }));
    assert_eq!(mode(allowed("auto"), false), json!({ "mode": "VALIDATED", "allowedFunctionNames": ["f"] }));
}

#[test]
fn what_has_no_words_is_refused_by_name_or_left_out() {
    for (name, value) in [
        ("parallel_tool_calls", json!(false)),
        ("logit_bias", json!({ "1": 5 })),
        ("modalities", json!(["text", "audio"])),
        ("something_new", json!({ "a": 1 })),
    ] {
        let chat = with(name, value);
        assert_eq!(translated(&chat, false).unwrap_err().param.as_deref(), Some(name));
        let left = json!({ "contents": [{ "role": "user", "parts": [{ "text": "hi" }] }],
            "generationConfig": { "maxOutputTokens": 77 } });
        assert_eq!(translated(&chat, true).unwrap(), left);
    }
    let named = with("messages", json!([{ "role": "user", "name": "Ann", "content": "x" }]));
    assert_eq!(translated(&named, false).unwrap_err().param.as_deref(), Some("messages[0].name"));
    assert!(!translated(&named, true).unwrap().to_string().contains("Ann"));
    let call = |arguments: &str| {
        json!([{ "role": "assistant", "tool_calls": [{ "id": "c", "type": "function",
            "function": { "name": "f", "arguments": arguments } }] },
            { "role": "tool", "tool_call_id": "other", "content": "x" }])
    };
    for (chat, param) in [
        (with("response_format", json!({ "type": "grammar" })), "response_format.type"),
        (with("tools", json!([{ "type": "custom", "custom": { "name": "x" } }])), "tools[0].type"),
        (with("messages", json!([{ "role": "function", "content": "x" }])), "messages[0].role"),
        (with("messages", call("[1]")), "messages[0].tool_calls[0].function.arguments"),
        (with("messages", call("{}")), "messages[1].tool_call_id"),
        (
            with("messages", json!([{ "role": "user", "content": [{ "type": "file", "file": { "file_id": "f" } }] }])),
            "messages[0].content[0].file",
        ),
    ] {
        assert_eq!(translated(&chat, true).unwrap_err().param.as_deref(), Some(param));
    }
}
