//! The error policy, over the error bodies that providers document.

use super::*;

async fn classified(status: u16, body: &'static str) -> AttemptError {
    let body = http_body_util::Full::new(Bytes::from_static(body.as_bytes()));
    let body = body.map_err(|never| match never {}).boxed_unsync();
    let response = http::Response::builder().status(status).header("retry-after", "7").body(body).unwrap();
    classify(response).await.unwrap_err()
}

/// What an error comes to, in a word: a failure's kind, or the status and code of a refusal.
fn told(error: &AttemptError) -> String {
    match error {
        AttemptError::Failed(failure) => failure.kind.as_str().to_owned(),
        AttemptError::Refused(error) | AttemptError::Told(error) => {
            format!("{} {}", error.status.as_u16(), error.code.as_deref().unwrap_or("-"))
        }
    }
}

const OPENAI: [(u16, &str, &str); 8] = [
    (429, r#"{"error":{"message":"slow down","code":"rate_limit_exceeded"}}"#, "rate_limit"),
    (429, r#"{"error":{"message":"x","code":"insufficient_quota"}}"#, "quota"),
    (402, "", "quota"),
    (503, "", "5xx"),
    (302, "", "broken_response"),
    (401, r#"{"error":{"message":"m","code":"invalid_api_key"}}"#, "502 provider_auth_failed"),
    (400, r#"{"error":{"message":"m","code":"bad"}}"#, "400 bad"),
    (404, r#"{"error":{"message":"m","code":"bad"}}"#, "404 bad"),
];

const ANTHROPIC: [(u16, &str, &str); 3] = [
    (
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low."}}"#,
        "quota",
    ),
    (529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, "5xx"),
    (
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 200001 tokens > 200000 maximum"}}"#,
        "400 context_length_exceeded",
    ),
];

const GEMINI: [(u16, &str, &str); 9] = [
    (
        429,
        r#"{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.",
        "status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[
        {"quotaMetric":"generativelanguage.googleapis.com/generate_content_free_tier_requests",
        "quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier","quotaValue":"15"}]},
        {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"38s"}]}}"#,
        "rate_limit",
    ),
    (
        429,
        r#"{"error":{"code":429,"message":"You exceeded your current quota.","status":"RESOURCE_EXHAUSTED","details":[
        {"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[
        {"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"},
        {"quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}]},
        {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"47s"}]}}"#,
        "quota",
    ),
    (
        400,
        r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT",
        "details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}"#,
        "502 provider_auth_failed",
    ),
    (
        400,
        r#"[{"error":{"code":400,"message":"Gemini API free tier is not available here. Please enable billing on your project.","status":"FAILED_PRECONDITION"}}]"#,
        "quota",
    ),
    (
        400,
        r#"{"error":{"code":400,"message":"The input token count exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}"#,
        "400 context_length_exceeded",
    ),
    (400, r#"{"error":{"code":400,"message":"Bad schema.","status":"INVALID_ARGUMENT"}}"#, "400 -"),
    (403, r#"{"error":{"code":403,"message":"m","status":"PERMISSION_DENIED"}}"#, "502 provider_auth_failed"),
    (404, r#"{"error":{"code":404,"message":"models/x is not found","status":"NOT_FOUND"}}"#, "404 -"),
    (503, r#"{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}"#, "5xx"),
];

const AZURE: [(u16, &str, &str); 5] = [
    (
        400,
        r#"{"error":{"message":"The response was filtered due to the prompt triggering the content management policy.","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{
        "code":"ResponsibleAIPolicyViolation","content_filter_result":{"hate":{"filtered":true,"severity":"high"}}}}}"#,
        "400 content_filter",
    ),
    (
        404,
        r#"{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#,
        "404 DeploymentNotFound",
    ),
    (
        429,
        r#"{"error":{"code":"429","message":"Requests have exceeded the call rate limit of your tier. Please retry after 7 seconds."}}"#,
        "rate_limit",
    ),
    (
        401,
        r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key."}}"#,
        "502 provider_auth_failed",
    ),
    (429, r#"{"error":{"code":"insufficient_quota","message":"m"}}"#, "quota"),
];

const MISTRAL: [(u16, &str, &str); 5] = [
    (
        422,
        r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","top_k"],
        "msg":"Extra inputs are not permitted"}]},"type":"invalid_request_error","param":null,"code":null}"#,
        "422 -",
    ),
    (
        429,
        r#"{"object":"error","message":"Requests rate limit exceeded","type":"rate_limited","param":null,"code":"1300"}"#,
        "rate_limit",
    ),
    (
        429,
        r#"{"object":"error","message":"Service tier capacity exceeded for this model.",
        "type":"service_tier_capacity_exceeded","param":null,"code":"3505"}"#,
        "rate_limit",
    ),
    (401, r#"{"detail":"Unauthorized"}"#, "502 provider_auth_failed"),
    (
        400,
        r#"{"object":"error","message":"Prompt contains 40000 tokens, too large for model with 32768 maximum context length","type":"invalid_request_prompt","param":null,"code":"3051"}"#,
        "400 context_length_exceeded",
    ),
];

