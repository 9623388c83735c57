//! More requests than places, clients that leave, and shutting down.

use std::time::Duration;

use futures_util::future::join_all;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use shekara_inference::engine::EngineSettings;

use crate::support::{Models, request, settings};

fn endless() -> Value {
    let mut request = request("llama-tiny", "x", 100_000);
    request["ignore_eos"] = json!(true);
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_too_many_is_429_with_retry_after() {
    let models = Models::new(&["llama-tiny"]);
    let server = models.serve(EngineSettings { max_num_seqs: 1, max_queue: 1, ..settings() });
    let (first, second) = (server.open(&endless()).await, server.open(&endless()).await);
    let refused = server.chat(&endless()).await;
    assert_eq!(refused.error(), (429, "rate_limit_exceeded", ""));
    assert_eq!(refused.body["error"]["type"], "rate_limit_error");
    let seconds: u64 = refused.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!(seconds > 0);
    let engine = &server.model("llama-tiny").engine;
    engine.wait_for(|stats| stats.running == 1 && stats.waiting == 1).await.expect("alive");
    drop((first, second));
    engine.wait_for(|stats| stats.running + stats.waiting == 0).await.expect("alive");
    assert_eq!(server.chat(&request("llama-tiny", "x", 3)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_leave_end_their_sequences() {
    let models = Models::new(&["llama-tiny"]);
    let server = models.serve(settings());
    let kept = tokio::spawn({
        let server = server.clone();
        async move { server.chat(&request("llama-tiny", "kept", 400)).await.content().to_owned() }
    });
    let mut streams = join_all((0..20).map(|_| async { server.open(&endless()).await })).await;
    for stream in &mut streams {
        stream.body_mut().frame().await.expect("a frame").expect("no error");
    }
    let engine = &server.model("llama-tiny").engine;
    engine.wait_for(|stats| stats.running >= 20).await.expect("alive");
    let generated = engine.stats().generated_tokens;
    drop(streams);
    let stats = engine.wait_for(|stats| stats.running <= 1).await.expect("alive");
    assert!(stats.generated_tokens - generated < 20 * 900, "sequences ran to their end");
    let text = kept.await.expect("no panic");
    let stats = engine.wait_for(|stats| stats.running == 0).await.expect("alive");
    assert_eq!((stats.free_blocks, stats.waiting), (stats.total_blocks, 0));
    assert_eq!(server.chat(&request("llama-tiny", "kept", 400)).await.content(), text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unread_stream_does_not_hold_up_others() {
    let models = Models::new(&["llama-tiny"]);
    let server = models.serve(settings());
    let unread = server.open(&endless()).await;
    let engine = &server.model("llama-tiny").engine;
    let answer = server.chat(&request("llama-tiny", "y", 200)).await;
    assert_eq!(answer.status, 200);
    // The unread answer is finished as far as the engine is concerned, and still complete.
    engine.wait_for(|stats| stats.running == 0).await.expect("alive");
    let body = unread.into_body().collect().await.expect("a body").to_bytes();
    assert!(body.ends_with(b"data: [DONE]\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn shutting_down_finishes_what_runs_and_refuses_the_rest() {
    let models = Models::new(&["llama-tiny"]);
    let server = models.serve(settings());
    let running = server.open(&endless()).await;
    let shutdown = tokio::spawn({
        let catalog = server.catalog.clone();
        async move { catalog.shutdown(Duration::from_mins(10)).await }
    });
    loop {
        let answer = server.chat(&request("llama-tiny", "x", 1)).await;
        if answer.status != 200 {
            assert_eq!(answer.error(), (503, "shutting_down", ""));
            break;
        }
    }
    let body = running.into_body().collect().await.expect("a body").to_bytes();
    let text = String::from_utf8(body.to_vec()).expect("text");
    assert!(text.contains(r#""finish_reason":"length""#) && text.ends_with("data: [DONE]\n\n"));
    shutdown.await.expect("no panic");
}

#[tokio::test(flavor = "multi_thread")]
async fn past_the_grace_period_streams_end_with_an_error_event() {
    let models = Models::new(&["llama-tiny"]);
    // One token a step and one sequence at a time: the second request cannot finish.
    let server = models.serve(EngineSettings { max_num_seqs: 1, ..settings() });
    let streams = join_all((0..8).map(|_| async { server.open(&endless()).await })).await;
    server.catalog.shutdown(Duration::ZERO).await;
    let last = streams.into_iter().last().expect("eight streams");
    let body = last.into_body().collect().await.expect("a body").to_bytes();
    let text = String::from_utf8(body.to_vec()).expect("text");
    assert!(text.contains("event: error\ndata: ") && text.contains("shutting_down"), "{text}");
    assert!(text.ends_with("data: [DONE]\n\n"));
}
