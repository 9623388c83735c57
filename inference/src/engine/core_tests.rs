//! The engine's thread around a runner that needs no model.

use std::sync::Arc;
use std::sync::mpsc as std_mpsc;
use std::time::Duration;

use futures_util::StreamExt;

use crate::engine::{
    EngineError, EngineHandle, EngineSettings, EngineStatus, GenerationRequest, SubmitError, TokenEvent, start,
};
use crate::kv_cache::BlockPool;
use crate::model_runner::StepRunner;
use crate::sampling::{FinishReason, SamplingParams, StopCondition, TokenCounts};
use crate::scheduler::{SequenceId, StepPlan};

/// The next token is the number of tokens so far; each step waits for a permit when gated.
struct Counter {
    gate: Option<std_mpsc::Receiver<()>>,
    panic_at: Option<u32>,
}

impl StepRunner for Counter {
    fn execute<'a>(
        &mut self,
        plan: &StepPlan,
        _: &(dyn Fn(SequenceId) -> Option<(&'a SamplingParams, &'a TokenCounts)> + Sync),
    ) -> Vec<(SequenceId, u32)> {
        if let Some(gate) = &self.gate {
            let _ = gate.recv();
        }
        let sampling = plan.sequences.iter().filter(|planned| planned.samples);
        sampling
            .map(|planned| {
                let token = (planned.first_position + planned.tokens.len()) as u32;
                assert_ne!(Some(token), self.panic_at, "as the test wants it");
                (planned.id, token)
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
        sampling: SamplingParams::default(),
        stop: StopCondition { token_ids: vec![7], max_tokens },
    }
}

const FREE: Counter = Counter { gate: None, panic_at: None };

#[tokio::test]
async fn a_request_ends_by_length_or_by_stop_token() {
    let engine = engine(FREE, 4, 4);
    let events: Vec<_> = engine.submit(request(2, 3)).expect("taken").collect().await;
    let tokens = |ids: &[u32]| ids.iter().map(|id| TokenEvent::Token(*id)).collect::<Vec<_>>();
    assert_eq!(events[..3], tokens(&[2, 3, 4]));
    assert_eq!(events[3..], [TokenEvent::Finished(FinishReason::Length)]);
    let events: Vec<_> = engine.submit(request(6, 50)).expect("taken").collect().await;
    assert_eq!(events[..2], tokens(&[6, 7]));
    assert_eq!(events[2..], [TokenEvent::Finished(FinishReason::Stop)]);
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
    assert_eq!(first.count().await, 3);
    assert_eq!(second.count().await, 3);
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
    assert!(matches!(dropped.next().await, Some(TokenEvent::Token(_))));
    drop(dropped);
    drop(permits);
    assert_eq!(kept.count().await, 5);
    let stats = engine.wait_for(|stats| stats.running == 0).await.expect("alive");
    assert_eq!(stats.free_blocks, stats.total_blocks);
    assert!(stats.generated_tokens < 10, "the dropped sequence went on: {stats:?}");
    assert!(engine.submit(request(1, 1)).is_ok());
}

#[tokio::test]
async fn a_panic_fails_requests_and_engine_but_hangs_nobody() {
    let engine = engine(Counter { gate: None, panic_at: Some(5) }, 4, 4);
    let events: Vec<_> = engine.submit(request(4, 9)).expect("taken").collect().await;
    assert_eq!(events, [TokenEvent::Token(4), TokenEvent::Failed(EngineError::Failed)]);
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
