//! The reader's queue and its batches, with something simple in the model's place.

use super::*;

fn input(tokens: &[u32]) -> SequenceInput {
    SequenceInput { tokens: tokens.to_vec(), token_types: Vec::new() }
}

/// A reader that says of each sequence its sum and how many sequences were read with it.
fn start(budget: usize, gate: Option<mpsc::Receiver<()>>) -> ReaderHandle {
    let read = move |batch: &PackedBatch| {
        if let Some(gate) = &gate {
            let _ = gate.recv();
        }
        let sum = |rows: &std::ops::Range<usize>| batch.tokens[rows.clone()].iter().sum::<u32>();
        assert!(batch.tokens.iter().all(|token| *token != 666), "the model's own failure");
        batch.sequences.iter().map(|rows| vec![sum(rows) as f32, batch.sequences.len() as f32]).collect()
    };
    start_reader("test", read, budget, 8).expect("a thread")
}

fn first(outputs: &SequenceOutputs) -> Vec<f32> {
    outputs.iter().map(|output| output[0]).collect()
}

#[tokio::test]
async fn outputs_come_in_the_order_of_their_inputs() {
    let reader = start(4, None);
    let inputs = vec![input(&[1]), input(&[2, 3]), input(&[4, 5, 6, 7, 8]), input(&[9]), input(&[10, 11])];
    let outputs = reader.submit(inputs).expect("taken").finish().await.expect("read");
    assert_eq!(first(&outputs), [1.0, 5.0, 30.0, 9.0, 21.0]);
    assert_eq!(outputs.iter().map(|output| output[1]).collect::<Vec<_>>(), [2.0, 2.0, 1.0, 2.0, 2.0]);
    assert_eq!(reader.submit(Vec::new()).expect("taken").finish().await.expect("read"), SequenceOutputs::new());
    reader.shutdown(Duration::from_secs(9)).await;
    assert_eq!(reader.status(), EngineStatus::Stopped);
    assert_eq!(reader.submit(vec![input(&[1])]).err(), Some(SubmitError::ShuttingDown));
}

#[tokio::test]
async fn a_short_request_does_not_wait_behind_a_long_one() {
    let (open, gate) = mpsc::channel();
    let reader = start(2, Some(gate));
    let mut long = Box::pin(reader.submit(vec![input(&[1, 1]); 20]).expect("taken").finish());
    let short = reader.submit(vec![input(&[7])]).expect("taken");
    // Three steps are enough for the short one, whenever it was seen first.
    for _ in 0..3 {
        open.send(()).expect("reading");
    }
    assert_eq!(first(&short.finish().await.expect("read")), [7.0]);
    tokio::select! {
        biased;
        _ = long.as_mut() => panic!("read too soon"),
        () = std::future::ready(()) => {}
    }
    drop(open);
    assert_eq!(first(&long.await.expect("read")), [2.0; 20]);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_and_a_failure_ends_the_model_only() {
    let reader = start(4, None);
    assert_eq!(reader.submit(vec![input(&[])]).err(), Some(SubmitError::EmptyPrompt));
    let too_long = reader.submit(vec![input(&[1; 9])]).err();
    assert_eq!(too_long, Some(SubmitError::TooLong { num_tokens: 9, max_context: 8 }));
    let full = reader.submit(vec![input(&[1; 8]); MAX_QUEUED_TOKENS / 8 + 1]).err();
    assert_eq!(full, Some(SubmitError::QueueFull { capacity: MAX_QUEUED_TOKENS }));
    let failing = reader.submit(vec![input(&[666])]).expect("taken");
    assert_eq!(failing.finish().await.err(), Some(EngineError::Failed));
    assert_eq!(reader.status(), EngineStatus::Failed);
    assert_eq!(reader.submit(vec![input(&[1])]).err(), Some(SubmitError::Failed));
}
