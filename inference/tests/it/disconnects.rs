//! Clients that go away at any moment, or stay and do not read: nothing of theirs is left.

use std::sync::Arc;

use futures_util::future::join_all;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use shekara_inference::engine::EngineSettings;
use tokio::sync::Semaphore;

use crate::support::{Models, Numbers, Server, request, settings};

const MODEL: &str = "llama-tiny";
const NUM_CLIENTS: usize = 1000;
const AT_ONCE: usize = 48;

/// When a client goes away.
#[derive(Clone, Copy, Debug)]
enum Leaves {
    /// While the server still works on its request, after so many turns of the runtime.
    BeforeTheAnswer(usize),
    /// With the headers in hand.
    BeforeTheFirstByte,
    AmidTheStream(usize),
    AtTheEnd,
}

fn ignoring_end(content: &str, max_tokens: usize) -> Value {
    let mut request = request(MODEL, content, max_tokens);
    request["ignore_eos"] = json!(true);
    request
}

fn client(numbers: &mut Numbers) -> (Value, Leaves) {
    let content = "parcel ".repeat(1 + numbers.below(30));
    let mut request = ignoring_end(&content, 1 + numbers.below(80));
    request["n"] = json!(1 + numbers.below(2));
    request["stream"] = json!(numbers.below(4) > 0);
    let leaves = match numbers.below(4) {
        0 => Leaves::BeforeTheAnswer(numbers.below(60)),
        1 => Leaves::BeforeTheFirstByte,
        2 => Leaves::AmidTheStream(1 + numbers.below(40)),
        _ => Leaves::AtTheEnd,
    };
    (request, leaves)
}

async fn turns(count: usize) {
    for _ in 0..count {
        tokio::task::yield_now().await;
    }
}

/// Whether the client had its whole answer.
async fn visit(server: Server, request: Value, leaves: Leaves) -> bool {
    let answer = server.respond(&request);
    let response = match leaves {
        Leaves::BeforeTheAnswer(count) => tokio::select! {
            biased;
            () = turns(count) => return false,
            response = answer => response,
        },
        _ => answer.await,
    };
    assert_eq!(response.status(), 200);
    let mut body = response.into_body();
    let frames = match leaves {
        Leaves::BeforeTheAnswer(_) | Leaves::BeforeTheFirstByte => return false,
        Leaves::AmidTheStream(frames) => frames,
        Leaves::AtTheEnd => usize::MAX,
    };
    for _ in 0..frames {
        match body.frame().await {
            Some(frame) => drop(frame.expect("no error")),
            None => return true,
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_clients_that_leave_at_random_leave_nothing_behind() {
    let models = Models::new(&[MODEL]);
    // Few places and few blocks, so that some wait and some are preempted when they go.
    let few = EngineSettings { max_num_seqs: 24, max_queue: 4000, kv_cache_bytes: Some(64 * 4096), ..settings() };
    let server = models.serve(few);
    let reference = ignoring_end("reference", 40);
    let expected = server.chat(&reference).await.content().to_owned();
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut numbers = Numbers(20_261_122);
    let visits = (0..NUM_CLIENTS).map(|_| {
        let (request, leaves) = client(&mut numbers);
        let (server, places) = (server.clone(), Arc::clone(&places));
        tokio::spawn(async move {
            let _place = places.acquire_owned().await.expect("open");
            visit(server, request, leaves).await
        })
    });
    let visits: Vec<_> = visits.collect();
    let whole = join_all(visits).await.into_iter().filter(|whole| *whole.as_ref().expect("no panic")).count();
    assert!((NUM_CLIENTS / 5..NUM_CLIENTS * 9 / 10).contains(&whole), "{whole} stayed to the end");
    let stats = server.idle(MODEL).await;
    assert!(stats.preemptions > 0, "{stats:?}");
    assert_eq!(server.chat(&reference).await.content(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_cut_off_and_others_go_on() {
    let models = Models::new(&[MODEL]);
    let server = models.serve(EngineSettings { max_unread_events: 64, num_speculative_tokens: 0, ..settings() });
    let unread = server.open(&ignoring_end("unread", 900)).await;
    let engine = &server.model(MODEL).engine;
    // Answers that fit the bound can be read at any pace.
    let others = join_all((0..8).map(|index| {
        let server = server.clone();
        async move { server.chat(&ignoring_end(&format!("other {index}"), 60)).await }
    }));
    for answer in others.await {
        assert_eq!((answer.usage("completion_tokens"), answer.finish_reason()), (60, "length"));
    }
    let stats = engine.wait_for(|stats| stats.running + stats.waiting == 0).await.expect("alive");
    assert_eq!(stats.free_blocks, stats.total_blocks);
    assert!(stats.generated_tokens < 8 * 60 + 64 + 3, "it went on for {} tokens", stats.generated_tokens);
    let body = unread.into_body().collect().await.expect("a body").to_bytes();
    let text = String::from_utf8(body.to_vec()).expect("text");
    let chunks = text.matches("chat.completion.chunk").count();
    assert!((32..=67).contains(&chunks), "{chunks} chunks were kept");
    assert!(text.contains("event: error\ndata: ") && text.contains("answer_not_read"), "{text}");
    assert!(text.ends_with("data: [DONE]\n\n"));
}
