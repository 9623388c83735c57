//! OpenAI's models in Azure, as that is documented.

use serde_json::json;

use super::{asked, chunks, finish, joined, refusals, sent, started, with_tools};
use crate::upstream::Reply;

const KIND: &str = "kind = \"azure-openai\"";
const DATED: &str = "kind = \"azure-openai\"\napi_version = \"2024-10-21\"";
const ANSWER: &str = r#"{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o-2024-11-20","choices":[{"index":0,
    "content_filter_results":{"hate":{"filtered":false,"severity":"safe"}},"message":{"role":"assistant","content":null,
    "tool_calls":[{"id":"call_2","type":"function","function":{"name":"find","arguments":"{\"q\":\"x\"}"}}]},
    "finish_reason":"tool_calls"}],"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{}}],
    "usage":{"prompt_tokens":18,"completion_tokens":20,"total_tokens":38}}"#;
/// The first event is about the prompt alone.
const FIRST: &str = "data: {\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\",\"prompt_filter_results\":[\
{\"prompt_index\":0,\"content_filter_results\":{\"hate\":{\"filtered\":false,\"severity\":\"safe\"}}}]}\n\n";
const REST: &str = concat!(
    "data: {\"choices\":[{\"content_filter_results\":{},\"delta\":{\"content\":\"\",\"role\":\"assistant\"},\"finish_reason\":null,",
    "\"index\":0}],\"created\":1,\"id\":\"c2\",\"model\":\"gpt-4o\",\"object\":\"chat.completion.chunk\"}\n\n",
    "data: {\"choices\":[{\"content_filter_results\":{},\"delta\":{\"content\":\"Сәлем\"},\"finish_reason\":null,\"index\":0}],",
    "\"created\":1,\"id\":\"c2\",\"model\":\"gpt-4o\",\"object\":\"chat.completion.chunk\"}\n\n",
    "data: {\"choices\":[{\"content_filter_results\":{},\"delta\":{},\"finish_reason\":\"stop\",\"index\":0}],\"created\":1,",
    "\"id\":\"c2\",\"model\":\"gpt-4o\",\"object\":\"chat.completion.chunk\"}\n\n",
    "data: {\"choices\":[],\"created\":1,\"id\":\"c2\",\"model\":\"gpt-4o\",\"object\":\"chat.completion.chunk\",",
    "\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":4,\"total_tokens\":9}}\n\ndata: [DONE]\n\n",
);

#[tokio::test]
async fn a_deployment_is_asked_at_either_address() {
    for (lines, path) in [
        (KIND, "POST /openai/v1/chat/completions "),
        (DATED, "POST /openai/deployments/m-1/chat/completions?api-version=2024-10-21 "),
    ] {
        let (upstream, gateway) = started(Reply::Json(ANSWER), lines, "").await;
        let answer = gateway.chat(with_tools(false)).await;
        assert_eq!((answer.status, answer.header("x-shekara-zone")), (200, "external"), "{}", answer.body);
        assert_eq!(answer.json()["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "find");
        let (head, body) = sent(&upstream);
        assert!(head.starts_with(path) && head.contains("\"api-key\"") && !head.contains("authorization"), "{head}");
        assert_eq!((&body["model"], &body["messages"]), (&json!("m-1"), &with_tools(false)["messages"]));
    }
}

#[tokio::test]
async fn what_is_said_of_the_prompt_is_no_answer_yet() {
    let events: &str = format!("{FIRST}{REST}").leak();
    let (_upstream, gateway) = started(Reply::Events(events), KIND, "").await;
    let answer = gateway.chat(asked(true)).await;
    let chunks = chunks(&answer);
    assert_eq!((joined(&chunks, "content"), finish(&chunks)), ("Сәлем".to_owned(), "stop".to_owned()));
    let record = gateway.audit().await.pop().unwrap();
    assert_eq!((record.prompt_tokens, record.completion_tokens), (Some(5), Some(4)));
    // Where nothing follows, another target may still answer.
    let (upstream, gateway) =
        started(Reply::Events(FIRST), KIND, "fallback = [{ provider = \"p\", model = \"m-2\" }]").await;
    assert_eq!((gateway.chat(asked(true)).await.status, upstream.received().len()), (502, 2));
}

#[tokio::test]
async fn refusals_follow_the_error_policy() {
    refusals(
        KIND,
        &[
            (
                400,
                r#"{"error":{"message":"The response was filtered due to the prompt triggering the content management policy.","type":null,"param":"prompt","code":"content_filter","status":400,
                "innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{}}}}"#,
                400,
                "content_filter",
            ),
            (
                404,
                r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#,
                404,
                "DeploymentNotFound",
            ),
            (401, r#"{"error":{"code":"401","message":"Access denied."}}"#, 502, "provider_auth_failed"),
            (429, r#"{"error":{"code":"429","message":"Please retry after 7 seconds."}}"#, 429, "rate_limit_exceeded"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_forbidden_prompt_is_told_and_sent_to_nobody_else() {
    let filtered = r#"{"error":{"message":"Filtered.","code":"content_filter","innererror":{"code":"ResponsibleAIPolicyViolation"}}}"#;
    let (upstream, gateway) =
        started(Reply::Status(400, filtered), KIND, "fallback = [{ provider = \"p\", model = \"m-2\" }]").await;
    let answer = gateway.chat(asked(false)).await;
    assert_eq!((answer.status, &answer.json()["error"]["message"]), (400, &json!("Filtered.")));
    assert_eq!(upstream.received().len(), 1);
}
