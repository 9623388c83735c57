//! The engine's thread around a runner that needs no model.

use std::sync::Arc;
use std::sync::mpsc as std_mpsc;
use std::time::Duration;

use futures_util::StreamExt;

use crate::engine::{
    EngineError, EngineHandle, EngineSettings, EngineStatus, GenerationRequest, SubmitError, TokenEvent, start,
};
use crate::kv_cache::BlockPool;
use crate::model_runner::{Samplers, StepRunner};
use crate::sampling::{Draw, FinishReason, SampledToken, SamplingParams, StopCondition};
use crate::scheduler::{SequenceId, StepPlan};

const VOCAB_SIZE: usize = 256;

/// The next token is the number of tokens so far; each step waits for a permit when gated.
struct Counter {
    gate: Option<std_mpsc::Receiver<()>>,
    panic_at: Option<u32>,
}

impl StepRunner for Counter {
    fn execute(&mut self, plan: &StepPlan, samplers: &mut Samplers) -> Vec<(SequenceId, Draw)> {
        if let Some(gate) = &self.gate {
            let _ = gate.recv();
        }
        let sampling = plan.sequences.iter().filter(|planned| planned.samples);
        sampling
            .map(|planned| {
                let position = planned.first_position + planned.num_known();
                assert_ne!(Some(position as u32), self.panic_at, "as the test wants it");
                let drafts = &planned.tokens[planned.num_known()..];
                let mut logits: Vec<f32> = Vec::new();
                for row in 0..=drafts.len() {
                    logits.extend((0..VOCAB_SIZE).map(|token| f32::from(u8::from(token == position + row))));
                }
                let sampler = samplers.get_mut(&planned.id).expect("a planned sequence has a sampler");
                (planned.id, sampler.draw(position, drafts, &mut logits))
            })
            .collect()
    }
}

fn engine(runner: Counter, max_num_seqs: usize, max_queue: usize) -> EngineHandle {
    let settings = EngineSettings { max_num_seqs, max_queue, ..EngineSettings::default() };
    start("test", runner, BlockPool::new(8, 16), &settings, 128).expect("a thread")
}

fn request(prompt: usize, max_tokens: usize) -> GenerationRequest {
    GenerationRequest {
        prompt: vec![0; prompt],
        sampling: SamplingParams { temperature: 0.0, ..SamplingParams::default() },
        stop: StopCondition { token_ids: vec![7], max_tokens, min_tokens: 0 },
        grammar: None,
        priority: 0,
        cache_salt: "".into(),
        adapter: None,
    }
}

fn token(id: u32) -> TokenEvent {
    TokenEvent::Tokens(vec![SampledToken { token: id, logprobs: None }])
}

const FREE: Counter = Counter { gate: None, panic_at: None };

#[tokio::test]
async fn a_request_ends_by_length_or_by_stop_token() {
    let engine = engine(FREE, 4, 4);
    let events: Vec<_> = engine.submit(request(2, 3)).expect("taken").collect().await;
    let started = TokenEvent::Started { cached_tokens: 0 };
    assert_eq!(events[..4], [started.clone(), token(2), token(3), token(4)]);
    assert_eq!(events[4..], [TokenEvent::Finished(FinishReason::Length)]);
    let events: Vec<_> = engine.submit(request(6, 50)).expect("taken").collect().await;
    assert_eq!(events, [started, token(6), token(7), TokenEvent::Finished(FinishReason::Stop)]);
    let stats = engine.wait_for(|stats| stats.running == 0).await.expect("alive");
    assert_eq!((stats.free_blocks, stats.generated_tokens), (8, 5));
}

#[tokio::test]
async fn what_cannot_fit_or_has_no_place_is_refused() {
    let (permits, gate) = std_mpsc::channel();
    let engine = engine(Counter { gate: Some(gate), panic_at: None }, 1, 1);
    let too_long = engine.submit(request(100, 29)).expect_err("refused");
    assert_eq!(too_long, SubmitError::TooLong { num_tokens: 129, max_context: 128 });
    assert_eq!(engine.submit(request(0, 1)).expect_err("refused"), SubmitError::EmptyPrompt);
    let first = engine.submit(request(1, 2)).expect("runs");
    let second = engine.submit(request(1, 2)).expect("waits");
    let full = engine.submit(request(1, 2)).expect_err("refused");
    assert_eq!(full, SubmitError::QueueFull { capacity: 2 });
    drop(permits);
    assert_eq!(first.count().await, 4);
    assert_eq!(second.count().await, 4);
    engine.wait_for(|stats| stats.running + stats.waiting == 0).await.expect("alive");
    assert!(engine.submit(request(1, 2)).is_ok());
}