/// Presets: DeepSeek, OpenRouter, Groq, xAI, Fireworks, Cerebras, vLLM, llama.cpp.
const OTHERS: [(u16, &str, &str); 13] = [
    (
        402,
        r#"{"error":{"message":"Insufficient Balance","type":"unknown_error","code":"invalid_request_error"}}"#,
        "quota",
    ),
    (
        403,
        r#"{"error":{"code":403,"message":"Input was flagged","metadata":{"reasons":["violence"],"flagged_input":"x"}}}"#,
        "400 content_filter",
    ),
    (403, r#"{"error":{"code":403,"message":"Key limit exceeded (total limit)"}}"#, "quota"),
    (408, r#"{"error":{"code":408,"message":"m"}}"#, "5xx"),
    (
        413,
        r#"{"error":{"message":"Request too large on tokens per minute (TPM)","type":"tokens","code":"rate_limit_exceeded"}}"#,
        "rate_limit",
    ),
    (498, "", "5xx"),
    (
        400,
        r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xa***"}"#,
        "502 provider_auth_failed",
    ),
    (
        403,
        r#"{"code":"The caller does not have permission","error":"Content violates usage guidelines."}"#,
        "400 content_filter",
    ),
    (
        429,
        r#"{"code":"Some resource has been exhausted","error":"Your team has used all available credits."}"#,
        "quota",
    ),
    (
        412,
        r#"{"error":{"message":"Account suspended: monthly spending limit reached","code":"PRECONDITION_FAILED"}}"#,
        "quota",
    ),
    (
        429,
        r#"{"message":"Tokens per minute limit exceeded - too many tokens processed.","type":"too_many_tokens_error",
        "param":"quota","code":"token_quota_exceeded"}"#,
        "rate_limit",
    ),
    (
        400,
        r#"{"object":"error","message":"This model's maximum context length is 4096 tokens.","type":"BadRequestError","code":400}"#,
        "400 context_length_exceeded",
    ),
    (
        400,
        r#"{"error":{"code":400,"message":"the request exceeds the available context size, try increasing it",
        "type":"exceed_context_size_error"}}"#,
        "400 context_length_exceeded",
    ),
];

#[tokio::test]
async fn follows_the_error_policy() {
    for table in [&OPENAI[..], &ANTHROPIC, &GEMINI, &AZURE, &MISTRAL, &OTHERS] {
        for (status, body, expected) in table {
            assert_eq!(told(&classified(*status, body).await), *expected, "{status} {body}");
        }
    }
}

#[tokio::test]
async fn a_limit_says_when_it_ends() {
    let AttemptError::Failed(limit) = classified(429, OPENAI[0].1).await else { panic!("a failure") };
    assert_eq!(limit, Failure { kind: FailureKind::RateLimit, retry_after_s: Some(7), at_the_door: true });
    let retry = |body: &str| match verdict(StatusCode::TOO_MANY_REQUESTS, body.as_bytes(), None) {
        AttemptError::Failed(failure) => failure.retry_after_s,
        AttemptError::Refused(_) | AttemptError::Told(_) => panic!("a failure"),
    };
    assert_eq!((retry(GEMINI[0].1), retry(GEMINI[1].1)), (Some(38), None));
}

#[tokio::test]
async fn a_refused_field_is_named() {
    let AttemptError::Told(error) = classified(422, MISTRAL[0].1).await else { panic!("a refusal") };
    assert_eq!((error.param.as_deref(), &*error.message), (Some("top_k"), "Extra inputs are not permitted"));
}
