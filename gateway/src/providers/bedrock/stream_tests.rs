//! Events to chunks, however the bytes come.

use http_body_util::BodyExt;

use super::super::event_stream::tests::{event, framed};
use super::*;

/// Every kind of event that the API's model lists.
fn recorded() -> Vec<u8> {
    [
        event("messageStart", r#"{"role":"assistant","p":"abcd"}"#),
        event("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"Hm."}}}"#),
        event("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"s1"}}}"#),
        event(
            "contentBlockDelta",
            r#"{"contentBlockIndex":1,"delta":{"reasoningContent":{"redactedContent":"DDDD"}}}"#,
        ),
        event("contentBlockDelta", r#"{"contentBlockIndex":2,"delta":{"text":"Сәлем"}}"#),
        event("contentBlockStop", r#"{"contentBlockIndex":2}"#),
        event("contentBlockStart", r#"{"contentBlockIndex":3,"start":{"toolUse":{"toolUseId":"t1","name":"find"}}}"#),
        event("contentBlockDelta", r#"{"contentBlockIndex":3,"delta":{"toolUse":{"input":"{\"q\":"}}}"#),
        event("contentBlockDelta", r#"{"contentBlockIndex":3,"delta":{"toolUse":{"input":"1}"}}}"#),
        event("contentBlockStop", r#"{"contentBlockIndex":3}"#),
        event("messageStop", r#"{"stopReason":"tool_use"}"#),
        event(
            "metadata",
            r#"{"metrics":{"latencyMs":9},"usage":{"inputTokens":7,"outputTokens":5,"totalTokens":12,
            "cacheReadInputTokens":2,"cacheWriteInputTokens":1}}"#,
        ),
    ]
    .concat()
}

async fn chunks(pieces: Vec<Vec<u8>>) -> Result<String, UpstreamBodyError> {
    let frames = pieces.into_iter().map(|piece| Ok::<_, UpstreamBodyError>(Frame::data(Bytes::from(piece))));
    let body = StreamBody::new(stream::iter(frames)).boxed_unsync();
    let body = as_chat(body, (Value::from("i"), Value::from("m"), 7)).collect().await?;
    Ok(String::from_utf8(body.to_bytes().to_vec()).unwrap())
}

#[tokio::test]
async fn events_become_chunks() {
    let head = r#""id":"i","object":"chat.completion.chunk","created":7,"model":"m""#;
    let chunk = |delta: &str, finish: &str| {
        format!(
            "data: {{{head},\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}]}}\n\n"
        )
    };
    let delta = |delta: &str| chunk(delta, "null");
    let call = |call: &str| delta(&format!(r#"{{"tool_calls":[{call}]}}"#));
    let expected = [
        delta(r#"{"role":"assistant","content":""}"#),
        delta(r#"{"reasoning_content":"Hm.","thinking_blocks":[{"type":"thinking","thinking":"Hm.","signature":""}]}"#),
        delta(r#"{"thinking_blocks":[{"type":"thinking","thinking":"","signature":"s1"}]}"#),
        delta(r#"{"thinking_blocks":[{"type":"redacted_thinking","data":"DDDD"}]}"#),
        delta(r#"{"content":"Сәлем"}"#),
        call(r#"{"index":0,"id":"t1","type":"function","function":{"name":"find","arguments":""}}"#),
        call(r#"{"index":0,"function":{"arguments":"{\"q\":"}}"#),
        call(r#"{"index":0,"function":{"arguments":"1}"}}"#),
        chunk("{}", "\"tool_calls\""),
        format!(
            "data: {{{head},\"choices\":[],\"usage\":{{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15,\
             \"prompt_tokens_details\":{{\"cached_tokens\":2}}}}}}\n\n"
        ),
        "data: [DONE]\n\n".to_owned(),
    ];
    assert_eq!(chunks(vec![recorded()]).await.unwrap(), expected.concat());
}

#[tokio::test]
async fn an_exception_is_an_error_event_and_a_cut_is_a_break() {
    for kind in ["throttlingException", "modelStreamErrorException", "internalServerException", "validationException"] {
        let head = [(":exception-type", kind), (":content-type", "application/json"), (":message-type", "exception")];
        let told = chunks(vec![framed(&head, r#"{"message":"quotes the prompt"}"#)]).await.unwrap();
        assert!(told.starts_with("event: error\n") && told.contains(kind) && !told.contains("quotes"), "{told}");
    }
    let mut cut = recorded();
    cut.truncate(cut.len() - 1);
    assert!(chunks(vec![cut]).await.is_err());
}

#[tokio::test]
async fn a_stream_cut_anywhere_gives_the_same_chunks() {
    let recorded = recorded();
    let expected = chunks(vec![recorded.clone()]).await.unwrap();
    for at in 0..recorded.len() {
        let (head, tail) = recorded.split_at(at);
        assert_eq!(chunks(vec![head.to_vec(), tail.to_vec()]).await.unwrap(), expected, "cut at {at}");
    }
    let bytes = recorded.iter().map(|byte| vec![*byte]).collect();
    assert_eq!(chunks(bytes).await.unwrap(), expected);
}