#[tokio::test]
async fn a_dropped_stream_frees_its_blocks_and_its_place() {
    let (permits, gate) = std_mpsc::channel();
    let engine = engine(Counter { gate: Some(gate), panic_at: None }, 2, 0);
    let mut dropped = engine.submit(request(20, 100)).expect("runs");
    let kept = engine.submit(request(8, 4)).expect("runs");
    permits.send(()).expect("engine waits");
    assert!(matches!(dropped.next().await, Some(TokenEvent::Started { .. })));
    assert!(matches!(dropped.next().await, Some(TokenEvent::Tokens(_))));
    drop(dropped);
    drop(permits);
    assert_eq!(kept.count().await, 6);
    let stats = engine.wait_for(|stats| stats.running == 0).await.expect("alive");
    assert_eq!(stats.free_blocks, stats.total_blocks);
    assert!(stats.generated_tokens < 10, "the dropped sequence went on: {stats:?}");
    assert!(engine.submit(request(1, 1)).is_ok());
}

#[tokio::test]
async fn a_panic_fails_requests_and_engine_but_hangs_nobody() {
    let engine = engine(Counter { gate: None, panic_at: Some(5) }, 4, 4);
    let events: Vec<_> = engine.submit(request(4, 9)).expect("taken").collect().await;
    let started = TokenEvent::Started { cached_tokens: 0 };
    assert_eq!(events, [started, token(4), TokenEvent::Failed(EngineError::Failed)]);
    assert_eq!(engine.status(), EngineStatus::Failed);
    let late = engine.submit(request(1, 1));
    match late {
        Err(error) => assert_eq!(error, SubmitError::Failed),
        Ok(stream) => assert!(matches!(stream.collect::<Vec<_>>().await[..], [TokenEvent::Failed(_)])),
    }
}

#[tokio::test]
async fn shutdown_lets_requests_finish_and_refuses_new_ones() {
    let (permits, gate) = std_mpsc::channel();
    let engine = Arc::new(engine(Counter { gate: Some(gate), panic_at: None }, 4, 4));
    let stream = engine.submit(request(1, 3)).expect("taken");
    let other = engine.clone();
    let shutdown = tokio::spawn(async move { other.shutdown(Duration::from_mins(10)).await });
    while engine.submit(request(1, 1)).is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(engine.submit(request(1, 1)).expect_err("refused"), SubmitError::ShuttingDown);
    drop(permits);
    let events: Vec<_> = stream.collect().await;
    assert_eq!(events.last(), Some(&TokenEvent::Finished(FinishReason::Length)));
    shutdown.await.expect("no panic");
    assert_eq!(engine.status(), EngineStatus::Stopped);
}

#[tokio::test]
async fn past_the_grace_period_requests_are_ended() {
    let (permits, gate) = std_mpsc::channel::<()>();
    let engine = engine(Counter { gate: Some(gate), panic_at: None }, 4, 4);
    let stream = engine.submit(request(1, 100)).expect("taken");
    let handle = engine.clone();
    let shutdown = tokio::spawn(async move { handle.shutdown(Duration::ZERO).await });
    // One permit at a time: the engine must notice the order to stop between two steps.
    while engine.status() != EngineStatus::Stopped {
        let _ = permits.send(());
        tokio::task::yield_now().await;
    }
    shutdown.await.expect("no panic");
    let last = stream.collect::<Vec<_>>().await.pop();
    assert!(matches!(last, Some(TokenEvent::Failed(EngineError::Stopped) | TokenEvent::Finished(_))));
}

#[tokio::test]
async fn who_does_not_read_is_cut_off_and_leaves_no_block_behind() {
    let settings = EngineSettings { max_unread_events: 5, ..EngineSettings::default() };
    let engine = start("test", FREE, BlockPool::new(8, 16), &settings, 128).expect("a thread");
    let stream = engine.submit(request(8, 100)).expect("taken");
    let stats = engine.wait_for(|stats| stats.generated_tokens > 0 && stats.running == 0).await.expect("alive");
    assert_eq!((stats.free_blocks, stats.generated_tokens), (8, 5));
    let events: Vec<_> = stream.collect().await;
    assert_eq!(events.len(), 6);
    assert_eq!(events.last(), Some(&TokenEvent::Failed(EngineError::NotRead)));
    assert_eq!(engine.submit(request(1, 1)).expect("a place is free").count().await, 3);
}

#[tokio::test]
async fn choices_are_taken_all_or_none_and_share_their_prompt() {
    let engine = engine(FREE, 2, 2);
    assert_eq!(engine.submit_all(vec![request(1, 1); 5]).expect_err("refused"), SubmitError::QueueFull { capacity: 4 });
    let streams = engine.submit_all(vec![request(40, 2); 3]).expect("taken");
    let mut cached = Vec::new();
    for stream in streams {
        let events: Vec<_> = stream.collect().await;
        let Some(TokenEvent::Started { cached_tokens }) = events.first() else { panic!("{events:?}") };
        cached.push(*cached_tokens);
        assert_eq!(events[1..3], [token(40), token(41)]);
    }
    assert_eq!(cached, [0, 32, 32]);
}
